import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { AcknowledgementService } from '../../../domain/notices/acknowledgement.service.ts';
import { findNotice } from '../../../domain/notices/notices.queries.ts';
import { system } from '../../../kernel/principal.ts';
import { SECOND } from '../../../kernel/time.ts';
import { Transactions } from '../../../platform/database/transactions.ts';

const settings = z.object({}).strict();

/** Parks until a human being of the recipient has confirmed; a bounce is told instead of waited for. */
@Injectable()
export class AwaitAcknowledgementAction implements Action<z.infer<typeof settings>> {
  readonly name = 'await-acknowledgement';
  readonly title = 'Wait for an acknowledgement';
  readonly with = settings;
  readonly lease = 'short';
  readonly timeout = 5 * SECOND;
  readonly waitsFor = 'person';

  constructor(
    private readonly transactions: Transactions,
    private readonly acknowledgements: AcknowledgementService,
  ) {}

  async run(context: StepContext<z.infer<typeof settings>>): Promise<StepAnswer> {
    const noticeId = context.item?.subject.id;
    if (!noticeId)
      return { answer: 'failed', reason: 'await-acknowledgement needs a forEach that yields notices' };
    const by = system('engine', context.correlationId);
    const standing = await this.acknowledgements.awaitedBy(noticeId, context.stepId, by);
    const notice = await this.transactions.run(by, (db) => findNotice(db, noticeId));
    if (!standing?.required || !notice) return { answer: 'skipped', reason: 'the notice is not required' };
    if (standing.acknowledged)
      return { answer: 'done', output: { strength: notice.acknowledgementStrength } };
    return {
      answer: 'parked',
      forWhat: `${notice.contactName ?? 'a contact'} of ${notice.partyName} to acknowledge ${notice.reference}`,
      ownerRole: 'responder',
      ...(notice.dueAt !== null && { due: notice.dueAt }),
    };
  }
}
