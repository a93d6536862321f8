import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { Channel, DeliveryAnswer, OutgoingMessage } from '../../../domain/notices/channel.ts';
import { Secret } from '../../../kernel/secret.ts';
import { SECOND, type Millis } from '../../../kernel/time.ts';
import type { Config } from '../../../platform/config/config.ts';
import { PublicUrl } from '../../../platform/config/public-url.ts';
import { CONFIG } from '../../../platform/config/token.ts';
import { AllowedPeers } from '../../../platform/http/addresses.rules.ts';
import { retryAfter } from '../../../platform/http/answer-table.rules.ts';
import { Outbound } from '../../../platform/http/outbound.ts';

const TIMEOUT = 15 * SECOND;
const MOST_BYTES = 64 * 1024;

/** What of a chat's incoming webhook is its own. */
export interface WebhookForm {
  /** As it is called in an answer. */
  name: string;
  /** Whether a URL is one that the chat itself gives out. */
  isTheirs(url: URL): boolean;
  /** Whether the path is one of such a webhook: asked of receivers inside the house that speak like it. */
  isLike(path: string): boolean;
  /** The message as it is posted. `links` are those to our own pages in it. */
  body(message: OutgoingMessage, links: readonly string[]): unknown;
  /** What a 2xx says, where its status alone is no answer. */
  meaning(status: number, text: string): 'accepted' | 'refused' | 'retry' | 'unknown';
}

/**
 * A chat that is written to by its incoming webhook, and receivers inside the house that speak like it, where the operator
 * let their exact host and port through. The address is a secret: whoever has it may write there.
 */
@Injectable()
export abstract class IncomingWebhookChannel implements Channel {
  abstract readonly key: string;
  abstract readonly title: string;
  protected abstract readonly form: WebhookForm;
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
    if (url.protocol === 'https:' && this.form.isTheirs(url)) return true;
    const port = url.port || (url.protocol === 'https:' ? 443 : 80);
    return this.#allowed.has(url.hostname, port) && this.form.isLike(url.pathname);
  }

  /** Whoever has the rest may write there. Two addresses never look the same. */
  shown(address: string): string {
    const url = webhookUrl(address);
    const mark = createHash('sha256').update(address).digest('hex').slice(0, 8);
    return `${url?.protocol ?? ''}//${url?.host ?? ''}/… (${mark})`;
  }

  async send(
    message: OutgoingMessage,
    call: { signal: AbortSignal; now(): Millis },
  ): Promise<DeliveryAnswer> {
    const { name, body, meaning } = this.form;
    if (!this.accepts(message.to))
      return { outcome: 'refused', peerAnswer: `the address is no webhook of ${name}` };
    const links = ownLinks(message.text, this.publicUrl.get());
    return postTo(this.outbound, message.to, body(message, links), call, meaning);
  }
}

/** The URL of an address, where it is one that a webhook may have; undefined otherwise. */
function webhookUrl(address: string): URL | undefined {
  if (address.length > 2000 || /[\s\p{Cc}]/u.test(address) || !URL.canParse(address)) return undefined;
  const url = new URL(address);
  const plain = url.username === '' && url.password === '' && url.hash === '';
  return plain && (url.protocol === 'https:' || url.protocol === 'http:') ? url : undefined;
}

/** Posts one message to an incoming webhook. `meaning` reads what a 2xx says, where its status alone is no answer. */
async function postTo(
  outbound: Outbound,
  address: string,
  body: unknown,
  call: { signal: AbortSignal; now(): Millis },
  meaning: (status: number, text: string) => 'accepted' | 'refused' | 'retry' | 'unknown',
): Promise<DeliveryAnswer> {
  const url = webhookUrl(address);
  if (!url) return { outcome: 'refused', peerAnswer: 'the address is no webhook of this channel' };
  const answer = await outbound.request({
    method: 'POST',
    url: url.href,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    timeout: TIMEOUT,
    maxBytes: MOST_BYTES,
    signal: call.signal,
    secrets: [Secret.of(address), Secret.of(`${url.pathname}${url.search}`)],
  });
  if (!answer.ok) {
    const peerAnswer = answer.why.slice(0, 500);
    return answer.sent ? { outcome: 'unknown', peerAnswer } : { outcome: 'retry', peerAnswer };
  }
  const peerAnswer = `${answer.status} ${answer.record.extract}`.trim().slice(0, 500);
  const { status } = answer;
  if (status >= 200 && status <= 299)
    return { outcome: meaning(status, answer.body.toString('utf8').trim()), peerAnswer };
  if (status === 429 || status === 408 || status >= 500) {
    const after = retryAfter(answer.headers, call.now());
    return { outcome: 'retry', peerAnswer, ...(after === undefined ? {} : { after }) };
  }
  // A redirect is no answer of this webhook, and what it would take elsewhere is not ours to send there.
  return { outcome: 'refused', peerAnswer };
}

/** A text in pieces of at most `most` characters, cut at line ends where there are some. */
export function pieces(text: string, most: number, limit: number): string[] {
  const found: string[] = [];
  let rest = text.replaceAll('\r\n', '\n').trim();
  while (rest.length > most && found.length < limit - 1) {
    const line = rest.lastIndexOf('\n', most);
    const at = line > most / 2 ? line : most;
    // Never between the halves of one character.
    const cut = /[\ud800-\udbff]/.test(rest[at - 1] ?? '') ? at - 1 : at;
    found.push(rest.slice(0, cut));
    rest = rest.slice(cut).replace(/^\n/, '');
  }
  found.push(rest.length > most ? `${rest.slice(0, most - 1).toWellFormed()}…` : rest);
  return found.filter((one) => one.trim() !== '');
}

/** One line, as a heading takes it. */
export function oneLine(text: string, most: number): string {
  const line = text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
  return line.length > most ? `${line.slice(0, most - 1).toWellFormed()}…` : line;
}

/** Addresses of this installation in a text: the only ones that are made into links. */
function ownLinks(text: string, publicUrl: string): string[] {
  return [...new Set(text.split(/\s+/).filter((word) => word.startsWith(`${publicUrl}/`)))];
}
