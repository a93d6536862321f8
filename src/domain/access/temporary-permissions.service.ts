import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { handOf, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { iso, MINUTE } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import type { Permission } from './permissions.ts';

export interface Wanted {
  permission: Permission;
  subject: { kind: string; id: Id };
  reason: string;
  /** For how long, from the moment it is given; at most 480. */
  minutes: number;
}

/** A request that nobody answers is gone after this many minutes. */
const ANSWERED_WITHIN = 24 * 60;

/** What no role gives: a permission for one person, one thing and a short time, asked for with a reason and given by somebody else. */
@Injectable()
export class TemporaryPermissions {
  constructor(
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
  ) {}

  async ask(db: Db, wanted: Wanted, by: Principal): Promise<Result<{ id: Id }, Refusal>> {
    if (by.kind !== 'user' || by.personId === undefined || by.partyId !== null)
      return err(refusal('forbidden', 'person-needed', 'Only a person of the operator can be given this.'));
    const now = this.clock.now();
    await db.query(`SELECT FROM user_account WHERE id = $1 FOR UPDATE`, [by.id]);
    await db.query(
      `UPDATE temporary_permission SET state = 'withdrawn' WHERE user_id = $1 AND state = 'asked' AND asked_at <= $2`,
      [by.id, iso(now - ANSWERED_WITHIN * MINUTE)],
    );
    const [open] = await db.query<unknown[]>(
      `SELECT FROM temporary_permission WHERE user_id = $1 AND permission = $2 AND subject_id = $3
         AND (state = 'asked' OR (state = 'given' AND valid_until > $4))`,
      [by.id, wanted.permission, wanted.subject.id, iso(now)],
    );
    if (open)
      return err(refusal('conflict', 'already-asked', 'You have asked for this already, or hold it.'));
    const id = newId();
    await db.query(
      `INSERT INTO temporary_permission (id, user_id, person_id, permission, subject_kind, subject_id, reason, minutes, asked_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [
        id,
        by.id,
        by.personId,
        wanted.permission,
        wanted.subject.kind,
        wanted.subject.id,
        wanted.reason,
        wanted.minutes,
        iso(now),
      ],
    );
    await this.ledger.append(db, {
      kind: 'permission.asked',
      subject: wanted.subject,
      by,
      at: now,
      facts: { request: id, permission: wanted.permission, minutes: wanted.minutes },
      committed: { reason: wanted.reason },
    });
    return ok({ id });
  }

  /** By somebody else than whoever asked; counted from now on. */
  async decide(db: Db, id: Id, give: boolean, by: Principal): Promise<Result<void, Refusal>> {
    const now = this.clock.now();
    const [row] = await db.query<
      {
        personId: Id;
        state: string;
        minutes: number;
        permission: string;
        kind: string;
        subjectId: Id;
        askedAt: Date;
      }[]
    >(
      `SELECT person_id AS "personId", state, minutes, permission, subject_kind AS kind, subject_id AS "subjectId", asked_at AS "askedAt"
         FROM temporary_permission WHERE id = $1 FOR UPDATE`,
      [id],
    );
    if (!row) return err(refusal('not_found', 'no-request', 'There is no such request.'));
    if (row.state !== 'asked' || row.askedAt.getTime() + ANSWERED_WITHIN * MINUTE <= now)
      return err(refusal('conflict', 'already-decided', 'The request was answered, or is too old.'));
    if (row.personId === handOf(by))
      return err(refusal('forbidden', 'own-request', 'Somebody else decides about your own request.'));
    const until = now + row.minutes * MINUTE;
    await db.query(
      `UPDATE temporary_permission SET state = $2, decided_by = $3, decided_at = $4, valid_until = $5 WHERE id = $1`,
      [id, give ? 'given' : 'refused', handOf(by), iso(now), give ? iso(until) : null],
    );
    await this.ledger.append(db, {
      kind: give ? 'permission.given' : 'permission.refused',
      subject: { kind: row.kind, id: row.subjectId },
      by,
      at: now,
      facts: {
        request: id,
        permission: row.permission,
        person: row.personId,
        ...(give ? { until: iso(until) } : {}),
      },
    });
    return ok(undefined);
  }

  /** The one in force for this person and thing; `null`: none. */
  async inForce(db: Db, userId: Id, permission: Permission, subjectId: Id): Promise<Id | null> {
    const [row] = await db.query<{ id: Id }[]>(
      `SELECT id FROM temporary_permission
        WHERE user_id = $1 AND permission = $2 AND subject_id = $3 AND state = 'given' AND valid_until > $4 LIMIT 1`,
      [userId, permission, subjectId, iso(this.clock.now())],
    );
    return row?.id ?? null;
  }
}
