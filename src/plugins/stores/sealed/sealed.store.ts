import { isId, newId, type Id } from '../../../kernel/ids.ts';
import { Secret } from '../../../kernel/secret.ts';
import type { Clock } from '../../../platform/clock/clock.ts';
import { inOne } from '../../../platform/database/together.ts';
import type { Db } from '../../../platform/database/transactions.ts';
import { open, rewrap, seal, type Envelope, type Kek } from '../../../platform/vault/envelope.ts';
import type {
  Store,
  StoreCapabilities,
  StoreEntry,
  StoredRef,
  Wanted,
} from '../../../platform/vault/store.ts';

/** Values in our own database, sealed under a key that is not in it. References: `sealed:<row id>`. */
export class SealedStore implements Store {
  readonly key = 'sealed';
  readonly title = 'Sealed in our own database';
  readonly capabilities: StoreCapabilities = {
    writable: true,
    versioning: { has: false, how: 'a value is sealed once and destroyed once' },
    retrievalAudit: {
      has: false,
      how: 'what people do with a credential is in the ledger; a read by the product is not',
    },
    granularPolicy: {
      has: false,
      how: 'row-level security admits the installation alone; a value opens only for its own row',
    },
    rotationHooks: { has: false, how: 'the key-encryption key is rotated with countersign keys' },
  };

  /** @param keys key-encryption keys, the first of them the current one. */
  constructor(
    private readonly keys: { keks(): readonly Kek[] },
    private readonly clock: Clock,
  ) {}

  put(boundTo: string, value: Secret, db: Db): Promise<StoredRef> {
    return this.#put(db, { boundTo, value });
  }

