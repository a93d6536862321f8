import { jest } from '@jest/globals';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { AlertOfEndpointJob } from '../../src/domain/notices/alert-of-endpoint.job.ts';
import { endpointChanged } from '../../src/domain/signals/signals.events.ts';
import type { Id } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import type { LeakScene } from './leak-scene.ts';

export interface ReceivedSignal {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}
type Answers = (request: ReceivedSignal, response: ServerResponse) => void;

/** A receiver of signals that a test tells how to answer. It keeps what it was sent, and how many came at once. */
export class SignalPeer {
  readonly received: ReceivedSignal[] = [];
  peak = 0;
  #now = 0;
  #answers: Answers = (_request, response) => response.writeHead(204).end();

  private constructor(
    readonly host: string,
    private readonly server: Server,
  ) {}

  static async start(): Promise<SignalPeer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const peer = new SignalPeer(`127.0.0.1:${(server.address() as AddressInfo).port}`, server);
    server.on('request', (request, response) => {
      peer.#now++;
      peer.peak = Math.max(peer.peak, peer.#now);
      response.once('close', () => peer.#now--);
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const one = {
          path: request.url ?? '',
          headers: request.headers,
          body: Buffer.concat(chunks).toString('utf8'),
        };
        peer.received.push(one);
        peer.#answers(one, response);
      });
    });
    return peer;
  }

  get url(): string {
    return `http://${this.host}`;
  }

  answer(status: number, headers: Record<string, string> = {}, body = ''): void {
    this.#answers = (_request, response) => response.writeHead(status, headers).end(body);
  }

  answerWith(answers: Answers): void {
    this.#answers = answers;
  }

  /** What came since the last time that somebody asked. */
  taken(): ReceivedSignal[] {
    return this.received.splice(0);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** By the official package, which knows no clock but the machine's. */
export function verifiedAt(at: number, secret: string, one: ReceivedSignal) {
  const now = jest.spyOn(Date, 'now').mockReturnValue(at);
  try {
    return new Webhook(secret).verify(one.body, one.headers as Record<string, string>) as {
      type: string;
      timestamp: string;
      data: Record<string, never>;
    };
  } finally {
    now.mockRestore();
  }
}

/** Does what the endpoint's events ask for, in their order. */
export async function alertsRaised(scene: LeakScene, subscriptionId: Id): Promise<void> {
  const rows = await scene.rows<{ id: Id; payload: unknown }>(
    `SELECT id, payload FROM outbox WHERE job = 'notices.alert-of-endpoint' AND done_at IS NULL
        AND payload->>'subscriptionId' = $1 ORDER BY created_at, id`,
    [subscriptionId],
  );
  for (const { id, payload } of rows) {
    const call = { by: system('test', 'test-alerts'), attempt: 1, signal: AbortSignal.timeout(5000) };
    await scene.world.app.get(AlertOfEndpointJob).handle(endpointChanged.payload.parse(payload), call);
    await scene.rows(`UPDATE outbox SET done_at = now() WHERE id = $1`, [id]);
  }
}
