import { Injectable } from '@nestjs/common';
import {
  IncomingWebhookChannel,
  oneLine,
  pieces,
  type WebhookForm,
} from '../../vendors/incoming-webhook/incoming-webhook.ts';

/** Workflows (Power Automate), and the connectors that they replace. */
const HOSTS = /\.(logic\.azure\.com|environment\.api\.powerplatform\.com|webhook\.office\.com)$/;
/** Characters of text, so that the card stays under Teams' 28 kB whatever the script. */
const MOST_TEXT = 6000;
const RUN = 1500;

const PATH = /\/(workflows|webhookb2|powerautomate)\//;

const FORM: WebhookForm = {
  name: 'Teams',
  isTheirs: (url) => HOSTS.test(url.hostname) && PATH.test(url.pathname),
  isLike: (path) => PATH.test(path),
  // The connectors answer 200 for what Teams did not take, and say so in words.
  meaning: (_status, text) =>
    /^Webhook message delivery failed|HTTP error 4(13|29)/i.test(text) ? 'retry' : 'accepted',
  body: (message, links) => {
    // Text runs are shown as they are: a text block would read them as Markdown, with links of anybody's making.
    const runs = (text: string, more: object = {}) => ({
      type: 'RichTextBlock',
      inlines: [{ type: 'TextRun', text, ...more }],
    });
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
            actions: links.slice(0, 3).map((url) => ({ type: 'Action.OpenUrl', title: 'Open', url })),
          },
        },
      ],
    };
  },
};

/** Microsoft Teams by the incoming webhook of a workflow, as an adaptive card. */
@Injectable()
export class TeamsChannel extends IncomingWebhookChannel {
  readonly key = 'teams';
  readonly title = 'Microsoft Teams';
  protected readonly form = FORM;
}
