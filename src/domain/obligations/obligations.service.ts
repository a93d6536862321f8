import { Injectable } from '@nestjs/common';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { nextReferences } from '../../platform/database/references.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { timelinessAt } from '../notices/notice.rules.ts';
import { applies, entityOf, memberStateIn, type Profile } from './applies.rules.ts';
import type { ClockRule } from './clock-rule.schema.ts';
import { ClockRules } from './clock-rules.ts';
import { phaseClock, type ClockFacts, type PhaseClock } from './clock.rules.ts';
import { clockTimes, freeze, thawed, type FrozenClock } from './duty-clock.rules.ts';
import { workingDaysOf } from './holidays.ts';
import {
  casesOf,
  eventsFor,
  instantsOf,
  operatorOf,
  partiesOf,
  profileOf,
  recipientOf,
  type CaseOwed,
  type Instants,
  type Owing,
} from './whose-duties.queries.ts';

interface KnownRow {
  id: Id;
  case_id: Id;
  party_id: Id;
  watched: boolean;
  audience: string;
  rule_id: string;
  phase: string;
  standing: string;
  start_at: Date | null;
  frozen: FrozenClock;
  timeliness: string;
  obligation: string;
  fulfilled_at: Date | null;
}

/** Cases that one transaction takes. */
const PORTION = 200;

/**
 * What laws and industries ask after a leak, of the operator and of the other parties of each integration, whose duties are
 * watched. Derived from where each of them and the integration are, what they do and with which data; one for each case, rule and phase, also before anything has started it, so that the register shows
 * what may come.
 */
