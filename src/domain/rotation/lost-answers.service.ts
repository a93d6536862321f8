import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import { SECOND } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import type { Call } from '../revocation/connector.ts';
import type { RevocationCall } from '../revocation/probing.service.ts';
import { Targets, type MachinePath } from '../revocation/targets.service.ts';
import type { StepAnswer } from '../runbooks/action.ts';
import { addIssue, issuesOf, knownIds, settleIssue, type IssueRow } from './issues.queries.ts';
import { Looks } from './looks.service.ts';
import { NewVersions } from './new-versions.service.ts';
import { Orphans } from './orphans.service.ts';
import { RotationRecords, type RotationRow } from './rotation-records.service.ts';
import { settleByList } from './rotation.rules.ts';

/** How long a request may still be on its way at the supplier though its answer was lost: longer than a call lasts. */
export const SETTLE_AFTER = 20 * SECOND;

/**
 * Requests for a version whose answer was lost. Nobody asks again before it is known what the first one made: the
 * supplier's list tells, or the old version that would have died, or a person who looks.
 */
@Injectable()
export class LostAnswers {
  constructor(
    private readonly transactions: Transactions,
    private readonly targets: Targets,
    private readonly looks: Looks,
    private readonly records: RotationRecords,
    private readonly versions: NewVersions,
    private readonly orphans: Orphans,
    private readonly alerts: AlertsService,
    private readonly clock: Clock,
  ) {}

  /** Settles what is open at the supplier without asking for another one. @returns null when nothing is open */
  async settleOpen(rotationId: Id, call: RevocationCall): Promise<StepAnswer | null> {
    const open = await this.transactions.run(call.by, async (db) => {
      const row = await this.records.hold(db, rotationId);
      const issue = (await issuesOf(db, rotationId)).find(
        ({ state }) => state === 'asked' || state === 'unknown',
      );
      if (!row || !issue) return null;
      const wait = this.stillOnItsWay(issue);
      if (wait) return { wait };
      return { row, issue };
    });
    if (open?.wait) return open.wait;
    if (open?.row) {
      const said = await this.settle(open.row, open.issue, call);
      if (said) return said;
    }
    return this.orphans.tidy(rotationId, call);
  }

  /** Looks once more for what a request made after its supplier's list had shown nothing. @returns null when nothing was */
  async findLate(rotationId: Id, call: RevocationCall): Promise<StepAnswer | null> {
    const found = await this.transactions.run(call.by, async (db) => {
      const row = await this.records.find(db, rotationId);
      const nothing = (await issuesOf(db, rotationId)).filter(({ state }) => state === 'nothing');
      const path = row && nothing[0] ? await this.#path(db, row, nothing[0].connectionId) : null;
      return row && path ? { row, nothing, path } : null;
    });
    if (!found?.path.connector.listIssued) return null;
    const { row, nothing, path } = found;
    const answer = await path.connector.listIssued!(path.target, this.#callOf(`${rotationId}:late`, call));
    // What was settled once stays so where the list cannot be read now: this look is one more, not the one that counts.
    if (answer.outcome !== 'listed') return null;
    await this.transactions.run(call.by, async (db) => {
      const held = (await this.records.hold(db, rotationId))!;
      const known = await knownIds(db, row.credentialId);
      for (const issue of nothing) {
        const [supplierId] =
          settleByList(answer.versions, { label: issue.label, at: issue.askedAt.getTime() }, known) ?? [];
        if (supplierId !== undefined) await this.#orphaned(db, held, issue, supplierId, call);
      }
    });
    return null;
  }

  /** What the supplier made is on record as a version that has to go. */
  async #orphaned(
    db: Db,
    row: RotationRow,
    issue: IssueRow,
    supplierId: string,
    call: RevocationCall,
  ): Promise<void> {
    const known = await this.versions.addOrphan(
      db,
      row,
      { supplierId, value: null, expiresAt: null },
      call.by,
    );
    const why = 'the supplier made it, and its value was lost with the answer';
    const versionId = known.ok ? known.value : null;
    await settleIssue(db, issue.id, { state: 'orphaned', why, versionId, supplierId }, this.clock.now());
  }