  readonly #put = inOne((db: Db, entries: readonly StoreEntry[]): Promise<StoredRef[]> => {
    const [first] = entries;
    return entries.length === 1 ? this.#putOne(first!, db) : this.putAll(entries, db);
  });

  async #putOne({ boundTo, value }: StoreEntry, db: Db): Promise<StoredRef[]> {
    const id = newId();
    const envelope = seal(value, `${id}:${boundTo}`, this.#current());
    // Apart from `putAll`: a parameter of its own goes over as it is, and not as text in an array.
    await db.query(
      `INSERT INTO sealed_secret (id, bound_to, kek_id, wrapped_key, nonce, ciphertext, created_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [
        id,
        boundTo,
        envelope.kekId,
        envelope.wrappedKey,
        envelope.nonce,
        envelope.ciphertext,
        this.clock.date(),
      ],
    );
    return [`sealed:${id}`];
  }

  async putAll(entries: readonly StoreEntry[], db: Db): Promise<StoredRef[]> {
    const current = this.#current();
    const rows = entries.map(({ boundTo, value }) => {
      const id = newId();
      return { id, boundTo, ...seal(value, `${id}:${boundTo}`, current) };
    });
    await db.query(
      `INSERT INTO sealed_secret (id, bound_to, kek_id, wrapped_key, nonce, ciphertext, created_at)
       SELECT r.id, r.bound_to, $1::text, r.wrapped_key, r.nonce, r.ciphertext, $2::timestamptz
         FROM unnest($3::uuid[], $4::text[], $5::bytea[], $6::bytea[], $7::bytea[]) AS r(id, bound_to, wrapped_key, nonce, ciphertext)`,
      [
        current.id,
        this.clock.date(),
        rows.map((row) => row.id),
        rows.map((row) => row.boundTo),
        rows.map((row) => row.wrappedKey),
        rows.map((row) => row.nonce),
        rows.map((row) => row.ciphertext),
      ],
    );
    return rows.map(({ id }) => `sealed:${id}`);
  }

  async get(ref: StoredRef, boundTo: string, db: Db): Promise<Secret> {
    const [row] = await sealedRows(db, [idOf(ref)]);
    return this.#opened(idOf(ref), boundTo, row);
  }

  async getAll(wanted: readonly Wanted[], db: Db): Promise<(Secret | Error)[]> {
    const rows = await sealedRows(
      db,
      wanted.map(({ ref }) => idOf(ref)),
    );
    return wanted.map(({ ref, boundTo }, at) => {
      try {
        return this.#opened(idOf(ref), boundTo, rows[at]);
      } catch (thrown) {
        return thrown as Error;
      }
    });
  }

  #opened(id: Id, boundTo: string, row: SealedRow | undefined): Secret {
    if (!row) throw new Error(`no sealed secret ${id}`);
    const envelope = envelopeOf(row);
    if (!envelope) throw new Error(`the sealed secret ${id} was destroyed`);
    if (row.bound_to !== boundTo) throw new Error(`the sealed secret ${id} belongs to something else`);
    // One account's secrets are read for every credential that is revoked there in the same moment.
    let secret = opened.get(row);
    if (!secret) {
      secret = Secret.ofBytes(open(envelope, `${id}:${boundTo}`, this.keys.keks()));
      opened.set(row, secret);
    }
    // Each has one of its own, and may wipe it.
    return secret.useBytes((bytes) => Secret.ofBytes(Buffer.from(bytes)));
  }

  async destroy(ref: StoredRef, db: Db): Promise<void> {
    await db.query(
      `UPDATE sealed_secret SET ciphertext = NULL, wrapped_key = NULL, nonce = ''::bytea, destroyed_at = $2
       WHERE id = $1 AND destroyed_at IS NULL`,
      [idOf(ref), this.clock.date()],
    );
  }

  /**
   * Wraps the data keys that are under an older key-encryption key with the current one, a batch per call, so that the
   * older key can be taken away once nothing is left. A row that does not open is named and passed over.
   *
   * @param after the `last` of the batch before; null for the first.
   * @returns `last` null: that was the end.
   */
  async rewrap(
    db: Db,
    after: Id | null,
    limit: number,
  ): Promise<{ last: Id | null; moved: number; unreadable: Id[] }> {
    const current = this.#current();
    const rows = await db.query<SealedRow[]>(
      `${SELECT} WHERE kek_id <> $1 AND destroyed_at IS NULL AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3 FOR UPDATE`,
      [current.id, after, limit],
    );
    const unreadable: Id[] = [];
    for (const row of rows) {
      const envelope = envelopeOf(row);
      if (!envelope) continue;
      let next: Envelope;
      try {
        next = rewrap(envelope, `${row.id}:${row.bound_to}`, this.keys.keks(), current);
      } catch {
        unreadable.push(row.id);
        continue;
      }
      await db.query(`UPDATE sealed_secret SET kek_id = $2, wrapped_key = $3 WHERE id = $1`, [
        row.id,
        next.kekId,
        next.wrappedKey,
      ]);
    }
    const last = rows.length === limit ? (rows.at(-1)?.id ?? null) : null;
    return { last, moved: rows.length - unreadable.length, unreadable };
  }

  /** How many values each key-encryption key wraps. `settled`: waits until nobody is about to add one under an older key. */
  async uses(db: Db, settled: boolean): Promise<ReadonlyMap<string, number>> {
    // Waits for every transaction that has written here, and keeps new ones waiting until this one ends.
    if (settled) await db.query('LOCK TABLE sealed_secret IN SHARE MODE');
    const rows = await db.query<{ kek_id: string; n: number }[]>(
      `SELECT kek_id, count(*)::int AS n FROM sealed_secret WHERE destroyed_at IS NULL GROUP BY kek_id`,
    );
    return new Map(rows.map((row) => [row.kek_id, row.n]));
  }

  #current(): Kek {
    const [current] = this.keys.keks();
    if (!current) throw new Error('there is no key-encryption key');
    return current;
  }
}

interface SealedRow {
  id: Id;
  bound_to: string;
  kek_id: string;
  wrapped_key: Buffer | null;
  nonce: Buffer;
  ciphertext: Buffer | null;
}

const SELECT = `SELECT id, bound_to, kek_id, wrapped_key, nonce, ciphertext FROM sealed_secret`;

/** As long as the row that was read lives, and no longer: rows are read anew in each transaction. */
const opened = new WeakMap<SealedRow, Secret>();

const sealedRows = inOne(
  async (db: Db, all: readonly (readonly Id[])[]): Promise<(SealedRow | undefined)[][]> => {
    const rows = await db.query<SealedRow[]>(`${SELECT} WHERE id = ANY($1::uuid[])`, [
      [...new Set(all.flat())],
    ]);
    const byId = new Map(rows.map((row) => [row.id, row]));
    return all.map((ids) => ids.map((id) => byId.get(id)));
  },
);

function envelopeOf(row: SealedRow): Envelope | null {
  if (!row.wrapped_key || !row.ciphertext) return null;
  return { kekId: row.kek_id, wrappedKey: row.wrapped_key, nonce: row.nonce, ciphertext: row.ciphertext };
}

function idOf(ref: StoredRef): string {
  const id = ref.slice('sealed:'.length);
  if (!ref.startsWith('sealed:') || !isId(id))
    throw new Error('the reference is not one of the sealed store');
  return id;
}
