import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import {
  dueAt as dueAtOf,
  MONDAY_TO_FRIDAY,
  type BusinessCalendar,
  type WindowUnit,
} from '../../kernel/calendar.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { nextReferences } from '../../platform/database/references.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { nextRungAt, type RungTime } from '../agreements/ladder.rules.ts';
import { thresholds } from '../agreements/term.rules.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AcknowledgementFloor } from './acknowledgement-floor.ts';
import { strongest, type Strength } from './acknowledgement.rules.ts';
import { deliverNotice } from './deliver-notice.job.ts';
import type { MessageClock } from './written-about.ts';

import type { NoticeFacts } from './notice-templates.ts';

/** What makes a notice owed: something happened to a subject, under an agreement in force. */
export interface Trigger {
  integrationId: Id;
  agreementVersionId: Id;
  /** Usually `{ kind: 'case', id }`. */
  subject: { kind: string; id: Id };
  trigger: 'suspected' | 'confirmed' | 'contained' | 'determined' | 'classified' | 'resolved';
  /** The instants known, by kind; where two are disputed, the earlier. */
  instants: Readonly<Partial<Record<string, Millis>>>;
  facts: Omit<NoticeFacts, 'reference' | 'toParty' | 'trigger' | 'dueAt'>;
  batchId?: Id;
  correlationId: string;
}

/**
 * Something that is told or asked outside every agreement: no window runs, and nobody else is told instead, unless it is a
 * duty of a law and brings its clock.
 */
export interface Message {
  integrationId: Id;
  partyId: Id;
  contactId: Id;
  subject: { kind: string; id: Id };
  /** Names the templates: `templates/notices/<category>.<language>.*`. */
  category: string;
  language: string;
  /** `acknowledged`: a human being has to answer. */
  fulfilledBy: 'accepted_by_peer' | 'acknowledged';
  facts: Readonly<Record<string, unknown>>;
  /** The same key is the same message. */
  key: string;
  correlationId: string;
  clock?: MessageClock;
}

interface TermRow {
  id: Id;
  agreement_version_id: Id;
  party_id: Id;
  party_name: string;
  trigger: string;
  start_event: string;
  window_count: number | null;
  window_unit: WindowUnit | null;
  zone: string;
  warn_percent: number;
  escalate_percent: number;
  fulfilled_by: string;
  least_strength: Strength | null;
  language: string;
  category: string;
  calendar: (BusinessCalendar & { name: string }) | null;
  recipients: ({ contactId: Id; fallback: boolean; language: string | null } & RungTime)[] | null;
}

/** Duties to tell: what is owed, to whom, by when. Delivery is in `delivery.service.ts`, the clock in `clock.service.ts`. */
@Injectable()
export class NoticesService {
  constructor(
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
    private readonly floor: AcknowledgementFloor,
  ) {}

  /**
   * Writes down every notice that the triggers make owed, in the caller's transaction, so that the duty is there as soon
   * as its cause is. One for each term and primary recipient; asked again for the same, it adds nothing. A term whose
   * start event has not happened yet owes nothing yet.
   *
   * @returns the ids of the notices that are new
   */
  async owe(db: Db, triggers: readonly Trigger[], by: Principal): Promise<Id[]> {
    if (triggers.length === 0) return [];
    const now = this.clock.now();
    const terms = await termsInForce(db, [...new Set(triggers.map((t) => t.agreementVersionId))], now);
    const least = await this.floor.least(db, [...new Set(triggers.map((t) => t.integrationId))]);
    const drafts = triggers.flatMap((trigger) =>
      (terms.get(trigger.agreementVersionId) ?? [])
        .filter((term) => term.trigger === trigger.trigger)
        .flatMap((term) => draftsOf(trigger, term, least.get(trigger.integrationId) ?? 'mailbox', now)),
    );
    if (drafts.length === 0) return [];
    const references = await nextReferences(db, 'NTC', now, drafts.length);
    drafts.forEach((draft, at) => {
      draft.reference = references[at]!;
      draft.facts = { ...draft.facts, reference: draft.reference };
    });
    const created: { id: Id }[] = await db.query(INSERT, [JSON.stringify(drafts)]);
    const isNew = new Set(created.map((row) => row.id));
    const fresh = drafts.filter((draft) => isNew.has(draft.id));
    await this.ledger.append(
      db,
      fresh.map((draft) => ({
        kind: 'notice.owed',
        subject: { kind: 'notice', id: draft.id },
        by,
        at: now,
        facts: {
          reference: draft.reference,
          about: draft.subject_id,
          party: draft.party_id,
          term: draft.term_id,
          agreementVersion: draft.agreement_version_id,
          start: draft.start_at,
          due: draft.due_at,
          fulfilledBy: draft.fulfilled_by,
          leastStrength: draft.least_strength,
          factsHash: createHash('sha256').update(JSON.stringify(draft.facts)).digest('hex'),
        },
      })),
    );
    if (fresh.length > 0) await this.outbox.put(db, deliverNotice, {});
    return fresh.map((draft) => draft.id);
  }

