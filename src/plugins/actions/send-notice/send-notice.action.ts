import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { DeliveryService } from '../../../domain/notices/delivery.service.ts';
import { system } from '../../../kernel/principal.ts';
import { MINUTE, SECOND } from '../../../kernel/time.ts';

const settings = z.object({}).strict();

/** Carries one notice to its recipient and is done when a peer took it. Asks again until then: a duty does not run out. */
@Injectable()
export class SendNoticeAction implements Action<z.infer<typeof settings>> {
  readonly name = 'send-notice';
  readonly title = 'Send a notice';
  readonly with = settings;
  readonly lease = 'call';
  readonly timeout = 20 * SECOND;

  constructor(private readonly delivery: DeliveryService) {}

  async run(context: StepContext<z.infer<typeof settings>>): Promise<StepAnswer> {
    const noticeId = context.item?.subject.id;
    if (!noticeId) return { answer: 'failed', reason: 'send-notice needs a forEach that yields notices' };
    const result = await this.delivery.deliver(
      noticeId,
      system('engine', context.correlationId),
      context.signal,
    );
    switch (result.state) {
      case 'accepted':
        return { answer: 'done', output: { noticeId } };
      case 'not_required':
        return { answer: 'skipped', reason: 'the notice is not required' };
      case 'waiting':
        // Never sleep past a minute: a contact that was mended meanwhile is written to at once.
        return {
          answer: 'waiting',
          until: Math.min(result.until, context.now() + MINUTE),
          forWhat: `the next attempt (${result.why})`,
        };
      case 'failed':
        return { answer: 'parked', forWhat: result.why, ownerRole: 'responder' };
    }
  }
}
