import { Injectable } from '@nestjs/common';
import { isZone, type BusinessCalendar, type WindowUnit } from '../../kernel/calendar.ts';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { iso, MINUTE, parseInstant, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { clockOf, windowWords } from '../agreements/term.rules.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { ObligationsService } from './obligations.service.ts';
import type { StateAccount, SupplierAccountView } from './obligation.schema.ts';

const AHEAD = 5 * MINUTE;

interface CaseRow {
  id: Id;
  reference: string;
  incident_id: Id;
  integration_id: Id;
  agreement_version_id: Id | null;
  party_name: string | null;
}
interface TermRow {
  id: Id;
  rule_version: string;
  window_count: number | null;
  window_unit: WindowUnit | null;
  zone: string;
  calendar: (BusinessCalendar & { name: string }) | null;
}

/**
 * The inbound clock: when a supplier says that it knew, when it told us, and what the agreement in force at awareness said.
 * Who told late is on record as late. Accounts are only added: one that disputes another stands beside it, and the supplier is
 * held to the earliest time that it is said to have known.
 */
@Injectable()
export class SupplierAccounts {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly alerts: AlertsService,
    private readonly obligations: ObligationsService,
  ) {}

  async state(caseId: Id, input: StateAccount, by: Principal): Promise<Result<{ id: Id }, Refusal>> {
    try {
      return ok(await this.transactions.run(by, (db) => this.#state(db, caseId, input, by)));
    } catch (thrown) {
      if (thrown instanceof Refused) return err(thrown.refusal);
      throw thrown;
    }
  }

  async #state(db: Db, caseId: Id, input: StateAccount, by: Principal): Promise<{ id: Id }> {
    const [now, knewAt, toldAt] = [
      this.clock.now(),
      parseInstant(input.knewAt)!,
      parseInstant(input.toldAt)!,
    ];
    const of = await this.#case(db, caseId, input.partyId);
    if (!isZone(input.zone))
      throw new Refused(bad('/zone', 'is no time zone', 'Name one like Europe/Berlin, or UTC.'));
    if (toldAt > now + AHEAD)
      throw new Refused(bad('/toldAt', 'has not come yet', 'Name a time that has passed.'));
    if (knewAt > toldAt)
      throw new Refused(
        bad('/knewAt', 'is later than its telling us', 'Nobody tells what they do not know.'),
      );
    if (input.disputesId) {
      const [disputed] = await rowsOf(
        db,
        `SELECT FROM supplier_account WHERE id = $1 AND case_id = $2 AND party_id = $3`,
        [input.disputesId, caseId, input.partyId],
      );
      if (!disputed)
        throw new Refused(bad('/disputesId', 'is no account of this case', 'Take it from the case.'));
    }
    // Who records the same at once waits here: it is one account, and disputes nothing.
    await rowsOf(db, `SELECT FROM incident_case WHERE id = $1 FOR NO KEY UPDATE`, [caseId]);
    const [known] = await rowsOf(
      db,
      `SELECT FROM supplier_account WHERE case_id = $1 AND party_id = $2 AND knew_at = $3 AND told_at = $4`,
      [caseId, input.partyId, iso(knewAt), iso(toldAt)],
    );
    if (known)
      throw new Refused(
        refusal('conflict', 'account-known', 'An account with these times is on record already.'),
      );
    const clock = await agreedClock(db, of.agreement_version_id, input.partyId, knewAt);
    const judgement =
      clock === null
        ? 'nothing_agreed'
        : clock.due === null
          ? 'no_number'
          : toldAt <= clock.due
            ? 'in_time'
            : 'late';
    const id = newId();
    await db.query(
      `INSERT INTO supplier_account (id, incident_id, case_id, integration_id, party_id, term_id, knew_at, knew_basis, told_at, told_basis,
                                     zone, due_at, due_why, frozen, judgement, disputes_id, by_kind, by_id, recorded_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
      [
        id,
        of.incident_id,
        caseId,
        of.integration_id,
        input.partyId,
        clock?.termId ?? null,
        iso(knewAt),
        input.knewBasis,
        iso(toldAt),
        input.toldBasis,
        input.zone,
        clock === null || clock.due === null ? null : iso(clock.due),
        clock?.why ?? 'the agreement says nothing of when it tells us',
        JSON.stringify(clock?.frozen ?? {}),
        judgement,
        input.disputesId ?? null,
        by.kind,
        by.id,
        iso(now),
      ],
    );
    await this.ledger.append(db, {
      kind: 'supplier.account-stated',
      subject: { kind: 'case', id: caseId },
      by,
      at: now,
      facts: {
        account: id,
        partyId: input.partyId,
        knew: iso(knewAt),
        told: iso(toldAt),
        due: clock?.due == null ? null : iso(clock.due),
        judgement,
        disputes: input.disputesId ?? null,
      },
      committed: { knewBasis: input.knewBasis, toldBasis: input.toldBasis },
    });
    // What it owed by law it has told us now, too.
    await this.obligations.reckon(db, of.incident_id, by, { caseIds: [caseId] });
    if (judgement === 'late')
      await this.alerts.raise(db, {
        kind: 'supplier.told-late',
        severity: 'warning',
        message: `${of.party_name} told of ${of.reference} ${Math.ceil((toldAt - clock!.due!) / MINUTE)} minutes late.`,
        dedupeKey: `supplier.told-late:${caseId}:${input.partyId}`,
        subject: { kind: 'incident', id: of.incident_id },
        at: now,
      });
    return { id };
  }

  async #case(db: Db, caseId: Id, partyId: Id): Promise<CaseRow> {
    const [row] = await rowsOf<CaseRow>(
      db,
      `SELECT c.id, c.reference, c.incident_id, c.integration_id, c.agreement_version_id,
              (SELECT min(p.party_name) FROM integration_party p WHERE p.integration_id = c.integration_id AND p.party_id = $2
                  AND p.role IN ('supplier', 'sub_processor')) AS party_name
         FROM incident_case c WHERE c.id = $1`,
      [caseId, partyId],
    );
    if (!row) throw new Refused(refusal('not_found', 'no-such-case', 'There is no such case.'));
    if (row.party_name === null)
      throw new Refused(bad('/partyId', 'is no supplier of this integration', 'Name one of its suppliers.'));
    return row;
  }
}

/** By the terms from that supplier to us, the one that ends first. */
async function agreedClock(db: Db, agreementVersionId: Id | null, partyId: Id, knewAt: Millis) {
  const terms = await rowsOf<TermRow>(
    db,
    `SELECT t.id, t.rule_version, t.window_count, t.window_unit, t.zone,
            CASE WHEN c.id IS NULL THEN NULL ELSE jsonb_build_object('name', c.name, 'workingDays', c.working_days,
              'holidays', c.holidays, 'dayEnds', to_char(c.day_ends, 'HH24:MI')) END AS calendar
       FROM term t LEFT JOIN calendar c ON c.id = t.calendar_id
      WHERE t.agreement_version_id = $1 AND t.party_id = $2 AND t.direction = 'from_party' ORDER BY t.id`,
    [agreementVersionId, partyId],
  );
  const clocks = terms.map((term) => {
    const window =
      term.window_count === null || term.window_unit === null
        ? null
        : { count: term.window_count, unit: term.window_unit };
    const clocked = { window, zone: term.zone, warnPercent: 50, escalatePercent: 80 };
    return {
      termId: term.id,
      due: clockOf(clocked, knewAt, term.calendar ?? undefined).dueAt,
      why: `${windowWords({ ...clocked, calendar: term.calendar?.name ?? null })} from ${iso(knewAt)}`,
      frozen: {
        window,
        zone: term.zone,
        calendar: term.calendar,
        ruleVersion: term.rule_version,
        startAt: iso(knewAt),
      },
    };
  });
  return clocks.sort((a, b) => (a.due ?? Infinity) - (b.due ?? Infinity))[0] ?? null;
}

function bad(field: string, problem: string, mend: string): Refusal {
  return refusal('invalid', 'bad-account', 'The account is not as it must be.', {
    fields: [{ field, problem, mend }],
  });
}

/** Accounts of one incident or of one supplier, the newest first. */
export async function accountsOf(
  db: Db,
  of: { incidentId: Id } | { partyId: Id },
  limit = 100,
): Promise<SupplierAccountView[]> {
  const [column, value] = 'incidentId' in of ? ['incident_id', of.incidentId] : ['party_id', of.partyId];
  const rows = await rowsOf<
    Omit<SupplierAccountView, 'knewAt' | 'toldAt' | 'dueAt' | 'recordedAt'> &
      Record<'knewAt' | 'toldAt' | 'recordedAt', Date> & { dueAt: Date | null }
  >(
    db,
    `SELECT a.id, a.case_id AS "caseId", c.reference AS "caseReference", n.reference AS "incidentReference", a.party_id AS "partyId",
            p.name AS "partyName", a.knew_at AS "knewAt", a.knew_basis AS "knewBasis", a.told_at AS "toldAt", a.told_basis AS "toldBasis",
            a.due_at AS "dueAt", a.due_why AS "dueWhy", a.judgement, a.disputes_id AS "disputesId", a.recorded_at AS "recordedAt",
            CASE WHEN a.judgement = 'late' THEN extract(epoch FROM a.told_at - a.due_at)::int END AS "lateBy",
            NOT EXISTS (SELECT FROM supplier_account o WHERE o.case_id = a.case_id AND o.party_id = a.party_id
                           AND (o.knew_at, o.told_at, o.id) < (a.knew_at, a.told_at, a.id)) AS counts
       FROM supplier_account a JOIN incident_case c ON c.id = a.case_id JOIN incident n ON n.id = a.incident_id
       JOIN party p ON p.id = a.party_id
      WHERE a.${column} = $1 ORDER BY a.told_at DESC, a.id DESC LIMIT $2`,
    [value, limit],
  );
  return rows.map((row) => ({
    ...row,
    knewAt: iso(row.knewAt.getTime()),
    toldAt: iso(row.toldAt.getTime()),
    dueAt: row.dueAt && iso(row.dueAt.getTime()),
    recordedAt: iso(row.recordedAt.getTime()),
  }));
}