  /**
   * Writes down a message that no term asks for, and has it carried. `facts` may use `reference`; it is filled in.
   *
   * @returns the id of the notice, also where the same was asked before
   */
  async send(db: Db, message: Message, by: Principal): Promise<Id> {
    const now = this.clock.now();
    const [known] = await db.query<{ id: Id }[]>('SELECT id FROM notice WHERE idempotency_key = $1', [
      message.key,
    ]);
    if (known) return known.id;
    const [reference] = await nextReferences(db, 'NTC', now, 1);
    const id = newId();
    const facts = { ...message.facts, reference: reference! };
    await db.query(
      `INSERT INTO notice (id, reference, integration_id, party_id, contact_id, subject_kind, subject_id, idempotency_key, category,
                           language, trigger, start_event, start_at, due_at, due_why, warn_at, escalate_at, warned_at, escalated_at,
                           next_clock_at, fulfilled_by, facts, message_id, correlation_id, created_at, next_attempt_at, updated_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9, $16, $17, $18, $19, $20, $21, $22, $23, $24, $12, $13, $14, $15, $11, $11, $11)`,
      [
        id,
        reference,
        message.integrationId,
        message.partyId,
        message.contactId,
        message.subject.kind,
        message.subject.id,
        message.key,
        message.category,
        message.language,
        iso(now),
        message.fulfilledBy,
        JSON.stringify(facts),
        `${id}@notices.countersign`,
        message.correlationId,
        ...clockColumns(message.clock, now),
      ],
    );
    await this.ledger.append(db, {
      kind: 'notice.asked',
      subject: { kind: 'notice', id },
      by,
      at: now,
      facts: {
        reference: reference!,
        about: message.subject.id,
        party: message.partyId,
        category: message.category,
        fulfilledBy: message.fulfilledBy,
        factsHash: createHash('sha256').update(JSON.stringify(facts)).digest('hex'),
      },
    });
    await this.outbox.put(db, deliverNotice, {});
    return id;
  }
}

/** From `start_event` to `next_clock_at`. */
function clockColumns(clock: MessageClock | undefined, now: Millis): (string | null)[] {
  if (!clock) return ['asked', iso(now), null, 'no term asks for it', null, null, null, null, null];
  const { startAt, dueAt, warnAt, escalateAt, warnedAt, escalatedAt } = clock;
  const next = [
    warnedAt === null ? warnAt : null,
    escalatedAt === null ? escalateAt : null,
    dueAt === null ? null : dueAt + 1,
  ].filter((at) => at !== null);
  const text = (at: Millis | null) => (at === null ? null : iso(at));
  return [
    clock.startEvent,
    iso(startAt),
    text(dueAt),
    clock.dueWhy,
    text(warnAt),
    text(escalateAt),
    text(warnedAt),
    text(escalatedAt),
    next.length === 0 ? null : iso(Math.min(...next)),
  ];
}

type Draft = ReturnType<typeof draftsOf>[number];

/** The notices of one term, with every threshold frozen. Pure but for the ids. */
function draftsOf(trigger: Trigger, term: TermRow, leastStrength: Strength, now: Millis) {
  const startAt = trigger.instants[term.start_event];
  if (startAt === undefined) return [];
  const recipients = (term.recipients ?? []).filter((r) => !r.fallback);
  const calendar = term.calendar ?? MONDAY_TO_FRIDAY;
  const due =
    term.window_count === null || term.window_unit === null
      ? null
      : dueAtOf(startAt, { count: term.window_count, unit: term.window_unit }, term.zone, calendar);
  const { warnAt, escalateAt } = thresholds(startAt, due, term.warn_percent, term.escalate_percent);
  const rung = nextRungAt(term.recipients ?? [], { startAt, dueAt: due }, null);
  const looksAt = warnAt === null || rung === null ? (warnAt ?? rung) : Math.min(warnAt, rung);
  // A term without a recipient is owed all the same: it is escalated, not forgotten.
  return (recipients.length > 0 ? recipients : [{ contactId: null, language: null }]).map(
    ({ contactId, language }) => {
      const id = newId();
      return {
        id,
        reference: '',
        integration_id: trigger.integrationId,
        party_id: term.party_id,
        contact_id: contactId,
        subject_kind: trigger.subject.kind,
        subject_id: trigger.subject.id,
        idempotency_key: `${trigger.subject.id}:${term.id}:${contactId ?? 'nobody'}:${trigger.trigger}`,
        term_id: term.id,
        agreement_version_id: term.agreement_version_id,
        batch_id: trigger.batchId ?? null,
        category: term.category,
        // Who reads it decides; what was agreed is for whoever said nothing.
        language: language ?? term.language,
        trigger: trigger.trigger,
        start_event: term.start_event,
        start_at: iso(startAt),
        due_at: due === null ? null : iso(due),
        due_why: dueWhy(term),
        warn_at: warnAt === null ? null : iso(warnAt),
        escalate_at: escalateAt === null ? null : iso(escalateAt),
        next_clock_at: looksAt === null ? null : iso(looksAt),
        fulfilled_by: term.fulfilled_by,
        least_strength: strongest(term.least_strength ?? 'mailbox', leastStrength),
        facts: {
          ...trigger.facts,
          toParty: term.party_name,
          trigger: trigger.trigger,
          dueAt: due === null ? null : iso(due),
        } as Record<string, unknown>,
        message_id: `${id}@notices.countersign`,
        correlation_id: trigger.correlationId,
        created_at: iso(now),
      };
    },
  );
}

