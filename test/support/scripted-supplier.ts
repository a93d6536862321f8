import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

/** One request as the supplier saw it: its own record of the truth. */
export interface Asked {
  kind: 'revoke' | 'probe' | 'own' | 'sessions' | 'issue' | 'list' | 'usage' | 'other';
  /** The credential it was about, where it knows it. */
  name: string | null;
  at: number;
  headers: IncomingMessage['headers'];
  body: string;
  url: string;
}

export interface Reply {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

/** A credential at the supplier. */
export interface Issued {
  name: string;
  id: string;
  value: string;
  live: boolean;
  narrow?: boolean;
}

/** How one kind of supplier speaks. `null`: no such route. */
export interface Dialect {
  admin: Record<string, string>;
  /** How it names what it issues, where that has a form. */
  idOf?(name: string, n: number): string;
  /** What it issues, where that has a form. */
  secretOf?(name: string, n: number): string;
  answer(
    request: {
      method: string;
      path: string;
      headers: IncomingMessage['headers'];
      form: URLSearchParams;
      json: unknown;
      body: string;
      search: string;
    },
    supplier: ScriptedSupplier,
  ): { kind: Asked['kind']; issued: Issued | null; reply: Reply; revokes?: Issued } | null;
}

/** What goes wrong with the next request of a kind. */
export type Fault =
  | 'lying' // says yes, does nothing
  | 'lost' // does it, the answer never arrives
  | 'too_many' // 429 with Retry-After
  | 'server_error'
  | 'blurts' // does it, and says so with a 500
  | 'redirect'
  | 'drip'
  | 'bomb'
  | 'echo' // 400 with everything that it was sent, in several encodings
  | 'nasty' // NUL, terminal codes, ill-formed text
  | 'html' // a login page with status 200
  | 'refuse_all'; // 401 to everything

const BOMB = gzipSync(Buffer.alloc(50_000_000));

/** A supplier on loopback that does what a test says. */
export class ScriptedSupplier {
  readonly asked: Asked[] = [];
  readonly issued: Issued[] = [];
  readonly faults: { kind: Asked['kind'] | 'any'; fault: Fault; times: number }[] = [];
  #server: Server | undefined;
  /** Runs before a request is answered. */
  onRequest: (asked: Asked) => void | Promise<void> = () => {};

  constructor(
    readonly dialect: Dialect,
    readonly now: () => number = Date.now,
  ) {}

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
    const address = this.#server?.address() as AddressInfo | null | undefined;
    return `127.0.0.1:${address?.port ?? 0}`;
  }
  get baseUrl(): string {
    return `http://${this.hostPort}`;
  }

  issue(name: string, more: Partial<Issued> = {}): Issued {
    const issued = {
      name,
      id: this.dialect.idOf?.(name, this.issued.length) ?? `key_${name}_${this.issued.length}`,
      value:
        this.dialect.secretOf?.(name, this.issued.length) ??
        `val-${name}-${'0123456789abcdef'.repeat(2)}${this.issued.length}`,
      live: true,
      ...more,
    };
    this.issued.push(issued);
    return issued;
  }

  goesWrong(fault: Fault, kind: Asked['kind'] | 'any' = 'any', times = Infinity): void {
    this.faults.push({ kind, fault, times });
  }

  /** Forgets everything it ever issued. */
  empty(): void {
    this.issued.length = 0;
  }

  byValue(value: string | undefined): Issued | null {
    return this.issued.find((one) => one.value === value) ?? null;
  }
  byId(id: string | undefined): Issued | null {
    return this.issued.find((one) => one.id === id) ?? null;
  }

