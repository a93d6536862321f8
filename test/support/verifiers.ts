import { createServer as createHttp, type Server } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { Webhook } from 'standardwebhooks';
import { AUTHORITY, SERVER } from './certificates.ts';

/** How long an event is good for at its receiver (Standard Webhooks 1.0, "Verifying webhook authenticity"). */
const TOLERANCE_SECONDS = 5 * 60;

class Listening {
  protected server: Server | undefined;

  protected async listen(server: Server): Promise<void> {
    this.server = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  }
  get hostPort(): string {
    return `127.0.0.1:${(this.server?.address() as AddressInfo | null)?.port ?? 0}`;
  }
  async stop(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((resolve) => this.server?.close(resolve));
  }
}

/** A receiver of webhooks, which knows any number of secrets and accepts what is signed with one of them. */
export class WebhookReceiver extends Listening {
  accepted: string[] = [];
  readonly seen: { id: string; type: string; status: number }[] = [];

  /** @param now the receiver's own clock */
  async start(now: () => number): Promise<this> {
    await this.listen(
      createHttp((request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => {
          const body = Buffer.concat(chunks).toString('utf8');
          const [id, at, signature] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) =>
            String(request.headers[name]),
          );
          const seconds = Number(at);
          const timely = Math.abs(now() / 1000 - seconds) <= TOLERANCE_SECONDS;
          const good = this.accepted.some(
            (secret) => new Webhook(secret).sign(id!, new Date(seconds * 1000), body) === signature,
          );
          const status = timely && good ? 204 : 401;
          this.seen.push({ id: id!, type: (JSON.parse(body) as { type: string }).type, status });
          response.writeHead(status).end();
        });
      }),
    );
    return this;
  }
}

/** A system with mutual TLS and a trust store of its own. */
export class TlsVerifier extends Listening {
  #trusted = new Set<string>();

  async start(): Promise<this> {
    const server = createHttps(
      { ...SERVER, ca: AUTHORITY, requestCert: true, rejectUnauthorized: false },
      (request, response) => {
        const { fingerprint256 } = (request.socket as TLSSocket).getPeerCertificate();
        response.writeHead(this.#trusted.has(fingerprint256) ? 200 : 403).end();
      },
    );
    await this.listen(server as unknown as Server);
    return this;
  }

  /** The whole trust store. @param pems key and certificate in one text, each */
  trusts(...pems: string[]): void {
    this.#trusted = new Set(
      pems.map((pem) => new X509Certificate(pem.slice(pem.indexOf('-----BEGIN CERT'))).fingerprint256),
    );
  }
}
