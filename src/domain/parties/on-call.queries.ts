import { Temporal } from 'temporal-polyfill';
import type { Id } from '../../kernel/ids.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { isWithin, nextOnCall, onCall, type Absence, type Rung } from './on-call.rules.ts';

export interface OnCallContact {
  id: Id;
  name: string;
  role: string;
  standing: 'on_duty' | 'stands_in' | 'off_duty' | 'away';
  /** On the wall where the contact is. */
  localTime: string;
}

interface Row {
  id: Id;
  name: string;
  role: string;
  zone: string;
  hours: { days: number[]; from: string; until: string } | null;
  absences: { from: string; until: string; standInId: Id | null }[];
}

interface Ladder {
  byId: ReadonlyMap<Id, Row>;
  absences: Absence[];
  ladder: Rung[];
}

async function ladderOf(db: Db, partyId: Id, now: Millis): Promise<Ladder> {
  const rows: Row[] = await db.query(
    `SELECT c.id, c.name, c.role, coalesce(h.zone, p.zone) AS zone,
            CASE WHEN h.contact_id IS NULL THEN NULL ELSE json_build_object('days', h.duty_days, 'from', h.duty_from, 'until', h.duty_until) END AS hours,
            coalesce((SELECT json_agg(json_build_object('from', a.from_at, 'until', a.until_at, 'standInId', a.stand_in_id) ORDER BY a.from_at)
               FROM contact_absence a WHERE a.contact_id = c.id AND a.until_at > $2), '[]') AS absences
       FROM contact c JOIN party p ON p.id = c.party_id LEFT JOIN contact_hours h ON h.contact_id = c.id
      WHERE c.party_id = $1 AND c.active
      ORDER BY (c.role = 'on_call') DESC, c.ordinal, c.id`,
    [partyId, iso(now)],
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  const absences: Absence[] = rows.flatMap((row) =>
    row.absences.map(({ from, until, standInId }) => ({
      contactId: row.id,
      from: Date.parse(from),
      until: Date.parse(until),
      standInId: standInId !== null && byId.has(standInId) ? standInId : null,
    })),
  );
  const ladder: Rung[] = rows
    .filter(({ role }) => role !== 'contract')
    .map(({ id, zone, hours }) => ({ contactId: id, duty: hours && { zone, ...hours } }));
  return { byId, absences, ladder };
}

/** Who is called first after whoever is now, and from when. */
export async function onCallNext(
  db: Db,
  partyId: Id,
  now: Millis,
): Promise<{ name: string; at: Millis } | undefined> {
  const { byId, absences, ladder } = await ladderOf(db, partyId, now);
  const next = nextOnCall(ladder, absences, now);
  const row = next && byId.get(next.contactId);
  return row && { name: row.name, at: next.at };
}

/** Whom to call at a party now, in order: its on-call contacts, then its security contacts, by their order. */
export async function onCallNow(db: Db, partyId: Id, now: Millis): Promise<OnCallContact[]> {
  const { byId, absences, ladder } = await ladderOf(db, partyId, now);
  const rungs = new Map(ladder.map((rung) => [rung.contactId, rung]));
  const current = absences.filter(({ from, until }) => from <= now && now < until);
  const away = new Set(current.map(({ contactId }) => contactId));
  const standIns = new Set(current.map(({ standInId }) => standInId));
  return onCall(ladder, absences, now).flatMap((id) => {
    const row = byId.get(id);
    if (!row) return [];
    const rung = rungs.get(id);
    const standing = away.has(id)
      ? 'away'
      : standIns.has(id) || !rung
        ? 'stands_in'
        : rung.duty === null || isWithin(rung.duty, now)
          ? 'on_duty'
          : 'off_duty';
    const wall = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(row.zone);
    const localTime = `${wall.toPlainTime().toString({ smallestUnit: 'minute' })} ${row.zone}`;
    return [
      { id, name: row.name, role: row.role, standing: standing as OnCallContact['standing'], localTime },
    ];
  });
}

/** When a contact is there, as its page shows it. */
export interface ContactReachView {
  name: string;
  active: boolean;
  zone: string;
  hours: {
    days: number[];
    from: string;
    until: string;
    quietFrom: string | null;
    quietUntil: string | null;
    mostPerHour: number | null;
  } | null;
  /** Those that are not over, the next first. */
  absences: { id: Id; from: Millis; until: Millis; standInId: Id | null; standIn: string | null }[];
  /** Who may stand in. */
  others: { id: Id; name: string }[];
}

export async function contactReach(
  db: Db,
  partyId: Id,
  contactId: Id,
  now: Millis,
): Promise<ContactReachView | undefined> {
  const [row] = await db.query<ContactReachView[]>(
    `SELECT c.name, c.active, coalesce(h.zone, p.zone) AS zone,
            CASE WHEN h.contact_id IS NULL THEN NULL ELSE json_build_object('days', h.duty_days, 'from', h.duty_from, 'until', h.duty_until,
              'quietFrom', h.quiet_from, 'quietUntil', h.quiet_until, 'mostPerHour', h.most_per_hour) END AS hours,
            coalesce((SELECT json_agg(json_build_object('id', a.id, 'from', (extract(epoch FROM a.from_at) * 1000)::float8,
                 'until', (extract(epoch FROM a.until_at) * 1000)::float8, 'standInId', a.stand_in_id, 'standIn', s.name) ORDER BY a.from_at, a.id)
               FROM contact_absence a LEFT JOIN contact s ON s.id = a.stand_in_id WHERE a.contact_id = c.id AND a.until_at > $3), '[]') AS absences,
            coalesce((SELECT json_agg(json_build_object('id', o.id, 'name', o.name) ORDER BY o.ordinal, o.name, o.id)
               FROM contact o WHERE o.party_id = c.party_id AND o.active AND o.id <> c.id), '[]') AS others
       FROM contact c JOIN party p ON p.id = c.party_id LEFT JOIN contact_hours h ON h.contact_id = c.id
      WHERE c.id = $2 AND c.party_id = $1`,
    [partyId, contactId, iso(now)],
  );
  return row;
}
