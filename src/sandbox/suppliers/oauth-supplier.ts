import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Provider } from 'oidc-provider';
import type { Token } from 'oidc-provider';
import { Refuse } from '../ground/server.ts';
import type { Answer, Asked, Place } from '../ground/server.ts';
import { randomText, sha256 } from '../ground/sealing.ts';
import type { Sealing } from '../ground/sealing.ts';
import { CredentialBook } from './credential-book.ts';
import { TOKEN_LIFETIME_SECONDS, durableAdapter } from './oauth-adapter.ts';
import type { TokenNotes } from './oauth-adapter.ts';
import { recordOf } from './supplier.ts';
import type { Issued, IssueOrder, Supplier } from './supplier.ts';

/** The client of whoever manages tokens at the supplier: it may introspect and revoke everybody's. */
const MANAGEMENT_CLIENT = 'token-operations';
const SESSION_MS = 12 * 3_600_000;

/**
 * An OAuth authorization server and its resource server: opaque access tokens from the client credentials grant,
 * revocation (RFC 7009), introspection (RFC 7662). Sessions opened with a token outlive it until they are ended. As many
 * real ones do, it answers a caller who may not see or end a token as if there were none.
 */
export class OAuthSupplier implements Supplier {
  readonly asked = 'oauth';
  private provider: Provider;
  private readonly notes: TokenNotes = new Map();
  private respond: (req: IncomingMessage, res: ServerResponse) => Promise<void>;

  private constructor(
    readonly key: string,
    readonly title: string,
    readonly book: CredentialBook,
  ) {}

  static async open(o: {
    dir: string;
    key: string;
    title: string;
    sealing: Sealing;
  }): Promise<OAuthSupplier> {
    return new OAuthSupplier(o.key, o.title, await CredentialBook.open(o.dir, o.key, o.sealing));
  }

  async place(origin: string): Promise<Place> {
    await this.book.account(MANAGEMENT_CLIENT, 'management');
    this.provider = new Provider(origin, await this.configuration());
    this.provider.on('server_error', (_ctx, error) => console.error(`${this.key}: ${String(error)}`));
    const callback = this.provider.callback();
    this.respond = (req, res) => callback(req, res);

    const byForm = (asked: Asked) => this.about(asked.form().get('token'));
    const byBearer = (asked: Asked) => this.about(asked.bearer());
    const ask = (asked: Asked) => this.askProvider(asked);
    return {
      key: this.key,
      record: recordOf(this.book),
      routes: [
        { method: 'GET', path: '/.well-known/openid-configuration', kind: 'read', handle: ask },
        { method: 'GET', path: '/.well-known/oauth-authorization-server', kind: 'read', handle: ask },
        { method: 'GET', path: '/jwks', kind: 'read', handle: ask },
        {
          method: 'POST',
          path: '/token',
          kind: 'token',
          about: (asked) => ({ account: asked.basic()?.name.slice(0, 60) ?? null }),
          handle: ask,
        },
        {
          method: 'POST',
          path: '/token/revocation',
          kind: 'revoke',
          about: byForm,
          handle: ask,
          success: { status: 200, body: '' },
        },
        { method: 'POST', path: '/token/introspection', kind: 'introspect', about: byForm, handle: ask },
        {
          method: 'GET',
          path: '/api/whoami',
          kind: 'probe',
          about: byBearer,
          handle: (asked) => this.whoami(asked),
        },
        {
          method: 'POST',
          path: '/api/sessions',
          kind: 'other',
          about: byBearer,
          handle: (asked) => this.openSession(asked),
        },
        {
          method: 'GET',
          path: '/api/sessions/current',
          kind: 'probe',
          handle: (asked) => this.currentSession(asked),
        },
        {
          method: 'GET',
          path: '/sessions/:subject',
          kind: 'read',
          about: bySubject,
          handle: (asked) => this.sessions(asked, false),
        },
        {
          method: 'DELETE',
          path: '/sessions/:subject',
          kind: 'sessions',
          about: bySubject,
          handle: (asked) => this.sessions(asked, true),
          success: { status: 200, body: { ended: 1 } },
        },
      ],
    };
  }

  async issue(order: IssueOrder): Promise<Issued[]> {
    const account = await this.book.account(order.account, 'ordinary');
    const client = await this.provider.Client.find(account.account);
    if (!client) throw new Error(`the provider does not know its client ${account.account}`);
    return Promise.all(
      Array.from({ length: order.count }, async (_, i) => {
        const label = order.count > 1 ? `${order.label} ${i + 1}`.trim() : order.label;
        const id = newTokenId();
        const token = new this.provider.ClientCredentials({
          client,
          scope: 'orders:read',
          expiresIn: order.expiresInSeconds ?? TOKEN_LIFETIME_SECONDS,
          extra: { token_id: id },
        });
        this.notes.set(id, { label, canary: order.canary });
        const value = await token.save().finally(() => this.notes.delete(id));
        if (order.sessions > 0) await this.book.openSessions(id, order.sessions, SESSION_MS);
        return { supplier: this.key, account: account.account, id, value, sha256: sha256(value), label };
      }),
    );
  }

  setState(ids: string[], state: 'live' | 'revoked'): Promise<number> {
    return this.book.setState(ids, state);
  }

  /** The management client for `main`, else the named ordinary client. */
  async access(account: string): Promise<Record<string, string>> {
    const management = account === 'main';
    const client = await this.book.account(
      management ? MANAGEMENT_CLIENT : account,
      management ? 'management' : 'ordinary',
    );
    return { client_id: client.account, client_secret: client.secret };
  }

