import { Injectable } from '@nestjs/common';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { handOf, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { iso, MINUTE, parseInstant, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { timelinessAt } from '../notices/notice.rules.ts';
import {
  addDecision,
  findDuty,
  openDuty,
  openObligation,
  sameElsewhere,
  type Duty,
  type ObligationDuty,
} from './duties.queries.ts';
import { freeze, isStartedByHand, thawed } from './duty-clock.rules.ts';
import { phaseClock } from './clock.rules.ts';
import type { Submit, Withhold } from './obligation.schema.ts';
import { ObligationsService } from './obligations.service.ts';

/** How far the clocks of two people may be apart. */
const AHEAD = 5 * MINUTE;

export interface DutyStanding {
  obligation: string;
  timeliness: string;
}

/** What people decide about duties to tell. Each decision is a row with its author and its time, and none is edited. */
@Injectable()
export class DutiesService {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly obligations: ObligationsService,
  ) {}

  /** A duty that is none here, with the reason. The first person asks; a second one decides. */
  notRequired(id: Id, reason: string, by: Principal): Promise<Result<DutyStanding, Refusal>> {
    return this.#act(by, async (db) => {
      const duty = await openDuty(db, id);
      const asked = duty.asked_hand;
      if (asked === handOf(by))
        throw new Refused(
          refusal(
            'conflict',
            'second-person-needed',
            'You asked for it to be not required; a second person decides.',
          ),
        );
      if (asked === null) {
        await this.#decide(db, duty, 'not_required_asked', by, { reason });
        return standingOf(duty);
      }
      await this.#decide(db, duty, 'not_required', by, { reason });
      await setObligation(db, duty, 'not_required', this.clock.now());
      return { ...standingOf(duty), obligation: 'not_required' };
    });
  }

  /**
   * It is required after all: so says the second person, or somebody who finds later that it was decided by mistake. Its
   * clock is the one that was frozen at first, and counts the time in between.
   */
  keep(id: Id, reason: string, by: Principal): Promise<Result<DutyStanding, Refusal>> {
    return this.#act(by, async (db) => {
      const decided = await findDuty(db, id);
      if (decided?.obligation === 'not_required' && decided.fulfilled_at === null) {
        await this.#decide(db, decided, 'kept', by, { reason });
        await takeBack(db, decided, this.clock.now());
        return { ...standingOf(decided), obligation: 'required' };
      }
      const duty = await openDuty(db, id);
      if (duty.asked_hand === null)
        throw new Refused(refusal('conflict', 'nobody-asked', 'Nobody asked for it to be not required.'));
      await this.#decide(db, duty, 'kept', by, { reason });
      return standingOf(duty);
    });
  }

  /** An authority asked in writing to wait: nobody is told until then, and the clock stands still. It returns by itself. */
  withhold(id: Id, input: Withhold, by: Principal): Promise<Result<DutyStanding, Refusal>> {
    return this.#act(by, async (db) => {
      const duty = await openDuty(db, id);
      const [now, until] = [this.clock.now(), parseInstant(input.until)!];
      if (until <= now)
        throw new Refused(
          bad('/until', 'has passed', 'Name a time to come; the written word says until when.'),
        );
      const { reason, authority, document } = input;
      await this.#decide(db, duty, 'withheld', by, { reason, authority, document, until });
      await setObligation(db, duty, 'withheld', now);
      return { ...standingOf(duty), obligation: 'withheld' };
    });
  }

  /** What no instant of the incident says: a payment, a fix, facts that were missing. */
  start(
    id: Id,
    input: { at: string; reason: string },
    by: Principal,
  ): Promise<Result<DutyStanding, Refusal>> {
    return this.#act(by, async (db) => {
      const duty = await openObligation(db, id);
      const { rule, facts } = duty.frozen;
      const phase = rule.phases.find((one) => one.phase === duty.phase)!;
      // When somebody else's clock started nobody but they can say.
      if (duty.standing !== 'not_started' || !(duty.watched || isStartedByHand(phase.event)))
        throw new Refused(
          refusal(
            'conflict',
            'not-started-by-hand',
            duty.standing === 'not_started'
              ? `It starts with ${phase.event}: record that as an instant of the incident, or hand in the report before it.`
              : 'It has started already.',
          ),
        );
      const [now, at] = [this.clock.now(), parseInstant(input.at)!];
      if (at > now + AHEAD) throw new Refused(bad('/at', 'has not come yet', 'Name a time that has passed.'));
      const events = { ...thawed(facts).events, [phase.event]: at };
      const known = thawed(facts, { events });
      const clock = phaseClock(rule, phase, known);
      if (clock.standing === 'not_in_force')
        throw new Refused(refusal('conflict', 'not-in-force', `It is ${clock.why}.`));
      await this.#decide(db, duty, 'started', by, { reason: input.reason, standsAt: at });
      await this.obligations.moveClock(db, duty, clock, freeze(rule, duty.phase, known), now, by, 'started');
      return standingOf(duty);
    });
  }

  /**
   * The report was handed in. Whether in time is decided now and never again; one that is late needs its reason. The phases
   * that follow it start.
   */
  submit(id: Id, input: Submit, by: Principal): Promise<Result<DutyStanding, Refusal>> {
    return this.#act(by, async (db) => {
      const duty = await openObligation(db, id);
      const others = input.everyCase ? await sameElsewhere(db, duty) : [];
      let standing = await this.#submit(db, duty, input, by);
      for (const other of others) {
        const found = await findDuty(db, other);
        if (found?.kind === 'obligation' && found.obligation === 'required' && found.fulfilled_at === null)
          standing = await this.#submit(db, found, input, by);
      }
      await this.obligations.reckon(db, duty.incident_id, by, {
        caseIds: [duty.case_id, ...(others.length > 0 ? await casesOf(db, others) : [])],
      });
      return standing;
    });
  }

  async #submit(db: Db, duty: ObligationDuty, input: Submit, by: Principal): Promise<DutyStanding> {
    const [now, at] = [this.clock.now(), parseInstant(input.at)!];
    const due = duty.due_at?.getTime() ?? null;
    if (duty.standing === 'not_started')
      throw new Refused(
        refusal('conflict', 'not-started', `${duty.reference} has not started: ${duty.due_why}.`),
      );
    if (at > now + AHEAD) throw new Refused(bad('/at', 'has not come yet', 'Name a time that has passed.'));
    if (at < duty.start_at!.getTime())
      throw new Refused(bad('/at', 'lies before what it reports', 'Name when it was handed in.'));
    if (due !== null && at > due && input.reason.length < 3)
      throw new Refused(
        bad('/reason', 'is missing, and it is late', 'Say why: it goes on record with the lateness.'),
      );
    const decided =
      duty.timeliness === 'open' ? timelinessAt({ dueAt: due, fulfilledAt: at }, now) : duty.timeliness;
    await db.query(
      `UPDATE obligation SET fulfilled_at = $2, timeliness = $3, decided_at = coalesce(decided_at, $4), next_clock_at = NULL,
              updated_at = $4, row_version = row_version + 1 WHERE id = $1`,
      [duty.id, iso(at), decided, iso(now)],
    );
    await setNotice(db, duty, 'superseded', now);
    await this.#decide(db, duty, 'submitted', by, {
      reason: input.reason || 'in time',
      document: input.document,
      standsAt: at,
    });
    if (duty.timeliness === 'open')
      await this.ledger.append(db, {
        kind: `obligation.${decided}`,
        subject: { kind: 'obligation', id: duty.id },
        by,
        at: now,
        facts: { reference: duty.reference, due: due === null ? null : iso(due), fulfilled: iso(at) },
      });
    return { obligation: duty.obligation, timeliness: decided };
  }

  async #decide(
    db: Db,
    duty: Duty,
    decision: string,
    by: Principal,
    said: { reason: string; authority?: string; document?: string; until?: Millis; standsAt?: Millis },
  ): Promise<void> {
    const now = this.clock.now();
    const id = newId();
    await addDecision(db, { id, duty, decision, by, hand: handOf(by), at: now, ...said });
    const { reason, authority, document, until, standsAt } = said;
    await this.ledger.append(db, {
      kind: `${duty.kind}.${decision.replaceAll('_', '-')}`,
      subject: { kind: duty.kind, id: duty.id },
      by,
      at: now,
      facts: {
        reference: duty.reference,
        decision: id,
        ...(until === undefined ? {} : { until: iso(until) }),
        ...(standsAt === undefined ? {} : { stands: iso(standsAt) }),
      },
      committed: { reason, ...(authority ? { authority } : {}), ...(document ? { document } : {}) },
    });
  }

  async #act<T>(by: Principal, work: (db: Db) => Promise<T>): Promise<Result<T, Refusal>> {
    try {
      return ok(await this.transactions.run(by, work));
    } catch (thrown) {
      if (thrown instanceof Refused) return err(thrown.refusal);
      throw thrown;
    }
  }
}

