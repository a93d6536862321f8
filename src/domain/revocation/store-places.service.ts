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
import { heldVersions, newestVersion, storePlaceOf } from './store-places.queries.ts';
import { Targets } from './targets.service.ts';

export type Written =
  | { outcome: 'written'; note: string }
  | { outcome: 'retry'; why: string; after?: Millis }
  /** The store will not, or nobody can ask it: a person has to put it there. */
  | { outcome: 'person'; why: string };

/** What a store keeps of an entry, and what of that is ours. */
export type EntryRead =
  | {
      outcome: 'read';
      /** `nothing`: the field is not there. `version`: its number, where it is ours. */
      kept: { name: string; current: boolean; is: 'ours' | 'other' | 'nothing'; version: number | null }[];
      /** How many more versions are there that nobody could read. */
      unread: number;
    }
  | { outcome: 'unreadable'; why: string };

interface Compared {
  recognised: { name: string; current: boolean; of: Id | undefined; empty: boolean }[];
  /** Of the versions that have a fingerprint. */
  numbers: ReadonlyMap<Id, number>;
  /** The entry holds, or was seen to hold, some version of the credential. */
  before: boolean;
}

interface Opened {
  credentialId: Id;
  /** Names of the secrets that its preset authenticates with. */
  wanted: readonly string[];
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
      const { settings } = preset;
      const problem = preset.connector.entryProblem?.({
        settings,
        entry: placed.entry,
        field: placed.field ?? null,
      });
      if (problem)
        return err(
          refusal('invalid', 'no-entry', 'The store has no such entries.', {
            fields: [{ field: `/${problem.about}`, problem: problem.why, mend: problem.mend }],
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
   * Whether a machine can write to the entry that a copy is, as far as that shows without asking: whether its token may
   * is known when it was tried.
   *
   * @returns null where the copy lies in no store that is set; else why not, empty where it can
   */
  async obstacleTo(db: Db, locationId: Id): Promise<string | null> {
    const newest = await newestVersion(db, locationId);
    const opened = newest && (await this.#open(db, locationId, newest.id));
    if (opened === null) return null;
    if (!opened) return 'no version of the credential is on record';
    if ('why' in opened) return opened.why;
    const { settings, entry, field } = opened.entry;
    const problem = opened.connector.entryProblem?.({ settings, entry, field });
    if (problem) return problem.why;
    const missing = opened.wanted.find((name) => !Object.hasOwn(opened.entry.auth, name));
    return missing === undefined ? '' : `our own ${missing.replaceAll('_', ' ')} is not set`;
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
        : await this.#judged(locationId, versionId, opened, call);
    const stored = await this.looks.storeAnswered(call.by, locationId, { versionId, ...judged, lookedAt });
    return stored.ok ? ok(judged) : stored;
  }

  /**
   * Reads everything that the store keeps of the entry and says which of our versions each is. What it shows of the
   * versions that the copy has held is put on record.
   *
   * @returns null where the copy lies in no store that is set, or may not be seen
   */
  async read(
    locationId: Id,
    call: Pick<RevocationCall, 'by' | 'idempotencyKey' | 'signal'>,
  ): Promise<Result<EntryRead, Refusal> | null> {
    const found = await this.transactions.run(call.by, async (db) => {
      if (!(await storePlaceOf(db, locationId))) return null;
      const held = await heldVersions(db, locationId);
      const newest = held[0] ?? (await newestVersion(db, locationId));
      return {
        opened: newest
          ? await this.#open(db, locationId, newest.id)
          : { why: 'no version of the credential is on record' },
        held,
      };
    });
    if (!found?.opened) return null;
    const { opened, held } = found;
    if ('why' in opened) return ok({ outcome: 'unreadable', why: opened.why });
    const lookedAt = this.clock.now();
    const reading = await opened.connector.readEntry!(opened.entry, {
      idempotencyKey: call.idempotencyKey,
      signal: call.signal,
      now: () => this.clock.now(),
    });
    const compared =
      reading.outcome === 'read'
        ? await this.#compared(locationId, opened.credentialId, reading, call.by)
        : null;
    for (const { id } of held) {
      const judged = judgedOf(id, reading, compared);
      const stored = await this.looks.storeAnswered(call.by, locationId, {
        versionId: id,
        ...judged,
        lookedAt,
      });
      if (!stored.ok) return stored;
    }
    if (reading.outcome === 'unknown' || !compared)
      return ok({ outcome: 'unreadable', why: reading.outcome === 'unknown' ? reading.why : '' });
    return ok({
      outcome: 'read',
      kept: compared.recognised.map(({ name, current, of, empty }) => ({
        name,
        current,
        is: empty ? ('nothing' as const) : of === undefined ? ('other' as const) : ('ours' as const),
        version: of === undefined ? null : (compared.numbers.get(of) ?? null),
      })),
      unread: reading.unread,
    });
  }

  async #judged(
    locationId: Id,
    versionId: Id,
    { connector, entry, credentialId }: Opened,
    call: Pick<RevocationCall, 'by' | 'idempotencyKey' | 'signal'>,
  ): Promise<{ verdict: LookVerdict; why: string }> {
    const reading = await connector.readEntry!(entry, {
      idempotencyKey: call.idempotencyKey,
      signal: call.signal,
      now: () => this.clock.now(),
    });
    const compared =
      reading.outcome === 'read' ? await this.#compared(locationId, credentialId, reading, call.by) : null;
    return judgedOf(versionId, reading, compared);
  }

  /** Whose values those are that a store keeps, by their fingerprints; they are wiped. */
  async #compared(
    locationId: Id,
    credentialId: Id,
    reading: Extract<EntryReading, { outcome: 'read' }>,
    by: Principal,
  ): Promise<Compared> {
    const { known, numbers, before } = await this.transactions.run(by, async (db) => {
      const rows = await rowsOf<{ version_id: Id; number: number; digest: Buffer }>(
        db,
        `SELECT f.version_id, v.number, f.digest FROM fingerprint f JOIN credential_version v ON v.id = f.version_id
          WHERE f.credential_id = $1`,
        [credentialId],
      );
      const seen = await rowsOf<object>(
        db,
        `SELECT FROM copy_look WHERE location_id = $1 AND method = 'store_api' AND verdict = 'present'
            AND looked_at >= (SELECT set_at FROM location_store WHERE location_id = $1) LIMIT 1`,
        [locationId],
      );
      return {
        known: new Map(rows.map((row) => [row.digest.toString('hex'), row.version_id])),
        numbers: new Map(rows.map((row) => [row.version_id, row.number])),
        before: seen.length > 0,
      };
    });
    const peppers = this.keys.peppers();
    const recognised = reading.held.map(({ name, current, value }) => {
      const digests = value ? digestsOf(value, peppers) : [];
      value?.wipe();
      const of = digests
        .map(({ digest }) => known.get(digest.toString('hex')))
        .find((id) => id !== undefined);
      return { name, current, of, empty: value === null };
    });
    return { recognised, numbers, before: before || recognised.some(({ of }) => of !== undefined) };
  }

  async #open(db: Db, locationId: Id, versionId: Id): Promise<Opened | { why: string } | null> {
    const [row] = await rowsOf<{
      connection_id: Id;
      preset_key: string;
      entry: string;
      field: string | null;
    }>(
      db,
      `SELECT s.connection_id, n.preset_key, s.entry, s.field FROM location_store s
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
    const preset = await this.presets.get(db, row.preset_key);
    return {
      wanted: Object.keys(preset?.preset.auth ?? {}),
      credentialId: loaded.version.credentialId,
      connectionId: row.connection_id,
      connector: path.connector,
      entry: { settings, baseUrl, auth, entry: row.entry, field: row.field },
      value,
    };
  }
}

function judgedOf(
  versionId: Id,
  reading: EntryReading,
  compared: Compared | null,
): { verdict: LookVerdict; why: string } {
  if (reading.outcome === 'unknown' || !compared)
    return {
      verdict: 'indeterminate',
      why: `the store could not be read: ${reading.outcome === 'unknown' ? reading.why : ''}`,
    };
  return judgeEntry({
    holding: compared.recognised
      .filter(({ of }) => of === versionId)
      .sort((a, b) => Number(b.current) - Number(a.current)),
    read: reading.held.length,
    unread: reading.unread,
    known: compared.numbers.has(versionId),
    recognised: compared.before,
  });
}
