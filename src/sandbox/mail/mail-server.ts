import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import PostalMime from 'postal-mime';
import type { Email } from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import type { SMTPServerAddress, SMTPServerDataStream, SMTPServerSession } from 'smtp-server';
import type { Fault, Faults } from '../ground/faults.ts';
import { Journal } from '../ground/journal.ts';

/** A message as the server took it. */
export interface MailEntry {
  id: string;
  /** UTC milliseconds. */
  receivedAt: number;
  envelope: { from: string; to: string[] };
  messageId: string | null;
  subject: string;
  bytes: number;
  /** False when the connection was cut before the sender heard of it. */
  answered: boolean;
}
/** A try that the server refused. */
export interface MailRefusal {
  at: number;
  from: string;
  to: string[];
  code: number;
}
export interface ReadMail extends MailEntry {
  text: string;
  html: string;
  headers: { key: string; value: string }[];
  /** The message as it came. */
  raw: string;
}
export interface MailTruth {
  messages: MailEntry[];
  refusals: MailRefusal[];
}

type MailRecord = { t: 'mail'; mail: MailEntry; raw: string } | { t: 'refused'; refusal: MailRefusal };

const MAX_MESSAGE_BYTES = 2 * 1024 * 1024;
const KEEP_MESSAGES = 20_000;
const KEEP_REFUSALS = 20_000;

/**
 * A mail server that takes mail for everybody. A message counts as taken only when it is on disk; a message whose
 * sender never hears of it (`accept_then_drop`) is in the mailbox all the same, as happens in the world.
 */
export class MailServer {
  private readonly messages = new Map<string, { mail: MailEntry; raw: Buffer }>();
  private readonly boxes = new Map<string, MailEntry[]>();
  private readonly refusals: MailRefusal[] = [];
  private readonly arrivals = new EventEmitter();
  private journal: Journal<MailRecord>;
  private server: SMTPServer | null = null;
  private port = 0;
  private changing: Promise<void> = Promise.resolve();
  private closed = false;

  private constructor(private readonly faults: Faults) {}

  static async open(dir: string, faults: Faults): Promise<MailServer> {
    const server = new MailServer(faults);
    server.journal = await Journal.open<MailRecord>(join(dir, 'mail.jsonl'), {
      replay: (record) => server.apply(record),
      maxBytes: 2 * 1024 * 1024 * 1024,
    });
    return server;
  }

