import type { BusinessCalendar } from '../../kernel/calendar.ts';
import type { Id } from '../../kernel/ids.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { AgreementPreview, CalendarView, DraftContent, DraftTerm, DraftView } from './draft.schema.ts';
import { clockOf, windowWords } from './term.rules.ts';

/** As stored: an imported step is a text, a written one says who carries it out. */
export type StoredStep = string | DraftContent['containmentSteps'][number];

export function stepsOf(stored: readonly StoredStep[]): DraftContent['containmentSteps'] {
  return stored.map((step) => (typeof step === 'string' ? { step, by: null, authority: null } : step));
}

/** Text where nothing but the text is said, as imports write it: the same words have the same hash. */
export function storedSteps(steps: DraftContent['containmentSteps']): StoredStep[] {
  return steps.map((step) => (step.by === null && step.authority === null ? step.step : step));
}

export async function findDraft(db: Db, agreementId: Id): Promise<DraftView | undefined> {
  const [row] = await db.query<
    { basedOn: number; content: DraftContent; validFrom: Date | null; updatedAt: Date; rowVersion: number }[]
  >(
    `SELECT based_on AS "basedOn", content, valid_from AS "validFrom", updated_at AS "updatedAt", row_version AS "rowVersion"
       FROM agreement_draft WHERE agreement_id = $1`,
    [agreementId],
  );
  return (
    row && {
      agreementId,
      basedOn: row.basedOn,
      content: { ...row.content, validFrom: row.validFrom && iso(row.validFrom.getTime()) },
      updatedAt: row.updatedAt.toISOString(),
      rowVersion: row.rowVersion,
    }
  );
}

export interface VersionContent {
  id: Id;
  number: number;
  hash: Buffer;
  content: DraftContent;
}

type VersionRow = Omit<DraftContent, 'validFrom' | 'validUntil' | 'containmentSteps' | 'terms'> & {
  id: Id;
  number: number;
  hash: Buffer;
  validFrom: Date;
  validUntil: Date | null;
  containmentSteps: StoredStep[];
  terms: (Omit<DraftTerm, 'window' | 'rungs'> & {
    rungs: NonNullable<DraftTerm['rungs']> | null;
    windowCount: number | null;
    windowUnit: string | null;
  })[];
};

/** One version as a draft of it would read. @param number absent: the latest */
export async function versionContent(
  db: Db,
  agreementId: Id,
  number?: number,
): Promise<VersionContent | undefined> {
  const [row] = await db.query<VersionRow[]>(
    `SELECT v.id, v.number, v.content_hash AS hash, v.valid_from AS "validFrom", v.valid_until AS "validUntil", v.review_on::text AS "reviewOn",
            v.prevailing_language AS "prevailingLanguage", v.authority, v.approve_within_minutes AS "approveWithinMinutes",
            v.approve_otherwise AS "approveOtherwise", v.containment_steps AS "containmentSteps", v.drill_every_days AS "drillEveryDays",
            coalesce((SELECT jsonb_agg(jsonb_build_object('name', t.external_key, 'direction', t.direction, 'trigger', t.trigger, 'startEvent', t.start_event,
                'windowCount', t.window_count, 'windowUnit', t.window_unit, 'zone', t.zone, 'calendar', c.key, 'warnPercent', t.warn_percent,
                'escalatePercent', t.escalate_percent, 'fulfilledBy', t.fulfilled_by, 'leastStrength', t.least_strength, 'language', t.language, 'category', t.category, 'ruleVersion', t.rule_version,
                'recipients', coalesce((SELECT jsonb_agg(r.contact_id ORDER BY r.ordinal) FROM term_recipient r WHERE r.term_id = t.id AND NOT r.fallback), '[]'),
                'fallbackRecipients', coalesce((SELECT jsonb_agg(r.contact_id ORDER BY r.ordinal) FROM term_recipient r WHERE r.term_id = t.id AND r.fallback), '[]'),
                'rungs', (SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('recipient', r.contact_id, 'minutes', r.after_minutes, 'percent', r.after_percent)) ORDER BY r.ordinal)
                            FROM term_recipient r WHERE r.term_id = t.id AND num_nonnulls(r.after_minutes, r.after_percent) = 1))
                ORDER BY t.direction DESC, t.id)
              FROM term t LEFT JOIN calendar c ON c.id = t.calendar_id WHERE t.agreement_version_id = v.id), '[]') AS terms
       FROM agreement_version v WHERE v.agreement_id = $1 AND ($2::int IS NULL OR v.number = $2) ORDER BY v.number DESC LIMIT 1`,
    [agreementId, number ?? null],
  );
  if (!row) return undefined;
  const { id, number: found, hash, terms, validFrom, validUntil, containmentSteps, ...rest } = row;
  const content: DraftContent = {
    ...rest,
    validFrom: iso(validFrom.getTime()),
    validUntil: validUntil && iso(validUntil.getTime()),
    containmentSteps: stepsOf(containmentSteps),
    terms: terms.map(({ windowCount, windowUnit, rungs, ...term }) => ({
      ...term,
      ...(rungs ? { rungs } : {}),
      window:
        windowCount === null || windowUnit === null
          ? null
          : { count: windowCount, unit: windowUnit as NonNullable<DraftTerm['window']>['unit'] },
    })),
  };
  return { id, number: found, hash, content };
}

/** By key. A party reads those that its own terms count by. */
export function listCalendars(db: Db): Promise<CalendarView[]> {
  return db.query(
    `SELECT key, name, zone, working_days AS "workingDays", to_char(day_ends, 'HH24:MI') AS "dayEnds", holidays::text[] AS holidays
       FROM calendar ORDER BY key LIMIT 1000`,
  );
}

/** "If this happened at `at`": every term's clock, by the rule that notices are owed by. */
export function previewOf(
  of: string,
  content: DraftContent,
  calendars: readonly CalendarView[],
  at: Millis,
): AgreementPreview {
  const byKey = new Map<string, BusinessCalendar>(calendars.map((calendar) => [calendar.key, calendar]));
  const text = (instant: Millis | null) => (instant === null ? null : iso(instant));
  return {
    of,
    at: iso(at),
    terms: content.terms.map((term) => {
      const clock = clockOf(term, at, term.calendar === null ? undefined : byKey.get(term.calendar));
      return {
        name: term.name,
        direction: term.direction,
        trigger: term.trigger,
        startEvent: term.startEvent,
        window: windowWords(term),
        dueAt: text(clock.dueAt),
        warnAt: text(clock.warnAt),
        escalateAt: text(clock.escalateAt),
      };
    }),
  };
}
