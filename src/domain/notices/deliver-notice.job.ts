import { z } from 'zod';
import { SECOND } from '../../kernel/time.ts';
import type { Principal } from '../../kernel/principal.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';
import {
  JobHandler,
  Sweep,
  type Handler,
  type JobCall,
  type Sweeper,
} from '../../platform/queue/handlers.ts';
import { NoticePump } from './notice-pump.service.ts';

/** Wakes the pump. What is to be told stands in the rows of the notices, and one wake-up does for however many. */
export const deliverNotice = defineJob({
  name: 'notices.deliver-notice',
  queue: 'notices',
  payload: z.object({}),
  retry: { attempts: 5, backoff: 5 * SECOND },
});

@JobHandler(deliverNotice)
export class DeliverNoticeJob implements Handler<Record<string, never>> {
  constructor(private readonly pump: NoticePump) {}

  async handle(_payload: Record<string, never>, call: JobCall): Promise<void> {
    // A round that is under way takes what is new, too: waiting for its end would hold a place for nothing.
    if (!this.pump.look()) await this.pump.send(call.by, call.signal);
  }
}

/** Finds every notice whose next attempt is due, whatever became of its wake-up. */
@Sweep({ name: 'notices.deliver', every: 5 * SECOND })
export class DeliverySweep implements Sweeper {
  constructor(private readonly pump: NoticePump) {}

  async sweep(by: Principal): Promise<void> {
    await this.pump.send(by);
  }
}
