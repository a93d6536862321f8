import { newId, type Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { slotOf } from './usage.rules.ts';

/** In place of a location or a feed that nobody named. */
export const NOWHERE = '00000000-0000-0000-0000-000000000000';

/** One use, resolved and ready to be written. */
export interface UseRow {
  id: Id;
  eventId: string;
  versionId: Id;
  credentialId: Id;
  integrationId: Id;
  locationId: Id | null;
  locationKey: string | null;
  at: Millis;
  outcome: 'accepted' | 'refused';
  actor: string | null;
  environment: string | null;
  address: Buffer | null;
}

/** Writes what is new. @returns the rows that were: an event that the feed named before is left out. */
export async function insertUses(
  db: Db,
  rows: readonly UseRow[],
  of: { feedId: Id; reportedBy: string; now: Millis },
): Promise<UseRow[]> {
  if (rows.length === 0) return [];
  const column = <K extends keyof UseRow>(name: K) => rows.map((row) => row[name]);
  const written = await rowsOf<{ id: Id }>(
    db,
    `INSERT INTO usage_event (id, event_id, version_id, credential_id, integration_id, location_id, location_key, at, outcome, actor,
                              environment, address_pseudonym, feed_id, reported_by, received_at)
     SELECT r.*, $13::uuid, $14::text, $15::timestamptz
       FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::timestamptz[], $9::text[],
                   $10::text[], $11::text[], $12::bytea[]) AS r
     ON CONFLICT (feed_id, event_id) DO NOTHING
     RETURNING id`,
    [
      column('id'),
      column('eventId'),
      column('versionId'),
      column('credentialId'),
      column('integrationId'),
      column('locationId'),
      column('locationKey'),
      rows.map(({ at }) => new Date(at)),
      column('outcome'),
      column('actor'),
      column('environment'),
      column('address'),
      of.feedId,
      of.reportedBy,
      new Date(of.now),
    ],
  );
  if (written.length === rows.length) return [...rows];
  const fresh = new Set(written.map(({ id }) => id));
  return rows.filter(({ id }) => fresh.has(id));
}

interface Seen {
  versionId: Id;
  locationId: Id;
  credentialId: Id;
  integrationId: Id;
  firstAt: Millis;
  last: UseRow;
  lastAcceptedAt: Millis | null;
  uses: number;
}

/** Keeps the last use per version, location and feed. In the order of the key, so that two batches cannot lock across. */
export async function noteSeen(db: Db, rows: readonly UseRow[], feedId: Id): Promise<void> {
  const seen = new Map<string, Seen>();
  for (const row of rows) {
    const locationId = row.locationId ?? NOWHERE;
    const key = `${row.versionId} ${locationId}`;
    const known = seen.get(key);
    const accepted = row.outcome === 'accepted' ? row.at : null;
    if (!known) {
      const { versionId, credentialId, integrationId, at } = row;
      seen.set(key, {
        versionId,
        locationId,
        credentialId,
        integrationId,
        firstAt: at,
        last: row,
        lastAcceptedAt: accepted,
        uses: 1,
      });
      continue;
    }
    known.uses += 1;
    known.firstAt = Math.min(known.firstAt, row.at);
    if (row.at >= known.last.at) known.last = row;
    if (accepted !== null) known.lastAcceptedAt = Math.max(known.lastAcceptedAt ?? accepted, accepted);
  }
  if (seen.size === 0) return;
  const lines = [...seen.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, line]) => line);
  await db.query(
    `INSERT INTO usage_seen AS s (version_id, location_id, credential_id, integration_id, first_at, last_at, last_accepted_at,
                                  last_actor, last_environment, uses, feed_key)
     SELECT r.*, $11::uuid
       FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[], $8::text[],
                   $9::text[], $10::bigint[]) AS r
     ON CONFLICT (version_id, location_id, feed_key) DO UPDATE
        SET first_at = least(s.first_at, excluded.first_at), last_at = greatest(s.last_at, excluded.last_at),
            last_accepted_at = greatest(s.last_accepted_at, excluded.last_accepted_at), uses = s.uses + excluded.uses,
            last_actor = CASE WHEN excluded.last_at >= s.last_at THEN excluded.last_actor ELSE s.last_actor END,
            last_environment = CASE WHEN excluded.last_at >= s.last_at THEN excluded.last_environment ELSE s.last_environment END`,
    [
      lines.map((line) => line.versionId),
      lines.map((line) => line.locationId),
      lines.map((line) => line.credentialId),
      lines.map((line) => line.integrationId),
      lines.map((line) => new Date(line.firstAt)),
      lines.map((line) => new Date(line.last.at)),
      lines.map((line) => (line.lastAcceptedAt === null ? null : new Date(line.lastAcceptedAt))),
      lines.map((line) => line.last.actor),
      lines.map((line) => line.last.environment),
      lines.map((line) => line.uses),
      feedId,
    ],
  );
}

