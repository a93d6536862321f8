import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { AlertsService } from '../../../domain/notices/alerts.service.ts';
import { system } from '../../../kernel/principal.ts';
import { SECOND } from '../../../kernel/time.ts';
import { Transactions } from '../../../platform/database/transactions.ts';

const settings = z
  .object({
    message: z.string().min(1).max(500),
    severity: z.enum(['warning', 'critical']).default('critical'),
  })
  .strict();

/** Puts something before the operator's people: one alert, however often the step is tried. */
@Injectable()
export class EscalateAction implements Action<z.infer<typeof settings>> {
  readonly name = 'escalate';
  readonly title = 'Escalate';
  readonly with = settings;
  readonly lease = 'short';
  readonly timeout = 5 * SECOND;

  constructor(
    private readonly transactions: Transactions,
    private readonly alerts: AlertsService,
  ) {}

  async run(context: StepContext<z.infer<typeof settings>>): Promise<StepAnswer> {
    await this.transactions.run(system('engine', context.correlationId), (db) =>
      this.alerts.raise(db, {
        kind: 'runbook.escalated',
        severity: context.with.severity,
        message: context.item ? `${context.with.message} (${context.item.label})` : context.with.message,
        dedupeKey: `step:${context.idempotencyKey}`,
        subject: context.item?.subject ?? context.subject,
        at: context.now(),
      }),
    );
    return { answer: 'done' };
  }
}
