import type { Id } from '../../kernel/ids.ts';
import { HOUR, iso, type Millis } from '../../kernel/time.ts';
import { inOne } from '../../platform/database/together.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { rungAt, type LadderClock } from '../agreements/ladder.rules.ts';
import { onCall, type Absence, type DailyHours } from '../parties/on-call.rules.ts';
import type { Channel } from './channel.ts';
import type { Recipient } from './notice.rules.ts';
import type { Pace } from './pace.rules.ts';
import { languageOfReader } from './recipient-texts.service.ts';

interface Way {
  channel: string;
  address: string;
  /** Of an address that is a secret: it was judged before it was sealed. */
  sealed?: { id: Id; ref: string } | null;
}

interface ContactRow {
  id: Id;
  email: string | null;
  language: string | null;
  rung: boolean;
  own_rung: boolean;
  afterMinutes: number | null;
  afterPercent: number | null;
  hours: {
    zone: string;
    days: number[];
    from: string;
    until: string;
    quietFrom: string | null;
    quietUntil: string | null;
    mostPerHour: number | null;
  } | null;
  addresses: Way[];
  absences: { from: string; until: string; standInId: Id | null }[];
}

interface HistoryRow {
  channel: string;
  address: string;
  refused: boolean;
  tries: number;
  lastAt: Date | null;
  taken: number;
  lost: boolean;
}

/** Whom a notice may be told to, and what its recipients asked for. */
export interface KnownRecipients {
  recipients: Recipient[];
  /** The end of an attempt of this telling was never written down: somebody may have it already. */
  lost: boolean;
  paceOf(contactId: Id): Omit<Pace, 'sent'>;
}

/**
 * Who may be told, in order: the contact that the notice is for, by mail and then by their other channels; then the
 * agreement's ladder and the party's security and on-call contacts, those on duty and there first. Whoever stands in for
 * an absent contact is told in their place. What no term and no law asks for is for its contact alone: another's answer would say
 * nothing of this one.
 */
export async function recipientsOf(
  db: Db,
  notice: {
    id: Id;
    partyId: Id;
    contactId: Id | null;
    termId: Id | null;
    isDuty: boolean;
    messageId: string;
  } & LadderClock,
  channels: readonly Channel[],
  now: Millis,
): Promise<KnownRecipients> {
  const contacts = await contactsOf(db, { ...notice, now });
  const history = await historyOf(db, notice);
  const byId = new Map(contacts.map((one) => [one.id, one]));
  const absences: Absence[] = contacts.flatMap((one) =>
    one.absences.map(({ from, until, standInId }) => ({
      contactId: one.id,
      from: Date.parse(from),
      until: Date.parse(until),
      standInId: standInId !== null && byId.has(standInId) ? standInId : null,
    })),
  );
  const primary = contacts.filter(({ id }) => id === notice.contactId).map(({ id }) => id);
  // A drill or a code is for one person: nobody else answers for them.
  const first = !notice.isDuty
    ? primary
    : onCall(
        primary.map((contactId) => ({ contactId, duty: null })),
        absences,
        now,
      );
  const ladder = contacts
    .filter(({ id, rung }) => rung && !first.includes(id))
    .map((one) => ({ contactId: one.id, duty: dutyOf(one) }));
  const order = [...new Set([...first, ...(!notice.isDuty ? [] : onCall(ladder, absences, now))])];
  const opens = new Map(
    contacts.flatMap((one) => {
      const at = one.own_rung ? rungAt(one, notice) : null;
      // Whoever stands in for somebody is told when they would have been.
      return at === null
        ? []
        : onCall([{ contactId: one.id, duty: null }], absences, now).map((id) => [id, at] as const);
    }),
  );
  return {
    recipients: order.flatMap((contactId) => {
      const ways = waysOf(byId.get(contactId), channels);
      return ways.map(({ channel, address, sealed }, at): Recipient => {
        const past = history.find((one) => one.channel === channel && one.address === address);
        return {
          contactId,
          language: byId.get(contactId)?.language ?? null,
          channel,
          address,
          ...(sealed ? { sealed } : {}),
          fallback: at > 0 || !first.includes(contactId),
          ...(opens.has(contactId) && !first.includes(contactId) ? { opensAt: opens.get(contactId)! } : {}),
          refused: past?.refused ?? false,
          tries: past?.tries ?? 0,
          ...(past?.lastAt ? { lastAt: past.lastAt.getTime() } : {}),
          taken: past?.taken ?? 0,
        };
      });
    }),
    lost: history.some(({ lost }) => lost),
    paceOf: (contactId) => paceOf(byId.get(contactId)),
  };
}

/** When the latest messages to somebody were taken: what an hourly measure counts. */
export async function sentTo(db: Db, contactId: Id, now: Millis): Promise<Millis[]> {
  const rows: { at: Date }[] = await db.query(
    `SELECT started_at AS at FROM notice_attempt
      WHERE contact_id = $1 AND started_at > $2 AND outcome = 'accepted' ORDER BY started_at DESC LIMIT 1000`,
    [contactId, iso(now - HOUR)],
  );
  return rows.map(({ at }) => at.getTime());
}

