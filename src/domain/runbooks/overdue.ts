import { system } from '../../kernel/principal.ts';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Db, Transactions } from '../../platform/database/transactions.ts';
import type { Outbox } from '../../platform/outbox/outbox.ts';
import type { LedgerService } from '../ledger/ledger.service.ts';
import { missDue, warnDue, type DueDeadline } from './deadlines.queries.ts';
import type { Progress } from './progress.ts';
import type { RunContexts } from './run-contexts.ts';
import { deadlinePassed } from './runs.events.ts';
import { insertEvents } from './runs.queries.ts';
import type { StepsService } from './steps.service.ts';

/** Deadlines that one transaction decides. */
const BATCH = 200;

/**
 * Decides lateness. A deadline is missed at most once and for good; then either the terms of an approval act in the
 * stead of those who were silent, or whoever escalates is told.
 */
export class Overdue {
  readonly #by = system('engine', 'deadlines');

  constructor(
    private readonly transactions: Transactions,
    private readonly contexts: RunContexts,
    private readonly progress: Progress,
    private readonly steps: StepsService,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  /** Decides all that is due now. */
  async decide(): Promise<void> {
    for (;;) {
      const found = await this.transactions.run(this.#by, async (db) => {
        const now = this.clock.now();
        const warned = await warnDue(db, now, BATCH);
        await this.#tell(db, warned, 'warned', now);
        const missed = await missDue(db, now, BATCH);
        await this.#tell(db, missed, 'missed', now);
        for (const one of missed) {
          if (one.kind === 'approval' && one.otherwise === 'act')
            await this.steps.lapse(db, one.stepId, this.contexts.of(one.runId).by);
        }
        return Math.max(warned.length, missed.length);
      });
      if (found < BATCH) return;
    }
  }

  async #tell(
    db: Db,
    deadlines: readonly DueDeadline[],
    kind: 'warned' | 'missed',
    now: number,
  ): Promise<void> {
    if (deadlines.length === 0) return;
    await this.contexts.load(db, deadlines);
    await insertEvents(
      db,
      deadlines.map((one) => ({
        stepId: one.stepId,
        runId: one.runId,
        worker: null,
        fence: 0,
        attempt: 0,
        kind: `deadline-${kind}`,
        state: null,
        reason: `${one.kind} ${one.dueAt.toISOString()}`,
        by: null,
        evidence: null,
      })),
      now,
    );
    await this.ledger.append(
      db,
      deadlines.map((one) => ({
        ...this.progress.entry(one.runId, one.node, '', one.stepId, `deadline.${kind}`, now),
        facts: {
          run: one.runId,
          deadline: one.id,
          kind: one.kind,
          due: one.dueAt.toISOString(),
          otherwise: one.otherwise,
        },
      })),
    );
    await this.outbox.putAll(
      db,
      deadlinePassed,
      deadlines.map((one) => ({
        correlationId: this.contexts.of(one.runId).by.correlationId,
        payload: {
          deadlineId: one.id,
          runId: one.runId,
          subject: this.contexts.of(one.runId).subject,
          stepId: one.stepId,
          kind,
          ownerRole: one.ownerRole,
          ownerContactId: one.ownerContactId,
        },
      })),
    );
  }
}