@Injectable()
export class ObligationsService {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly rules: ClockRules,
  ) {}

  /** Every case of an incident, in portions. */
  async reckonAll(incidentId: Id, by: Principal): Promise<void> {
    for (let after: Id | undefined; ;) {
      const last: Id | undefined = await this.transactions.run(by, (db) =>
        this.reckon(db, incidentId, by, after === undefined ? {} : { after }),
      );
      if (last === undefined) return;
      after = last;
    }
  }

  /**
   * Writes down what cases owe, starts what has been started since, and moves a clock to an earlier start where a dispute
   * named one. A clock never moves to a later one, and what is decided stays as it is. Done again, it changes nothing.
   *
   * @returns the last case of the portion, or undefined when there are no more
   */
  async reckon(
    db: Db,
    incidentId: Id,
    by: Principal,
    o: { after?: Id; caseIds?: readonly Id[] } = {},
  ): Promise<Id | undefined> {
    await rowsOf(db, `SELECT FROM incident WHERE id = $1 FOR NO KEY UPDATE`, [incidentId]);
    const operator = await operatorOf(db);
    if (!operator) return undefined;
    const cases = await casesOf(db, incidentId, operator.id, { ...o, limit: PORTION });
    const caseIds = cases.map(({ id }) => id);
    const instants = await instantsOf(db, caseIds);
    const known = await rowsOf<KnownRow>(
      db,
      `SELECT id, case_id, party_id, watched, audience, rule_id, phase, standing, start_at, frozen, timeliness, obligation, fulfilled_at
         FROM obligation WHERE case_id = ANY($1::uuid[]) ORDER BY id FOR UPDATE`,
      [caseIds],
    );
    const knownOf = new Map<Id, KnownRow[]>();
    for (const row of known) knownOf.set(row.case_id, [...(knownOf.get(row.case_id) ?? []), row]);
    const now = this.clock.now();
    const fresh: { draft: Draft; owes: Owing }[] = [];
    for (const one of cases) {
      const of = instants.get(one.id) ?? {};
      const there = knownOf.get(one.id) ?? [];
      for (const owes of partiesOf(one, operator)) {
        const own = there.filter((row) => row.party_id === owes.id);
        const events = eventsFor(owes, of);
        for (const row of own) {
          await this.#follow(db, row, own, events, now, by);
          await this.#heard(db, row, owes, now, by);
        }
        const drafts = await this.#drafts(one, own, { events, instants: of }, owes, incidentId, now);
        fresh.push(...drafts.map((draft) => ({ draft, owes })));
      }
    }
    await this.#insert(
      db,
      fresh.map(({ draft }) => draft),
      now,
      by,
    );
    for (const { draft, owes } of fresh)
      await this.#heard(db, { ...draft, fulfilled_at: null }, owes, now, by);
    return cases.length === PORTION ? caseIds.at(-1) : undefined;
  }

  async #drafts(
    one: CaseOwed,
    there: readonly KnownRow[],
    known: { events: ClockFacts['events']; instants: Instants },
    owes: Owing,
    incidentId: Id,
    now: Millis,
  ): Promise<Draft[]> {
    const profile = profileOf(one, owes);
    const day = iso(Math.min(now, ...Object.values(known.instants).filter((at) => at !== undefined))).slice(
      0,
      10,
    );
    const drafts: Draft[] = [];
    for (const rule of this.rules.list(day).filter((each) => applies(each, profile))) {
      const missing = rule.phases.filter(
        ({ phase }) => !there.some((row) => row.rule_id === rule.id && row.phase === phase),
      );
      if (missing.length === 0) continue;
      const entity = entityOf(rule, profile.sectors);
      const facts: ClockFacts = {
        events: known.events,
        submitted: submittedIn(there, rule.id),
        ...(entity === undefined ? {} : { entity }),
        zone: owes.zone,
        calendar: await calendarOf(rule, profile, now),
        reliefWithoutClass: false,
      };
      for (const phase of missing) {
        const clock = phaseClock(rule, phase, facts);
        if (clock.standing === 'not_in_force') continue;
        drafts.push(
          draftOf(one, rule, clock, freeze(rule, phase.phase, facts), owes, incidentId, phase.event),
        );
      }
    }
    return drafts;
  }

  async #insert(db: Db, fresh: Draft[], now: Millis, by: Principal): Promise<void> {
    if (fresh.length === 0) return;
    const references = await nextReferences(db, 'OBL', now, fresh.length);
    fresh.forEach((draft, at) => (draft.reference = references[at]!));
    await db.query(
      `INSERT INTO obligation (${COLUMNS.join(', ')}, created_at, updated_at)
       SELECT ${COLUMNS.join(', ')}, $2::timestamptz, $2::timestamptz FROM jsonb_to_recordset($1::jsonb) AS r(
         id uuid, reference text, incident_id uuid, case_id uuid, party_id uuid, watched boolean, recipient_party_id uuid, rule_id text,
         rule_version text, phase text, title text, tells text, audience text, start_event text, standing text,
         start_at timestamptz, due_at timestamptz, due_date date, due_why text, frozen jsonb, warn_at timestamptz,
         escalate_at timestamptz, next_clock_at timestamptz)`,
      [JSON.stringify(fresh), new Date(now)],
    );
    await this.ledger.append(
      db,
      fresh.map((draft) => ({
        kind: 'obligation.derived',
        subject: { kind: 'obligation', id: draft.id },
        by,
        at: now,
        facts: {
          reference: draft.reference,
          caseId: draft.case_id,
          rule: draft.rule_version,
          phase: draft.phase,
          standing: draft.standing,
          start: draft.start_at,
          due: draft.due_at,
        },
      })),
    );
  }

  /** What has become of one that is there already: started meanwhile, or disputed to an earlier start. */
  async #follow(
    db: Db,
    row: KnownRow,
    there: readonly KnownRow[],
    known: ClockFacts['events'],
    now: Millis,
    by: Principal,
  ): Promise<void> {
    if (row.timeliness !== 'open' || row.fulfilled_at !== null) return;
    const before = thawed(row.frozen.facts);
    const events = { ...before.events };
    for (const [event, at] of Object.entries(known) as [keyof typeof events, Millis][])
      events[event] = Math.min(at, events[event] ?? at);
    const facts: ClockFacts = {
      ...before,
      events,
      submitted: { ...before.submitted, ...submittedIn(there, row.rule_id) },
    };
    const { rule } = row.frozen;
    const phase = rule.phases.find((one) => one.phase === row.phase)!;
    const clock = phaseClock(rule, phase, facts);
    const was = phaseClock(rule, phase, before);
    const starts = row.standing === 'not_started' && clock.standing !== 'not_started';
    const earlier =
      was.startAt !== null &&
      clock.startAt !== null &&
      (clock.due ?? clock.startAt) < (was.due ?? was.startAt);
    if (clock.standing === 'not_in_force' || (!starts && !earlier)) return;
    await this.moveClock(
      db,
      row,
      clock,
      freeze(rule, row.phase, facts),
      now,
      by,
      starts ? 'started' : 'earlier',
    );
  }

  /** What a supplier told us is told: its own account says when. */
  async #heard(
    db: Db,
    row: Pick<KnownRow, 'id' | 'watched' | 'audience' | 'fulfilled_at'>,
    owes: Owing,
    now: Millis,
    by: Principal,
  ): Promise<void> {
    if (!row.watched || row.audience !== 'counterparty' || owes.toldAt === null || row.fulfilled_at !== null)
      return;
    const [current] = await rowsOf<{ start_at: Date | null; due_at: Date | null; obligation: string }>(
      db,
      `SELECT start_at, due_at, obligation FROM obligation WHERE id = $1`,
      [row.id],
    );
    if (!current?.start_at || current.obligation !== 'required') return;
    const decided = timelinessAt({ dueAt: current.due_at?.getTime() ?? null, fulfilledAt: owes.toldAt }, now);
    await db.query(
      `UPDATE obligation SET fulfilled_at = $2, timeliness = $3, decided_at = $4, updated_at = $4, row_version = row_version + 1 WHERE id = $1`,
      [row.id, iso(owes.toldAt), decided, iso(now)],
    );
    await this.ledger.append(db, {
      kind: `obligation.${decided}`,
      subject: { kind: 'obligation', id: row.id },
      by,
      at: now,
      facts: { party: owes.id, due: current.due_at?.toISOString() ?? null, fulfilled: iso(owes.toldAt) },
    });
  }

  /** Gives a clock the start and the due time that it has from now on; what is withheld or not required says nothing. */
  async moveClock(
    db: Db,
    row: Pick<KnownRow, 'id' | 'obligation' | 'watched'>,
    clock: PhaseClock,
    frozen: FrozenClock,
    now: Millis,
    by: Principal,
    why: 'started' | 'earlier',
  ): Promise<void> {
    const { warnAt, escalateAt } = clockTimes(frozen.rule, clock);
    await db.query(
      `UPDATE obligation SET standing = $2, start_at = $3, due_at = $4, due_date = $5, due_why = $6, frozen = $7, warn_at = $8,
              escalate_at = $9, next_clock_at = $10, updated_at = $11, row_version = row_version + 1 WHERE id = $1`,
      [
        row.id,
        clock.standing,
        orNull(clock.startAt),
        orNull(clock.due),
        clock.dueDate,
        clock.why,
        JSON.stringify(frozen),
        orNull(warnAt),
        orNull(escalateAt),
        row.obligation === 'required' && !row.watched ? orNull(warnAt) : null,
        iso(now),
      ],
    );
    await this.ledger.append(db, {
      kind: why === 'started' ? 'obligation.started' : 'obligation.moved-earlier',
      subject: { kind: 'obligation', id: row.id },
      by,
      at: now,
      facts: { start: orNull(clock.startAt), due: orNull(clock.due) },
    });
  }
}

