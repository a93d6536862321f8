import { Injectable } from '@nestjs/common';
import { refusal, Refused, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { Secret } from '../../kernel/secret.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { Keys } from '../../platform/signing/keys.ts';
import type { StoredRef } from '../../platform/vault/store.ts';
import { Vault } from '../../platform/vault/vault.ts';
import { digestsOf } from '../credentials/fingerprint.rules.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { CONTROL, connectionBinding } from './connections.service.ts';
import type { Issued } from './connector.ts';
import type { CanaryInput, CanaryView } from './drill.schema.ts';
import { canaryAdded } from './revocation.events.ts';

/** A canary that was taken for one trial. */
export interface TakenCanary {
  id: Id;
  label: string;
  supplierId: string | null;
  valueRef: StoredRef | null;
}

/** Throwaway credentials that people issued at a supplier so that drills have something to kill. */
@Injectable()
export class CanariesService {
  constructor(
    private readonly transactions: Transactions,
    private readonly vault: Vault,
    private readonly keys: Keys,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  /**
   * Records a canary. What the portfolio knows as a credential, by its value or by its supplier's id, and the control of
   * the connection are refused: a drill would kill them.
   */
  async add(connectionId: Id, input: CanaryInput, by: Principal): Promise<Result<CanaryView, Refusal>> {
    const value = input.value === undefined ? null : Secret.of(input.value);
    try {
      return await this.transactions.run(by, async (db) => {
        const [connection] = await db.query<object[]>(
          `SELECT FROM connection WHERE id = $1 AND retired_at IS NULL FOR UPDATE`,
          [connectionId],
        );
        if (!connection)
          return err(refusal('not_found', 'no-connection', 'There is no such connection in use.'));
        const supplierId = input.supplierId ?? null;
        const real = await this.realCredential(db, connectionId, { value, supplierId });
        if (real !== null) return err(real);
        const twice = await this.#known(db, connectionId, { value, supplierId });
        if (twice !== null) return err(twice);
        const id = newId();
        const now = this.clock.now();
        const ref = value ? await this.vault.put(db, canaryBinding(id), value) : null;
        await db.query(
          `INSERT INTO canary (id, connection_id, label, supplier_id, value_ref, made_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
          [id, connectionId, input.label, supplierId, ref, by.personId ?? `${by.kind}:${by.id}`, iso(now)],
        );
        await this.ledger.append(db, {
          kind: 'canary.recorded',
          subject: { kind: 'canary', id },
          by,
          at: now,
          facts: { connection: connectionId, valueKept: ref !== null, supplierId: supplierId !== null },
        });
        await this.outbox.put(db, canaryAdded, { connectionId, canaryId: id });
        return ok({
          id,
          label: input.label,
          supplierId,
          valueKept: ref !== null,
          state: 'ready',
          createdAt: iso(now),
        });
      });
    } finally {
      value?.wipe();
    }
  }

  /** Why this is no other canary: it is one of the connection already. One that was withdrawn may be given again. */
  async #known(
    db: Db,
    connectionId: Id,
    { value, supplierId }: { value: Secret | null; supplierId: string | null },
  ): Promise<Refusal | null> {
    const rows = await db.query<(TakenCanary & { state: string })[]>(
      `SELECT id, label, supplier_id AS "supplierId", value_ref AS "valueRef", state FROM canary
        WHERE connection_id = $1 AND state <> 'withdrawn' AND (supplier_id = $2 OR value_ref IS NOT NULL) ORDER BY created_at, id`,
      [connectionId, supplierId],
    );
    for (const row of rows) {
      const byId = supplierId !== null && row.supplierId === supplierId;
      const kept = byId || value === null ? null : await this.value(db, row);
      const byValue = kept !== null && value !== null && same(kept, value);
      kept?.wipe();
      if (!byId && !byValue) continue;
      const field = byId ? '/supplierId' : '/value';
      const stands = row.state === 'used' ? 'was used up' : `is ${row.state}`;
      return refusal('conflict', 'canary-known', `This is the canary ${row.label}, which ${stands}.`, {
        fields: [
          {
            field,
            problem: `is that of ${row.label}`,
            mend: 'A canary dies once: issue another one at the supplier.',
          },
        ],
      });
    }
    return null;
  }

  /** Takes in what a drill had made at the supplier, taken for that drill from the first. */
  async bear(
    db: Db,
    connectionId: Id,
    { label, issued }: { label: string; issued: Issued },
    by: Principal,
    now: Millis,
  ): Promise<Id> {
    const id = newId();
    const ref = await this.vault.put(db, canaryBinding(id), issued.value);
    await db.query(
      `INSERT INTO canary (id, connection_id, label, supplier_id, value_ref, state, made_by, created_at, taken_at)
       VALUES ($1, $2, $3, $4, $5, 'taken', $6, $7, $7)`,
      [id, connectionId, label, issued.supplierId, ref, by.personId ?? `${by.kind}:${by.id}`, iso(now)],
    );
    await this.ledger.append(db, {
      kind: 'canary.made',
      subject: { kind: 'canary', id },
      by,
      at: now,
      facts: { connection: connectionId, supplierId: issued.supplierId !== null },
    });
    return id;
  }

  list(db: Db, connectionId: Id): Promise<CanaryView[]> {
    return db
      .query<(Omit<CanaryView, 'createdAt'> & { createdAt: Date })[]>(
        `SELECT id, label, supplier_id AS "supplierId", value_ref IS NOT NULL AS "valueKept", state, created_at AS "createdAt"
           FROM canary WHERE connection_id = $1 ORDER BY created_at DESC, id DESC LIMIT 200`,
        [connectionId],
      )
      .then((rows) => rows.map((row) => ({ ...row, createdAt: row.createdAt.toISOString() })));
  }

  /** Takes a canary back that no drill has taken; its value is destroyed. */
  async withdraw(connectionId: Id, id: Id, by: Principal): Promise<Result<void, Refusal>> {
    return this.transactions.run(by, async (db) => {
      const [row] = await db.query<{ state: string; ref: StoredRef | null }[]>(
        `SELECT state, value_ref AS ref FROM canary WHERE id = $1 AND connection_id = $2 FOR UPDATE`,
        [id, connectionId],
      );
      if (!row) return err(refusal('not_found', 'no-canary', 'There is no such canary.'));
      if (row.state !== 'ready')
        return err(refusal('conflict', 'canary-not-ready', `The canary is ${row.state}.`));
      await this.#end(db, id, row.ref, 'withdrawn');
      await this.ledger.append(db, {
        kind: 'canary.withdrawn',
        subject: { kind: 'canary', id },
        by,
        at: this.clock.now(),
        facts: { connection: connectionId },
      });
      return ok(undefined);
    });
  }

  /** Names the connection to the same supplier where nothing is at stake. */
  async setSandbox(connectionId: Id, sandbox: Id | null, by: Principal): Promise<Result<void, Refusal>> {
    return this.transactions.run(by, async (db) => {
      const rows = await db.query<{ id: Id; preset: string; retired: boolean }[]>(
        `SELECT id, preset_key AS preset, retired_at IS NOT NULL AS retired FROM connection WHERE id IN ($1, $2) ORDER BY id FOR UPDATE`,
        [connectionId, sandbox],
      );
      const own = rows.find(({ id }) => id === connectionId);
      const other = rows.find(({ id }) => id === sandbox);
      if (!own) return err(refusal('not_found', 'no-connection', 'There is no such connection.'));
      if (sandbox !== null && (sandbox === connectionId || !other || other.retired)) {
        return err(
          refusal('invalid', 'bad-sandbox', 'The sandbox has to be another connection that is in use.'),
        );
      }
      if (other && other.preset !== own.preset) {
        return err(
          refusal(
            'invalid',
            'another-preset',
            `A drill proves only what it tries: the sandbox speaks ${other.preset}, this connection ${own.preset}.`,
          ),
        );
      }
      await db.query(
        `UPDATE connection SET sandbox_connection_id = $2, updated_at = $3, row_version = row_version + 1 WHERE id = $1`,
        [connectionId, sandbox, iso(this.clock.now())],
      );
      await this.ledger.append(db, {
        kind: 'connection.sandbox-named',
        subject: { kind: 'connection', id: connectionId },
        by,
        at: this.clock.now(),
        facts: { sandbox },
      });
      return ok(undefined);
    });
  }

  /**
   * Takes the oldest canary that can be used as asked.
   *
   * @throws Refused when one is in truth a credential of the portfolio: it is never touched
   */
  async take(db: Db, connectionId: Id, needs: { value: boolean; id: boolean }): Promise<TakenCanary | null> {
    const [row] = await db.query<TakenCanary[]>(
      `SELECT id, label, supplier_id AS "supplierId", value_ref AS "valueRef" FROM canary
        WHERE connection_id = $1 AND state = 'ready' AND (NOT $2 OR value_ref IS NOT NULL) AND (NOT $3 OR supplier_id IS NOT NULL)
        ORDER BY created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED`,
      [connectionId, needs.value, needs.id],
    );
    if (!row) return null;
    const value = await this.value(db, row);
    const real = await this.realCredential(db, connectionId, { value, supplierId: row.supplierId });
    value?.wipe();
    if (real !== null) throw new Refused(real);
    await db.query(`UPDATE canary SET state = 'taken', taken_at = $2 WHERE id = $1`, [
      row.id,
      iso(this.clock.now()),
    ]);
    return row;
  }

  /** Whether there is one that `take` could take. */
  async ready(db: Db, connectionId: Id, needs: { value: boolean; id: boolean }): Promise<boolean> {
    const rows = await db.query<unknown[]>(
      `SELECT FROM canary WHERE connection_id = $1 AND state = 'ready' AND (NOT $2 OR value_ref IS NOT NULL) AND (NOT $3 OR supplier_id IS NOT NULL) LIMIT 1`,
      [connectionId, needs.value, needs.id],
    );
    return rows.length > 0;
  }

  async value(db: Db, canary: Pick<TakenCanary, 'id' | 'valueRef'>): Promise<Secret | null> {
    return canary.valueRef === null ? null : this.vault.get(db, canary.valueRef, canaryBinding(canary.id));
  }

  /** Sets a canary aside that was dead before anybody killed it: no drill takes it again. */
  async setAside(db: Db, { connectionId, id }: { connectionId: Id; id: Id }, by: Principal): Promise<void> {
    const [row] = await db.query<{ state: string; ref: StoredRef | null }[]>(
      `SELECT state, value_ref AS ref FROM canary WHERE id = $1 FOR UPDATE`,
      [id],
    );
    if (row?.state !== 'taken') return;
    await this.#end(db, id, row.ref, 'withdrawn');
    await this.ledger.append(db, {
      kind: 'canary.set-aside',
      subject: { kind: 'canary', id },
      by,
      at: this.clock.now(),
      facts: { connection: connectionId },
    });
  }

  /** A canary serves once: what may have been asked to revoke it is not asked again. One that was not touched is ready again. */
  async end(db: Db, id: Id, touched: boolean): Promise<void> {
    const [row] = await db.query<{ state: string; ref: StoredRef | null }[]>(
      `SELECT state, value_ref AS ref FROM canary WHERE id = $1 FOR UPDATE`,
      [id],
    );
    if (row?.state !== 'taken') return;
    if (touched) await this.#end(db, id, row.ref, 'used');
    else await db.query(`UPDATE canary SET state = 'ready', taken_at = NULL WHERE id = $1`, [id]);
  }

  async #end(db: Db, id: Id, ref: StoredRef | null, state: 'used' | 'withdrawn'): Promise<void> {
    if (ref && this.vault.mayDestroy(ref)) await this.vault.destroy(db, ref);
    await db.query(`UPDATE canary SET state = $2, value_ref = NULL WHERE id = $1`, [id, state]);
  }

  /** Why this may not be a canary: something depends on it. */
  async realCredential(
    db: Db,
    connectionId: Id,
    { value, supplierId }: { value: Secret | null; supplierId: string | null },
  ): Promise<Refusal | null> {
    const digests = value ? digestsOf(value, this.keys.peppers()) : [];
    const [found] = await db.query<{ name: string }[]>(
      `SELECT c.name FROM fingerprint f JOIN credential c ON c.id = f.credential_id
        WHERE (f.scheme, f.key_id, f.digest) IN (SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[]))
        UNION ALL
       SELECT c.name FROM credential_version v JOIN credential c ON c.id = v.credential_id
        WHERE v.supplier_id = $4 AND c.verifier_party_id = (SELECT party_id FROM connection WHERE id = $5)
        LIMIT 1`,
      [
        digests.map(({ scheme }) => scheme),
        digests.map(({ keyId }) => keyId),
        digests.map(({ digest }) => digest),
        supplierId,
        connectionId,
      ],
    );
    if (found) {
      return refusal(
        'conflict',
        'canary-is-real',
        `This is ${found.name}, a credential of the portfolio: a drill would kill it. Issue one that nobody uses.`,
      );
    }
    const [control] = await db.query<{ ref: StoredRef | null; supplierId: string | null }[]>(
      `SELECT control_ref AS ref, control_supplier_id AS "supplierId" FROM connection WHERE id = $1`,
      [connectionId],
    );
    const isControl =
      (supplierId !== null && control?.supplierId === supplierId) ||
      (value !== null &&
        control?.ref != null &&
        this.vault.knows(control.ref) &&
        same(value, await this.vault.get(db, control.ref, connectionBinding(connectionId, CONTROL))));
    return isControl
      ? refusal(
          'conflict',
          'canary-is-the-control',
          'This is the control of the connection, which has to live while the canary dies. Issue another one.',
        )
      : null;
  }
}

function same(one: Secret, other: Secret): boolean {
  return one.use((a) => other.use((b) => a === b));
}

/** What a canary's value belongs to, for the vault. */
export function canaryBinding(canaryId: Id): string {
  return `canary:${canaryId}`;
}
