import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A key at the supplier, and what became of it. */
export interface Key {
  id: string;
  label: string;
  value: string;
  live: boolean;
  /** In which order things happened to keys: issued, revoked. */
  issuedAt: number;
  revokedAt: number | null;
}

export type AskedFor = 'issue' | 'replace' | 'list' | 'revoke' | 'probe' | 'own';

/** What goes wrong with the next request of a kind. `lost`: it is done and no answer comes; `refused`: neither. */
export type Trouble = 'lost' | 'refused' | 'busy' | 'server_error' | 'nameless';

const ADMIN = 'issuing-admin-0123456789';

/**
 * A supplier that makes keys and keeps the truth about them: what it made, what lives, and in which order. It never lets
 * a credential (a chain of keys for one slot) be without a living key unnoticed: `deadMoments` counts those.
 */
export class IssuingSupplier {
  readonly dialect = { admin: { api_key: ADMIN }, answer: () => null };
  readonly keys: Key[] = [];
  readonly asked: { kind: AskedFor; key: string | null }[] = [];
  readonly troubles: { kind: AskedFor; trouble: Trouble; times: number }[] = [];
  /** Runs as a request arrives, and when what it asked for is done but not answered yet. */
  onArrive: (kind: AskedFor, key: Key | null, label: string) => void | Promise<void> = () => {};
  onDone: (kind: AskedFor, key: Key | null, label: string) => void | Promise<void> = () => {};
  #server: Server | undefined;
  #order = 0;