  revokesOf(name: string): number {
    return this.asked.filter((one) => one.kind === 'revoke' && one.name === name).length;
  }
  kinds(name?: string): Asked['kind'][] {
    return this.asked.filter((one) => name === undefined || one.name === name).map((one) => one.kind);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => undefined);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('utf8');
    const url = new URL(request.url ?? '/', this.baseUrl);
    const isJson = /^application\/(x-amz-)?json/.test(request.headers['content-type'] ?? '');
    const said = this.dialect.answer(
      {
        method: request.method ?? '',
        path: url.pathname,
        headers: request.headers,
        form: new URLSearchParams(isJson ? '' : body),
        json: isJson ? (JSON.parse(body) as unknown) : null,
        search: url.search,
        body,
      },
      this,
    );
    const asked: Asked = {
      kind: said?.kind ?? 'other',
      name: said?.issued?.name ?? null,
      at: this.now(),
      headers: request.headers,
      body,
      url: request.url ?? '',
    };
    this.asked.push(asked);
    await this.onRequest(asked);
    const planned = this.faults.find(
      (one) => one.times > 0 && (one.kind === 'any' || one.kind === asked.kind),
    );
    if (planned) planned.times--;
    const fault = planned?.fault;
    const does = said?.revokes && (fault === undefined || fault === 'lost' || fault === 'blurts');
    if (does && said?.revokes) said.revokes.live = false;
    if (fault === 'lost') {
      request.socket.destroy();
      return;
    }
    if (fault && fault !== 'lying' && fault !== 'blurts') {
      this.#misbehave(fault, request, body, response);
      return;
    }
    const reply = said?.reply ?? { status: 404, body: { error: 'no such route' } };
    // A text goes as it is: not every supplier speaks JSON.
    const text = typeof reply.body === 'string' ? reply.body : (JSON.stringify(reply.body) ?? '');
    const status = fault === 'blurts' ? 500 : reply.status;
    response.writeHead(status, { 'content-type': 'application/json', ...reply.headers }).end(text);
  }

  #misbehave(fault: Fault, request: IncomingMessage, body: string, response: ServerResponse): void {
    switch (fault) {
      case 'too_many':
        response.writeHead(429, { 'retry-after': '7' }).end('{"error":"slow down"}');
        return;
      case 'server_error':
        response.writeHead(500).end('{"error":"oops"}');
        return;
      case 'redirect':
        response.writeHead(307, { location: `${this.baseUrl}/elsewhere` }).end();
        return;
      case 'drip': {
        response.writeHead(200, { 'content-type': 'application/json' });
        const drip = setInterval(() => response.write(' '), 25);
        response.on('close', () => clearInterval(drip));
        return;
      }
      case 'bomb':
        response.writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'application/json' }).end(BOMB);
        return;
      case 'echo': {
        const all = `${request.url} ${JSON.stringify(request.headers)} ${body}`;
        response
          .writeHead(400)
          .end(
            `${all} ${Buffer.from(all).toString('base64')} ${encodeURIComponent(all)} ${Buffer.from(body).toString('hex')}`,
          );
        return;
      }
      case 'nasty':
        response
          .writeHead(400)
          .end(
            Buffer.concat([
              Buffer.from('\u0000\u001b[2J\u202e<script>{"error":'),
              Buffer.from([0xff, 0xfe, 0xc0]),
            ]),
          );
        return;
      case 'html':
        response.writeHead(200, { 'content-type': 'text/html' }).end('<html><form action="/login">');
        return;
      default:
        response.writeHead(401, { 'content-type': 'application/json' }).end('{"error":"unauthorized"}');
    }
  }
}

const basicOf = (headers: IncomingMessage['headers']) =>
  Buffer.from((headers.authorization ?? '').replace(/^Basic /, ''), 'base64').toString();
const bearerOf = (headers: IncomingMessage['headers']) =>
  (headers.authorization ?? '').replace(/^Bearer /, '');

/** RFC 7009 and RFC 7662, with a client that may introspect and one that may not. */
export const oauth: Dialect = {
  admin: { client_id: 'countersign', client_secret: 'client-secret-0123456789' },
  answer({ path, headers, form }, supplier) {
    const issued = supplier.byValue(form.get('token') ?? '');
    const [client, secret] = basicOf(headers).split(':');
    const known =
      (client === 'countersign' && secret === 'client-secret-0123456789') || client === 'stranger';
    const kind =
      path === '/token/revocation'
        ? 'revoke'
        : path === '/token/introspection'
          ? issued
            ? 'probe'
            : 'own'
          : 'other';
    if (kind === 'other') return null;
    if (!known) return { kind, issued, reply: { status: 401, body: { error: 'invalid_client' } } };
    // Who may not see a token is answered as if there were none.
    const visible = client === 'stranger' ? null : issued;
    if (kind === 'revoke')
      return { kind, issued, reply: { status: 200 }, ...(visible ? { revokes: visible } : {}) };
    return { kind, issued, reply: { status: 200, body: { active: visible?.live === true } } };
  },
};

