import type { z } from 'zod';
import type { Id } from '../../kernel/ids.ts';
import { MINUTE } from '../../kernel/time.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';
import { JobHandler, type JobCall } from '../../platform/queue/handlers.ts';
import { RunsService } from '../runbooks/runs.service.ts';
import { statementSigned } from './revocation.events.ts';

export const settleStatedSteps = defineJob({
  name: 'revocation.settle-stated-steps',
  queue: 'engine',
  payload: statementSigned.payload,
  retry: { attempts: 10, backoff: MINUTE },
  on: [statementSigned],
});

/** Which parked steps a statement answers. The others look again by themselves, and see it. */
const DONE_BY_STATEMENT: Readonly<Record<string, readonly string[]>> = {
  revoked: ['revoke-version', 'revoke-old', 'withdraw-version'],
  replaced: ['revoke-version', 'revoke-old', 'withdraw-version'],
  not_affected: ['revoke-version', 'end-sessions'],
  sessions_ended: ['end-sessions'],
  copy_gone: [],
};
const LOOKS_AGAIN: ReadonlySet<string> = new Set(['verify-dead', 'check-location']);

/** Somebody signed: the steps that were parked for that are done, or look again. */
@JobHandler(settleStatedSteps)
export class SettleStatedStepsJob {
  constructor(
    private readonly transactions: Transactions,
    private readonly runs: RunsService,
  ) {}

  async handle(signed: z.infer<typeof statementSigned.payload>, call: JobCall): Promise<void> {
    const parked = await this.transactions.run(call.by, (db) => parkedSteps(db, signed.subjectId));
    for (const step of parked) {
      const done = DONE_BY_STATEMENT[signed.kind]?.includes(step.uses);
      if (!done && !LOOKS_AGAIN.has(step.uses)) continue;
      // A refusal here means that somebody else has moved the step meanwhile.
      await this.transactions.run(call.by, async (db) => {
        if (!done)
          return void (await this.runs.retryStep(db, step.id, {
            reason: 'a person signed a statement',
            by: call.by,
          }));
        const note = 'a person signed that it was done';
        await this.runs.settle(
          db,
          step.id,
          { answer: 'done', output: { statementId: signed.statementId }, note },
          call.by,
        );
      });
    }
  }
}

/** Steps about a subject that wait for somebody. */
export function parkedSteps(db: Db, subjectId: Id): Promise<{ id: Id; uses: string }[]> {
  return db.query(
    `SELECT s.id, (SELECT d.value->>'uses' FROM jsonb_array_elements(f.body->'steps') d WHERE d.value->>'id' = n.step) AS uses
       FROM step s
       JOIN run_node n ON n.run_id = s.run_id AND n.node = s.node
       JOIN run r ON r.id = s.run_id
       JOIN runbook_definition f ON f.hash = r.definition_hash
      WHERE s.state = 'parked' AND s.item->'subject'->>'id' = $1`,
    [subjectId],
  );
}
