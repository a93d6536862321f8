import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider, type Token } from 'oidc-provider';
import { request } from 'undici';

/** A client as its registration told it. */
export interface RegisteredClient {
  id: string;
  secret: string;
  registrationAccessToken: string;
}

interface Models {
  InitialAccessToken: new (o: object) => { save(): Promise<string> };
  Grant: new (o: object) => { addOIDCScope(scope: string): void; save(): Promise<string> };
  RefreshToken: new (o: object) => { save(): Promise<string> };
  AccessToken: { find(value: string): Promise<Token | undefined> };
}

/**
 * A whole authorization server (`oidc-provider`) on loopback, with its defaults wherever it has any, and one resource that
 * is served to whoever brings a token that is good. Clients manage their registration; an update makes another secret.
 */
export class OAuthServer {
  #server: Server;
  #provider: Provider;
  #models: Models;
  /** Cuts the connection after the next request of that method to the registration was carried out. */
  losesAnswerTo: string | null = null;
  /** Whether a refresh gives another refresh token, and ends the one that was shown. */
  renewsRefreshTokens = false;

  get hostPort(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
  get baseUrl(): string {
    return `http://${this.hostPort}`;
  }

  async start(): Promise<this> {
    const waiting: { answer: ReturnType<Provider['callback']> | null } = { answer: null };
    this.#server = createServer((req, res) => {
      if (req.url === '/orders') {
        const token = (req.headers.authorization ?? '').replace(/^Bearer /, '');
        void this.#accepts(token).then((yes) => res.writeHead(yes ? 200 : 401).end(yes ? '[]' : '{}'));
        return;
      }
      if (this.losesAnswerTo === req.method && req.url?.startsWith('/reg/')) {
        this.losesAnswerTo = null;
        res.end = (() => {
          req.socket.destroy();
          return res;
        }) as typeof res.end;
      }
      void waiting.answer?.(req, res);
    });
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
    this.#provider = new Provider(this.baseUrl, {
      jwks: { keys: [{ ...rsa, use: 'sig', alg: 'RS256' }] },
      cookies: { keys: [randomBytes(20).toString('hex')] },
      scopes: ['offline_access', 'orders:read'],
      findAccount: (_ctx: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id }) }),
      rotateRefreshToken: () => this.renewsRefreshTokens,
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        introspection: { enabled: true },
        revocation: { enabled: true },
        registration: {
          enabled: true,
          initialAccessToken: true,
          policies: {
            'another-secret': (ctx: { method: string }, properties: Record<string, unknown>) => {
              if (ctx.method === 'PUT') properties['client_secret'] = randomBytes(32).toString('base64url');
            },
            'as-it-is': () => undefined,
          },
        },
        registrationManagement: { enabled: true, rotateRegistrationAccessToken: true },
      },
    });
    this.#models = this.#provider as unknown as Models;
    waiting.answer = this.#provider.callback();
    return this;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** @param policy  what an update does with the secret */
  async register(policy: 'another-secret' | 'as-it-is' = 'another-secret'): Promise<RegisteredClient> {
    const initial = await new this.#models.InitialAccessToken({ policies: [policy] }).save();
    const answer = await request(`${this.baseUrl}/reg`, {
      method: 'POST',
      headers: { authorization: `Bearer ${initial}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        client_name: 'Shop {value}',
        redirect_uris: ['https://shop.example/signed-in'],
        grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
        response_types: ['code'],
      }),
    });
    const told = (await answer.body.json()) as Record<string, string>;
    if (answer.statusCode !== 201) throw new Error(JSON.stringify(told));
    return {
      id: told['client_id']!,
      secret: told['client_secret']!,
      registrationAccessToken: told['registration_access_token']!,
    };
  }

  /** A refresh token as a person's consent would have brought it. */
  async refreshToken(client: RegisteredClient, accountId = 'ada'): Promise<string> {
    const grant = new this.#models.Grant({ accountId, clientId: client.id });
    grant.addOIDCScope('offline_access orders:read');
    const grantId = await grant.save();
    const found = await this.#provider.Client.find(client.id);
    const scope = 'offline_access orders:read';
    const of = { client: found, accountId, grantId, scope, gty: 'authorization_code' };
    return new this.#models.RefreshToken(of).save();
  }

  /** An access token by a refresh token, or by the client alone; null: the server refused. */
  async token(client: RegisteredClient, refreshToken?: string): Promise<string | null> {
    const form: Record<string, string> = refreshToken
      ? { grant_type: 'refresh_token', refresh_token: refreshToken }
      : { grant_type: 'client_credentials', scope: 'orders:read' };
    const basic = [client.id, client.secret].map(encodeURIComponent).join(':');
    const answer = await request(`${this.baseUrl}/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(basic).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams(form).toString(),
    });
    const told = (await answer.body.json()) as { access_token?: string };
    return told.access_token ?? null;
  }

  /** What the protected resource answers to a token. */
  async orders(token: string | null): Promise<number> {
    const headers = { authorization: `Bearer ${token ?? ''}` };
    const answer = await request(`${this.baseUrl}/orders`, { headers });
    await answer.body.dump();
    return answer.statusCode;
  }

  async #accepts(token: string): Promise<boolean> {
    const found =
      (await this.#models.AccessToken.find(token)) ?? (await this.#provider.ClientCredentials.find(token));
    return found?.isValid === true;
  }
}
