import type { AddressInfo } from 'node:net';
import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import { until } from './app.ts';

export interface ReceivedMail {
  /** The sender of the envelope. */
  from: string;
  to: string[];
  messageId: string;
  subject: string;
  text: string;
  html: string;
  /** As it came over the wire. */
  raw: string;
}

export type Behaviour = 'accept' | 'refuse recipient' | 'busy' | 'hang up after the message' | 'hold';

/** A real mail server on loopback that a test tells how to behave, and that tells what it was given. */
export class MailServer {
  readonly received: ReceivedMail[] = [];
  /** Connections that were made to it. */
  connections = 0;
  /** How many of them were open at one time, at most. */
  atOnce = 0;
  readonly #server: SMTPServer;
  #how: Behaviour = 'accept';
  /** To single recipients. */
  readonly #to = new Map<string, Behaviour>();
  /** Answers that are held back while it is told to `hold`. */
  readonly #held: (() => void)[] = [];

  private constructor() {
    this.#server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS', 'AUTH'],
      logger: false,
      onConnect: (_session, done) => {
        this.connections++;
        this.atOnce = Math.max(this.atOnce, this.#server.connections.size);
        done();
      },
      onRcptTo: ({ address }, _session, done) => {
        const how = this.#to.get(address) ?? this.#how;
        if (how === 'refuse recipient')
          return done(Object.assign(new Error('no such mailbox'), { responseCode: 550 }));
        if (how === 'busy') return done(Object.assign(new Error('try later'), { responseCode: 451 }));
        return done();
      },
      onData: (stream, session, done) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          const raw = Buffer.concat(chunks);
          void PostalMime.parse(raw).then((mail) => {
            this.received.push({
              from: session.envelope.mailFrom === false ? '' : session.envelope.mailFrom.address,
              to: session.envelope.rcptTo.map((one) => one.address),
              messageId: mail.messageId ?? '',
              subject: mail.subject ?? '',
              text: mail.text ?? '',
              html: mail.html ?? '',
              raw: raw.toString('latin1'),
            });
            if (this.#how === 'hang up after the message')
              for (const one of this.#server.connections) one.close();
            else if (this.#how === 'hold') this.#held.push(() => done());
            else done();
          });
        });
      },
    });
    this.#server.on('error', () => {});
  }

  /** @param port where another one was before */
  static async start(port = 0): Promise<MailServer> {
    const one = new MailServer();
    await new Promise<void>((resolve) => one.#server.listen(port, '127.0.0.1', resolve));
    return one;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.server.address() as AddressInfo).port}`;
  }

  /** The newest mail to an address with such a subject, of those behind the first `after`, once it has come. */
  async letter(to: string, subject: RegExp, after = 0): Promise<ReceivedMail> {
    const found = () =>
      this.received.slice(after).findLast((one) => one.to.includes(to) && subject.test(one.subject));
    await until(() => found() !== undefined, `a mail to ${to}: ${subject}`);
    return found()!;
  }

  /** Ends every connection, as a server does with one that was idle for too long. */
  hangUp(): void {
    for (const one of this.#server.connections) one.close();
  }

  /** @param to only to this recipient */
  async behave(how: Behaviour | 'down', to?: string): Promise<void> {
    if (how === 'down') return this.close();
    if (to !== undefined) {
      this.#to.set(to, how);
      return;
    }
    this.#how = how;
    if (how !== 'hold') for (const answer of this.#held.splice(0)) answer();
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}
