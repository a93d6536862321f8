import type { Adapter } from 'oidc-provider';
import { sha256 } from '../ground/sealing.ts';
import { bookedCredential } from './credential-book.ts';
import type { CredentialBook } from './credential-book.ts';

type Payload = Record<string, unknown>;

/** Seconds that an issued access token lives unless asked otherwise. */
export const TOKEN_LIFETIME_SECONDS = 30 * 86_400;

/** What the supplier notes of a token about to be issued, by token id; never said to the token's users. */
export type TokenNotes = Map<string, { label: string; canary: boolean }>;

/**
 * Where `oidc-provider` keeps things: the supplier's book. An opaque token is its own id there, so ids are hashed before
 * they are written and the value is put back only into what the provider reads.
 */
export function durableAdapter(book: CredentialBook, notes: TokenNotes): (model: string) => Adapter {
  return (model) => {
    if (model === 'ClientCredentials') return new TokenAdapter(book, notes);
    if (model === 'Client') return new ClientAdapter(book);
    return new PlainAdapter(book, model);
  };
}

/** Everything that the client credentials grant does not use, kept all the same. */
class PlainAdapter implements Adapter {
  constructor(
    protected readonly book: CredentialBook,
    protected readonly model: string,
  ) {}

  async upsert(id: string, payload: Payload, expiresIn?: number): Promise<void> {
    const { jti: _, ...rest } = payload;
    const until = expiresIn === undefined ? null : Date.now() + expiresIn * 1000;
    await this.book.putOidc(this.model, sha256(id), { payload: rest, until });
  }

  async find(id: string): Promise<Payload | undefined> {
    return this.stored(sha256(id), id);
  }

  async findByUid(uid: string): Promise<Payload | undefined> {
    return this.search((payload) => payload['uid'] === uid);
  }

  async findByUserCode(userCode: string): Promise<Payload | undefined> {
    return this.search((payload) => payload['userCode'] === userCode);
  }

  async consume(id: string): Promise<void> {
    const payload = await this.find(id);
    if (payload) await this.upsert(id, { ...payload, consumed: Math.floor(Date.now() / 1000) });
  }

  async destroy(id: string): Promise<void> {
    if (this.book.oidc.has(`${this.model}\n${sha256(id)}`))
      await this.book.putOidc(this.model, sha256(id), null);
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    for (const [key, stored] of this.book.oidc) {
      const [model = '', id = ''] = key.split('\n');
      if ((stored as { payload: Payload }).payload['grantId'] === grantId)
        await this.book.putOidc(model, id, null);
    }
  }

  private stored(hash: string, id: string): Payload | undefined {
    const stored = this.book.oidc.get(`${this.model}\n${hash}`) as
      { payload: Payload; until: number | null } | undefined;
    return stored && (stored.until ?? Infinity) > Date.now() ? { ...stored.payload, jti: id } : undefined;
  }

  private search(fits: (payload: Payload) => boolean): Payload | undefined {
    for (const [key, stored] of this.book.oidc) {
      const { payload } = stored as { payload: Payload };
      if (key.startsWith(`${this.model}\n`) && fits(payload)) return payload;
    }
    return undefined;
  }
}

/** Clients are the accounts of the book. */
class ClientAdapter extends PlainAdapter {
  constructor(book: CredentialBook) {
    super(book, 'Client');
  }

  override async find(id: string): Promise<Payload | undefined> {
    const account = this.book.accountNamed(id);
    return account ? clientMetadata(account.account, account.secret) : undefined;
  }
}

const clientMetadata = (id: string, secret: string): Payload => ({
  client_id: id,
  client_secret: secret,
  grant_types: ['client_credentials'],
  response_types: [],
  redirect_uris: [],
  scope: 'orders:read orders:write',
  token_endpoint_auth_method: 'client_secret_basic',
  id_token_signed_response_alg: 'ES256',
});

/** Access tokens are the credentials of the book. */
class TokenAdapter extends PlainAdapter {
  constructor(
    book: CredentialBook,
    private readonly notes: TokenNotes,
  ) {
    super(book, 'ClientCredentials');
  }

  override async upsert(value: string, payload: Payload): Promise<void> {
    const { jti: _, ...rest } = payload;
    const id = String((rest['extra'] as { token_id?: string } | undefined)?.token_id);
    const credential = bookedCredential({
      id,
      account: String(rest['clientId']),
      value,
      ...(this.notes.get(id) ?? { label: '' }),
      expiresAt: typeof rest['exp'] === 'number' ? rest['exp'] * 1000 : null,
      extra: rest,
    });
    await this.book.add([credential]);
  }

  override async find(value: string): Promise<Payload | undefined> {
    const credential = this.book.credentialOf(value);
    return this.book.isLive(credential) ? { ...(credential.extra as Payload), jti: value } : undefined;
  }

  override async destroy(value: string): Promise<void> {
    const credential = this.book.credentialOf(value);
    if (credential) await this.book.setState([credential.id], 'revoked');
  }
}
