import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import type { Secret } from '../../kernel/secret.ts';
import type { Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Keys } from '../../platform/signing/keys.ts';
import { digestsOf } from '../credentials/fingerprint.rules.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import type { Connector, EntryReading, StoreEntry } from './connector.ts';
import type { PlacedIn } from './look.schema.ts';
import { LooksService } from './looks.service.ts';
import { Presets } from './presets.service.ts';
import type { RevocationCall } from './probing.service.ts';
import type { LookVerdict } from './scan.rules.ts';
import { judgeEntry } from './store-look.rules.ts';
import { Targets } from './targets.service.ts';

export type Written =
  | { outcome: 'written'; note: string }
  | { outcome: 'retry'; why: string; after?: Millis }
  /** The store will not, or nobody can ask it: a person has to put it there. */
  | { outcome: 'person'; why: string };

interface Opened {
  connectionId: Id;
  connector: Connector;
  entry: StoreEntry<unknown>;
  value: Secret | null;
}

/** Copies that lie in a store which a machine can speak to: brought up to date there, and looked at there. */
@Injectable()
export class StorePlaces {
  constructor(
    private readonly transactions: Transactions,
    private readonly presets: Presets,
    private readonly targets: Targets,
    private readonly looks: LooksService,
    private readonly keys: Keys,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  /** Says which entry of which store a copy is; null: none any more. */
  async set(db: Db, locationId: Id, placed: PlacedIn | null, by: Principal): Promise<Result<void, Refusal>> {
    const [location] = await rowsOf<{ integration_id: Id; credential_id: Id }>(
      db,
      `SELECT integration_id, credential_id FROM location WHERE id = $1 AND retired_at IS NULL FOR NO KEY UPDATE`,
      [locationId],
    );
    if (!location) return err(refusal('not_found', 'no-location', 'There is no such location.'));
    if (placed) {
      const [connection] = await rowsOf<{ preset_key: string }>(
        db,
        `SELECT preset_key FROM connection WHERE id = $1 AND retired_at IS NULL`,
        [placed.connectionId],
      );
      const preset = connection && (await this.presets.get(db, connection.preset_key));
      if (!preset?.connector.writeEntry)
        return err(
          refusal('invalid', 'no-store', 'This connection does not speak to a store of copies.', {
            fields: [
              {
                field: '/connectionId',
                problem: connection ? `is one of ${connection.preset_key}` : 'is not known',
                mend: 'Give a connection to a store: Vault KV, or AWS Secrets Manager.',
              },
            ],
          }),
        );
    }
    const now = this.clock.now();
    if (placed)
      await db.query(
        `INSERT INTO location_store (location_id, connection_id, entry, field, set_by, set_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (location_id) DO UPDATE SET connection_id = $2, entry = $3, field = $4, set_by = $5, set_at = $6`,
        [
          locationId,
          placed.connectionId,
          placed.entry,
          placed.field ?? null,
          by.personId ?? `${by.kind}:${by.id}`,
          new Date(now),
        ],
      );
    else await db.query(`DELETE FROM location_store WHERE location_id = $1`, [locationId]);
    await this.ledger.append(db, {
      kind: placed ? 'location.store-set' : 'location.store-unset',
      subject: { kind: 'location', id: locationId },
      by,
      at: now,
      facts: {
        credentialId: location.credential_id,
        integrationId: location.integration_id,
        ...(placed ? { connectionId: placed.connectionId } : {}),
      },
      ...(placed ? { committed: { entry: placed.entry, field: placed.field ?? '' } } : {}),
    });
    return ok(undefined);
  }

  /**
   * Puts a version into the entry that a copy is. Asking again changes nothing once it is there.
   *
   * @returns null where the copy lies in no store that is set
   */
  async write(locationId: Id, versionId: Id, call: RevocationCall): Promise<Written | null> {
    const opened = await this.transactions.run(call.by, (db) => this.#open(db, locationId, versionId));
    if (!opened) return null;
    if ('why' in opened) return { outcome: 'person', why: opened.why };
    if (!opened.value) return { outcome: 'person', why: 'the value is not kept here' };
    const answer = await opened.connector.writeEntry!(opened.entry, opened.value, {
      idempotencyKey: call.idempotencyKey,
      signal: call.signal,
      now: () => this.clock.now(),
    });
    if (answer.outcome === 'retry')
      return {
        outcome: 'retry',
        why: answer.why,
        ...(answer.after === undefined ? {} : { after: answer.after }),
      };
    if (answer.outcome === 'rejected') return { outcome: 'person', why: answer.why };
    await this.transactions.run(call.by, (db) =>
      this.ledger.append(db, {
        kind: 'location.store-written',
        subject: { kind: 'location', id: locationId },
        by: call.by,
        at: this.clock.now(),
        facts: {
          versionId,
          connectionId: opened.connectionId,
          outcome: answer.outcome,
          name: answer.name,
          ...(call.stepId ? { stepId: call.stepId } : {}),
        },
      }),
    );
    return { outcome: 'written', note: `its store has it: ${answer.name}` };
  }

  /**
   * Asks the store of a copy whether it holds a version, and puts on record what it told.
   *
   * @returns null where the copy lies in no store that is set, or may not be seen
   */
  async look(
    locationId: Id,
    versionId: Id,
    call: Pick<RevocationCall, 'by' | 'idempotencyKey' | 'signal'>,
  ): Promise<Result<{ verdict: LookVerdict; why: string }, Refusal> | null> {
    const opened = await this.transactions.run(call.by, (db) => this.#open(db, locationId, versionId));
    if (!opened) return null;
    const lookedAt = this.clock.now();
    const judged =
      'why' in opened
        ? { verdict: 'indeterminate' as const, why: opened.why }
        : await this.#judged(
            locationId,
            versionId,
            await opened.connector.readEntry!(opened.entry, {
              idempotencyKey: call.idempotencyKey,
              signal: call.signal,
              now: () => this.clock.now(),
            }),
            call.by,
          );
    const stored = await this.looks.storeAnswered(call.by, locationId, { versionId, ...judged, lookedAt });
    return stored.ok ? ok(judged) : stored;
  }

  async #judged(
    locationId: Id,
    versionId: Id,
    reading: EntryReading,
    by: Principal,
  ): Promise<{ verdict: LookVerdict; why: string }> {
    if (reading.outcome === 'unknown')
      return { verdict: 'indeterminate', why: `the store could not be read: ${reading.why}` };
    const { known, before } = await this.transactions.run(by, async (db) => {
      const rows = await rowsOf<{ version_id: Id; digest: Buffer }>(
        db,
        `SELECT f.version_id, f.digest FROM fingerprint f
          WHERE f.credential_id = (SELECT credential_id FROM credential_version WHERE id = $1)`,
        [versionId],
      );
      const seen = await rowsOf<object>(
        db,
        `SELECT FROM copy_look WHERE location_id = $1 AND method = 'store_api' AND verdict = 'present'
            AND looked_at >= (SELECT set_at FROM location_store WHERE location_id = $1) LIMIT 1`,
        [locationId],
      );
      const byDigest = new Map(rows.map((row) => [row.digest.toString('hex'), row.version_id]));
      return { known: byDigest, before: seen.length > 0 };
    });
    const peppers = this.keys.peppers();
    const recognised = reading.held.map(({ name, current, value }) => {
      const digests = value ? digestsOf(value, peppers) : [];
      value?.wipe();
      const of = digests
        .map(({ digest }) => known.get(digest.toString('hex')))
        .find((id) => id !== undefined);
      return { name, current, of };
    });
    return judgeEntry({
      holding: recognised
        .filter(({ of }) => of === versionId)
        .sort((a, b) => Number(b.current) - Number(a.current)),
      read: reading.held.length,
      unread: reading.unread,
      known: [...known.values()].includes(versionId),
      recognised: before || recognised.some(({ of }) => of !== undefined),
    });
  }

  async #open(db: Db, locationId: Id, versionId: Id): Promise<Opened | { why: string } | null> {
    const [row] = await rowsOf<{ connection_id: Id; entry: string; field: string | null }>(
      db,
      `SELECT s.connection_id, s.entry, s.field FROM location_store s
         JOIN location l ON l.id = s.location_id AND l.retired_at IS NULL
         JOIN connection n ON n.id = s.connection_id AND n.retired_at IS NULL
        WHERE s.location_id = $1`,
      [locationId],
    );
    if (!row) return null;
    const loaded = await this.targets.load(db, versionId);
    if (!loaded) return { why: 'the version is gone from the record' };
    const { path, problems } = await this.targets.pathTo(db, loaded.version, row.connection_id);
    if (!path?.connector.writeEntry || !path.connector.readEntry)
      return { why: problems.join('; ') || 'its connection does not speak to a store of copies' };
    const { settings, baseUrl, auth, value } = path.target;
    return {
      connectionId: row.connection_id,
      connector: path.connector,
      entry: { settings, baseUrl, auth, entry: row.entry, field: row.field },
      value,
    };
  }
}