function dueWhy(term: TermRow): string {
  if (term.window_count === null)
    return `without undue delay from "${term.start_event}": a duty without a number`;
  const calendar =
    term.window_unit === 'business-days' ? `, calendar ${term.calendar?.name ?? 'Monday to Friday'}` : '';
  return `${term.window_count} ${term.window_unit} from "${term.start_event}", ${term.zone}${calendar}`;
}

async function termsInForce(db: Db, versionIds: Id[], now: Millis): Promise<Map<Id, TermRow[]>> {
  const rows: TermRow[] = await db.query(
    `SELECT t.id, t.agreement_version_id, t.party_id, p.name AS party_name, t.trigger, t.start_event, t.window_count,
            t.window_unit, t.zone, t.warn_percent, t.escalate_percent, t.fulfilled_by, t.least_strength, t.language, t.category,
            CASE WHEN c.id IS NULL THEN NULL ELSE jsonb_build_object('name', c.name, 'workingDays', c.working_days,
              'holidays', c.holidays, 'dayEnds', to_char(c.day_ends, 'HH24:MI')) END AS calendar,
            (SELECT jsonb_agg(jsonb_build_object('contactId', r.contact_id, 'fallback', r.fallback, 'language', k.language,
                'afterMinutes', r.after_minutes, 'afterPercent', r.after_percent) ORDER BY r.ordinal)
             FROM term_recipient r JOIN contact k ON k.id = r.contact_id WHERE r.term_id = t.id) AS recipients
     FROM term t
     JOIN party p ON p.id = t.party_id
     LEFT JOIN calendar c ON c.id = t.calendar_id
     WHERE t.agreement_version_id = ANY ($1) AND t.direction = 'to_party'
       AND t.valid_from <= $2 AND (t.valid_until IS NULL OR t.valid_until > $2)
     ORDER BY t.id`,
    [versionIds, iso(now)],
  );
  const byVersion = new Map<Id, TermRow[]>();
  for (const row of rows) {
    const list = byVersion.get(row.agreement_version_id) ?? [];
    list.push(row);
    byVersion.set(row.agreement_version_id, list);
  }
  return byVersion;
}

const COLUMNS: readonly (keyof Draft)[] = [
  'id',
  'reference',
  'integration_id',
  'party_id',
  'contact_id',
  'subject_kind',
  'subject_id',
  'idempotency_key',
  'term_id',
  'agreement_version_id',
  'batch_id',
  'category',
  'language',
  'trigger',
  'start_event',
  'start_at',
  'due_at',
  'due_why',
  'warn_at',
  'escalate_at',
  'next_clock_at',
  'fulfilled_by',
  'least_strength',
  'facts',
  'message_id',
  'correlation_id',
  'created_at',
];

// What is owed twice is owed once: the key names subject, term, recipient and trigger.
const INSERT = `
  INSERT INTO notice (${COLUMNS.join(', ')}, next_attempt_at, updated_at)
  SELECT ${COLUMNS.map((c) => `d.${c}`).join(', ')}, d.created_at, d.created_at
  FROM jsonb_to_recordset($1::jsonb) AS d(
    id uuid, reference text, integration_id uuid, party_id uuid, contact_id uuid, subject_kind text, subject_id uuid,
    idempotency_key text, term_id uuid, agreement_version_id uuid, batch_id uuid, category text, language text,
    trigger text, start_event text, start_at timestamptz, due_at timestamptz, due_why text, warn_at timestamptz,
    escalate_at timestamptz, next_clock_at timestamptz, fulfilled_by text, least_strength text, facts jsonb, message_id text,
    correlation_id text, created_at timestamptz)
  ON CONFLICT (idempotency_key) DO NOTHING
  RETURNING id`;
