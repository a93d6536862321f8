import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { Refuse } from '../ground/server.ts';
import type { Answer, Asked, Place } from '../ground/server.ts';
import { randomText, sha256 } from '../ground/sealing.ts';
import type { Sealing } from '../ground/sealing.ts';
import { CredentialBook, bookedCredential } from './credential-book.ts';
import type { BookedAccount, BookedCredential } from './credential-book.ts';
import { expiry } from './mail-only-supplier.ts';
import { recordOf } from './supplier.ts';
import type { Issued, IssueOrder, Supplier } from './supplier.ts';

/**
 * How a supplier answers a key that calls it.
 *
 * `by_status`: 200 live, 403 live but not allowed this, 401 dead.
 * `by_body`: 200 whatever it thinks of the key, and the body says `ok` or why not; 403 for a key it never knew.
 */
export type Manner = 'by_status' | 'by_body';

const newKeySchema = z.strictObject({
  label: z.string().max(200).default(''),
  narrow: z.boolean().default(false),
  expires_in: z
    .int()
    .min(1)
    .max(10 * 366 * 86_400)
    .optional(),
});

/** A supplier of API keys with accounts, each managed with an admin key of its own. */
export class ApiKeySupplier implements Supplier {
  readonly asked = 'api';

  private constructor(
    readonly key: string,
    readonly title: string,
    readonly manner: Manner,
    private readonly prefix: string,
    readonly book: CredentialBook,
  ) {}

  static async open(o: {
    dir: string;
    key: string;
    title: string;
    manner: Manner;
    prefix: string;
    sealing: Sealing;
  }): Promise<ApiKeySupplier> {
    const book = await CredentialBook.open(o.dir, o.key, o.sealing);
    return new ApiKeySupplier(o.key, o.title, o.manner, o.prefix, book);
  }

  async place(): Promise<Place> {
    const byId = (asked: Asked) => {
      const credential = this.book.credential(asked.params['id'] ?? '');
      return {
        credential: credential?.id ?? asked.params['id'] ?? null,
        account: credential?.account ?? null,
      };
    };
    return {
      key: this.key,
      record: recordOf(this.book),
      routes: [
        {
          method: 'POST',
          path: '/v1/keys',
          kind: 'issue',
          about: (asked) => ({ account: this.book.accountBySecret(asked.bearer())?.account ?? null }),
          handle: (asked) => this.create(asked),
        },
        { method: 'GET', path: '/v1/keys', kind: 'read', handle: (asked) => this.list(asked) },
        {
          method: 'GET',
          path: '/v1/keys/:id',
          kind: 'read',
          about: byId,
          handle: (asked) => this.show(asked),
        },
        {
          method: 'DELETE',
          path: '/v1/keys/:id',
          kind: 'revoke',
          about: byId,
          handle: (asked) => this.remove(asked),
          success: { status: 204 },
        },
        {
          method: 'GET',
          path: '/v1/ping',
          kind: 'probe',
          about: (asked) => {
            const credential = this.book.credentialOf(asked.bearer());
            return { credential: credential?.id ?? null, account: credential?.account ?? null };
          },
          handle: (asked) => this.ping(asked),
        },
        {
          method: 'GET',
          path: '/v1/account',
          kind: 'read',
          handle: (asked) => {
            const { account, role } = this.manager(asked);
            return { status: 200, body: { ok: true, account, role } };
          },
        },
      ],
    };
  }

  async issue(order: IssueOrder): Promise<Issued[]> {
    const made = Array.from({ length: order.count }, (_, i) => {
      const label = order.count > 1 ? `${order.label} ${i + 1}`.trim() : order.label;
      return this.fresh({
        account: order.account,
        label,
        narrow: order.narrow,
        canary: order.canary,
        expiresAt: expiry(order),
      });
    });
    await this.book.add(made.map((entry) => entry.credential));
    return made.map(({ credential, value }) => ({
      supplier: this.key,
      account: credential.account,
      id: credential.id,
      value,
      sha256: sha256(value),
      label: credential.label,
    }));
  }

  setState(ids: string[], state: 'live' | 'revoked'): Promise<number> {
    return this.book.setState(ids, state);
  }

  async access(account: string): Promise<Record<string, string>> {
    const { secret } = await this.book.account(account, 'management');
    return { account, admin_key: secret };
  }

  close(): Promise<void> {
    return this.book.close();
  }

