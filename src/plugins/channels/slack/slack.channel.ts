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

const HOSTS = new Set(['hooks.slack.com', 'hooks.slack-gov.com']);
/** Characters in one section block, with room for what escaping adds (Slack: 3,000). */
const SECTION = 2500;
/** Of the 50 blocks that a message may have. */
const MOST_SECTIONS = 20;

/**
 * Slack's incoming webhooks, and receivers inside the house that speak like them, where the operator let their exact
 * host and port through. The address is a secret: whoever has it may write there.
 */
@Injectable()
export class SlackChannel implements Channel {
  readonly key = 'slack';
  readonly title = 'Slack';
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
    if (url.protocol === 'https:' && url.port === '' && HOSTS.has(url.hostname))
      return /^\/(services|workflows|triggers)\/[A-Za-z0-9_/-]+$/.test(url.pathname);
    const port = url.port || (url.protocol === 'https:' ? 443 : 80);
    return this.#allowed.has(url.hostname, port) && url.pathname.includes('/services/');
  }

  shown(address: string): string {
    return shownUrl(address);
  }

  async send(
    message: OutgoingMessage,
    call: { signal: AbortSignal; now(): Millis },
  ): Promise<DeliveryAnswer> {
    if (!this.accepts(message.to))
      return { outcome: 'refused', peerAnswer: 'the address is no webhook of Slack' };
    return postTo(this.outbound, message.to, this.#body(message), call, (_status, text) => {
      if (text === 'ok' || text === '') return 'accepted';
      // Slack says what went wrong in words like no_text, whatever the status.
      return /^[a-z_]{3,60}$/.test(text) ? 'refused' : 'unknown';
    });
  }

  #body(message: OutgoingMessage) {
    const subject = oneLine(message.subject, 150);
    const links = new Map(ownLinks(message.text, this.publicUrl.get()).map((url) => [escaped(url), url]));
    const section = (text: string) => ({
      type: 'section',
      // Verbatim: no name or channel that stands in a text calls anybody.
      text: { type: 'mrkdwn', verbatim: true, text: linked(escaped(text), links) },
    });
    return {
      text: escaped(subject),
      unfurl_links: false,
      unfurl_media: false,
      blocks: [
        { type: 'header', text: { type: 'plain_text', emoji: false, text: subject } },
        ...pieces(message.text, SECTION, MOST_SECTIONS).map(section),
        {
          type: 'context',
          elements: [{ type: 'plain_text', emoji: false, text: message.messageId.slice(0, 200) }],
        },
      ],
    };
  }
}

/** The three characters that Slack gives a meaning. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function linked(text: string, links: ReadonlyMap<string, string>): string {
  return text
    .split(/(\s+)/)
    .map((word) => (links.has(word) ? `<${word}>` : word))
    .join('');
}
