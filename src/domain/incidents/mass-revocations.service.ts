import { setTimeout as pause } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { handOf, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { SECOND, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { nextReference } from '../../platform/database/references.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { may } from '../access/permissions.ts';
import { MatchingService } from '../exposures/matching.service.ts';
import { NamedReports } from '../exposures/named-reports.service.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AcceptanceService } from './acceptance.service.ts';
import { selected } from './mass-revocation.queries.ts';
import { MOST_VERSIONS, type AskMassRevocation } from './mass-revocation.schema.ts';
import { massRevocationApproved } from './mass-revocations.events.ts';

interface MassRow {
  id: Id;
  reference: string;
  state: 'draft' | 'approved' | 'started' | 'withdrawn';
  force: boolean;
  asked_by: string;
  approved_by: string | null;
  batch_id: Id | null;
  versions: number;
  /** Of them, those that are still to start. */
  left: number;
}

interface Item {
  version_id: Id;
  credential_id: Id;
  integration_id: Id;
  /** Proven since it was asked for. */
  dead: boolean;
}

/** Versions that one transaction hands over: few at first, so that the first revocation leaves at once. */
const FIRST_PORTION = 25;
const LARGEST_PORTION = 500;
/** From this size on a portion is followed by a rest of as long: what has started is worked on meanwhile. */
const RESTED_PORTION = 200;

/** Many credentials revoked together: one person asks and sees who breaks, a second one approves exactly that. */
@Injectable()
export class MassRevocationsService {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
    private readonly named: NamedReports,
    private readonly matching: MatchingService,
    private readonly acceptance: AcceptanceService,
  ) {}

  /** Freezes what the selection means now. Nothing is revoked. */
  async ask(
    { selection, reason, force }: AskMassRevocation,
    by: Principal,
  ): Promise<Result<{ id: Id; reference: string }, Refusal>> {
    if (force && !may(by, 'revocations:force')) return err(FORCE);
    return this.#act(by, async (db) => {
      const now = this.clock.now();
      // Before its number is drawn: one that is refused uses none up.
      refuseUnfit(await howMany(db, selection));
      const id = newId();
      const reference = await nextReference(db, 'MRV', now);
      await db.query(
        `INSERT INTO mass_revocation (id, reference, selection, reason, force, asked_by, asked_at, correlation_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [
          id,
          reference,
          JSON.stringify(selection),
          reason,
          force,
          handOf(by),
          new Date(now),
          by.correlationId,
        ],
      );
      const { sql, params } = selected(selection, 3);
      const [frozen] = await rowsOf<{ n: number }>(
        db,
        `WITH frozen AS (
           INSERT INTO mass_revocation_item (mass_revocation_id, version_id, credential_id, integration_id, risk)
           SELECT $1::uuid, v.id, v.credential_id, v.integration_id, c.risk ${sql} LIMIT $2 RETURNING 1)
         SELECT count(*)::int AS n FROM frozen`,
        [id, MOST_VERSIONS + 1, ...params],
      );
      const versions = frozen!.n;
      refuseUnfit(versions);
      await this.ledger.append(db, {
        kind: 'mass-revocation.asked',
        subject: { kind: 'mass_revocation', id },
        by,
        at: now,
        facts: { reference, versions, force },
        committed: { reason, selection: JSON.stringify(selection) },
      });
      return { id, reference };
    });
  }

  /**
   * A second person approves what was previewed and is left of it; it starts at once.
   *
   * @param versions how many they saw that are not proven dead
   */
  approve(id: Id, versions: number, by: Principal): Promise<Result<void, Refusal>> {
    return this.#act(by, async (db) => {
      const row = await lock(db, id);
      const now = this.clock.now();
      if (row.asked_by === handOf(by))
        throw new Refused(
          refusal('conflict', 'second-person-needed', 'You asked for it; a second person has to approve it.'),
        );
      if (row.state !== 'draft') throw new Refused(impossible(row, 'approved'));
      if (row.force && !may(by, 'revocations:force')) throw new Refused(FORCE);
      // What others killed since is nobody's to approve, and stays out even if it should live again before the start.
      const dead = await markDead(db, id, now);
      refuseOther(row, { left: row.left - dead, seen: versions });
      await db.query(
        `UPDATE mass_revocation SET state = 'approved', approved_by = $2, approved_at = $3, row_version = row_version + 1 WHERE id = $1`,
        [id, handOf(by), new Date(now)],
      );
      await this.ledger.append(db, {
        kind: 'mass-revocation.approved',
        subject: { kind: 'mass_revocation', id },
        by,
        at: now,
        facts: { reference: row.reference, versions, dead, force: row.force, askedBy: row.asked_by },
      });
      await this.outbox.put(db, massRevocationApproved, { massRevocationId: id }, { key: id });
    });
  }

  /** Before anybody approved it; the person who asked, or another. */
  withdraw(id: Id, reason: string, by: Principal): Promise<Result<void, Refusal>> {
    return this.#act(by, async (db) => {
      const row = await lock(db, id);
      const now = this.clock.now();
      if (row.state !== 'draft') throw new Refused(impossible(row, 'withdrawn'));
      await db.query(
        `UPDATE mass_revocation SET state = 'withdrawn', ended_at = $2, row_version = row_version + 1 WHERE id = $1`,
        [id, new Date(now)],
      );
      await this.ledger.append(db, {
        kind: 'mass-revocation.withdrawn',
        subject: { kind: 'mass_revocation', id },
        by,
        at: now,
        facts: { reference: row.reference },
        committed: { reason },
      });
    });
  }

  /**
   * Hands what was approved to the emergency revocation, the riskiest first, portion by portion: after each, what it holds
   * is in exactly one incident and under way, and the rest is still to start. Whoever comes next goes on behind the last
   * portion, and what was handed over is never handed over again.
   *
   * @param signal cut: the portion in hand is the last one of this call
   */
  async start(id: Id, by: Principal, signal?: AbortSignal): Promise<void> {
    for (let size = FIRST_PORTION, more = true; more; size = Math.min(2 * size, LARGEST_PORTION)) {
      signal?.throwIfAborted();
      const began = performance.now();
      more = await this.transactions.run(by, (db) => this.#portion(db, id, size, by));
      if (more && size >= RESTED_PORTION)
        await pause(Math.min(SECOND, performance.now() - began), undefined, signal ? { signal } : {});
    }
  }

  /** @returns whether there is more to start */
  async #portion(db: Db, id: Id, size: number, by: Principal): Promise<boolean> {
    const row = await lock(db, id);
    if (row.state !== 'approved') return false;
    const now = this.clock.now();
    const items = await rowsOf<Item>(
      db,
      `SELECT i.version_id, i.credential_id, i.integration_id, d.liveness IS NOT DISTINCT FROM 'dead' AS dead
         FROM mass_revocation_item i LEFT JOIN version_death d ON d.version_id = i.version_id
        WHERE i.mass_revocation_id = $1 AND i.started_at IS NULL ORDER BY i.risk DESC, i.version_id LIMIT $2`,
      [id, size],
    );
    const last = items.length >= row.left;
    // What was proven dead in the meantime is dead.
    const batchId = await this.#hand(
      db,
      row,
      items.filter(({ dead }) => !dead),
      { portion: row.versions - row.left + items.length, last },
      by,
    );
    await db.query(
      `UPDATE mass_revocation_item SET started_at = $3 WHERE mass_revocation_id = $1 AND version_id = ANY($2::uuid[])`,
      [id, items.map(({ version_id: versionId }) => versionId), new Date(now)],
    );
    await db.query(
      `UPDATE mass_revocation SET batch_id = $2, state = $3, started_at = $4, row_version = row_version + 1 WHERE id = $1`,
      [id, batchId, last ? 'started' : 'approved', last ? new Date(now) : null],
    );
    if (last) {
      const [handed] = await rowsOf<{ n: number }>(
        db,
        `SELECT count(*)::int AS n FROM exposure WHERE batch_id = $1`,
        [batchId],
      );
      await this.ledger.append(db, {
        kind: 'mass-revocation.started',
        subject: { kind: 'mass_revocation', id },
        by,
        at: now,
        facts: { reference: row.reference, versions: handed!.n, force: row.force },
      });
    }
    return !last;
  }

  /** @returns the batch that all portions are; null: nothing was to be handed over yet */
  async #hand(
    db: Db,
    row: MassRow,
    items: readonly Item[],
    { portion, last }: { portion: number; last: boolean },
    by: Principal,
  ): Promise<Id | null> {
    if (items.length === 0 && row.batch_id === null) return null;
    const now = this.clock.now();
    const batchId = row.batch_id ?? newId();
    if (items.length > 0)
      await this.named.file(db, {
        batchId,
        joins: row.batch_id !== null,
        reports: items.map((item) => ({
          versionId: item.version_id,
          credentialId: item.credential_id,
          integrationId: item.integration_id,
          ref: `${row.reference}:${item.version_id}`,
          says: 'unknown',
          occurredAt: null,
          detectedAt: null,
        })),
        reporter: { kind: 'user', id: row.asked_by },
        trust: 'act',
        by,
        now,
      });
    const matched = items.length > 0 ? await this.matching.match(db, batchId, by, now) : [];
    const order = { reference: row.reference, force: row.force };
    await this.acceptance.accept(db, matched, by, now, { exposureBatchId: batchId, portion, last }, order);
    return batchId;
  }

  async #act<T>(by: Principal, work: (db: Db) => Promise<T>): Promise<Result<T, Refusal>> {
    try {
      return ok(await this.transactions.run(by, work));
    } catch (thrown) {
      if (thrown instanceof Refused) return err(thrown.refusal);
      throw thrown;
    }
  }
}

const FORCE = refusal(
  'forbidden',
  'force-needs-permission',
  'To force it both people need revocations:force.',
);

function impossible(row: MassRow, wanted: string): Refusal {
  return refusal('conflict', 'not-a-draft', `${row.reference} is ${row.state} and cannot be ${wanted}.`);
}

async function lock(db: Db, id: Id): Promise<MassRow> {
  const [row] = await rowsOf<Omit<MassRow, 'versions' | 'left'>>(
    db,
    `SELECT id, reference, state, force, asked_by, approved_by, batch_id FROM mass_revocation WHERE id = $1 FOR UPDATE`,
    [id],
  );
  if (!row)
    throw new Refused(refusal('not_found', 'no-mass-revocation', 'There is no such mass revocation.'));
  const [counted] = await rowsOf<{ versions: number; left: number }>(
    db,
    `SELECT count(*)::int AS versions, (count(*) FILTER (WHERE started_at IS NULL))::int AS left
       FROM mass_revocation_item WHERE mass_revocation_id = $1`,
    [id],
  );
  return { ...row, ...counted! };
}

/** Takes what was proven dead since it was asked for out of what is to start. @returns how many */
async function markDead(db: Db, id: Id, now: Millis): Promise<number> {
  const dead = await rowsOf(
    db,
    `UPDATE mass_revocation_item i SET started_at = $2 FROM version_death d
      WHERE i.mass_revocation_id = $1 AND i.started_at IS NULL AND d.version_id = i.version_id AND d.liveness = 'dead' RETURNING 1`,
    [id, new Date(now)],
  );
  return dead.length;
}

/** @throws Refused where nothing is left to do, or something else than was seen */
function refuseOther(row: MassRow, { left, seen }: { left: number; seen: number }): void {
  if (left === 0)
    throw new Refused(
      refusal(
        'conflict',
        'nothing-left',
        `Every version of ${row.reference} is proven dead: nothing is left to do, and nobody has to approve it.`,
      ),
    );
  if (left === seen) return;
  const dead = row.versions - left;
  const since =
    dead === 0 ? '' : ` ${dead} of its ${row.versions} versions ${dead === 1 ? 'is' : 'are'} proven dead.`;
  throw new Refused(
    refusal(
      'precondition',
      'other-than-seen',
      `${left} ${left === 1 ? 'version is' : 'versions are'} left to revoke, not ${seen}.${since}`,
      {
        fields: [
          {
            field: '/versions',
            problem: `is not how many are left to revoke, which is ${left}`,
            mend: 'Look at the preview again, then approve what is left of it.',
          },
        ],
      },
    ),
  );
}

/** How many versions a selection fits now; counted no further than a selection may go. */
async function howMany(db: Db, selection: AskMassRevocation['selection']): Promise<number> {
  const { sql, params } = selected(selection, 2);
  const [counted] = await rowsOf<{ n: number }>(
    db,
    `SELECT count(*)::int AS n FROM (SELECT 1 ${sql} LIMIT $1) fitting`,
    [MOST_VERSIONS + 1, ...params],
  );
  return counted!.n;
}

/** @throws Refused where nothing is to be revoked, or too much at once */
function refuseUnfit(versions: number): void {
  if (versions === 0)
    throw new Refused(
      refusal(
        'invalid',
        'nothing-selected',
        'The selection fits no version in use that is not proven dead.',
        {
          fields: [{ field: '/selection', problem: 'fits nothing', mend: 'Widen it, or check its names.' }],
        },
      ),
    );
  if (versions > MOST_VERSIONS)
    throw new Refused(
      refusal('invalid', 'too-many-selected', `The selection fits more than ${MOST_VERSIONS} versions.`, {
        fields: [
          {
            field: '/selection',
            problem: 'fits too many',
            mend: 'Narrow it by integration, environment or type.',
          },
        ],
      }),
    );
}
