import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import { SECOND } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import type { RevocationCall } from '../revocation/probing.service.ts';
import { RevocationService } from '../revocation/revocation.service.ts';
import { Targets } from '../revocation/targets.service.ts';
import type { StepAnswer } from '../runbooks/action.ts';
import { issuesOf, settleIssue, type IssueRow } from './issues.queries.ts';
import { RotationRecords, type RotationRow } from './rotation-records.service.ts';

/** Versions that were made and whose value was lost: nobody can use them, and each is revoked and looked for until it is gone. */
@Injectable()
export class Orphans {
  constructor(
    private readonly transactions: Transactions,
    private readonly targets: Targets,
    private readonly revocation: RevocationService,
    private readonly records: RotationRecords,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  /** @returns null when none is left; else what the step that asks has to answer */
  async tidy(rotationId: Id, call: RevocationCall): Promise<StepAnswer | null> {
    const { row, orphans } = await this.transactions.run(call.by, async (db) => ({
      row: await this.records.find(db, rotationId),
      orphans: (await issuesOf(db, rotationId)).filter(({ state }) => state === 'orphaned'),
    }));
    if (!row) return null;
    for (const orphan of orphans) {
      const said = await this.#end(row, orphan, call);
      if (said) return said;
    }
    return null;
  }

  async #end(row: RotationRow, orphan: IssueRow, call: RevocationCall): Promise<StepAnswer | null> {
    const name = `the version ${orphan.supplierId ?? orphan.label}, whose value was lost`;
    if (orphan.versionId === null)
      return {
        answer: 'parked',
        forWhat: `Revoke ${name}, at the supplier by hand, and say so on the page of the rotation ${row.reference}.`,
      };
    const own = { ...call, idempotencyKey: `orphan:${orphan.id}`, family: `orphan:${orphan.id}` };
    const revoked = await this.revocation.revoke(orphan.versionId, own);
    switch (revoked.outcome) {
      case 'accepted':
      case 'gone':
      case 'already_dead':
        break;
      case 'retry':
      case 'unknown':
      case 'next_way':
        return { answer: 'retry', reason: `${name}: ${revoked.why}`, evidence: revoked.evidence };
      case 'person':
        return { answer: 'parked', forWhat: revoked.forWhat };
      case 'rejected':
        return {
          answer: 'parked',
          forWhat: `Revoke ${name}, by hand: the supplier refused (${revoked.why}).`,
        };
      case 'not_found':
        return { answer: 'failed', reason: `${name}, is gone from the record` };
    }
    const gone = await this.#goneFromList(row, orphan, call);
    if (gone === 'gone')
      return this.#settled(orphan, row, 'revoked; the supplier’s list shows it no more', call);
    if (gone === 'listed')
      return {
        answer: 'waiting',
        until: this.clock.now() + 5 * SECOND,
        forWhat: `the supplier to take ${name}, off its list`,
      };
    const look = await this.revocation.verifyDead(orphan.versionId, {
      ...own,
      idempotencyKey: `${own.idempotencyKey}:look`,
    });
    if (look.outcome === 'dead') return this.#settled(orphan, row, look.why, call);
    if (look.outcome === 'unprovable' && look.statementSigned)
      return this.#settled(orphan, row, 'a person signed that it is revoked', call);
    if (look.outcome === 'unprovable')
      return {
        answer: 'parked',
        forWhat: `A signed statement that ${look.label}, is revoked: no machine can look (${look.why}).`,
      };
    return {
      answer: 'retry',
      reason: `${name}: ${look.outcome === 'not_found' ? 'gone from the record' : look.why}`,
    };
  }

  /** Its value is not at hand, so that the supplier's list is asked, which has to show what lives. */
  async #goneFromList(
    row: RotationRow,
    orphan: IssueRow,
    call: RevocationCall,
  ): Promise<'gone' | 'listed' | 'cannot_tell'> {
    const found = await this.transactions.run(call.by, async (db) => {
      const loaded = await this.targets.load(db, row.oldVersionId);
      if (!loaded) return null;
      const { path } = await this.targets.pathTo(db, loaded.version, orphan.connectionId);
      return path && { path, living: loaded.version.supplierId };
    });
    if (!found?.path.connector.listIssued) return 'cannot_tell';
    const answer = await found.path.connector.listIssued(found.path.target, {
      idempotencyKey: `orphan:${orphan.id}:list`,
      signal: call.signal,
      now: () => this.clock.now(),
    });
    if (answer.outcome !== 'listed') return 'cannot_tell';
    if (answer.versions.some(({ supplierId }) => supplierId === orphan.supplierId)) return 'listed';
    // A list that shows nothing at all proves nothing.
    return answer.versions.length > 0 ? 'gone' : 'cannot_tell';
  }

  async #settled(orphan: IssueRow, row: RotationRow, why: string, call: RevocationCall): Promise<null> {
    await this.transactions.run(call.by, async (db) => {
      const now = this.clock.now();
      await settleIssue(db, orphan.id, { state: 'gone', why }, now);
      await this.ledger.append(db, {
        kind: 'rotation.lost-version-gone',
        subject: { kind: 'rotation', id: row.id },
        by: call.by,
        at: now,
        facts: {
          credentialId: row.credentialId,
          integrationId: row.integrationId,
          versionId: orphan.versionId,
          label: orphan.label,
        },
      });
    });
    return null;
  }
}
