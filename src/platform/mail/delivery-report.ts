import PostalMime, { type Email } from 'postal-mime';
import { oneLine } from './address.ts';

/** What a mail server says later of a message that one had taken (RFC 3464). */
export interface DeliveryReport {
  /** Of the message that was sent, without angle brackets; null where the report holds none of it. */
  messageId: string | null;
  recipients: ReportedRecipient[];
}

export interface ReportedRecipient {
  /** As it was sent to where the report says so, else where it ended up. Lower case. */
  address: string;
  action: 'failed' | 'delayed' | 'delivered';
  /** RFC 3463: `5.1.1`. */
  status: string;
  /** The peer's own words, one line. */
  why: string;
}

/** Bytes of a report; more is no report of a mail server. */
export const MOST_REPORT = 1024 * 1024;
const MOST_RECIPIENTS = 100;

/** A message that came to where bounces come to. */
export interface ReturnedMail {
  /** Where it came to, as far as it says so: the raw values of the headers that name it. */
  cameTo: string;
  /** The delivery status notification, where it is one that can be read. */
  report?: DeliveryReport;
  /**
   * What a mail server says in its own words, or in a report without usable fields; absent where a person wrote it, or a
   * machine for them (an absence note). It tells something only of a message that is known otherwise.
   */
  said?: Pick<ReportedRecipient, 'action' | 'status' | 'why'>;
}

/** Undefined: it does not parse, or is larger than any report; a hostile message costs no more than its bytes. */
export async function readReturnedMail(raw: Uint8Array): Promise<ReturnedMail | undefined> {
  if (raw.byteLength > MOST_REPORT) return undefined;
  let mail: Email;
  try {
    mail = await PostalMime.parse(raw, {
      forceRfc822Attachments: true,
      maxNestingDepth: 10,
      maxHeadersSize: 256 * 1024,
    });
  } catch {
    return undefined;
  }
  const cameTo = mail.headers
    .filter(({ key }) => CAME_TO.has(key))
    .map(({ value }) => value)
    .join('\n')
    .slice(0, 10_000);
  const type = mail.headers.find(({ key }) => key === 'content-type')?.value ?? '';
  const isReport = /^multipart\/report\b/i.test(type.trim());
  const report = isReport ? reportIn(mail) : undefined;
  // Other reports are about the reader (a receipt of reading, a complaint), and not about the way to them.
  const ofDelivery = isReport && /report-type\s*=\s*"?delivery-status\b/i.test(type);
  const said = !report && (ofDelivery || (!isReport && isFromMailServer(mail))) ? saidIn(mail) : undefined;
  return { cameTo, ...(report && { report }), ...(said && { said }) };
}

/**
 * Reads a delivery status notification. Undefined: it is none (an answer of a person, an absence note, junk), or it does
 * not parse.
 */
export async function readDeliveryReport(raw: Uint8Array): Promise<DeliveryReport | undefined> {
  return (await readReturnedMail(raw))?.report;
}

/** Headers that servers write on delivery, and the one that says whom it was written to. */
const CAME_TO = new Set(['delivered-to', 'x-original-to', 'envelope-to', 'x-envelope-to', 'to']);

function reportIn(mail: Email): DeliveryReport | undefined {
  const status = statusOf(mail);
  if (status === undefined) return undefined;
  const [message = [], ...groups] = fieldGroups(status);
  const recipients = groups.slice(0, MOST_RECIPIENTS).flatMap((group) => recipientOf(group) ?? []);
  if (recipients.length === 0) return undefined;
  const original = partOf(
    mail,
    'message/rfc822',
    'message/global',
    'text/rfc822-headers',
    'message/global-headers',
  );
  return { messageId: messageIdIn(original) ?? envelopeId(message) ?? null, recipients };
}

function statusOf(mail: Email): string | undefined {
  return partOf(mail, 'message/delivery-status', 'message/global-delivery-status');
}

function partOf(mail: Email, ...types: string[]): string | undefined {
  const found = mail.attachments.find(({ mimeType }) => types.includes(mimeType));
  return found && textOf(found.content);
}