async function setObligation(
  db: Db,
  duty: Duty,
  obligation: 'not_required' | 'withheld',
  now: Millis,
): Promise<void> {
  await db.query(
    `UPDATE ${duty.kind} SET obligation = $2, next_clock_at = NULL, updated_at = $3, row_version = row_version + 1 WHERE id = $1`,
    [duty.id, obligation, iso(now)],
  );
  if (duty.kind === 'obligation') await setNotice(db, duty, obligation, now);
}

/** Owed again by the clock that it had: what has passed meanwhile is said at once. */
async function takeBack(db: Db, duty: Duty, now: Millis): Promise<void> {
  if (duty.kind === 'obligation')
    await db.query(
      `UPDATE obligation SET obligation = 'required', next_clock_at = CASE WHEN watched THEN NULL ELSE $2::timestamptz END,
              updated_at = $2, row_version = row_version + 1 WHERE id = $1`,
      [duty.id, iso(now)],
    );
  const notice =
    duty.kind === 'notice'
      ? 'id = $1'
      : 'id = (SELECT w.notice_id FROM obligation o JOIN written_notice w ON w.id = o.written_notice_id WHERE o.id = $1)';
  await db.query(
    `UPDATE notice SET obligation = 'required', next_clock_at = $2,
            next_attempt_at = CASE WHEN dispatch IN ('owed', 'attempting') THEN $2 ELSE next_attempt_at END,
            updated_at = $2, row_version = row_version + 1
      WHERE ${notice} AND obligation = 'not_required' AND fulfilled_at IS NULL`,
    [duty.id, iso(now)],
  );
}

