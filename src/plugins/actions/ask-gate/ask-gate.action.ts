import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { advanceWay } from '../../../domain/policy/advance-way.definition.ts';
import { gateWouldPass } from '../../../domain/policy/ways.queries.ts';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { system } from '../../../kernel/principal.ts';
import { MINUTE, SECOND } from '../../../kernel/time.ts';
import { Transactions } from '../../../platform/database/transactions.ts';
import { Outbox } from '../../../platform/outbox/outbox.ts';

const settings = z.strictObject({});
type With = z.infer<typeof settings>;

/** Has the gate asked, on record and without opening it, until it would let the integration pass. */
@Injectable()
export class AskGateAction implements Action<With> {
  readonly name = 'ask-gate';
  readonly title = 'Ask the gate';
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
    const integrationId = context.subject.id;
    const condition = await this.transactions.run(by, async (db) => {
      const said = await gateWouldPass(db, integrationId, context.since);
      if (!said.met) await this.outbox.put(db, advanceWay, { integrationId });
      return said;
    });
    if (condition.met) return { answer: 'done', ...(condition.output ? { output: condition.output } : {}) };
    // What changes wakes the step; this is for when the wake-up was lost.
    const until = context.now() + (condition.soon ? 5 * SECOND : 5 * MINUTE);
    return { answer: 'waiting', until, forWhat: condition.forWhat };
  }
}
