import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { newId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';

export const reEvaluationSchema = z
  .object({
    total: z.int().describe('Integrations that the gate looks at; retired ones are none'),
    waiting: z.int().describe('Of these, how many changed or aged and were not looked at since'),
    newestAt: z.iso.datetime().nullable().describe('When one was looked at last'),
    oldestAt: z.iso.datetime().nullable().describe('The oldest look that still counts'),
  })
  .meta({ id: 'ReEvaluation' });
export type ReEvaluation = z.infer<typeof reEvaluationSchema>;

/** How far the gate is with looking again; the same from every process, as it is read from what is left to do. */
export async function reEvaluationOf(db: Db, now: Millis): Promise<ReEvaluation> {
  type Row = Pick<ReEvaluation, 'total' | 'waiting'> & { newestAt: Date | null; oldestAt: Date | null };
  const [row] = await db.query<Row[]>(
    `SELECT (SELECT count(*)::int FROM integration WHERE state <> 'retired') AS total,
            (SELECT count(*)::int FROM (SELECT integration_id FROM gate_stale
                                        UNION SELECT integration_id FROM gate_standing WHERE recheck_at <= $1) w) AS waiting,
            s.newest AS "newestAt", s.oldest AS "oldestAt"
       FROM (SELECT max(evaluated_at) AS newest, min(evaluated_at) AS oldest FROM gate_standing) s`,
    [iso(now)],
  );
  return {
    total: row?.total ?? 0,
    waiting: row?.waiting ?? 0,
    newestAt: row?.newestAt?.toISOString() ?? null,
    oldestAt: row?.oldestAt?.toISOString() ?? null,
  };
}

/** Asks for another look at everything. */
@Injectable()
export class ReEvaluations {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
  ) {}

  /** Notes every integration as changed; the sweep works through them. What waits already is not noted twice. */
  async ask(by: Principal): Promise<ReEvaluation> {
    const now = this.clock.now();
    return this.transactions.run(by, async (db) => {
      const [noted] = await db.query<{ n: number }[]>(
        `WITH noted AS (
           INSERT INTO gate_stale (id, integration_id)
           SELECT gen_random_uuid(), i.id FROM integration i
            WHERE i.state <> 'retired' AND NOT EXISTS (SELECT FROM gate_stale s WHERE s.integration_id = i.id)
           RETURNING 1)
         SELECT count(*)::int AS n FROM noted`,
      );
      await this.ledger.append(db, {
        kind: 'gate.look-again-asked',
        subject: { kind: 'gate', id: newId() },
        by,
        at: now,
        facts: { integrations: noted?.n ?? 0 },
      });
      return reEvaluationOf(db, now);
    });
  }
}