  close(): Promise<void> {
    return this.book.close();
  }

  private async configuration(): Promise<Record<string, unknown>> {
    const mayAct = (_ctx: unknown, client: { clientId: string }, token: Token) =>
      token.clientId === client.clientId || this.book.accountNamed(client.clientId)?.role === 'management';
    return {
      adapter: durableAdapter(this.book, this.notes),
      // Nothing here is signed with it: tokens are opaque. The provider insists on having a key of its own.
      jwks: {
        keys: [
          {
            ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }),
            alg: 'ES256',
            use: 'sig',
          },
        ],
      },
      cookies: { keys: [randomText(40)] },
      scopes: ['orders:read', 'orders:write'],
      responseTypes: [],
      ttl: { ClientCredentials: TOKEN_LIFETIME_SECONDS },
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        introspection: { enabled: true, allowedPolicy: mayAct },
        revocation: { enabled: true, allowedPolicy: mayAct },
        userinfo: { enabled: false },
        rpInitiatedLogout: { enabled: false },
        pushedAuthorizationRequests: { enabled: false },
        dPoP: { enabled: false },
        resourceIndicators: { enabled: false },
      },
      // The id by which people and logs name a token without saying it.
      extraTokenClaims: (_ctx: unknown, token: Token) => ({
        token_id: token.extra?.['token_id'] ?? newTokenId(),
      }),
    };
  }

  private about(value: string | null): { credential: string | null; account: string | null } {
    const credential = this.book.credentialOf(value);
    return { credential: credential?.id ?? null, account: credential?.account ?? null };
  }

  /** Lets the provider answer a request that was read already, and catches its answer. */
  private askProvider(asked: Asked): Promise<Answer> {
    const req = new IncomingMessage(asked.raw.socket);
    Object.assign(req, {
      method: asked.raw.method,
      url: asked.raw.url,
      headers: asked.raw.headers,
      rawHeaders: asked.raw.rawHeaders,
      httpVersion: asked.raw.httpVersion,
      // Else Node takes it for broken off when it is read, and closes the connection.
      complete: true,
    });
    req.push(asked.body);
    req.push(null);
    const res = new ServerResponse(req);
    return new Promise((done, failed) => {
      const chunks: Buffer[] = [];
      const take = (chunk: unknown): void => {
        if (typeof chunk === 'string' || chunk instanceof Uint8Array)
          chunks.push(Buffer.from(chunk as Uint8Array));
      };
      res.write = ((chunk: unknown) => {
        take(chunk);
        return true;
      }) as typeof res.write;
      res.end = ((chunk: unknown) => {
        take(chunk);
        const headers = Object.entries(res.getHeaders()).flatMap(([name, value]) =>
          value === undefined || name === 'content-length' || name === 'transfer-encoding'
            ? []
            : [[name, Array.isArray(value) ? value : String(value)] as const],
        );
        done({ status: res.statusCode, headers: Object.fromEntries(headers), body: Buffer.concat(chunks) });
        return res;
      }) as typeof res.end;
      this.respond(req, res).catch(failed);
    });
  }

  private async whoami(asked: Asked): Promise<Answer> {
    const value = asked.bearer();
    const token = value === null ? undefined : await this.provider.ClientCredentials.find(value);
    if (!token?.isValid) throw invalidToken();
    return {
      status: 200,
      body: { client_id: token.clientId, token_id: token.extra?.['token_id'], scope: token.scope ?? '' },
    };
  }

  private async openSession(asked: Asked): Promise<Answer> {
    const credential = this.book.credentialOf(asked.bearer());
    if (!this.book.isLive(credential)) throw invalidToken();
    const [session] = await this.book.openSessions(credential.id, 1, SESSION_MS);
    return { status: 201, body: { session, subject: credential.id, expires_in: SESSION_MS / 1000 } };
  }

  private currentSession(asked: Asked): Answer {
    const session = this.book.sessionOf(asked.header('x-session') ?? null);
    if (!session) throw invalidToken();
    return {
      status: 200,
      body: { subject: session.subject, expires_at: new Date(session.until).toISOString() },
    };
  }

  private async sessions(asked: Asked, end: boolean): Promise<Answer> {
    const caller = asked.basic();
    const account = caller ? this.book.accountNamed(caller.name) : null;
    if (!caller || account?.secret !== caller.password) {
      throw new Refuse(401, { error: 'invalid_client' }, { 'www-authenticate': 'Basic realm="sessions"' });
    }
    const subject = asked.params['subject'] ?? '';
    const credential = this.book.credential(subject);
    if (account.role !== 'management' && credential?.account !== account.account) {
      throw new Refuse(404, { error: 'not_found' });
    }
    if (!credential) throw new Refuse(404, { error: 'not_found' });
    if (!end) return { status: 200, body: { subject, active: this.book.countSessions(subject) } };
    return { status: 200, body: { subject, ended: await this.book.endSessions(subject) } };
  }
}

const bySubject = (asked: Asked) => ({ credential: asked.params['subject'] ?? null });

const newTokenId = (): string => `tok_${randomUUID().replaceAll('-', '').slice(0, 20)}`;

const invalidToken = (): Refuse =>
  new Refuse(401, { error: 'invalid_token' }, { 'www-authenticate': 'Bearer error="invalid_token"' });
