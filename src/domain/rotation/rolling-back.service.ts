import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import type { RevocationCall } from '../revocation/probing.service.ts';
import { RevocationService } from '../revocation/revocation.service.ts';
import { revokeAnswer } from '../revocation/step-answers.ts';
import type { StepAnswer } from '../runbooks/action.ts';
import { endOf } from './cut-over.service.ts';
import { Looks } from './looks.service.ts';
import { LostAnswers } from './lost-answers.service.ts';
import { RotationRecords } from './rotation-records.service.ts';

/** Back to the old version: whatever was made is revoked and shown dead, and the old one is what it was. */
@Injectable()
export class RollingBack {
  constructor(
    private readonly transactions: Transactions,
    private readonly records: RotationRecords,
    private readonly looks: Looks,
    private readonly lost: LostAnswers,
    private readonly revocation: RevocationService,
    private readonly clock: Clock,
  ) {}

  /** Revokes the new version, if the old one is accepted at this very moment. */
  async withdraw(rotationId: Id, call: RevocationCall): Promise<StepAnswer> {
    const row = await this.transactions.run(call.by, (db) => this.records.find(db, rotationId));
    if (row?.state !== 'rolling_back')
      return { answer: 'failed', reason: 'the rotation is not being rolled back' };
    const left = await this.lost.settleOpen(rotationId, call);
    if (left) return left;
    if (row.newVersionId === null) return { answer: 'done', note: 'no new version is on record' };
    const seen = await this.looks.accepted(row.oldVersionId, call);
    if (seen.outcome === 'dead')
      return {
        answer: 'parked',
        forWhat: `Version ${row.oldNumber} of ${row.credentialName} is refused (${seen.why}): without version ${row.newNumber} nothing would work. Stop the roll-back, and rotate again.`,
      };
    if (seen.outcome === 'indeterminate')
      return {
        answer: 'retry',
        reason: `nobody knows whether the old version is accepted: ${seen.why}`,
        evidence: seen.evidence,
      };
    return revokeAnswer(await this.revocation.revoke(row.newVersionId, call));
  }

  /** Ends the roll-back when nothing that the rotation made lives on. */
  async conclude(rotationId: Id, call: RevocationCall): Promise<StepAnswer> {
    const left =
      (await this.lost.findLate(rotationId, call)) ?? (await this.lost.settleOpen(rotationId, call));
    if (left) return left;
    return this.transactions.run(call.by, async (db): Promise<StepAnswer> => {
      const row = await this.records.hold(db, rotationId);
      if (!row) return { answer: 'failed', reason: 'there is no such rotation' };
      if (row.newVersionId !== null && row.state === 'rolling_back') {
        if ((await endOf(db, row.newVersionId)) === null)
          return {
            answer: 'parked',
            forWhat: `Version ${row.newNumber} of ${row.credentialName} was withdrawn and is not shown dead. Have it looked at, or sign that it is revoked.`,
          };
        await this.records.phase(db, row.newVersionId, 'retired');
      }
      const next = await this.records.may(db, row, 'conclude_roll_back');
      if (!next.ok) return { answer: 'failed', reason: next.error.message };
      await this.records.move(db, row, 'conclude_roll_back', call.by);
      return { answer: 'done', note: `version ${row.oldNumber} is in use as before` };
    });
  }
}
