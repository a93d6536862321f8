import { Refused, refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { REPORT } from '../notices/written-about.ts';
import type { FrozenClock } from './duty-clock.rules.ts';

interface Common {
  id: Id;
  reference: string;
  incident_id: Id;
  case_id: Id;
  due_at: Date | null;
  due_why: string;
  obligation: 'required' | 'not_required' | 'superseded' | 'withheld';
  timeliness: 'open' | 'met' | 'missed';
  fulfilled_at: Date | null;
  /** Whose hand asked for it to be not required, while nobody has decided. */
  asked_hand: string | null;
}
export interface ObligationDuty extends Common {
  kind: 'obligation';
  rule_id: string;
  phase: string;
  standing: string;
  start_at: Date | null;
  party_id: Id;
  watched: boolean;
  frozen: FrozenClock;
}
export interface NoticeDuty extends Common {
  kind: 'notice';
}
export type Duty = ObligationDuty | NoticeDuty;

/** Of a subject the last decision about whether it is required, as long as it is only asked. */
export const askedBy = (column: string, subject: string) =>
  `(SELECT CASE WHEN d.decision = 'not_required_asked' THEN d.${column} END FROM duty_decision d
     WHERE d.subject_id = ${subject} AND d.decision IN ('not_required_asked', 'not_required', 'kept') ORDER BY d.at DESC, d.id DESC LIMIT 1)`;

/** A duty by its id, locked: an obligation, or the notice of a case. */
export async function findDuty(db: Db, id: Id): Promise<Duty | undefined> {
  // The notice that carries it first: whoever moves that moves this after it.
  await rowsOf(
    db,
    `SELECT FROM notice WHERE id = (SELECT w.notice_id FROM obligation o JOIN written_notice w ON w.id = o.written_notice_id
                                     WHERE o.id = $1) FOR UPDATE`,
    [id],
  );
  await rowsOf(db, `SELECT FROM obligation WHERE id = $1 FOR UPDATE`, [id]);
  const [obligation] = await rowsOf<Omit<ObligationDuty, 'kind'>>(
    db,
    `SELECT o.id, o.reference, o.incident_id, o.case_id, o.due_at, o.due_why, o.obligation, o.timeliness, o.fulfilled_at, o.rule_id,
            o.phase, o.standing, o.start_at, o.party_id, o.watched, o.frozen, ${askedBy('hand', 'o.id')} AS asked_hand
       FROM obligation o WHERE o.id = $1`,
    [id],
  );
  if (obligation) return { kind: 'obligation', ...obligation };
  await rowsOf(db, `SELECT FROM notice WHERE id = $1 FOR UPDATE`, [id]);
  const [notice] = await rowsOf<Omit<NoticeDuty, 'kind'>>(
    db,
    `SELECT n.id, n.reference, c.incident_id, c.id AS case_id, n.due_at, n.due_why, n.obligation, n.timeliness, n.fulfilled_at,
            ${askedBy('hand', 'n.id')} AS asked_hand
       FROM notice n JOIN incident_case c ON c.id = n.subject_id WHERE n.id = $1 AND n.subject_kind = 'case' AND n.category <> $2`,
    [id, REPORT],
  );
  return notice && { kind: 'notice', ...notice };
}

export async function addDecision(
  db: Db,
  one: {
    id: Id;
    duty: Pick<Duty, 'id' | 'kind' | 'incident_id'>;
    decision: string;
    reason: string;
    authority?: string;
    document?: string;
    until?: Millis;
    standsAt?: Millis;
    by: Pick<Principal, 'kind' | 'id'>;
    hand: string;
    at: Millis;
  },
): Promise<void> {
  const orNull = (at: Millis | undefined) => (at === undefined ? null : iso(at));
  await db.query(
    `INSERT INTO duty_decision (id, incident_id, subject_kind, subject_id, decision, reason, authority, document, until, stands_at,
                                by_kind, by_id, hand, at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    [
      one.id,
      one.duty.incident_id,
      one.duty.kind,
      one.duty.id,
      one.decision,
      one.reason,
      one.authority ?? null,
      one.document ?? null,
      orNull(one.until),
      orNull(one.standsAt),
      one.by.kind,
      one.by.id,
      one.hand,
      iso(one.at),
    ],
  );
}

/** @throws Refused */
export async function openDuty(db: Db, id: Id): Promise<Duty> {
  const duty = await findDuty(db, id);
  if (!duty) throw new Refused(refusal('not_found', 'no-such-duty', 'There is no such obligation.'));
  if (duty.fulfilled_at !== null)
    throw new Refused(refusal('conflict', 'already-told', `${duty.reference} is fulfilled.`));
  if (duty.obligation !== 'required')
    throw new Refused(
      refusal('conflict', 'wrong-state', `${duty.reference} is ${duty.obligation.replaceAll('_', ' ')}.`),
    );
  return duty;
}

/** @throws Refused */
export async function openObligation(db: Db, id: Id): Promise<ObligationDuty> {
  const duty = await openDuty(db, id);
  if (duty.kind === 'obligation') return duty;
  throw new Refused(
    refusal(
      'conflict',
      'is-a-notice',
      `${duty.reference} is a notice: it is carried, and fulfilled by what its term says.`,
    ),
  );
}

/** The same phase of the same rule in the other cases of the incident. */
export async function sameElsewhere(db: Db, duty: ObligationDuty): Promise<Id[]> {
  const rows = await rowsOf<{ id: Id }>(
    db,
    `SELECT id FROM obligation WHERE incident_id = $1 AND rule_id = $2 AND phase = $3 AND id <> $4 AND party_id = $5 AND standing <> 'not_started' ORDER BY id`,
    [duty.incident_id, duty.rule_id, duty.phase, duty.id, duty.party_id],
  );
  return rows.map(({ id }) => id);
}
