import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { newId } from '../../kernel/ids.ts';
import { system, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { MINUTE } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import type { FailureView, ReportFailure } from './failure.schema.ts';
import { failures } from './failures.queries.ts';

const AHEAD = 5 * MINUTE;

/** What fails after a revocation, and whether its fallback started, as monitoring and people report it. */
@Injectable()
export class FailuresService {
  constructor(
    private readonly transactions: Transactions,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  /** The same key again is the same report. */
  async report(
    input: ReportFailure,
    by: Principal,
  ): Promise<Result<{ failure: FailureView; created: boolean }, Refusal>> {
    const now = this.clock.now();
    if (Date.parse(input.at) > now + AHEAD)
      return err(bad('/at', 'has not come yet', 'Give the time at which it failed.'));
    // Who reports must see what they report about; evidence that tells what it is may be the operator's alone.
    const wrong = await this.transactions.run(by, (db) => wrongIn(db, input));
    if (wrong) return err(wrong);
    // Two sides may count their alerts alike.
    const key = input.key === undefined ? null : `${by.partyId ?? 'operator'}:${input.key}`;
    return this.transactions.run(system('incidents', by.correlationId), async (db) => {
      if (key !== null) {
        await db.query(`SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, [`failure_report:${key}`]);
        const [known] = await failures(db, { externalKey: key }, 1);
        if (known) return ok({ failure: known, created: false });
      }
      const id = newId();
      await db.query(
        `INSERT INTO failure_report (id, external_key, integration_id, credential_id, version_id, consumer, at, status, failure, actors,
                                     actors_failing, fallback, fallback_note, note, reported_by, recorded_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
        [
          id,
          key,
          input.integrationId,
          input.credentialId ?? null,
          input.versionId ?? null,
          input.consumer,
          input.at,
          input.status ?? null,
          input.failure ?? null,
          input.actors ?? null,
          input.actorsFailing ?? null,
          input.fallback,
          input.fallbackNote,
          input.note,
          `${by.kind}:${by.id}`,
          new Date(now),
        ],
      );
      const [failure] = await failures(db, { id }, 1);
      await this.ledger.append(db, {
        kind: 'failure.reported',
        subject: { kind: 'failure_report', id },
        by,
        at: now,
        facts: {
          integrationId: input.integrationId,
          credentialId: input.credentialId ?? null,
          versionId: input.versionId ?? null,
          at: input.at,
          status: input.status ?? null,
          failure: input.failure ?? null,
          fallback: input.fallback,
          judged: failure!.class,
        },
        committed: {
          consumer: input.consumer,
          ...(input.note === '' ? {} : { note: input.note }),
          ...(input.fallbackNote === '' ? {} : { fallbackNote: input.fallbackNote }),
        },
      });
      return ok({ failure: failure!, created: true });
    });
  }
}

async function wrongIn(db: Db, input: ReportFailure): Promise<Refusal | null> {
  const [facts] = await rowsOf<{ integration: boolean; used: boolean; version: boolean }>(
    db,
    `SELECT EXISTS (SELECT FROM integration WHERE id = $1) AS integration,
            $2::uuid IS NULL OR EXISTS (SELECT FROM credential_use WHERE credential_id = $2 AND integration_id = $1) AS used,
            $3::uuid IS NULL OR EXISTS (SELECT FROM credential_version WHERE id = $3 AND credential_id = $2) AS version`,
    [input.integrationId, input.credentialId ?? null, input.versionId ?? null],
  );
  if (!facts?.integration)
    return bad('/integrationId', 'is no integration', 'Give the id of one that you may see.');
  if (!facts.used)
    return bad('/credentialId', 'is not used by this integration', 'Give one that it uses, or none.');
  if (!facts.version)
    return bad('/versionId', 'is no version of this credential', 'Give one of its versions, or none.');
  return null;
}

function bad(field: string, problem: string, mend: string): Refusal {
  return refusal('invalid', 'bad-failure', 'The report is not as it must be.', {
    fields: [{ field, problem, mend }],
  });
}
