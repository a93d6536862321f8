import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { isLive } from '../../../domain/policy/ways.queries.ts';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { system } from '../../../kernel/principal.ts';
import { MINUTE, SECOND } from '../../../kernel/time.ts';
import { Transactions } from '../../../platform/database/transactions.ts';

const settings = z.strictObject({});
type With = z.infer<typeof settings>;

/** Waits until somebody has opened the gate. The gate decides, never the run. */
@Injectable()
export class AwaitLiveAction implements Action<With> {
  readonly name = 'await-live';
  readonly title = 'Wait until the integration is live';
  readonly with = settings;
  readonly lease = 'short';
  readonly waitsFor = 'time';
  readonly timeout = 15 * SECOND;

  constructor(private readonly transactions: Transactions) {}

  async run(context: StepContext<With>): Promise<StepAnswer> {
    const by = system('engine', context.correlationId);
    const condition = await this.transactions.run(by, (db) => isLive(db, context.subject.id));
    if (condition.met) return { answer: 'done', ...(condition.output ? { output: condition.output } : {}) };
    // What changes wakes the step; this is for when the wake-up was lost.
    const until = context.now() + (condition.soon ? 5 * SECOND : 5 * MINUTE);
    return { answer: 'waiting', until, forWhat: condition.forWhat };
  }
}
