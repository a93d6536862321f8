import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import { iso, MINUTE, SECOND } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { wasSigned } from '../revocation/deaths.queries.ts';
import type { RevocationCall } from '../revocation/probing.service.ts';
import { RevocationService } from '../revocation/revocation.service.ts';
import { revokeAnswer } from '../revocation/step-answers.ts';
import type { StepAnswer } from '../runbooks/action.ts';
import { overlapEnd } from './cadence.rules.ts';
import { InUse } from './in-use.service.ts';
import { Looks, type Seen } from './looks.service.ts';
import { LostAnswers } from './lost-answers.service.ts';
import { RotationRecords, type RotationRow } from './rotation-records.service.ts';
import { CLOSED, type RotationState } from './rotation.rules.ts';
import { settingOf } from './settings.queries.ts';

const PAST_ACCEPTANCE: ReadonlySet<RotationState> = new Set(['overlap', 'revoking', 'proven', 'done']);
/** How soon it is seen that people have done what a version waits for. */
const LOOK_AGAIN = MINUTE;
const NONE = { answer: 'failed', reason: 'there is no such rotation, or it has no new version' } as const;

/** From the new version to the end of the old one: seen to work, side by side for a while, the old one revoked, and shown dead. */
@Injectable()
export class CutOver {
  constructor(
    private readonly transactions: Transactions,
    private readonly records: RotationRecords,
    private readonly looks: Looks,
    private readonly inUse: InUse,
    private readonly lost: LostAnswers,
    private readonly revocation: RevocationService,
    private readonly clock: Clock,
  ) {}

  /**
   * @param before `consumers`: nobody is asked to use it before it works; `overlap`: with every place in hand, it is accepted
   *   for good and the overlap begins
   * @param first what people have to do before it can be accepted at all, where its verifiers are theirs: it is looked at
   *   again and again until then, and is no failure
   */
  async validate(
    rotationId: Id,
    before: 'consumers' | 'overlap',
    first: string | undefined,
    call: RevocationCall,
  ): Promise<StepAnswer> {
    const start = await this.transactions.run(call.by, async (db): Promise<StepAnswer | RotationRow> => {
      const held = await this.records.hold(db, rotationId);
      if (!held) return { answer: 'skipped', reason: 'there is no such rotation' };
      if (held.newVersionId === null) return NONE;
      if (PAST_ACCEPTANCE.has(held.state)) return { answer: 'done', note: 'it was accepted before' };
      if (before === 'consumers') return held;
      const next = await this.records.may(db, held, 'validate');
      if (!next.ok)
        return next.error.code === 'places-behind'
          ? { answer: 'parked', forWhat: `${next.error.message} (${held.reference})` }
          : { answer: 'failed', reason: next.error.message };
      return this.records.move(db, held, 'validate', call.by);
    });
    if ('answer' in start) return start;
    if (before === 'overlap' && start.validatedAt !== null) return this.#accept(rotationId, null, call);
    const seen = await this.looks.accepted(start.newVersionId!, call);
    await this.#tell(start, seen, first !== undefined, call);
    const name = `version ${start.newNumber} of ${start.credentialName}`;
    switch (seen.outcome) {
      case 'live':
        return before === 'consumers'
          ? { answer: 'done', note: `${name} is accepted: ${seen.why}`, evidence: seen.evidence }
          : this.#accept(rotationId, 'probe', call);
      case 'unseeable':
        return before === 'consumers'
          ? { answer: 'done', note: `no machine can look whether ${name} is accepted: ${seen.why}` }
          : {
              answer: 'parked',
              forWhat: `Use ${name} once, and say on the page of the rotation ${start.reference} that it is accepted: no machine can look (${seen.why}).`,
            };
      default:
        if (first !== undefined)
          return {
            answer: 'waiting',
            until: this.clock.now() + (seen.after ?? LOOK_AGAIN),
            forWhat: `${first} It is looked at again by itself: ${name} is not accepted yet (${seen.why}). The old one stays.`,
          };
        return {
          answer: 'retry',
          reason: `${name} is not accepted: ${seen.why}. The old one stays.`,
          evidence: seen.evidence,
          ...(seen.after === undefined ? {} : { after: seen.after }),
        };
    }
  }