  #callOf(idempotencyKey: string, call: RevocationCall): Call {
    return { idempotencyKey, signal: call.signal, now: () => this.clock.now() };
  }

  /** What to answer while nobody can know yet; null: it is time to look. */
  stillOnItsWay(issue: IssueRow): StepAnswer | null {
    const until = issue.askedAt.getTime() + SETTLE_AFTER;
    return issue.state === 'asked' && this.clock.now() < until
      ? {
          answer: 'waiting',
          until,
          forWhat: 'an answer that was lost: then the supplier’s list tells what it made',
        }
      : null;
  }

  async #path(db: Db, row: RotationRow, connectionId: Id): Promise<MachinePath | null> {
    const loaded = await this.targets.load(db, row.oldVersionId);
    return loaded && (await this.targets.pathTo(db, loaded.version, connectionId)).path;
  }

  /** @returns null when it is settled and the caller goes on */
  async settle(row: RotationRow, issue: IssueRow, call: RevocationCall): Promise<StepAnswer | null> {
    if (row.oldFate === 'dies') return this.#settleReplaced(row, issue, call);
    const path = await this.transactions.run(call.by, (db) => this.#path(db, row, issue.connectionId));
    if (!path?.connector.listIssued) {
      const lost = `Look at the supplier for ${issue.label}: the answer to the request for it was lost, and its list cannot be read by machine. Say on the page of the rotation ${row.reference} whether it was made.`;
      return this.#unknown(row, issue, lost, call);
    }
    const answer = await path.connector.listIssued(path.target, this.#callOf(`${issue.id}:list`, call));
    if (answer.outcome === 'unknown' && this.#inVain(answer.exchange !== null, issue, call))
      return this.#unknown(
        row,
        issue,
        `Look at the supplier for ${issue.label}: the answer to the request for it was lost, and its list could not be read (${answer.why}). Say on the page of the rotation ${row.reference} whether it was made.`,
        call,
      );
    if (answer.outcome === 'unknown')
      return {
        answer: 'retry',
        reason: `the supplier’s list could not be read: ${answer.why}`,
        ...(answer.retryAfter === undefined ? {} : { after: answer.retryAfter }),
      };
    const settled = await this.transactions.run(call.by, async (db) => {
      const held = (await this.records.hold(db, row.id))!;
      const now = this.clock.now();
      const asked = { label: issue.label, at: issue.askedAt.getTime() };
      const found = settleByList(answer.versions, asked, await knownIds(db, row.credentialId));
      if (found === null) return false;
      if (found.length === 0)
        await settleIssue(
          db,
          issue.id,
          { state: 'nothing', why: 'the supplier’s list shows that nothing was made' },
          now,
        );
      for (const [at, supplierId] of found.entries()) {
        const request =
          at === 0 ? issue : await addIssue(db, held, issue.connectionId, issue.number + at, now);
        await this.#orphaned(db, held, request, supplierId, call);
      }
      return true;
    });
    if (settled) return null;
    return this.#unknown(
      row,
      issue,
      `Look at the supplier: it lists something new without a name, which may be what was asked for as ${issue.label}. Say on the page of the rotation ${row.reference} whether it is.`,
      call,
    );
  }

  /** Whether asking for the list again would tell nothing more: it cannot be asked for, or was often enough. */
  #inVain(wasAsked: boolean, issue: IssueRow, call: RevocationCall): boolean {
    const { failed, left } = call.tries ?? { failed: 0, left: 1 };
    return left === 0 || issue.state === 'unknown' || (!wasAsked && failed > 0);
  }

  /** Where the old version dies as the new one is made, the old one tells: while it is accepted, nothing was replaced. */
  async #settleReplaced(row: RotationRow, issue: IssueRow, call: RevocationCall): Promise<StepAnswer | null> {
    const old = await this.looks.accepted(row.oldVersionId, call);
    if (old.outcome === 'live') {
      await this.transactions.run(call.by, (db) =>
        settleIssue(
          db,
          issue.id,
          { state: 'nothing', why: `the old version is accepted: ${old.why}` },
          this.clock.now(),
        ),
      );
      return null;
    }
    if (old.outcome === 'indeterminate' && call.tries?.left !== 0)
      return { answer: 'retry', reason: `nobody knows yet whether it was replaced: ${old.why}` };
    const gone =
      old.outcome === 'dead'
        ? 'The old version is refused'
        : 'Whether the old version lives cannot be seen by machine';
    await this.transactions.run(call.by, (db) =>
      this.alerts.raise(db, {
        kind: 'rotation.perhaps-both-dead',
        severity: 'critical',
        message: `${row.credentialName}: the answer to its replacement was lost. ${gone}, and the new value, if there is one, was lost with the answer.`,
        dedupeKey: `perhaps-both-dead:${row.id}`,
        subject: { kind: 'credential', id: row.credentialId },
        at: this.clock.now(),
      }),
    );
    return this.#unknown(
      row,
      issue,
      `${gone}, and the answer with the new value was lost: perhaps nothing works any more. Look at the supplier. On the page of the rotation ${row.reference}, say that it was replaced (then another one is asked for, which ends the lost one) or that it was not, or enter a version that you made by hand.`,
      call,
    );
  }

  async #unknown(
    row: RotationRow,
    issue: IssueRow,
    forWhat: string,
    call: RevocationCall,
  ): Promise<StepAnswer> {
    await this.transactions.run(call.by, async (db) => {
      await this.records.hold(db, row.id);
      await settleIssue(
        db,
        issue.id,
        { state: 'unknown', why: 'its answer was lost, and no machine can tell' },
        this.clock.now(),
      );
    });
    return { answer: 'parked', forWhat };
  }
}