  private fresh(o: {
    account: string;
    label: string;
    narrow: boolean;
    canary: boolean;
    expiresAt: number | null;
  }): { credential: BookedCredential; value: string } {
    const value = `${this.prefix}${randomText(36)}`;
    const id = `key_${randomUUID().replaceAll('-', '').slice(0, 24)}`;
    return { value, credential: bookedCredential({ ...o, id, value }) };
  }

  /** @throws Refuse when the admin key is not one of ours */
  private manager(asked: Asked): BookedAccount {
    const account = this.book.accountBySecret(asked.bearer());
    if (account) return account;
    throw this.manner === 'by_body'
      ? new Refuse(403, { ok: false, error: 'not_authorized' })
      : new Refuse(401, { error: { type: 'authentication_error', message: 'No such admin key.' } });
  }

  /** A key of the manager's own account, or 404: others' keys do not exist for it. */
  private owned(asked: Asked): BookedCredential {
    const { account } = this.manager(asked);
    const credential = this.book.credential(asked.params['id'] ?? '');
    if (credential?.account === account && credential.state === 'live') return credential;
    throw this.manner === 'by_body'
      ? new Refuse(404, { ok: false, error: 'key_not_found' })
      : new Refuse(404, { error: { type: 'not_found', message: 'No such key.' } });
  }

  private async create(asked: Asked): Promise<Answer> {
    const { account } = this.manager(asked);
    const order = newKeySchema.safeParse(asked.json());
    if (!order.success)
      throw new Refuse(422, { error: { type: 'invalid_request', message: z.prettifyError(order.error) } });
    const key = asked.header('idempotency-key');
    const bodyHash = sha256(asked.body.toString('utf8'));
    const kept = key === undefined ? null : this.book.keptAnswer(account, key);
    if (kept) {
      if (kept.bodyHash === bodyHash)
        return {
          status: 201,
          headers: { 'idempotent-replayed': 'true' },
          body: JSON.parse(kept.text) as object,
        };
      throw new Refuse(409, {
        error: { type: 'idempotency_error', message: 'This Idempotency-Key came with another body.' },
      });
    }
    const { expires_in: seconds, ...rest } = order.data;
    const expiresAt = seconds === undefined ? null : Date.now() + seconds * 1000;
    const { credential, value } = this.fresh({ ...rest, account, canary: false, expiresAt });
    const body = { ...view(credential), key: value };
    const answer = key === undefined ? null : { key, bodyHash, text: JSON.stringify(body) };
    await this.book.addWithAnswer(credential, answer);
    return { status: 201, body };
  }

  private list(asked: Asked): Answer {
    const { account } = this.manager(asked);
    const after = asked.url.searchParams.get('after') ?? '';
    const live = [...this.book.credentials()].filter((c) => c.account === account && c.state === 'live');
    const page = live.filter((c) => c.id > after).sort((a, b) => (a.id < b.id ? -1 : 1));
    return {
      status: 200,
      body: { ok: true, data: page.slice(0, 100).map(view), has_more: page.length > 100 },
    };
  }

  private show(asked: Asked): Answer {
    return { status: 200, body: view(this.owned(asked)) };
  }

  private async remove(asked: Asked): Promise<Answer> {
    await this.book.setState([this.owned(asked).id], 'revoked');
    return { status: 204 };
  }

  private ping(asked: Asked): Answer {
    const credential = this.book.credentialOf(asked.bearer());
    const live: boolean = this.book.isLive(credential);
    if (this.manner === 'by_status') {
      if (!credential || !live)
        return {
          status: 401,
          body: { error: { type: 'authentication_error', message: 'This key is not valid.' } },
        };
      if (credential.narrow)
        return {
          status: 403,
          body: { error: { type: 'permission_error', message: 'This key may not ping.' } },
        };
      return { status: 200, body: { object: 'ping', account: credential.account, key_id: credential.id } };
    }
    if (!credential) return { status: 403, body: { ok: false, error: 'invalid_key' } };
    if (!live)
      return {
        status: 200,
        body: { ok: false, error: credential.state === 'revoked' ? 'key_revoked' : 'key_expired' },
      };
    if (credential.narrow) return { status: 200, body: { ok: false, error: 'missing_scope' } };
    return { status: 200, body: { ok: true, account: credential.account, key_id: credential.id } };
  }
}

const view = (credential: BookedCredential): Record<string, unknown> => ({
  id: credential.id,
  object: 'api_key',
  label: credential.label,
  account: credential.account,
  status: 'active',
  narrow: credential.narrow,
  created_at: new Date(credential.issuedAt).toISOString(),
  expires_at: credential.expiresAt === null ? null : new Date(credential.expiresAt).toISOString(),
});