export interface Slot {
  version_id: Id;
  slot: Date;
  accepted: number;
  refused: number;
}

/** Counts uses by version and slot. @returns the touched slots as they are now */
export async function countSlots(db: Db, rows: readonly UseRow[], since: Millis): Promise<Slot[]> {
  const slots = new Map<string, { versionId: Id; slot: Millis; accepted: number; refused: number }>();
  for (const row of rows) {
    if (row.at < since) continue;
    const slot = slotOf(row.at);
    const key = `${row.versionId} ${String(slot)}`;
    const known = slots.get(key) ?? { versionId: row.versionId, slot, accepted: 0, refused: 0 };
    known[row.outcome] += 1;
    slots.set(key, known);
  }
  if (slots.size === 0) return [];
  const lines = [...slots.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, line]) => line);
  return rowsOf<Slot>(
    db,
    `INSERT INTO usage_slot AS s (version_id, slot, accepted, refused)
     SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::int[], $4::int[])
     ON CONFLICT (version_id, slot) DO UPDATE SET accepted = s.accepted + excluded.accepted, refused = s.refused + excluded.refused
     RETURNING version_id, slot, accepted, refused`,
    [
      lines.map((line) => line.versionId),
      lines.map((line) => new Date(line.slot)),
      lines.map((line) => line.accepted),
      lines.map((line) => line.refused),
    ],
  );
}

/** The highest slot of a version in the days before, and when counting began. */
export async function usualOf(
  db: Db,
  slots: readonly Slot[],
  since: Millis,
): Promise<Map<string, { peak: number; first: Millis }>> {
  const rows = await rowsOf<{ version_id: Id; slot: Date; peak: number | null; first: Date | null }>(
    db,
    `SELECT r.version_id, r.slot, h.peak, h.first
       FROM unnest($1::uuid[], $2::timestamptz[]) AS r(version_id, slot)
      CROSS JOIN LATERAL (SELECT max(accepted) AS peak, min(s.slot) AS first FROM usage_slot s
                           WHERE s.version_id = r.version_id AND s.slot < r.slot AND s.slot >= $3) h`,
    [slots.map((one) => one.version_id), slots.map((one) => one.slot), new Date(since)],
  );
  return new Map(
    rows.flatMap((row) =>
      row.peak === null || row.first === null
        ? []
        : [
            [
              `${row.version_id} ${String(row.slot.getTime())}`,
              { peak: row.peak, first: row.first.getTime() },
            ] as const,
          ],
    ),
  );
}

/**
 * The feed that speaks, known from now on. What it did not say for longer than it may is a gap. Batches of one feed follow
 * one another from here to their end; feeds do not wait for each other.
 */
export async function hearFeed(
  db: Db,
  o: { key: string; partyId: Id | null; reportedBy: string; ahead: Millis; now: Millis },
): Promise<Id> {
  const [row] = await rowsOf<{ id: Id }>(
    db,
    `INSERT INTO usage_feed (id, key, party_id, reported_by, first_received_at, last_received_at)
     VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (key, party_id) DO NOTHING RETURNING id`,
    [newId(), o.key, o.partyId, o.reportedBy, new Date(o.now)],
  );
  if (row && o.ahead === 0) return row.id;
  const [known] = await rowsOf<{ id: Id; quiet_after_minutes: number; last_received_at: Date }>(
    db,
    `SELECT id, quiet_after_minutes, last_received_at FROM usage_feed
      WHERE key = $1 AND party_id IS NOT DISTINCT FROM $2 FOR NO KEY UPDATE`,
    [o.key, o.partyId],
  );
  const last = known!.last_received_at.getTime();
  if (o.now - last > known!.quiet_after_minutes * 60_000) {
    await db.query(
      `INSERT INTO usage_gap (feed_id, from_at, until_at) VALUES ($1, $2, $3) ON CONFLICT (feed_id, from_at) DO NOTHING`,
      [known!.id, new Date(last), new Date(o.now)],
    );
  }
  await db.query(
    `UPDATE usage_feed SET last_received_at = greatest(last_received_at, $2), reported_by = $3, ahead_ms = greatest(ahead_ms, $4)
      WHERE id = $1`,
    [known!.id, new Date(o.now), o.reportedBy, Math.min(o.ahead, 2_000_000_000)],
  );
  return known!.id;
}
