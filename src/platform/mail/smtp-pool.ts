import { Readable } from 'node:stream';
import type { Socket } from 'node:net';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { SECOND, type Millis } from '../../kernel/time.ts';

/** Connections at once: what common mail servers allow one client. Further messages wait for one. */
const MOST = 16;
/** Messages over one connection: some servers end it themselves soon after. */
const MOST_MESSAGES = 100;
/** Milliseconds for which a connection that nobody needs is kept. */
const IDLE: Millis = SECOND;
/** Milliseconds that a message waits for a connection while all are in use. */
const PATIENCE: Millis = 5 * SECOND;

/** Why a message was not taken, and whether the whole of it had left when it broke. */
export class NotTaken extends Error {
  override readonly name = 'NotTaken';
  constructor(
    override readonly cause: unknown,
    readonly handedOver: boolean,
  ) {
    super('the mail server did not take the message');
  }
}

interface Line {
  smtp: SMTPConnection;
  connection: Socket;
  sent: number;
  over: boolean;
  timer?: NodeJS.Timeout;
}

export interface SmtpServer {
  options: SMTPConnection.Options;
  auth: { user: string; pass: string } | undefined;
  dial(): Promise<Socket>;
}

/**
 * Connections to one mail server, each used for one message after another: greeting, TLS and login are paid once. A kept
 * one may have been ended by the server in the meantime, so what breaks on it before the message left is sent once more,
 * over a new one.
 */
export class SmtpPool {
  readonly #idle: Line[] = [];
  readonly #waiting: (() => void)[] = [];
  #open = 0;

  constructor(private readonly server: SmtpServer) {}

  /** @throws NotTaken */
  async send(envelope: SMTPConnection.Envelope, message: Buffer): Promise<SMTPConnection.SentMessageInfo> {
    if (!(await this.#place())) throw new NotTaken(new Error('every connection is in use'), false);
    try {
      const kept = this.#idle.pop();
      if (kept) {
        try {
          return await this.#over(kept, envelope, message);
        } catch (thrown) {
          if (!(thrown instanceof NotTaken) || !wasTheLine(thrown)) throw thrown;
        }
      }
      return await this.#over(await this.#dialled(), envelope, message);
    } finally {
      this.#open -= 1;
      this.#waiting.shift()?.();
    }
  }

  /** Lets every connection that nobody uses go. */
  close(): void {
    for (const line of this.#idle.splice(0)) end(line);
  }

  async #place(): Promise<boolean> {
    if (this.#open >= MOST) {
      const free = await new Promise<boolean>((resolve) => {
        const mine = () => {
          clearTimeout(timer);
          resolve(true);
        };
        const timer = setTimeout(() => {
          this.#waiting.splice(this.#waiting.indexOf(mine), 1);
          resolve(false);
        }, PATIENCE);
        this.#waiting.push(mine);
      });
      if (!free) return false;
    }
    this.#open += 1;
    return true;
  }

  async #dialled(): Promise<Line> {
    let connection: Socket;
    try {
      connection = await this.server.dial();
    } catch (thrown) {
      throw new NotTaken(thrown, false);
    }
    const smtp = new SMTPConnection({ ...this.server.options, connection });
    const line: Line = { smtp, connection, sent: 0, over: false };
    for (const over of ['end', 'error']) smtp.on(over, () => this.#ended(line));
    const { auth } = this.server;
    try {
      await settled((done) => smtp.connect(done), smtp);
      if (auth && smtp.allowsAuth)
        await settled((done) => smtp.login({ credentials: auth }, (error) => done(error)), smtp);
    } catch (thrown) {
      end(line);
      throw new NotTaken(thrown, false);
    }
    return line;
  }

  async #over(
    line: Line,
    envelope: SMTPConnection.Envelope,
    message: Buffer,
  ): Promise<SMTPConnection.SentMessageInfo> {
    clearTimeout(line.timer);
    line.connection.ref();
    let handedOver = false;
    const body = Readable.from([message]);
    body.once('end', () => (handedOver = true));
    try {
      const info = await settled<SMTPConnection.SentMessageInfo>(
        (done) => line.smtp.send(envelope, body, done),
        line.smtp,
      );
      line.sent += 1;
      this.#keep(line);
      return info;
    } catch (thrown) {
      end(line);
      throw new NotTaken(thrown, handedOver);
    }
  }

  #keep(line: Line): void {
    if (line.over) return;
    if (line.sent >= MOST_MESSAGES) return end(line);
    line.timer = setTimeout(() => {
      this.#ended(line);
      end(line);
    }, IDLE).unref();
    // A connection that is only kept holds no process.
    line.connection.unref();
    this.#idle.push(line);
  }

  #ended(line: Line): void {
    line.over = true;
    clearTimeout(line.timer);
    const at = this.#idle.indexOf(line);
    if (at >= 0) this.#idle.splice(at, 1);
  }
}

/** Nothing of the message left, and the server had nothing against it: a connection that is no more, or wants to end (421). */
function wasTheLine({ cause, handedOver }: NotTaken): boolean {
  const code = (cause as { responseCode?: number }).responseCode;
  return !handedOver && (code === undefined || code === 421);
}

function end(line: Line): void {
  line.over = true;
  clearTimeout(line.timer);
  line.smtp.close();
}

/** The answer to one command; a connection that breaks answers with why. */
function settled<T = void>(
  ask: (done: (error?: Error | null, value?: T) => void) => void,
  smtp: SMTPConnection,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const broke = (error: Error) => reject(error);
    smtp.once('error', broke);
    ask((error, value) => {
      smtp.off('error', broke);
      if (error) reject(error);
      else resolve(value as T);
    });
  });
}
