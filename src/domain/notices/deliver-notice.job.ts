import { z } from 'zod';
import { SECOND } from '../../kernel/time.ts';
import type { Principal } from '../../kernel/principal.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';
import {
  JobHandler,
  Sweep,
  type Handler,
  type JobCall,
  type Sweeper,
} from '../../platform/queue/handlers.ts';
import { iso } from '../../kernel/time.ts';
import { DeliveryService } from './delivery.service.ts';

/** Makes the first attempt of a notice; what fails is made again by the sweep, from the notice's own row. */
export const deliverNotice = defineJob({
  name: 'notices.deliver-notice',
  queue: 'notices',
  payload: z.object({ noticeId: z.uuid() }),
  retry: { attempts: 5, backoff: 5 * SECOND },
});

@JobHandler(deliverNotice)
export class DeliverNoticeJob implements Handler<{ noticeId: string }> {
  constructor(private readonly delivery: DeliveryService) {}

  async handle({ noticeId }: { noticeId: string }, call: JobCall): Promise<void> {
    await this.delivery.deliver(noticeId, call.by, call.signal);
  }
}

const AT_ONCE = 10;

/** Finds every notice whose next attempt is due, whatever became of its job. */
@Sweep({ name: 'notices.deliver', every: 5 * SECOND })
export class DeliverySweep implements Sweeper {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly delivery: DeliveryService,
  ) {}

  async sweep(by: Principal): Promise<void> {
    for (;;) {
      const due: { id: string }[] = await this.transactions.run(by, (db) =>
        db.query(
          `SELECT id FROM notice
           WHERE dispatch IN ('owed', 'attempting') AND obligation = 'required' AND next_attempt_at <= $1
           ORDER BY next_attempt_at LIMIT 100`,
          [iso(this.clock.now())],
        ),
      );
      for (let at = 0; at < due.length; at += AT_ONCE) {
        const group = due.slice(at, at + AT_ONCE);
        await Promise.allSettled(
          group.map(({ id }) => this.delivery.deliver(id, by, AbortSignal.timeout(15 * SECOND))),
        );
      }
      if (due.length < 100) return;
    }
  }
}
