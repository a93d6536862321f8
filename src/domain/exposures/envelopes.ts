import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import { Secret } from '../../kernel/secret.ts';
import type { Millis } from '../../kernel/time.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { inOne } from '../../platform/database/together.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { StoredRef } from '../../platform/vault/store.ts';
import { Vault } from '../../platform/vault/vault.ts';

/**
 * The values of one batch between the door and the match: one sealed envelope, whatever is in it, so that a reporter's
 * answer takes the same time whether anything matches or not. The match opens it once and destroys it.
 */
@Injectable()
export class Envelopes {
  constructor(private readonly vault: Vault) {}

  make(db: Db, batch: Batch): Promise<void> {
    return insertBatch(db, batch);
  }

  /** Seals the values of a batch that has none yet. */
  async seal(db: Db, batchId: Id, values: readonly { key: string; value: Secret }[]): Promise<void> {
    if (values.length === 0) return;
    const whole = packed(values);
    const ref = await this.vault.putHere(db, binding(batchId), whole);
    whole.wipe();
    await setValues(db, { batchId, ref });
  }

  /** The values of a batch by their keys. Empty when there are none, or none any more. */
  async open(db: Db, batchId: Id): Promise<Map<string, Secret>> {
    const [row] = await rowsOf<{ values_ref: string | null }>(
      db,
      `SELECT values_ref FROM exposure_batch WHERE id = $1`,
      [batchId],
    );
    if (!row?.values_ref) return new Map();
    const secret = await this.vault.get(db, row.values_ref, binding(batchId));
    const values = unpacked(secret);
    secret.wipe();
    return values;
  }

  async destroy(db: Db, batchId: Id): Promise<void> {
    const [row] = await rowsOf<{ values_ref: string }>(
      db,
      `SELECT values_ref FROM exposure_batch WHERE id = $1 AND values_ref IS NOT NULL FOR UPDATE`,
      [batchId],
    );
    if (!row) return;
    await this.vault.destroy(db, row.values_ref);
    await db.query(`UPDATE exposure_batch SET values_ref = NULL WHERE id = $1`, [batchId]);
  }
}

interface Batch {
  id: Id;
  correlationId: string;
  now: Millis;
}

const insertBatch = inOne(async (db: Db, all: readonly Batch[]): Promise<void[]> => {
  await db.query(
    `INSERT INTO exposure_batch (id, correlation_id, created_at) SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[])`,
    [
      all.map(({ id }) => id),
      all.map(({ correlationId }) => correlationId),
      all.map(({ now }) => new Date(now)),
    ],
  );
  return all.map(() => undefined);
});

const setValues = inOne(async (db: Db, all: readonly { batchId: Id; ref: StoredRef }[]): Promise<void[]> => {
  await db.query(
    `UPDATE exposure_batch b SET values_ref = r.ref FROM unnest($1::uuid[], $2::text[]) AS r(id, ref) WHERE b.id = r.id`,
    [all.map(({ batchId }) => batchId), all.map(({ ref }) => ref)],
  );
  return all.map(() => undefined);
});

function binding(batchId: Id): string {
  return `exposure_batch:${batchId}`;
}

// Length-prefixed, since a value may hold anything: key length, key, value length, value.
function packed(values: readonly { key: string; value: Secret }[]): Secret {
  const pieces = values.flatMap(({ key, value }) => [
    framed(Buffer.from(key)),
    value.useBytes((bytes) => framed(bytes)),
  ]);
  const whole = Buffer.concat(pieces);
  for (const piece of pieces) piece.fill(0);
  return Secret.ofBytes(whole);
}

function framed(bytes: Buffer): Buffer {
  const out = Buffer.alloc(4 + bytes.length);
  out.writeUInt32BE(bytes.length);
  bytes.copy(out, 4);
  return out;
}

function unpacked(secret: Secret): Map<string, Secret> {
  return secret.useBytes((bytes) => {
    const values = new Map<string, Secret>();
    let at = 0;
    const next = () => {
      const length = bytes.readUInt32BE(at);
      const piece = Buffer.from(bytes.subarray(at + 4, at + 4 + length));
      at += 4 + length;
      return piece;
    };
    while (at < bytes.length) values.set(next().toString('utf8'), Secret.ofBytes(next()));
    return values;
  });
}
