import { Injectable } from '@nestjs/common';
import type { Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal, Role } from '../../kernel/principal.ts';
import { ok, type Result } from '../../kernel/result.ts';
import { iso } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { AccountsService } from '../access/accounts.service.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { RunsService } from '../runbooks/runs.service.ts';
import type { Access, Basis } from './access-review.rules.ts';

export interface Removable {
  id: Id;
  reviewReference: string;
  number: number;
  integrationId: Id | null;
  credentialId: Id | null;
  credentialReference: string | null;
  subjectKind: string;
  subjectId: Id;
  basis: Basis;
  role: string;
  access: Access[];
}

export interface RemovalWork {
  work: 'done' | 'waiting';
  runId: Id | null;
  note: string | null;
}

/** What a person has to do. No names: the item of the review has them. */
const TASKS: Readonly<Record<Basis, string>> = {
  role: 'Take the role of this account away',
  token: 'Revoke this token',
  holder: 'See to it that the party no longer holds the value, and rotate it if it cannot be sure',
  location: 'Remove the copies that lie with this party, and record the proof at each',
  path: 'Take the right to revoke away at the supplier, and agree on another path of revocation',
  connection: 'Take the rights of this supplier account away, and give the credential another connection',
  matrix: 'Propose a matrix in which somebody else has these duties, and have it signed',
  owner: 'Name another owner of the credential',
};

/** Turns a removal into work: done at once where it is ours to do, else a task with an owner and a deadline. */
@Injectable()
export class AccessRemovals {
  constructor(
    private readonly accounts: AccountsService,
    private readonly runs: RunsService,
    private readonly ledger: LedgerService,
    private readonly alerts: AlertsService,
    private readonly clock: Clock,
  ) {}

  async begin(db: Db, item: Removable, by: Principal): Promise<RemovalWork> {
    const own = await this.#ours(db, item, by);
    if (own?.ok) return { work: 'done', runId: null, note: null };
    const [what, of] = [TASKS[item.basis], `${item.reviewReference}, item ${item.number}`];
    const { runId } = await this.runs.start(db, {
      runbook: 'access-removal',
      subject: { kind: 'access_review_item', id: item.id },
      input: {
        what: `${what}: ${[item.credentialReference, item.access.join(' and ')].filter(Boolean).join(', ')} (${of}).${own ? ` ${own.error.message}` : ''}`.slice(
          0,
          500,
        ),
      },
      correlationId: by.correlationId,
      by,
    });
    return { work: 'waiting', runId, note: own ? own.error.message : null };
  }

  /** A person says that it is done, or that it will not be. */
  async settle(db: Db, itemId: Id, done: boolean, by: Principal): Promise<void> {
    const item = await findRemovable(db, itemId);
    if (!item) return;
    const now = this.clock.now();
    const own = done ? await this.#ours(db, item, by) : undefined;
    const failed = !done || (own !== undefined && !own.ok);
    if (!failed && item.basis === 'holder')
      await db.query(
        `DELETE FROM credential_holder WHERE credential_id = $1 AND integration_id = $2 AND party_id = $3`,
        [item.credentialId, item.integrationId, item.subjectId],
      );
    const note = own && !own.ok ? own.error.message : done ? null : 'Whoever was asked did not do it.';
    await db.query(
      `UPDATE access_review_item SET work = $2, work_note = $3, carried_out_at = $4 WHERE id = $1 AND work <> 'done'`,
      [itemId, failed ? 'failed' : 'done', note, failed ? null : iso(now)],
    );
    await this.ledger.append(db, {
      kind: failed ? 'access-review.removal-failed' : 'access-review.removal-done',
      subject: { kind: 'access_review_item', id: itemId },
      by,
      at: now,
      facts: { basis: item.basis, ...(item.credentialId ? { credential: item.credentialId } : {}) },
    });
    const dedupeKey = `access-review.removal-failed:${itemId}`;
    if (!failed) return this.alerts.settle(db, dedupeKey, now);
    await this.alerts.raise(db, {
      kind: 'access-review.removal-failed',
      severity: 'critical',
      message: `${item.reviewReference}, item ${item.number}: an access that was to be taken away is still there. ${note}`,
      dedupeKey,
      ...(item.integrationId ? { subject: { kind: 'integration', id: item.integrationId } } : {}),
      at: now,
    });
  }

  /** @returns undefined where it is not ours to do */
  async #ours(db: Db, item: Removable, by: Principal): Promise<Result<void, Refusal> | undefined> {
    switch (item.basis) {
      case 'role':
        return this.accounts.removeRole(db, item.subjectId, item.role as Role, by);
      case 'token': {
        const revoked = await this.accounts.revokeToken(db, item.subjectId, by);
        // A token that is gone gives no access to anybody.
        return revoked.ok || revoked.error.kind === 'not_found' ? ok(undefined) : revoked;
      }
      default:
        return undefined;
    }
  }
}

export const REMOVABLE = `t.id, v.reference AS "reviewReference", t.number, x.integration_id AS "integrationId", t.credential_id AS "credentialId",
  r.reference AS "credentialReference", t.subject_kind AS "subjectKind", t.subject_id AS "subjectId", t.basis, t.role, t.access`;

async function findRemovable(db: Db, id: Id): Promise<Removable | undefined> {
  const [row] = await db.query<Removable[]>(
    `SELECT ${REMOVABLE} FROM access_review_item t
       JOIN access_review_part x ON x.id = t.part_id JOIN access_review v ON v.id = t.review_id LEFT JOIN credential r ON r.id = t.credential_id
      WHERE t.id = $1 AND t.decision = 'remove' AND t.work <> 'done' FOR UPDATE OF t`,
    [id],
  );
  return row;
}
