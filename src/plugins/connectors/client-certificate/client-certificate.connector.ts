import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type {
  Abilities,
  Call,
  Capability,
  Connector,
  Exchange,
  ProbeAnswer,
  Revocability,
  RevokeAnswer,
  SessionsAnswer,
  Target,
} from '../../../domain/revocation/connector.ts';
import type { Secret } from '../../../kernel/secret.ts';
import { SECOND } from '../../../kernel/time.ts';
import { DialError } from '../../../platform/http/dialler.ts';
import { Outbound } from '../../../platform/http/outbound.ts';
import { readPem } from '../../../platform/http/client-certificate.ts';
import { secureOver } from '../../../platform/http/secure-over.ts';
import { judgeShown, weigh, type Shown, type Weighed } from './handshake.rules.ts';

const TIMEOUT = 15 * SECOND;
/** Of an answer, as much as its status line needs. */
const MAX_BYTES = 4096;

const verifierUrl = z
  .url({ protocol: /^https$/ })
  .refine((text) => !URL.canParse(text) || (new URL(text).username === '' && new URL(text).hash === ''), {
    message: 'must be an https address without user and fragment',
  });

export const clientCertificateSettings = z.strictObject({
  /** Besides the base URL: every other system that trusts the certificate, each with an address that answers GET. */
  otherVerifiers: z.array(verifierUrl).max(20).default([]),
  /** Which of our own secrets at the supplier is the certificate that is in use, with its key. */
  inUse: z
    .string()
    .regex(/^\{auth\.[a-z][a-z0-9_]*\}$/, 'must name a secret, like {auth.certificate_in_use}'),
  /** Authorities of the verifiers' own certificates, as PEM, where they are not public ones. */
  verifierAuthorities: z.string().max(100_000).optional(),
  /** What a verifier answers that takes the connection and refuses the certificate afterwards. */
  refusedWith: z.array(z.int().min(400).max(499)).default([401, 403, 495, 496]),
  /** What a person has to do so that verifiers stop trusting it. */
  instructions: z.string().min(1).max(2000),
});

export type ClientCertificateSettings = z.infer<typeof clientCertificateSettings>;

/**
 * A certificate that a client shows. It dies at each verifier's trust store, not at its authority: it is shown to every
 * verifier, and beside it the one that is in use, whose acceptance shows that the refusal is about the certificate. The
 * value is its private key and its chain, as PEM, in one text.
 */
@Injectable()
export class ClientCertificateConnector implements Connector<ClientCertificateSettings> {
  readonly key = 'client-certificate';
  readonly title = 'Client certificate, shown to each verifier';
  readonly settings = clientCertificateSettings;
  readonly capabilities: readonly Capability[] = ['probe', 'endSessions'];

  constructor(private readonly outbound: Outbound) {}

  revocability(): Revocability {
    return 'manual';
  }

  abilities(): Abilities {
    return { revoke: 'no', probe: 'value', ownAuthentication: true, endSessions: true, issue: 'no' };
  }

  revoke(target: Target<ClientCertificateSettings>): Promise<RevokeAnswer> {
    return Promise.resolve({ outcome: 'manual', instructions: target.settings.instructions });
  }

  async probe(target: Target<ClientCertificateSettings>, call: Call): Promise<ProbeAnswer> {
    if (!target.value)
      return { verdict: 'indeterminate', why: 'the certificate with its key is not at hand', exchange: null };
    return this.#show(target, target.value, inUseOf(target), call);
  }