function waysOf(contact: ContactRow | undefined, channels: readonly Channel[]): Way[] {
  if (!contact) return [];
  const mail: Way[] = contact.email === null ? [] : [{ channel: 'mail', address: contact.email }];
  return [...mail, ...contact.addresses].filter(({ channel, address, sealed }) =>
    channels.some((one) => one.key === channel && (sealed || one.accepts(address))),
  );
}

function dutyOf({ hours }: ContactRow): DailyHours | null {
  return hours && { zone: hours.zone, from: hours.from, until: hours.until, days: hours.days };
}

function paceOf(contact: ContactRow | undefined): Omit<Pace, 'sent'> {
  const hours = contact?.hours;
  return {
    quiet: hours?.quietFrom
      ? { zone: hours.zone, from: hours.quietFrom, until: hours.quietUntil ?? hours.quietFrom }
      : null,
    mostPerHour: hours?.mostPerHour ?? null,
  };
}

/** The contacts of a party in the order of the agreement, with their ways, hours and absences. */
const contactsOf = inOne(
  async (
    db: Db,
    asked: readonly { partyId: Id; contactId: Id | null; termId: Id | null; now: Millis }[],
  ): Promise<ContactRow[][]> => {
    const rows: (ContactRow & { asked: number })[] = await db.query(
      `SELECT q.asked::int, x.id, x.email, x.language, x.rung, x.own_rung, x."afterMinutes", x."afterPercent", x.hours, x.addresses, x.absences
         FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[]) WITH ORDINALITY AS q(party_id, contact_id, term_id, now, asked)
        CROSS JOIN LATERAL (
          SELECT c.id, c.email, ${languageOfReader('c', 'q.term_id')} AS language,
                 (r.contact_id IS NOT NULL OR c.role IN ('security', 'on_call')) AS rung,
                  coalesce(r.fallback, false) AS own_rung, r.after_minutes AS "afterMinutes", r.after_percent AS "afterPercent",
                 CASE WHEN h.contact_id IS NULL THEN NULL ELSE json_build_object('zone', h.zone, 'days', h.duty_days, 'from', h.duty_from,
                   'until', h.duty_until, 'quietFrom', h.quiet_from, 'quietUntil', h.quiet_until, 'mostPerHour', h.most_per_hour) END AS hours,
                 coalesce((SELECT json_agg(json_build_object('channel', a.channel, 'address', a.address,
                   'sealed', CASE WHEN a.address_ref IS NULL THEN NULL ELSE json_build_object('id', a.id, 'ref', a.address_ref) END) ORDER BY a.valid_from, a.id)
                    FROM address_of_record a WHERE a.contact_id = c.id AND a.valid_from <= q.now AND (a.valid_until IS NULL OR a.valid_until > q.now)), '[]') AS addresses,
                 coalesce((SELECT json_agg(json_build_object('from', a.from_at, 'until', a.until_at, 'standInId', a.stand_in_id) ORDER BY a.from_at)
                    FROM contact_absence a WHERE a.contact_id = c.id AND a.until_at > q.now), '[]') AS absences,
                 row_number() OVER (ORDER BY (c.id = q.contact_id) DESC NULLS LAST, r.ordinal NULLS LAST, (c.role = 'on_call') DESC, c.ordinal, c.id) AS place
            FROM contact c
            LEFT JOIN term_recipient r ON r.term_id = q.term_id AND r.contact_id = c.id
            LEFT JOIN contact_hours h ON h.contact_id = c.id
           WHERE c.party_id = q.party_id AND c.active
           ORDER BY place LIMIT 200) x
        ORDER BY q.asked, x.place`,
      [
        asked.map(({ partyId }) => partyId),
        asked.map(({ contactId }) => contactId),
        asked.map(({ termId }) => termId),
        asked.map(({ now }) => iso(now)),
      ],
    );
    return byPlace(rows, asked.length);
  },
);

/** What was tried. An address that refused or bounced for good (5.x.x, RFC 3463 section 2) stays so for this notice. */
const historyOf = inOne(
  async (db: Db, asked: readonly { id: Id; messageId: string }[]): Promise<HistoryRow[][]> => {
    const rows: (HistoryRow & { asked: number })[] = await db.query(
      `SELECT q.asked::int, a.channel, a.address,
              bool_or(a.outcome = 'refused' OR coalesce(a.bounce LIKE '5%', false)) AS refused,
              count(*) FILTER (WHERE a.message_id = q.message_id)::int AS tries,
              max(a.started_at) FILTER (WHERE a.message_id = q.message_id) AS "lastAt",
              count(*) FILTER (WHERE a.message_id <> q.message_id AND a.outcome = 'accepted')::int AS taken,
              bool_or(a.message_id = q.message_id AND a.outcome = 'unknown') AS lost
         FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS q(id, message_id, asked)
         JOIN notice_attempt a ON a.notice_id = q.id
        GROUP BY q.asked, a.channel, a.address`,
      [asked.map(({ id }) => id), asked.map(({ messageId }) => messageId)],
    );
    return byPlace(rows, asked.length);
  },
);

/** Rows by the place (from 1) of whom they answer. */
function byPlace<T extends { asked: number }>(rows: readonly T[], places: number): T[][] {
  const found: T[][] = Array.from({ length: places }, () => []);
  for (const row of rows) found[row.asked - 1]!.push(row);
  return found;
}