/** The notice that carries a duty, as long as it has told nobody, is what its duty is. */
async function setNotice(
  db: Db,
  duty: ObligationDuty,
  obligation: 'not_required' | 'withheld' | 'superseded',
  now: Millis,
): Promise<void> {
  await db.query(
    `UPDATE notice SET obligation = $2, next_clock_at = NULL, updated_at = $3, row_version = row_version + 1
      WHERE id = (SELECT w.notice_id FROM obligation o JOIN written_notice w ON w.id = o.written_notice_id WHERE o.id = $1)
        AND obligation = 'required' AND fulfilled_at IS NULL`,
    [duty.id, obligation, iso(now)],
  );
}

async function casesOf(db: Db, obligationIds: readonly Id[]): Promise<Id[]> {
  const rows = await rowsOf<{ id: Id }>(
    db,
    `SELECT DISTINCT case_id AS id FROM obligation WHERE id = ANY($1::uuid[])`,
    [obligationIds],
  );
  return rows.map(({ id }) => id);
}

function standingOf(duty: Duty): DutyStanding {
  return { obligation: duty.obligation, timeliness: duty.timeliness };
}

function bad(field: string, problem: string, mend: string): Refusal {
  return refusal('invalid', 'bad-duty', 'The decision is not as it must be.', {
    fields: [{ field, problem, mend }],
  });
}