  /** The certificate in use must be accepted by every verifier; by one alone it would say nothing about the others. */
  async checkOwnAuthentication(target: Target<ClientCertificateSettings>, call: Call): Promise<ProbeAnswer> {
    const inUse = inUseOf(target);
    if (!inUse)
      return {
        verdict: 'indeterminate',
        why: 'the certificate that is in use is not on record',
        exchange: null,
      };
    const startedAt = call.now();
    const all = await Promise.all(
      verifiersOf(target).map(async (url) => ({ url, ...(await this.#judged(target, url, inUse, call)) })),
    );
    const why = all.map((one) => `${hostOf(one.url)}: ${one.why}`).join('. ');
    const verdict = all.every((one) => one.verdict === 'live')
      ? 'live'
      : all.some((one) => one.verdict === 'dead')
        ? 'dead'
        : 'indeterminate';
    return { verdict, why, exchange: exchangeOf(target, why, startedAt, call.now()) };
  }

  endSessions(): Promise<SessionsAnswer> {
    return Promise.resolve({
      outcome: 'unknown',
      why: 'connections that are open, and sessions that may be resumed, live on until each verifier ends them',
    });
  }

  async #show(
    target: Target<ClientCertificateSettings>,
    value: Secret,
    inUse: Secret | null,
    call: Call,
  ): Promise<ProbeAnswer> {
    const startedAt = call.now();
    const all = await Promise.all(
      verifiersOf(target).map(async (url): Promise<Weighed> => {
        const shown = await this.#judged(target, url, value, call);
        const control =
          shown.verdict === 'dead' && inUse ? await this.#judged(target, url, inUse, call) : null;
        return { verifier: hostOf(url), shown, control };
      }),
    );
    const { verdict, why } = weigh(all);
    return { verdict, why, exchange: exchangeOf(target, why, startedAt, call.now()) };
  }

  async #judged(target: Target<ClientCertificateSettings>, url: URL, pem: Secret, call: Call) {
    const { settings } = target;
    const read = pem.use(readPem);
    if (!read) return { verdict: 'indeterminate' as const, why: 'it is no PEM of a key and its certificate' };
    const shown = await this.#connect(url, read, settings.verifierAuthorities, call);
    return judgeShown(shown, settings.refusedWith);
  }

  async #connect(
    url: URL,
    pem: { key: string; cert: string },
    authorities: string | undefined,
    call: Call,
  ): Promise<Shown> {
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const timeout = AbortSignal.timeout(TIMEOUT);
    const signal = AbortSignal.any([timeout, call.signal]);
    let socket;
    try {
      // Under the guard; the handshake below goes over the connection that it opened.
      socket = await this.outbound.connect(host, Number(url.port) || 443, { timeout: TIMEOUT, signal });
    } catch (thrown) {
      return { error: thrown instanceof DialError ? thrown.kind : 'connect', status: null };
    }
    return new Promise<Shown>((resolve) => {
      let text = '';
      let done = false;
      const secured = secureOver(socket, host, { ...pem, ca: authorities });
      const settle = (shown: Shown) => {
        if (done) return;
        done = true;
        signal.removeEventListener('abort', onAbort);
        secured.destroy();
        socket.destroy();
        resolve(shown);
      };
      const onAbort = () => settle({ error: timeout.aborted ? 'timeout' : 'aborted', status: null });
      secured.on('error', (error: NodeJS.ErrnoException) =>
        settle({ error: error.code ?? 'protocol', status: statusIn(text) }),
      );
      secured.on('close', () => settle({ error: 'closed', status: statusIn(text) }));
      // In TLS 1.3 a refusal comes after our side of the handshake: only an answer shows that there is none.
      secured.once('secureConnect', () =>
        secured.write(
          `GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nConnection: close\r\nAccept: */*\r\n\r\n`,
        ),
      );
      secured.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1');
        const status = statusIn(text);
        if (status !== null) settle({ error: null, status });
        else if (text.length > MAX_BYTES) settle({ error: 'protocol', status: null });
      });
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}

function inUseOf({ settings, auth }: Target<ClientCertificateSettings>): Secret | null {
  return auth[settings.inUse.slice('{auth.'.length, -1)] ?? null;
}

function verifiersOf(target: Target<ClientCertificateSettings>): URL[] {
  const all = [...(target.baseUrl === '' ? [] : [target.baseUrl]), ...target.settings.otherVerifiers];
  return [...new Set(all)].filter((text) => URL.canParse(text)).map((text) => new URL(text));
}

function hostOf(url: URL): string {
  return url.port === '' ? url.hostname : url.host;
}

/** Status of a whole status line (RFC 9112 section 4), once there is one. */
function statusIn(text: string): number | null {
  const status = /^HTTP\/1\.[01] (\d{3})(?: [^\r\n]*)?\r\n/.exec(text)?.[1];
  return status === undefined ? null : Number(status);
}

/** All of it as one exchange: what each verifier said stands in the extract. */
function exchangeOf(
  target: Target<ClientCertificateSettings>,
  why: string,
  startedAt: number,
  endedAt: number,
): Exchange {
  return {
    method: 'TLS',
    url: verifiersOf(target)
      .map((url) => `https://${hostOf(url)}${url.pathname}`)
      .join(', ')
      .slice(0, 2000),
    status: null,
    extract: why.slice(0, 2000),
    startedAt,
    endedAt,
  };
}
