import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import type { IssueAnswer } from '../revocation/connector.ts';
import { ConnectionsService } from '../revocation/connections.service.ts';
import type { RevocationCall } from '../revocation/probing.service.ts';
import { Targets, type MachinePath } from '../revocation/targets.service.ts';
import type { StepAnswer } from '../runbooks/action.ts';
import { addIssue, issuesOf, settleIssue, type IssueRow } from './issues.queries.ts';
import { LostAnswers, SETTLE_AFTER } from './lost-answers.service.ts';
import { NewVersions } from './new-versions.service.ts';
import { Orphans } from './orphans.service.ts';
import { RotationRecords, type RotationRow } from './rotation-records.service.ts';
import { CLOSED } from './rotation.rules.ts';

type Plan =
  | { go: 'answer'; answer: StepAnswer }
  | { go: 'issue'; row: RotationRow; path: MachinePath; issue: IssueRow }
  | { go: 'settle'; row: RotationRow; issue: IssueRow }
  | { go: 'tidy' };

/**
 * Makes the new version. The request is on record before it leaves; what it made is on record with its value in one
 * transaction; an answer that was lost is settled by looking at the supplier's list, never by asking again: what was made
 * and lost is revoked before another one is asked for.
 */
@Injectable()
export class Making {
  constructor(
    private readonly transactions: Transactions,
    private readonly targets: Targets,
    private readonly connections: ConnectionsService,
    private readonly records: RotationRecords,
    private readonly versions: NewVersions,
    private readonly orphans: Orphans,
    private readonly lost: LostAnswers,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  /** @param what for the person who makes it, where no machine does */
  async create(rotationId: Id, what: string | undefined, call: RevocationCall): Promise<StepAnswer> {
    for (let round = 0; round < 8; round++) {
      const plan = await this.transactions.run(call.by, (db) => this.#plan(db, rotationId, what, call));
      if (plan.go === 'answer') return plan.answer;
      const said =
        plan.go === 'issue'
          ? await this.#issue(plan.row, plan.path, plan.issue, call)
          : plan.go === 'settle'
            ? await this.lost.settle(plan.row, plan.issue, call)
            : await this.orphans.tidy(rotationId, call);
      if (said) return said;
    }
    return { answer: 'retry', reason: 'the supplier made one version after another whose value was lost' };
  }

  async #plan(db: Db, rotationId: Id, what: string | undefined, call: RevocationCall): Promise<Plan> {
    const answer = (said: StepAnswer): Plan => ({ go: 'answer', answer: said });
    const held = await this.records.hold(db, rotationId);
    if (!held) return answer({ answer: 'skipped', reason: 'there is no such rotation' });
    if (held.newVersionId !== null)
      return answer({
        answer: 'done',
        output: { versionId: held.newVersionId },
        note: `version ${held.newNumber} is on record`,
      });
    if (CLOSED.has(held.state) || held.state === 'rolling_back')
      return answer({ answer: 'failed', reason: `the rotation is ${held.state.replaceAll('_', ' ')}` });
    const row = await this.records.move(db, held, 'create', call.by);
    if (row.madeBy === 'person') {
      const make = what ?? 'Make a new version at the supplier';
      return answer({
        answer: 'parked',
        forWhat: `${make} Enter it on the page of the rotation ${row.reference}.`,
      });
    }
    const [last] = await issuesOf(db, rotationId);
    if (last?.state === 'orphaned') return { go: 'tidy' };
    if (last?.state === 'asked' || last?.state === 'unknown') {
      const wait = this.lost.stillOnItsWay(last);
      if (wait) return answer(wait);
      return { go: 'settle', row, issue: last };
    }
    const found = await this.#makingPath(db, row);
    if ('problem' in found) return answer({ answer: 'failed', reason: found.problem });
    const now = this.clock.now();
    const issue = await addIssue(db, row, found.path.connectionId, (last?.number ?? 0) + 1, now);
    await this.ledger.append(db, {
      kind: 'rotation.version-asked-for',
      subject: { kind: 'rotation', id: row.id },
      by: call.by,
      at: now,
      facts: {
        credentialId: row.credentialId,
        integrationId: row.integrationId,
        connectionId: issue.connectionId,
        label: issue.label,
        number: issue.number,
        ...(call.stepId ? { stepId: call.stepId } : {}),
      },
    });
    return { go: 'issue', row, path: found.path, issue };
  }

  /** The first agreed connection by which a version of the wanted sort can be made. */
  async #makingPath(db: Db, row: RotationRow): Promise<{ path: MachinePath } | { problem: string }> {
    const loaded = await this.targets.load(db, row.oldVersionId);
    if (!loaded) return { problem: 'the old version is gone from the record' };
    const wanted = row.oldFate === 'stays' ? 'adds' : 'replaces';
    const problems: string[] = [];
    for (const { connectionId, label } of loaded.ways) {
      if (connectionId === null) continue;
      const { path, problems: why } = await this.targets.pathTo(db, loaded.version, connectionId);
      if (path?.connector.issue && path.abilities.issue === wanted) return { path };
      problems.push(
        `${label} ${path ? `makes none that ${wanted === 'adds' ? 'works beside the old one' : 'replaces it'}` : why.join('; ')}`,
      );
    }
    return {
      problem: `no connection can make a new version: ${problems.join('; ') || 'none is agreed'}. Stop this rotation, and start one by hand.`,
    };
  }

