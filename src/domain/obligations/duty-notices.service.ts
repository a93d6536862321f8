import { Injectable } from '@nestjs/common';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { handOf, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { timelinessAt, type Timeliness } from '../notices/notice.rules.ts';
import { WrittenNotices } from '../notices/written-notices.service.ts';
import { addDecision, openObligation, sameElsewhere, type ObligationDuty } from './duties.queries.ts';
import type { TellDuty } from './obligation.schema.ts';
import { ObligationsService } from './obligations.service.ts';

interface WayRow {
  state: 'drafted' | 'sent' | 'refused';
  notice_id: Id | null;
  dispatch: string | null;
  obligation: string | null;
}

interface CarriedRow {
  id: Id;
  reference: string;
  incident_id: Id;
  case_id: Id;
  due_at: Date | null;
  obligation: string;
  timeliness: Timeliness;
  fulfilled_at: Date | null;
  notice_reference: string | null;
  notice_obligation: string | null;
  notice_timeliness: Timeliness | null;
  notice_fulfilled_at: Date | null;
}

/**
 * Duties of laws that are told through us: written upon what is known of the case, approved as every written notice is, and
 * carried by a notice that works to the duty's clock. The register follows what becomes of the notice.
 */
@Injectable()
export class DutyNotices {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly written: WrittenNotices,
    private readonly obligations: ObligationsService,
  ) {}

  /** Drafts what tells a duty to a contact of its recipient. Nothing goes out before it is approved. */
  async draft(id: Id, input: TellDuty, by: Principal): Promise<Result<{ writtenId: Id }, Refusal>> {
    try {
      return ok(await this.transactions.run(by, (db) => this.#draft(db, id, input, by)));
    } catch (thrown) {
      if (thrown instanceof Refused) return err(thrown.refusal);
      throw thrown;
    }
  }

  async #draft(db: Db, id: Id, input: TellDuty, by: Principal): Promise<{ writtenId: Id }> {
    const duty = await openObligation(db, id);
    if (duty.watched)
      throw new Refused(
        refusal(
          'conflict',
          'not-ours',
          `${duty.reference} is not ours to tell: record what they told us of it.`,
        ),
      );
    if (duty.standing === 'not_started')
      throw new Refused(
        refusal('conflict', 'not-started', `${duty.reference} has not started: ${duty.due_why}.`),
      );
    await this.#endWayBefore(db, duty);
    const [of] = await rowsOf<{ integration_id: Id; party_id: Id | null }>(
      db,
      `SELECT c.integration_id, (SELECT k.party_id FROM contact k WHERE k.id = $2) AS party_id FROM incident_case c WHERE c.id = $1`,
      [duty.case_id, input.contactId],
    );
    const { everyCase, ...words } = input;
    const made = await this.written.draft(
      db,
      { integrationId: of!.integration_id, caseId: duty.case_id, ...words },
      by,
    );
    if (!made.ok) throw new Refused(made.error);
    const writtenId = made.value.id;
    const covered = [duty.id, ...(everyCase ? await sameElsewhere(db, duty) : [])];
    const now = this.clock.now();
    const drafted = await rowsOf<{ id: Id; reference: string }>(
      db,
      `UPDATE obligation SET written_notice_id = $2, recipient_party_id = $3, updated_at = $4, row_version = row_version + 1
        WHERE id = ANY($1::uuid[]) AND obligation = 'required' AND fulfilled_at IS NULL
          AND (id = $5 OR NOT EXISTS (SELECT FROM written_notice w WHERE w.id = obligation.written_notice_id AND w.state <> 'refused'))
        RETURNING id, reference`,
      [covered, writtenId, of!.party_id, iso(now), duty.id],
    );
    await this.ledger.append(
      db,
      drafted.map((one) => ({
        kind: 'obligation.drafted',
        subject: { kind: 'obligation', id: one.id },
        by,
        at: now,
        facts: { reference: one.reference, written: writtenId, party: of!.party_id },
      })),
    );
    return { writtenId };
  }

  /** One way at a time: what is drafted waits for its decision; what was carried and failed gives way. */
  async #endWayBefore(db: Db, duty: ObligationDuty): Promise<void> {
    const [way] = await rowsOf<WayRow>(
      db,
      `SELECT w.state, w.notice_id, n.dispatch, n.obligation FROM obligation o JOIN written_notice w ON w.id = o.written_notice_id
         LEFT JOIN notice n ON n.id = w.notice_id WHERE o.id = $1`,
      [duty.id],
    );
    if (!way || way.state === 'refused') return;
    if (way.state === 'drafted')
      throw new Refused(
        refusal('conflict', 'drafted-already', `A notice for ${duty.reference} is drafted and not decided.`),
      );
    if (way.dispatch !== 'failed' && way.obligation === 'required')
      throw new Refused(
        refusal('conflict', 'under-way', `${duty.reference} is on its way by a notice already.`),
      );
    await db.query(
      `UPDATE notice SET obligation = 'superseded', next_attempt_at = NULL, next_clock_at = NULL, updated_at = $2,
              row_version = row_version + 1 WHERE id = $1 AND obligation = 'required' AND fulfilled_at IS NULL`,
      [way.notice_id, iso(this.clock.now())],
    );
  }

  /** Brings a duty to where its notice is. @returns whether it moved; else its own clock has to be looked at */
  async follow(db: Db, id: Id, by: Principal): Promise<boolean> {
    // As whoever reckons: the incident before its obligations.
    await rowsOf(
      db,
      `SELECT FROM incident WHERE id = (SELECT incident_id FROM obligation WHERE id = $1) FOR NO KEY UPDATE`,
      [id],
    );
    await rowsOf(db, `SELECT FROM obligation WHERE id = $1 FOR UPDATE`, [id]);
    const [row] = await rowsOf<CarriedRow>(
      db,
      `SELECT o.id, o.reference, o.incident_id, o.case_id, o.due_at, o.obligation, o.timeliness, o.fulfilled_at, n.reference AS notice_reference,
              n.obligation AS notice_obligation, n.timeliness AS notice_timeliness, n.fulfilled_at AS notice_fulfilled_at
         FROM obligation o JOIN written_notice w ON w.id = o.written_notice_id LEFT JOIN notice n ON n.id = w.notice_id WHERE o.id = $1`,
      [id],
    );
    if (row?.obligation !== 'required' || row.notice_obligation !== 'required') return false;
    const now = this.clock.now();
    if (row.fulfilled_at === null && row.notice_fulfilled_at !== null) {
      await this.#told(db, row, row.notice_fulfilled_at.getTime(), now, by);
      return true;
    }
    const back =
      row.fulfilled_at !== null && row.notice_fulfilled_at === null && row.notice_timeliness === 'open';
    if (back && row.timeliness === 'met') {
      await this.#cameBack(db, row, now, by);
      return true;
    }
    return false;
  }

  /** A notice of it was fulfilled: it is told, in time or late, and what follows it starts. */
  async #told(db: Db, row: CarriedRow, at: Millis, now: Millis, by: Principal): Promise<void> {
    const due = row.due_at?.getTime() ?? null;
    const decided =
      row.timeliness === 'open' ? timelinessAt({ dueAt: due, fulfilledAt: at }, now) : row.timeliness;
    await db.query(
      `UPDATE obligation SET fulfilled_at = $2, timeliness = $3, decided_at = coalesce(decided_at, $4), next_clock_at = NULL,
              updated_at = $4, row_version = row_version + 1 WHERE id = $1`,
      [row.id, iso(at), decided, iso(now)],
    );
    await this.#decide(db, row, 'told', decided === 'met' ? 'in time' : 'late', at, now, by);
    if (row.timeliness === 'open')
      await this.ledger.append(db, {
        kind: `obligation.${decided}`,
        subject: { kind: 'obligation', id: row.id },
        by,
        at: now,
        facts: {
          reference: row.reference,
          due: due === null ? null : iso(due),
          fulfilled: iso(at),
          notice: row.notice_reference,
        },
      });
    await this.obligations.reckon(db, row.incident_id, by, { caseIds: [row.case_id] });
  }

  /** It was taken and came back inside its window: it is owed again, by the same clock. */
  async #cameBack(db: Db, row: CarriedRow, now: Millis, by: Principal): Promise<void> {
    await db.query(
      `UPDATE obligation SET fulfilled_at = NULL, timeliness = 'open', decided_at = NULL,
              next_clock_at = least(CASE WHEN warned_at IS NULL THEN warn_at END, CASE WHEN escalated_at IS NULL THEN escalate_at END,
                                    due_at + interval '1 millisecond'),
              updated_at = $2, row_version = row_version + 1 WHERE id = $1`,
      [row.id, iso(now)],
    );
    await this.#decide(db, row, 'came_back', 'the notice came back', null, now, by);
  }

  async #decide(
    db: Db,
    row: CarriedRow,
    decision: 'told' | 'came_back',
    reason: string,
    standsAt: Millis | null,
    now: Millis,
    by: Principal,
  ): Promise<void> {
    await addDecision(db, {
      id: newId(),
      duty: { id: row.id, kind: 'obligation', incident_id: row.incident_id },
      decision,
      reason,
      ...(row.notice_reference === null ? {} : { document: row.notice_reference }),
      ...(standsAt === null ? {} : { standsAt }),
      by,
      hand: handOf(by),
      at: now,
    });
    await this.ledger.append(db, {
      kind: `obligation.${decision.replaceAll('_', '-')}`,
      subject: { kind: 'obligation', id: row.id },
      by,
      at: now,
      facts: { reference: row.reference, notice: row.notice_reference },
    });
  }
}
