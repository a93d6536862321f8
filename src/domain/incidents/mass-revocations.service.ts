import { Injectable } from '@nestjs/common';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { handOf, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
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
  versions: number;
}

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

  /** A second person approves what was previewed; it starts at once. */
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
      if (row.versions !== versions)
        throw new Refused(
          refusal('precondition', 'other-than-seen', `It holds ${row.versions} versions, not ${versions}.`, {
            fields: [
              {
                field: '/versions',
                problem: 'is not what is frozen',
                mend: 'Look at the preview again, then approve it.',
              },
            ],
          }),
        );
      await db.query(
        `UPDATE mass_revocation SET state = 'approved', approved_by = $2, approved_at = $3, row_version = row_version + 1 WHERE id = $1`,
        [id, handOf(by), new Date(now)],
      );
      await this.ledger.append(db, {
        kind: 'mass-revocation.approved',
        subject: { kind: 'mass_revocation', id },
        by,
        at: now,
        facts: { reference: row.reference, versions, force: row.force, askedBy: row.asked_by },
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
   * Hands what was approved to the emergency revocation, all of it in one transaction: each version becomes an exposure in
   * exactly one incident, and the run takes the riskiest first. Started twice it starts once.
   */
  start(id: Id, by: Principal): Promise<void> {
    return this.transactions.run(by, async (db) => {
      const row = await lock(db, id);
      if (row.state !== 'approved') return;
      const now = this.clock.now();
      const items = await rowsOf<{ version_id: Id; credential_id: Id; integration_id: Id }>(
        db,
        // What was proven dead in the meantime is dead.
        `SELECT i.version_id, i.credential_id, i.integration_id FROM mass_revocation_item i
           LEFT JOIN version_death d ON d.version_id = i.version_id
          WHERE i.mass_revocation_id = $1 AND d.liveness IS DISTINCT FROM 'dead' ORDER BY i.risk DESC, i.version_id`,
        [id],
      );
      const batchId = newId();
      if (items.length > 0) {
        await this.named.file(db, {
          batchId,
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
        const matched = await this.matching.match(db, batchId, by, now);
        await this.acceptance.accept(db, matched, by, now, undefined, {
          reference: row.reference,
          force: row.force,
        });
      }
      await db.query(
        `UPDATE mass_revocation SET state = 'started', started_at = $2, batch_id = $3, row_version = row_version + 1 WHERE id = $1`,
        [id, new Date(now), items.length > 0 ? batchId : null],
      );
      await this.ledger.append(db, {
        kind: 'mass-revocation.started',
        subject: { kind: 'mass_revocation', id },
        by,
        at: now,
        facts: { reference: row.reference, versions: items.length, force: row.force },
      });
    });
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
  const [row] = await rowsOf<Omit<MassRow, 'versions'>>(
    db,
    `SELECT id, reference, state, force, asked_by, approved_by FROM mass_revocation WHERE id = $1 FOR UPDATE`,
    [id],
  );
  if (!row)
    throw new Refused(refusal('not_found', 'no-mass-revocation', 'There is no such mass revocation.'));
  const [counted] = await rowsOf<{ n: number }>(
    db,
    `SELECT count(*)::int AS n FROM mass_revocation_item WHERE mass_revocation_id = $1`,
    [id],
  );
  return { ...row, versions: counted!.n };
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