/** By id with an admin key; 401 dead, 403 live but narrow. */
export const sendgrid: Dialect = {
  admin: { api_key: 'admin-key-0123456789' },
  answer({ method, path, headers }, supplier) {
    const key = bearerOf(headers);
    if (method === 'DELETE' && path.startsWith('/v3/api_keys/')) {
      const issued = supplier.byId(decodeURIComponent(path.slice('/v3/api_keys/'.length)));
      if (key !== 'admin-key-0123456789') return { kind: 'revoke', issued, reply: { status: 401 } };
      return issued?.live
        ? { kind: 'revoke', issued, reply: { status: 204 }, revokes: issued }
        : { kind: 'revoke', issued, reply: { status: 404 } };
    }
    if (path !== '/v3/scopes') return null;
    if (key === 'admin-key-0123456789')
      return { kind: 'own', issued: null, reply: { status: 200, body: { scopes: [] } } };
    const issued = supplier.byValue(key);
    return {
      kind: 'probe',
      issued,
      reply: {
        status: issued?.live ? (issued.narrow ? 403 : 200) : 401,
        body: issued?.narrow ? {} : { scopes: [] },
      },
    };
  },
};

/** 200 to everything; the body tells. */
export const slack: Dialect = {
  admin: {},
  answer({ path, headers }, supplier) {
    const issued = supplier.byValue(bearerOf(headers));
    const dead = { status: 200, body: { ok: false, error: issued ? 'token_revoked' : 'invalid_auth' } };
    if (path === '/api/auth.revoke') {
      return issued?.live
        ? {
            kind: 'revoke',
            issued,
            reply: { status: 200, body: { ok: true, revoked: true } },
            revokes: issued,
          }
        : { kind: 'revoke', issued, reply: dead };
    }
    if (path !== '/api/auth.test') return null;
    return { kind: 'probe', issued, reply: issued?.live ? { status: 200, body: { ok: true } } : dead };
  },
};

/** 403 is dead. */
export const datadog: Dialect = {
  admin: { api_key: 'dd-admin-0123456789', application_key: 'dd-app-0123456789' },
  answer({ method, path, headers }, supplier) {
    const key = String(headers['dd-api-key'] ?? '');
    if (method === 'DELETE' && path.startsWith('/api/v2/api_keys/')) {
      const issued = supplier.byId(decodeURIComponent(path.slice('/api/v2/api_keys/'.length)));
      if (key !== 'dd-admin-0123456789' || headers['dd-application-key'] !== 'dd-app-0123456789')
        return { kind: 'revoke', issued, reply: { status: 403 } };
      return issued?.live
        ? { kind: 'revoke', issued, reply: { status: 204 }, revokes: issued }
        : { kind: 'revoke', issued, reply: { status: 404 } };
    }
    if (path !== '/api/v1/validate') return null;
    const issued = supplier.byValue(key);
    if (key === 'dd-admin-0123456789')
      return { kind: 'own', issued: null, reply: { status: 200, body: { valid: true } } };
    return {
      kind: 'probe',
      issued,
      reply: issued?.live
        ? { status: 200, body: { valid: true } }
        : { status: 403, body: { errors: ['Forbidden'] } },
    };
  },
};

/** Revokes itself by its value. */
export const gitlab: Dialect = {
  admin: {},
  answer({ method, path, headers }, supplier) {
    if (path !== '/api/v4/personal_access_tokens/self') return null;
    const issued = supplier.byValue(String(headers['private-token'] ?? ''));
    const kind = method === 'DELETE' ? 'revoke' : 'probe';
    if (!issued?.live) return { kind, issued, reply: { status: 401, body: { message: '401 Unauthorized' } } };
    return kind === 'revoke'
      ? { kind, issued, reply: { status: 204 }, revokes: issued }
      : { kind, issued, reply: { status: 200, body: { id: 1, active: true, revoked: false } } };
  },
};

/** RFC 7592 for one client or several, and a token endpoint that authenticates before it looks at the grant. */
export const clientRegistration: Dialect = {
  admin: { registration_access_token: 'registration-token-0123456789' },
  answer({ method, path, headers }, supplier) {
    if (path === '/token') {
      const [id, secret] = basicOf(headers).split(':').map(decodeURIComponent);
      const issued = supplier.byId(id);
      const accepted = issued?.live === true && issued.value === secret;
      return {
        kind: 'probe',
        issued,
        reply: accepted
          ? { status: 400, body: { error: 'invalid_grant' } }
          : { status: 401, body: { error: 'invalid_client' } },
      };
    }
    if (!path.startsWith('/reg/')) return null;
    const issued = supplier.byId(decodeURIComponent(path.slice('/reg/'.length)));
    const kind = method === 'DELETE' ? 'revoke' : 'other';
    if (!issued?.live || bearerOf(headers) !== 'registration-token-0123456789')
      return { kind, issued, reply: { status: 401, body: { error: 'invalid_token' } } };
    return method === 'DELETE'
      ? { kind, issued, reply: { status: 204 }, revokes: issued }
      : { kind, issued, reply: { status: 200, body: { client_id: issued.id, client_secret: issued.value } } };
  },
};
