import { Injectable } from '@nestjs/common';
import { refusal, Refused, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, type Result } from '../../kernel/result.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { RunsService } from '../runbooks/runs.service.ts';
import { RotationRecords, type RotationRow } from './rotation-records.service.ts';
import { waitingSteps } from './steps.queries.ts';

/** How somebody acts upon a rotation: in one transaction, with the row held, and with the steps that wait for it. */
@Injectable()
export class RotationActs {
  constructor(
    private readonly transactions: Transactions,
    private readonly records: RotationRecords,
    private readonly runs: RunsService,
  ) {}

  on<T>(
    id: Id,
    by: Principal,
    work: (db: Db, row: RotationRow) => Promise<Result<T, Refusal>>,
  ): Promise<Result<T, Refusal>> {
    return this.atomic(by, async (db) => {
      const row = await this.records.hold(db, id);
      return row ? work(db, row) : err(refusal('not_found', 'no-rotation', 'There is no such rotation.'));
    });
  }

  /** A refusal takes everything of its transaction back. */
  async atomic<T>(by: Principal, work: (db: Db) => Promise<Result<T, Refusal>>): Promise<Result<T, Refusal>> {
    try {
      return await this.transactions.run(by, async (db) => {
        const result = await work(db);
        if (!result.ok) throw new Refused(result.error);
        return result;
      });
    } catch (thrown) {
      if (thrown instanceof Refused) return err(thrown.refusal);
      throw thrown;
    }
  }

  /** The steps of a rotation's runs that wait for somebody or something, by their action. */
  async waiting(db: Db, row: RotationRow, uses: string): Promise<Id[]> {
    const runs = [row.runId, row.rollBackRunId].filter((run) => run !== null);
    const steps = await Promise.all(runs.map((run) => waitingSteps(db, run, { uses })));
    return steps.flat().map(({ id }) => id);
  }

  /** What waits looks again; a step that has moved meanwhile needs no asking. */
  async again(db: Db, row: RotationRow, uses: string, reason: string, by: Principal): Promise<void> {
    for (const step of await this.waiting(db, row, uses)) await this.runs.retryStep(db, step, { reason, by });
  }
}
