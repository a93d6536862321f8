import { MINUTE } from '../../kernel/time.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';
import { JobHandler, type JobCall } from '../../platform/queue/handlers.ts';
import { noticeAcknowledged } from '../notices/notices.events.ts';
import { ConfirmationsService } from './confirmations.service.ts';

export const confirmContact = defineJob({
  name: 'responsibility.confirm-contact',
  queue: 'notices',
  payload: noticeAcknowledged.payload,
  retry: { attempts: 10, backoff: MINUTE },
  on: [noticeAcknowledged],
});

/** The answer of a contact who was asked to confirm. */
@JobHandler(confirmContact)
export class ConfirmContactJob {
  constructor(private readonly confirmations: ConfirmationsService) {}

  async handle({ noticeId }: { noticeId: string }, { by }: JobCall): Promise<void> {
    await this.confirmations.answered(noticeId, by);
  }
}