/** The names that mail servers write under; an absence note has its owner's (RFC 3834 section 3.1). */
function isFromMailServer(mail: Email): boolean {
  const address = mail.from?.address ?? mail.from?.name ?? '';
  return /^(mailer-daemon|postmaster|mail-daemon)(@|$)/i.test(address.trim());
}

/** What may be taken from words: that it is for good, unless they say that it is only late. */
function saidIn(mail: Email): ReturnedMail['said'] {
  const words = `${mail.subject ?? ''}\n${(mail.text ?? '').slice(0, 20_000)}\n${statusOf(mail) ?? ''}`;
  const action = /^action:\s*(delayed|delivered|failed)\b/im.exec(words)?.[1]?.toLowerCase();
  const late =
    action === 'delayed' || (action === undefined && /delayed|still being retried/i.test(mail.subject ?? ''));
  const status = /\b[245]\.\d{1,3}\.\d{1,3}\b/.exec(words)?.[0];
  const why = words.split('\n').find((line) => /\b[45]\d\d\b|\b[45]\.\d{1,3}\.\d{1,3}\b/.test(line));
  return {
    action: late ? 'delayed' : action === 'delivered' ? 'delivered' : 'failed',
    status: status ?? (late ? '4.0.0' : '5.0.0'),
    why: oneLine(why ?? mail.subject ?? ''),
  };
}

type Fields = { name: string; value: string }[];

/** Groups of fields, parted by blank lines; a line that begins with a blank goes on with the one before. */
function fieldGroups(text: string): Fields[] {
  return text
    .replaceAll('\r\n', '\n')
    .split(/\n[ \t]*\n+/)
    .map((block) =>
      block
        .replaceAll(/\n[ \t]+/g, ' ')
        .split('\n')
        .flatMap((line) => {
          const colon = line.indexOf(':');
          return colon > 0
            ? [{ name: line.slice(0, colon).trim().toLowerCase(), value: line.slice(colon + 1).trim() }]
            : [];
        }),
    )
    .filter((fields) => fields.length > 0);
}

function recipientOf(fields: Fields): ReportedRecipient | undefined {
  const value = (name: string) => fields.find((one) => one.name === name)?.value ?? '';
  const address = addressIn(value('original-recipient')) || addressIn(value('final-recipient'));
  const action = ACTIONS[value('action').toLowerCase()];
  const status = /^([245])\.(\d{1,3})\.(\d{1,3})\b/.exec(value('status'))?.[0];
  if (!address || !action || status === undefined) return undefined;
  const why = oneLine(value('diagnostic-code').replace(/^[\w.-]+\s*;/, ''));
  return { address, action, status, why };
}

// "relayed" and "expanded" say that somebody else has it now: that is no delivery to anybody.
const ACTIONS: Readonly<Record<string, ReportedRecipient['action'] | undefined>> = Object.assign(
  Object.create(null),
  { failed: 'failed', delayed: 'delayed', delivered: 'delivered' },
);

/** `rfc822; security@x.example` */
function addressIn(value: string): string {
  const address = value.slice(value.indexOf(';') + 1).trim();
  return oneLine(address.replace(/^<(.*)>$/, '$1')).toLowerCase();
}

function messageIdIn(original: string | undefined): string | undefined {
  const head = original
    ?.replaceAll('\r\n', '\n')
    .split('\n\n', 1)[0]
    ?.replaceAll(/\n[ \t]+/g, ' ');
  return head && /^message-id:\s*<([^<>\s]{1,250})>\s*$/im.exec(head)?.[1];
}

/** What was given to the server as ENVID (RFC 3461 section 4.4): our message id. */
function envelopeId(fields: Fields): string | undefined {
  const given = fields.find(({ name }) => name === 'original-envelope-id')?.value;
  return given && /^<?([^<>\s]{1,250})>?$/.exec(given)?.[1];
}

function textOf(content: ArrayBuffer | Uint8Array | string): string {
  return typeof content === 'string' ? content : new TextDecoder().decode(content);
}
