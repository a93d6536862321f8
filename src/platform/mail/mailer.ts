import MailComposer from 'nodemailer/lib/mail-composer';
import { errorText } from '../../kernel/errors.ts';
import { SECOND } from '../../kernel/time.ts';
import type { Config } from '../config/config.ts';
import type { Outbound } from '../http/outbound.ts';
import { isMailAddress, oneLine } from './address.ts';
import { bounceAddress } from './bounce-address.ts';
import { NotTaken, SmtpPool } from './smtp-pool.ts';

export interface Mail {
  /** Without angle brackets; the same over every attempt, so that a double can be seen. */
  messageId: string;
  to: string;
  subject: string;
  text: string;
  html: string;
  language: string;
  /** Of the return path, where one is configured (`bounceAddress`): what comes back to it is about this mail. */
  bounceToken?: string;
}

export type MailAnswer =
  /** The server answered 250 after the whole message: it is theirs now (RFC 5321 section 4.2.5). */
  | { outcome: 'accepted'; peerAnswer: string }
  | { outcome: 'refused'; peerAnswer: string }
  | { outcome: 'retry'; peerAnswer: string }
  /** The whole message went out and no answer came back. */
  | { outcome: 'unknown'; peerAnswer: string };

const CONNECT_TIMEOUT = 5 * SECOND;
const ANSWER_TIMEOUT = 12 * SECOND;

/**
 * Sends one mail to one address over SMTP. Connections come from the guarded dialler and carry one message after another;
 * the envelope is stated and not read out of headers; nothing in a message can make the library read a file or a URL.
 */
export class Mailer {
  #pool: SmtpPool | undefined;

  constructor(
    private readonly config: Config,
    private readonly outbound: Outbound,
  ) {}

  get configured(): boolean {
    return this.config.smtpUrl !== undefined;
  }

  async send(mail: Mail, signal: AbortSignal): Promise<MailAnswer> {
    if (!this.config.smtpUrl)
      return { outcome: 'retry', peerAnswer: 'no mail server is configured: set COUNTERSIGN_SMTP_URL' };
    if (!isMailAddress(mail.to)) return { outcome: 'refused', peerAnswer: 'not a plain mail address' };
    if (signal.aborted) return { outcome: 'retry', peerAnswer: 'stopped before it was sent' };
    try {
      const info = await (this.#pool ??= this.#poolOf(this.config.smtpUrl)).send(
        {
          from: returnPath(mail, this.config),
          to: [mail.to],
          // Where the server can: what came to nothing later is told with this id (RFC 3461).
          dsn: {
            ret: 'HDRS',
            envid: mail.messageId,
            notify: ['FAILURE', 'DELAY'],
            orcpt: `rfc822;${mail.to}`,
          },
        },
        await compose(mail, this.config.mailFrom),
      );
      // What was written to is what is stored: anything else is our own bug, and not a delivery.
      if (info.accepted.length !== 1 || info.accepted[0] !== mail.to) {
        return {
          outcome: 'refused',
          peerAnswer: 'the server was given another recipient than the stored one',
        };
      }
      return { outcome: 'accepted', peerAnswer: oneLine(info.response ?? '250') };
    } catch (thrown) {
      return thrown instanceof NotTaken ? judge(thrown.cause, thrown.handedOver) : judge(thrown, false);
    }
  }

  /** Connections that nobody uses end with the process. */
  onApplicationShutdown(): void {
    this.#pool?.close();
  }

  #poolOf(smtpUrl: string): SmtpPool {
    const server = new URL(smtpUrl);
    const secure = server.protocol === 'smtps:';
    const port = Number(server.port || (secure ? 465 : 25));
    return new SmtpPool({
      options: {
        host: server.hostname,
        port,
        secure,
        name: 'countersign',
        connectionTimeout: CONNECT_TIMEOUT,
        greetingTimeout: CONNECT_TIMEOUT,
        socketTimeout: ANSWER_TIMEOUT,
      },
      auth: server.username
        ? { user: decodeURIComponent(server.username), pass: decodeURIComponent(server.password) }
        : undefined,
      dial: () => this.outbound.connect(server.hostname, port, { tls: false }),
    });
  }
}

/** What a failure means: 5yz is for good, 4yz and silence before the message are for later (RFC 5321 section 4.2.1). */
function judge(error: unknown, handedOver: boolean): MailAnswer {
  const code = (error as { responseCode?: number }).responseCode;
  const peerAnswer = oneLine((error as { response?: string }).response ?? errorText(error));
  if (code !== undefined && code >= 500) return { outcome: 'refused', peerAnswer };
  if (code !== undefined) return { outcome: 'retry', peerAnswer };
  return { outcome: handedOver ? 'unknown' : 'retry', peerAnswer };
}

function compose(mail: Mail, from: string): Promise<Buffer> {
  return new MailComposer({
    from,
    to: mail.to,
    subject: oneLine(mail.subject),
    text: mail.text,
    html: mail.html,
    messageId: `<${mail.messageId}>`,
    headers: {
      'Content-Language': mail.language,
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'OOF, AutoReply',
    },
    disableFileAccess: true,
    disableUrlAccess: true,
  })
    .compile()
    .build();
}

function returnPath({ bounceToken }: Mail, { mailBounce, mailFrom }: Config): string {
  return mailBounce !== undefined && bounceToken !== undefined
    ? bounceAddress(mailBounce, bounceToken)
    : senderAddress(mailFrom);
}

/** The address of `Name <address>` or of a bare address; the configuration's own, never a user's. */
function senderAddress(from: string): string {
  return /<([^<>]+)>$/.exec(from)?.[1] ?? from;
}
