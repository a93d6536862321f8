import { Inject, Injectable } from '@nestjs/common';
import type { Channel, DeliveryAnswer, OutgoingMessage } from '../../../domain/notices/channel.ts';
import type { Millis } from '../../../kernel/time.ts';
import type { Config } from '../../../platform/config/config.ts';
import { PublicUrl } from '../../../platform/config/public-url.ts';
import { CONFIG } from '../../../platform/config/token.ts';
import { AllowedPeers } from '../../../platform/http/addresses.rules.ts';
import { Outbound } from '../../../platform/http/outbound.ts';
import {
  oneLine,
  ownLinks,
  pieces,
  postTo,
  shownUrl,
  webhookUrl,
} from '../../vendors/incoming-webhook/incoming-webhook.ts';

/** Workflows (Power Automate), and the connectors that they replace. */
const HOSTS = /\.(logic\.azure\.com|environment\.api\.powerplatform\.com|webhook\.office\.com)$/;
/** Characters of text, so that the card stays under Teams' 28 kB whatever the script. */
const MOST_TEXT = 6000;
const RUN = 1500;

/** Microsoft Teams by the incoming webhook of a workflow, as an adaptive card. The address is a secret. */
@Injectable()
export class TeamsChannel implements Channel {
  readonly key = 'teams';
  readonly title = 'Microsoft Teams';
  readonly #allowed: AllowedPeers;

  constructor(
    private readonly outbound: Outbound,
    private readonly publicUrl: PublicUrl,
    @Inject(CONFIG) config: Config,
  ) {
    this.#allowed = new AllowedPeers(config.outboundAllow);
  }

  accepts(address: string): boolean {
    const url = webhookUrl(address);
    if (!url) return false;
    const port = url.port || (url.protocol === 'https:' ? 443 : 80);
    const theirs = url.protocol === 'https:' && HOSTS.test(url.hostname);
    return (
      (theirs || this.#allowed.has(url.hostname, port)) &&
      /\/(workflows|webhookb2|powerautomate)\//.test(url.pathname)
    );
  }

  shown(address: string): string {
    return shownUrl(address);
  }

  async send(
    message: OutgoingMessage,
    call: { signal: AbortSignal; now(): Millis },
  ): Promise<DeliveryAnswer> {
    if (!this.accepts(message.to))
      return { outcome: 'refused', peerAnswer: 'the address is no webhook of Teams' };
    return postTo(this.outbound, message.to, this.#body(message), call, (_status, text) =>
      // The connectors answer 200 for what Teams did not take, and say so in words.
      /^Webhook message delivery failed|HTTP error 4(13|29)/i.test(text) ? 'retry' : 'accepted',
    );
  }

  #body(message: OutgoingMessage) {
    // Text runs are shown as they are: a text block would read them as Markdown, with links of anybody's making.
    const runs = (text: string, more: object = {}) => ({
      type: 'RichTextBlock',
      inlines: [{ type: 'TextRun', text, ...more }],
    });
    const links = ownLinks(message.text, this.publicUrl.get()).slice(0, 3);
    return {
      type: 'message',
      attachments: [
        {
          contentType: 'application/vnd.microsoft.card.adaptive',
          contentUrl: null,
          content: {
            $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
            type: 'AdaptiveCard',
            version: '1.4',
            lang: message.language,
            msteams: { width: 'Full' },
            body: [
              runs(oneLine(message.subject, 200), { weight: 'Bolder', size: 'Medium' }),
              ...pieces(message.text, RUN, MOST_TEXT / RUN).map((text) => runs(text)),
              runs(message.messageId.slice(0, 200), { isSubtle: true, size: 'Small' }),
            ],
            actions: links.map((url) => ({ type: 'Action.OpenUrl', title: 'Open', url })),
          },
        },
      ],
    };
  }
}
