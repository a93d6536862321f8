import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { startDrills } from '../../../domain/policy/advance-way.definition.ts';
import { findingsGone, undrilled } from '../../../domain/policy/ways.queries.ts';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { system } from '../../../kernel/principal.ts';
import { MINUTE, SECOND } from '../../../kernel/time.ts';
import { Transactions } from '../../../platform/database/transactions.ts';
import { Outbox } from '../../../platform/outbox/outbox.ts';

const settings = z.strictObject({});
type With = z.infer<typeof settings>;

/** Starts a drill for each credential of which no path was tried lately, and waits until the gate finds none. Where none can be drilled, somebody has to make it possible: it says how. */
@Injectable()
export class DrillUnprovenAction implements Action<With> {
  readonly name = 'drill-unproven';
  readonly title = 'Drill what was never tried';
  readonly with = settings;
  readonly lease = 'short';
  readonly waitsFor = 'time';
  readonly timeout = 15 * SECOND;

  constructor(
    private readonly transactions: Transactions,
    private readonly outbox: Outbox,
  ) {}

  async run(context: StepContext<With>): Promise<StepAnswer> {
    const by = system('engine', context.correlationId);
    const condition = await this.transactions.run(by, async (db) => {
      const said = await findingsGone(db, context.subject.id, ['untried-stop-path']);
      if (said.met || said.soon) return said;
      const untried = await undrilled(db, context.subject.id, context.since);
      for (const credentialId of untried)
        await this.outbox.put(db, startDrills, { credentialId, runId: context.runId }, { key: credentialId });
      return said;
    });
    if (condition.met) return { answer: 'done', ...(condition.output ? { output: condition.output } : {}) };
    // What changes wakes the step; this is for when the wake-up was lost.
    const until = context.now() + (condition.soon ? 5 * SECOND : 5 * MINUTE);
    return { answer: 'waiting', until, forWhat: condition.forWhat };
  }
}