  /** @param expected people have to do something first, and were asked to: that it is refused until then alerts nobody */
  async #tell(row: RotationRow, seen: Seen, expected: boolean, call: RevocationCall): Promise<void> {
    if (seen.outcome !== 'live' && (seen.outcome !== 'dead' || expected)) return;
    await this.transactions.run(call.by, (db) =>
      seen.outcome === 'live' ? this.records.newSettled(db, row) : this.records.newRefused(db, row, seen.why),
    );
  }

  /** Both work from here on; the end of the old one is on the clock. */
  async #accept(rotationId: Id, how: 'probe' | null, call: RevocationCall): Promise<StepAnswer> {
    return this.transactions.run(call.by, async (db) => {
      const row = (await this.records.hold(db, rotationId))!;
      if (row.state !== 'validating') return { answer: 'done', note: 'it was accepted before' };
      const now = this.clock.now();
      const validated =
        row.validatedAt === null && how !== null ? { validated_at: new Date(now), validated_how: how } : {};
      if (row.oldFate === 'dies') {
        await this.records.move(db, row, 'accept', call.by, validated);
        return { answer: 'done', note: 'the new version works; the old one ended as it was made' };
      }
      const until = await this.#overlapEnd(db, row);
      // One version is active: the old one makes room first.
      await this.records.phase(db, row.oldVersionId, 'overlap');
      await this.records.phase(db, row.newVersionId!, 'active');
      await this.inUse.follow(db, row, 'new', call.by);
      await this.records.move(db, row, 'accept', call.by, { ...validated, overlap_until: new Date(until) });
      return { answer: 'done', note: `both versions work until ${iso(until)}` };
    });
  }

  async #overlapEnd(db: Db, row: RotationRow): Promise<number> {
    const setting = await settingOf(db, row.integrationId);
    return overlapEnd({
      now: this.clock.now(),
      length: row.overlapSeconds * SECOND,
      most: row.overlapMostSeconds * SECOND,
      emergency: row.emergency,
      windows: setting.windows,
      zone: setting.zone,
    });
  }

  /** Waits for the end of the overlap. */
  async hold(rotationId: Id, call: RevocationCall): Promise<StepAnswer> {
    const row = await this.transactions.run(call.by, (db) => this.records.find(db, rotationId));
    if (!row?.newVersionId) return NONE;
    if (row.state !== 'overlap')
      return PAST_ACCEPTANCE.has(row.state)
        ? { answer: 'done', note: 'the overlap is over' }
        : { answer: 'failed', reason: `the rotation is ${row.state.replaceAll('_', ' ')}` };
    const until = row.overlapUntil!.getTime();
    if (this.clock.now() >= until) return { answer: 'done', note: `the overlap ended at ${iso(until)}` };
    return { answer: 'waiting', until, forWhat: `version ${row.oldNumber}, which works until ${iso(until)}` };
  }

  /** Revokes the old version, if the new one is accepted at this very moment. */
  async revokeOld(rotationId: Id, call: RevocationCall): Promise<StepAnswer> {
    const start = await this.transactions.run(call.by, async (db): Promise<StepAnswer | RotationRow> => {
      const row = await this.records.hold(db, rotationId);
      if (!row?.newVersionId) return NONE;
      if (row.oldEnd !== null) return { answer: 'done', note: 'the old version ended before' };
      const next = await this.records.may(db, row, 'revoke');
      if (next.ok) return row;
      const { code, message } = next.error;
      if (code === 'overlap' && row.overlapUntil)
        return { answer: 'waiting', until: row.overlapUntil.getTime(), forWhat: message };
      return code === 'not-validated'
        ? {
            answer: 'parked',
            forWhat: `${message} Say so on the page of the rotation ${row.reference}, or roll it back.`,
          }
        : { answer: 'failed', reason: message };
    });
    if ('answer' in start) return start;
    const seen = await this.looks.accepted(start.newVersionId!, call);
    await this.#tell(start, seen, false, call);
    if (seen.outcome === 'dead' || seen.outcome === 'indeterminate')
      return {
        answer: 'retry',
        reason: `version ${start.newNumber} is not accepted now (${seen.why}): the old one stays`,
        evidence: seen.evidence,
        ...(seen.after === undefined ? {} : { after: seen.after }),
      };
    const gone = await this.transactions.run(call.by, async (db): Promise<StepAnswer | null> => {
      const row = (await this.records.hold(db, rotationId))!;
      const next = await this.records.may(db, row, 'revoke');
      if (!next.ok) return { answer: 'failed', reason: next.error.message };
      await this.records.move(db, row, 'revoke', call.by);
      return null;
    });
    if (gone) return gone;
    const answer = revokeAnswer(await this.revocation.revoke(start.oldVersionId, call));
    if (answer.answer === 'done')
      await this.transactions.run(call.by, (db) => this.records.phase(db, start.oldVersionId, 'retired'));
    return answer;
  }

  /** Ends the rotation when the old version is shown dead and nothing that was made is lost. */
  async conclude(rotationId: Id, call: RevocationCall): Promise<StepAnswer> {
    const start = await this.transactions.run(call.by, async (db): Promise<StepAnswer | null> => {
      const row = await this.records.hold(db, rotationId);
      if (!row) return NONE;
      if (CLOSED.has(row.state))
        return row.state === 'done'
          ? { answer: 'done' }
          : { answer: 'failed', reason: `the rotation is ${row.state}` };
      if (row.state === 'proven') return null;
      const end = await endOf(db, row.oldVersionId);
      if (end === null)
        return {
          answer: 'parked',
          forWhat: `Version ${row.oldNumber} of ${row.credentialName} is not shown dead. Have it revoked and looked at, or sign that it is revoked.`,
        };
      const next = await this.records.may(db, row, 'prove', { old_end: end });
      if (!next.ok) return { answer: 'failed', reason: next.error.message };
      await this.records.phase(db, row.oldVersionId, 'retired');
      const at = this.clock.date();
      await this.records.move(db, row, 'prove', call.by, { old_end: end, old_ended_at: at });
      return null;
    });
    if (start) return start;
    const left =
      (await this.lost.findLate(rotationId, call)) ?? (await this.lost.settleOpen(rotationId, call));
    if (left) return left;
    return this.transactions.run(call.by, async (db) => {
      const row = (await this.records.hold(db, rotationId))!;
      if (row.state !== 'done') await this.records.move(db, row, 'conclude', call.by);
      return {
        answer: 'done',
        note: `version ${row.newNumber} is in use, version ${row.oldNumber} has ended`,
      };
    });
  }
}

/** What has been shown of a version's end. */
export async function endOf(db: Db, versionId: Id): Promise<'proven_dead' | 'stated' | null> {
  const [death] = await db.query<{ liveness: string | null }[]>(
    `SELECT liveness FROM version_death WHERE version_id = $1`,
    [versionId],
  );
  if (death?.liveness === 'dead') return 'proven_dead';
  if (death?.liveness === 'live') return null;
  return (await wasSigned(db, versionId)) ? 'stated' : null;
}