  async #issue(
    row: RotationRow,
    path: MachinePath,
    issue: IssueRow,
    call: RevocationCall,
  ): Promise<StepAnswer | null> {
    const answer = await path.connector.issue!(
      path.target,
      { label: issue.label, expiresAt: null },
      { idempotencyKey: issue.id, signal: call.signal, now: () => this.clock.now() },
    );
    return this.transactions.run(call.by, (db) => this.#afterIssue(db, row.id, issue.id, answer, call));
  }

  async #afterIssue(
    db: Db,
    rotationId: Id,
    issueId: Id,
    answer: IssueAnswer,
    call: RevocationCall,
  ): Promise<StepAnswer | null> {
    const row = (await this.records.hold(db, rotationId))!;
    const issue = (await issuesOf(db, rotationId)).find(({ id }) => id === issueId)!;
    const now = this.clock.now();
    if (answer.outcome === 'issued') {
      const { issued } = answer;
      if (issued.auth)
        await this.connections.renewAuthentication(db, issue.connectionId, issued.auth, call.by);
      const made = { supplierId: issued.supplierId, value: issued.value, expiresAt: issued.expiresAt };
      const wanted =
        issue.state === 'asked' && (await this.records.may(db, row, 'store')).ok && row.newVersionId === null;
      if (!wanted) return this.#tooLate(db, row, issue, made, call);
      const stored = await this.versions.addNew(db, row, made, call.by);
      if (!stored.ok) return this.#tooLate(db, row, issue, made, call);
      const versionId = stored.value.newVersionId!;
      await settleIssue(
        db,
        issue.id,
        {
          state: 'issued',
          why: `answered ${answer.exchange.status ?? ''}`,
          versionId,
          supplierId: issued.supplierId,
        },
        now,
      );
      return {
        answer: 'done',
        output: { versionId },
        note: `version ${stored.value.newNumber} was made and its value is in the vault`,
      };
    }
    // A supplier may renew our own authentication and make nothing: lost, it would lock us out.
    if (answer.outcome === 'rejected' && answer.auth)
      await this.connections.renewAuthentication(db, issue.connectionId, answer.auth, call.by);
    if (issue.state !== 'asked') return null;
    switch (answer.outcome) {
      case 'rejected':
        await settleIssue(db, issue.id, { state: 'rejected', why: answer.why }, now);
        return { answer: 'failed', reason: `the supplier makes none: ${answer.why}` };
      case 'manual':
        await settleIssue(db, issue.id, { state: 'nothing', why: 'a person has to make it' }, now);
        return {
          answer: 'failed',
          reason: `${answer.instructions} Stop this rotation, and start one by hand.`,
        };
      case 'retry':
        await settleIssue(db, issue.id, { state: 'nothing', why: answer.why }, now);
        return {
          answer: 'retry',
          reason: answer.why,
          ...(answer.after === undefined ? {} : { after: answer.after }),
        };
      case 'unknown':
        return {
          answer: 'waiting',
          until: issue.askedAt.getTime() + SETTLE_AFTER,
          forWhat: `its answer was lost (${answer.why}): then the supplier’s list tells what it made`,
        };
    }
  }

  /** An answer that came when nobody waited for it any more: its version is on record as one that must go. */
  async #tooLate(
    db: Db,
    row: RotationRow,
    issue: IssueRow,
    made: Parameters<NewVersions['addOrphan']>[2],
    call: RevocationCall,
  ): Promise<StepAnswer> {
    const known = issue.versionId === null ? await this.versions.addOrphan(db, row, made, call.by) : null;
    const versionId = known?.ok ? known.value : issue.versionId;
    const why = 'its answer came when nobody waited for it any more';
    await settleIssue(
      db,
      issue.id,
      { state: 'orphaned', why, versionId, supplierId: made.supplierId },
      this.clock.now(),
    );
    return { answer: 'retry', reason: why };
  }
}