type Draft = ReturnType<typeof draftOf>;

function draftOf(
  one: CaseOwed,
  rule: ClockRule,
  clock: PhaseClock,
  frozen: FrozenClock,
  owes: Owing,
  incidentId: Id,
  event: string,
) {
  const { warnAt, escalateAt } = clockTimes(frozen.rule, clock);
  return {
    id: newId(),
    reference: '',
    incident_id: incidentId,
    case_id: one.id,
    party_id: owes.id,
    watched: owes.watched,
    recipient_party_id: recipientOf(one, rule.audience, owes),
    rule_id: rule.id,
    rule_version: rule.version,
    phase: clock.phase,
    title: rule.title,
    tells: rule.tells,
    audience: rule.audience,
    start_event: event,
    standing: clock.standing,
    start_at: orNull(clock.startAt),
    due_at: orNull(clock.due),
    due_date: clock.dueDate,
    due_why: clock.why,
    frozen,
    warn_at: orNull(warnAt),
    escalate_at: orNull(escalateAt),
    // Of what others owe we remind nobody: we note what they tell us.
    next_clock_at: owes.watched ? null : orNull(warnAt),
  };
}

const COLUMNS: readonly (keyof Draft)[] = [
  'id',
  'reference',
  'incident_id',
  'case_id',
  'party_id',
  'watched',
  'recipient_party_id',
  'rule_id',
  'rule_version',
  'phase',
  'title',
  'tells',
  'audience',
  'start_event',
  'standing',
  'start_at',
  'due_at',
  'due_date',
  'due_why',
  'frozen',
  'warn_at',
  'escalate_at',
  'next_clock_at',
];

/** The reports of a rule that were handed in, by phase. */
function submittedIn(there: readonly KnownRow[], ruleId: string): Record<string, Millis> {
  return Object.fromEntries(
    there
      .filter((row) => row.rule_id === ruleId && row.fulfilled_at !== null)
      .map((row) => [row.phase, row.fulfilled_at!.getTime()]),
  );
}

/** Frozen with the clock: three years of holidays from now. */
async function calendarOf(rule: ClockRule, profile: Profile, now: Millis): Promise<ClockFacts['calendar']> {
  const country = rule.calendar === 'member-state' ? memberStateIn(profile.regions) : rule.calendar;
  const year = new Date(now).getUTCFullYear();
  return workingDaysOf(country, year, year + 2);
}

function orNull(at: Millis | null): string | null {
  return at === null ? null : iso(at);
}