  /** @returns the port; another than the preferred one when somebody else has that */
  async listen(preferredPort: number): Promise<number> {
    try {
      await this.start(preferredPort);
    } catch (error) {
      if (preferredPort === 0 || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      await this.start(0);
    }
    this.faults.onChange(() => this.follow());
    await this.follow();
    return this.port;
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.follow();
    await this.journal.close();
  }

  /** Called with each message once it is on disk. */
  onMail(listener: (mail: MailEntry) => void): void {
    this.arrivals.on('mail', listener);
  }

  truth(): MailTruth {
    return { messages: [...this.messages.values()].map((m) => m.mail), refusals: this.refusals };
  }

  mailboxes(): { address: string; messages: number }[] {
    return [...this.boxes].map(([address, mails]) => ({ address, messages: mails.length }));
  }

  mailbox(address: string): MailEntry[] {
    return [...(this.boxes.get(address.toLowerCase()) ?? [])];
  }

  async read(id: string): Promise<ReadMail | null> {
    const found = this.messages.get(id);
    if (!found) return null;
    const email = await parse(found.raw);
    return {
      ...found.mail,
      text: email?.text ?? '',
      html: email?.html ?? '',
      headers: (email?.headers ?? []).map(({ key, value }) => ({ key, value })),
      raw: found.raw.toString('utf8'),
    };
  }

  private async start(port: number): Promise<void> {
    const server = new SMTPServer({
      name: 'mail.outside.test',
      banner: 'mailboxes of the outside world',
      disabledCommands: ['AUTH', 'STARTTLS'],
      authOptional: true,
      disableReverseLookup: true,
      size: MAX_MESSAGE_BYTES,
      maxClients: 200,
      socketTimeout: 60_000,
      closeTimeout: 100,
      onMailFrom: (_address, session, next) => {
        // Each transaction of a connection is judged anew.
        faultOf.delete(session);
        next();
      },
      onRcptTo: (address, session, next) => this.judge(address, session, next),
      onData: (stream, session, next) => {
        void this.take(stream, session).then(...both(next));
      },
    });
    await new Promise<void>((done, failed) => {
      server.once('error', failed);
      server.listen(port, '127.0.0.1', () => {
        server.off('error', failed);
        done();
      });
    });
    // Of single connections: a client that hangs up.
    server.on('error', () => undefined);
    this.server = server;
    this.port = (server.server.address() as AddressInfo).port;
  }

  private follow(): Promise<void> {
    this.changing = this.change(this.changing);
    return this.changing;
  }

  private async change(before: Promise<void>): Promise<void> {
    await before;
    const wanted = !this.closed && !this.faults.isDown('mail');
    if (wanted === (this.server !== null)) return;
    if (wanted) {
      await this.start(this.port).catch((error: Error) => console.error(`mail: ${error.message}`));
      return;
    }
    const server = this.server;
    this.server = null;
    if (!server) return;
    for (const connection of server.connections as Iterable<Connection>) connection['_socket']?.destroy();
    await new Promise<void>((done) => {
      server.close(done);
    });
  }

  private judge(
    recipient: SMTPServerAddress,
    session: SMTPServerSession,
    next: (error?: Error | null) => void,
  ): void {
    const address = recipient.address.toLowerCase();
    const fault = this.faults.take('mail', { address });
    if (!fault) return next();
    if (fault.kind !== 'tempfail' && fault.kind !== 'reject') {
      faultOf.set(session, fault);
      return next();
    }
    const code = fault.status ?? (fault.kind === 'reject' ? 550 : 451);
    const from = session.envelope.mailFrom ? session.envelope.mailFrom.address.toLowerCase() : '';
    const text = fault.kind === 'reject' ? 'No such mailbox here' : 'Try again later';
    const refused = this.write({ t: 'refused', refusal: { at: Date.now(), from, to: [address], code } });
    void refused.then(() => refusal(code, text)).then(...both(next));
  }

  /** @returns what to answer, or null when there is nobody left to answer */
  private async take(
    stream: SMTPServerDataStream,
    session: SMTPServerSession,
  ): Promise<Error | string | null> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes <= MAX_MESSAGE_BYTES) chunks.push(chunk);
    }
    if (stream.sizeExceeded || bytes > MAX_MESSAGE_BYTES) return refusal(552, 'Message too large');
    const fault = faultOf.get(session);
    if (fault?.kind === 'slow') await delay(fault.delayMs ?? 2_000, undefined, { ref: false });
    const raw = Buffer.concat(chunks);
    const email = await parse(raw);
    const dropped = fault?.kind === 'accept_then_drop';
    const mail: MailEntry = {
      id: randomUUID(),
      receivedAt: Date.now(),
      envelope: {
        from: session.envelope.mailFrom ? session.envelope.mailFrom.address.toLowerCase() : '',
        to: session.envelope.rcptTo.map((to) => to.address.toLowerCase()),
      },
      messageId: email?.messageId ?? null,
      subject: (email?.subject ?? '').slice(0, 500),
      bytes,
      answered: !dropped,
    };
    await this.write({ t: 'mail', mail, raw: raw.toString('base64') });
    this.arrivals.emit('mail', mail);
    if (!dropped) return `OK: kept as ${mail.id}`;
    this.cut(session);
    return null;
  }

  private cut(session: SMTPServerSession): void {
    for (const connection of (this.server?.connections ?? []) as Iterable<Connection>) {
      if (connection.session?.id === session.id) connection['_socket']?.destroy();
    }
  }

  private async write(record: MailRecord): Promise<void> {
    await this.journal.append(record);
    this.apply(record);
  }

  private forget(id: string): void {
    const mail = this.messages.get(id)?.mail;
    this.messages.delete(id);
    for (const to of mail?.envelope.to ?? []) {
      this.boxes.set(
        to,
        this.mailbox(to).filter((entry) => entry.id !== id),
      );
    }
  }

  private apply(record: MailRecord): void {
    if (record.t === 'refused') {
      this.refusals.push(record.refusal);
      if (this.refusals.length > KEEP_REFUSALS) this.refusals.shift();
      return;
    }
    this.messages.set(record.mail.id, { mail: record.mail, raw: Buffer.from(record.raw, 'base64') });
    for (const to of new Set(record.mail.envelope.to)) {
      const box = this.boxes.get(to);
      if (box) box.push(record.mail);
      else this.boxes.set(to, [record.mail]);
    }
    const oldest = this.messages.size > KEEP_MESSAGES ? this.messages.keys().next().value : undefined;
    if (oldest !== undefined) this.forget(oldest);
  }
}

/** What was decided at RCPT for the DATA that follows. */
const faultOf = new WeakMap<SMTPServerSession, Fault>();

interface Connection {
  session?: { id: string };
  _socket?: { destroy(): void };
}

/** Answers once the promise it is given to has settled. */
function both(
  next: (error?: Error | null, message?: string) => void,
): [(answer: Error | string | null) => void, (error: Error) => void] {
  return [
    (answer) => {
      if (answer instanceof Error) next(answer);
      else if (answer !== null) next(null, answer);
    },
    (error) => next(refusal(451, error.message)),
  ];
}

const refusal = (code: number, text: string): Error => Object.assign(new Error(text), { responseCode: code });

async function parse(raw: Buffer): Promise<Email | null> {
  try {
    return await PostalMime.parse(raw);
  } catch {
    return null;
  }
}
