import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import { SECOND } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import type { Call, IssueAnswer } from '../revocation/connector.ts';
import { ConnectionsService } from '../revocation/connections.service.ts';
import type { RevocationCall } from '../revocation/probing.service.ts';
import { Targets, type MachinePath } from '../revocation/targets.service.ts';
import type { StepAnswer } from '../runbooks/action.ts';
import { addIssue, issuesOf, knownIds, settleIssue, type IssueRow } from './issues.queries.ts';
import { Looks } from './looks.service.ts';
import { NewVersions } from './new-versions.service.ts';
import { Orphans } from './orphans.service.ts';
import { RotationRecords, type RotationRow } from './rotation-records.service.ts';
import { CLOSED, settleByList } from './rotation.rules.ts';

/** How long a request may still be on its way at the supplier though its answer was lost: longer than a call lasts. */
export const SETTLE_AFTER = 20 * SECOND;

type Plan =
  | { go: 'answer'; answer: StepAnswer }
  | { go: 'issue'; row: RotationRow; path: MachinePath; issue: IssueRow }
  | { go: 'settle'; row: RotationRow; path: MachinePath | null; issue: IssueRow }
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
    private readonly looks: Looks,
    private readonly connections: ConnectionsService,
    private readonly records: RotationRecords,
    private readonly versions: NewVersions,
    private readonly orphans: Orphans,
    private readonly ledger: LedgerService,
    private readonly alerts: AlertsService,
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
            ? await this.#settle(plan.row, plan.path, plan.issue, call)
            : await this.orphans.tidy(rotationId, call);
      if (said) return said;
    }
    return { answer: 'retry', reason: 'the supplier made one version after another whose value was lost' };
  }

  /** Settles what is open at the supplier without asking for another one. @returns null when nothing is open */
  async settleOpen(rotationId: Id, call: RevocationCall): Promise<StepAnswer | null> {
    const open = await this.transactions.run(call.by, async (db) => {
      const row = await this.records.hold(db, rotationId);
      const issue = (await issuesOf(db, rotationId)).find(
        ({ state }) => state === 'asked' || state === 'unknown',
      );
      if (!row || !issue) return null;
      const wait = this.#stillOnItsWay(issue);
      if (wait) return { wait };
      return { row, issue, path: await this.#path(db, row, issue.connectionId) };
    });
    if (open?.wait) return open.wait;
    if (open?.row) {
      const said = await this.#settle(open.row, open.path, open.issue, call);
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

  async #plan(db: Db, rotationId: Id, what: string | undefined, call: RevocationCall): Promise<Plan> {
    const answer = (said: StepAnswer): Plan => ({ go: 'answer', answer: said });
    const held = await this.records.hold(db, rotationId);
    if (!held) return answer({ answer: 'failed', reason: 'there is no such rotation' });
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
      const wait = this.#stillOnItsWay(last);
      if (wait) return answer(wait);
      return { go: 'settle', row, issue: last, path: await this.#path(db, row, last.connectionId) };
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

  #stillOnItsWay(issue: IssueRow): StepAnswer | null {
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
      this.#callOf(issue.id, call),
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

  /** @returns null when it is settled and the caller goes on */
  async #settle(
    row: RotationRow,
    path: MachinePath | null,
    issue: IssueRow,
    call: RevocationCall,
  ): Promise<StepAnswer | null> {
    if (row.oldFate === 'dies') return this.#settleReplaced(row, issue, call);
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
