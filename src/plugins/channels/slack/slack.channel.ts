import { Injectable } from '@nestjs/common';
import {
  IncomingWebhookChannel,
  oneLine,
  pieces,
  type WebhookForm,
} from '../../vendors/incoming-webhook/incoming-webhook.ts';

const HOSTS = new Set(['hooks.slack.com', 'hooks.slack-gov.com']);
/** Characters in one section block, with room for what escaping adds (Slack: 3,000). */
const SECTION = 2500;
/** Of the 50 blocks that a message may have. */
const MOST_SECTIONS = 20;

const FORM: WebhookForm = {
  name: 'Slack',
  isTheirs: (url) =>
    url.port === '' &&
    HOSTS.has(url.hostname) &&
    /^\/(services|workflows|triggers)\/[A-Za-z0-9_/-]+$/.test(url.pathname),
  isLike: (path) => path.includes('/services/'),
  meaning: (_status, text) => {
    if (text === 'ok' || text === '') return 'accepted';
    // Slack says what went wrong in words like no_text, whatever the status.
    return /^[a-z_]{3,60}$/.test(text) ? 'refused' : 'unknown';
  },
  body: (message, ours) => {
    const subject = oneLine(message.subject, 150);
    const links = new Map(ours.map((url) => [escaped(url), url]));
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
  },
};

/** Slack, by its incoming webhooks. */
@Injectable()
export class SlackChannel extends IncomingWebhookChannel {
  readonly key = 'slack';
  readonly title = 'Slack';
  protected readonly form = FORM;
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
