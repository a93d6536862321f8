import { request } from 'undici';
import type { Supplier } from '../suppliers/supplier.ts';
import { issueSchema } from '../suppliers/supplier.ts';
import { sha256 } from '../ground/sealing.ts';
import type { Replacement } from './app-api.ts';
import type { Person } from './schema.ts';

/**
 * Issues a replacement the way a customer's engineer does: over the supplier's own public interface, with the account's
 * own credentials; at a supplier without one, by telephone.
 *
 * @param idempotencyKey the same key gives the same credential where the supplier honours such keys
 */
export async function issueReplacement(
  supplier: Supplier,
  origin: string | null,
  access: Person['access'][number],
  idempotencyKey: string,
): Promise<Replacement> {
  const value =
    supplier.asked === 'mail' || origin === null
      ? await byTelephone(supplier, access.account)
      : supplier.asked === 'api'
        ? await byApi(origin, await supplier.access(access.account), idempotencyKey)
        : await byToken(origin, await clientOf(supplier, access.account));
  return { ...value, issuedAt: new Date().toISOString(), location: access.store };
}

type Fresh = Pick<Replacement, 'supplierId' | 'sha256' | 'expiresAt'>;

async function byTelephone(supplier: Supplier, account: string): Promise<Fresh> {
  const order = issueSchema.parse({ supplier: supplier.key, account, label: 'replacement' });
  const [issued] = await supplier.issue(order);
  if (!issued) throw new Error(`${supplier.title} issued nothing`);
  return { supplierId: issued.id, sha256: issued.sha256, expiresAt: null };
}

async function byApi(origin: string, access: Record<string, string>, idempotencyKey: string): Promise<Fresh> {
  const answer = await request(`${origin}/v1/keys`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${access['admin_key']}`,
      'content-type': 'application/json',
      'idempotency-key': idempotencyKey,
    },
    body: JSON.stringify({ label: 'replacement' }),
    signal: AbortSignal.timeout(15_000),
  });
  const body = (await answer.body.json()) as { id?: string; key?: string; expires_at?: string | null };
  if (answer.statusCode !== 201 || !body.id || !body.key) throw new Error(`no new key: ${answer.statusCode}`);
  return { supplierId: body.id, sha256: sha256(body.key), expiresAt: body.expires_at ?? null };
}

/** The management client only manages; tokens for use belong to an ordinary client. */
async function clientOf(supplier: Supplier, account: string): Promise<Record<string, string>> {
  return supplier.access(account === 'main' ? 'orders-service' : account);
}

async function byToken(origin: string, client: Record<string, string>): Promise<Fresh> {
  const post = async (path: string, form: Record<string, string>): Promise<Record<string, unknown>> => {
    const pair = [client['client_id'] ?? '', client['client_secret'] ?? ''].map(encodeURIComponent).join(':');
    const answer = await request(`${origin}${path}`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(pair).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams(form).toString(),
      signal: AbortSignal.timeout(15_000),
    });
    if (answer.statusCode !== 200) throw new Error(`POST ${path}: ${answer.statusCode}`);
    return (await answer.body.json()) as Record<string, unknown>;
  };
  const { access_token: token } = await post('/token', { grant_type: 'client_credentials' });
  if (typeof token !== 'string') throw new Error('no access token came');
  const { token_id: id, exp } = await post('/token/introspection', { token });
  if (typeof id !== 'string') throw new Error('the new token is not active');
  const expiresAt = typeof exp === 'number' ? new Date(exp * 1000).toISOString() : null;
  return { supplierId: id, sha256: sha256(token), expiresAt };
}