  async start(): Promise<this> {
    this.#server = createServer((request, response) => void this.#handle(request, response));
    await new Promise<void>((resolve) => this.#server?.listen(0, '127.0.0.1', resolve));
    return this;
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  get hostPort(): string {
    return `127.0.0.1:${(this.#server?.address() as AddressInfo | null)?.port ?? 0}`;
  }
  get baseUrl(): string {
    return `http://${this.hostPort}`;
  }

  issue(label: string): Key {
    const number = this.keys.length;
    const key = {
      id: `key_${number}_${label.slice(-12)}`,
      label,
      value: `sk_issued_${number}_${'abcdef0123456789'.repeat(2)}`,
      live: true,
      issuedAt: ++this.#order,
      revokedAt: null,
    };
    this.keys.push(key);
    return key;
  }

  revoke(key: Key): void {
    if (!key.live) return;
    key.live = false;
    key.revokedAt = ++this.#order;
  }

  /** Another key in the place of one, which ends in the same stroke. */
  roll(key: Key, label: string): Key {
    const made = this.issue(label);
    this.revoke(key);
    return made;
  }

  goesWrong(kind: AskedFor, trouble: Trouble, times = 1): void {
    this.troubles.push({ kind, trouble, times });
  }

  count(kind: AskedFor): number {
    return this.asked.filter((one) => one.kind === kind).length;
  }

  /** What an operator would write down of it. `makes` replaces: the old key dies as the new one is made. */
  preset(
    key: string,
    makes: 'adds' | 'replaces' | 'no',
    o: { list?: boolean } = {},
  ): Record<string, unknown> {
    const auth = { style: 'bearer', token: '{auth.api_key}' };
    const common = { value: { pointer: '/key' }, id: { pointer: '/id' } };
    const made = { status: 201, means: 'issued' };
    const issue =
      makes === 'adds'
        ? {
            request: { method: 'POST', path: '/keys', auth, body: { json: { label: '{label}' } } },
            makes,
            ...common,
            answers: [made, { status: 422, means: 'rejected', why: 'no more keys' }],
          }
        : {
            request: {
              method: 'POST',
              path: '/keys/{supplierId}/roll',
              auth,
              body: { json: { label: '{label}' } },
            },
            makes,
            ...common,
            answers: [made, { status: 404, means: 'rejected', why: 'no such key' }],
          };
    return {
      key,
      title: 'Issuing supplier',
      connector: 'declarative-http',
      kinds: ['api_key'],
      baseUrl: this.baseUrl,
      auth: { api_key: 'The admin key' },
      canary: { impossible: 'every key is somebody’s' },
      facts: [
        { fact: 'Keys are made, listed and revoked by id.', source: 'its manual', status: 'unverified' },
      ],
      settings: {
        revoke: {
          request: { method: 'DELETE', path: '/keys/{supplierId}', auth },
          answers: [
            { status: 204, means: 'accepted' },
            { status: 404, means: 'gone' },
            { status: 401, means: 'rejected', why: 'our key', ownAuthentication: true },
          ],
        },
        probe: {
          request: { method: 'GET', path: '/ping', auth: { style: 'bearer', token: '{value}' } },
          answers: [
            { status: 200, means: 'live' },
            { status: 401, means: 'dead' },
          ],
        },
        ownAuthentication: {
          request: { method: 'GET', path: '/account', auth },
          answers: [
            { status: 200, means: 'live' },
            { status: 401, means: 'dead' },
          ],
        },
        endSessions: { none: 'each call presents the key itself' },
        ...(makes === 'no' ? {} : { issue }),
        ...(o.list === false
          ? {}
          : {
              listIssued: {
                request: { method: 'GET', path: '/keys', auth },
                answers: [{ status: 200, means: 'listed' }],
                versions: '/keys',
                id: { pointer: '/id' },
                label: '/label',
              },
            }),
      },
    };
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => undefined);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    const body = text === '' ? {} : (JSON.parse(text) as { label?: string });
    const path = new URL(request.url ?? '/', this.baseUrl).pathname;
    const bearer = (request.headers.authorization ?? '').replace(/^Bearer /, '');
    const id = decodeURIComponent(path.split('/')[2] ?? '');
    const about =
      path === '/ping'
        ? this.keys.find(({ value }) => value === bearer)
        : this.keys.find((key) => key.id === id);
    const kind = kindOf(request.method ?? '', path);
    const said = (status: number, answer: unknown = {}) =>
      void response
        .writeHead(status, { 'content-type': 'application/json' })
        .end(status === 204 ? '' : JSON.stringify(answer));
    if (kind === null) return said(404);
    this.asked.push({ kind, key: about?.label ?? null });
    await this.onArrive(kind, about ?? null, body.label ?? '');
    const trouble = this.troubles.find((one) => one.kind === kind && one.times > 0);
    if (trouble) trouble.times -= 1;
    if (trouble?.trouble === 'refused') return void request.socket.destroy();
    if (trouble?.trouble === 'busy') return said(429);
    if (trouble?.trouble === 'server_error') return said(500);
    if (kind !== 'probe' && bearer !== ADMIN) return said(401);
    const answer = this.#do(kind, about ?? null, trouble?.trouble === 'nameless' ? '' : (body.label ?? ''));
    await this.onDone(kind, answer.key, body.label ?? '');
    if (trouble?.trouble === 'lost') return void request.socket.destroy();
    said(answer.status, answer.body);
  }

  #do(kind: AskedFor, about: Key | null, label: string): { status: number; body: unknown; key: Key | null } {
    switch (kind) {
      case 'issue': {
        const key = this.issue(label);
        return { status: 201, body: { id: key.id, key: key.value }, key };
      }
      case 'replace': {
        if (!about?.live) return { status: 404, body: {}, key: about };
        const key = this.roll(about, label);
        return { status: 201, body: { id: key.id, key: key.value }, key };
      }
      case 'list':
        return {
          status: 200,
          body: {
            keys: this.keys
              .filter(({ live }) => live)
              .map((key) => ({ id: key.id, label: key.label || null })),
          },
          key: null,
        };
      case 'revoke': {
        if (!about?.live) return { status: 404, body: {}, key: about };
        this.revoke(about);
        return { status: 204, body: {}, key: about };
      }
      case 'probe':
        return { status: about?.live ? 200 : 401, body: {}, key: about };
      case 'own':
        return { status: 200, body: {}, key: null };
    }
  }
}

function kindOf(method: string, path: string): AskedFor | null {
  if (method === 'POST') return path === '/keys' ? 'issue' : 'replace';
  if (method === 'DELETE') return 'revoke';
  return path === '/keys' ? 'list' : path === '/ping' ? 'probe' : path === '/account' ? 'own' : null;
}
