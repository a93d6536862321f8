import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { dueFrom, rotationDue, type Due, type MaintenanceWindow } from './cadence.rules.ts';
import type { RotationIntervals } from './intervals.ts';

/** A credential that has to be rotated some day, and when. */
export interface DueCredential extends Due {
  credentialId: Id;
  reference: string;
  name: string;
  integrationId: Id;
  integrationName: string;
  /** From when on something is done about it. */
  from: Millis;
  automatic: boolean;
  windows: MaintenanceWindow[];
  zone: string;
}

interface Row {
  credentialId: Id;
  reference: string;
  name: string;
  integrationId: Id;
  integrationName: string;
  everyDays: number | null;
  risk: number;
  since: Date | null;
  expiresAt: Date | null;
  automatic: boolean;
  leadDays: number;
  windows: MaintenanceWindow[];
  zone: string;
}

/**
 * Of a page of credentials in use, by id, those that have a date, whether near or far.
 *
 * @param after the id that the page before ended with; null: the first
 */
export async function dueOfPage(
  db: Db,
  intervals: RotationIntervals,
  o: { after: Id | null; limit: number; credentialId?: Id },
): Promise<{ due: DueCredential[]; last: Id | null }> {
  const rows = await db.query<Row[]>(
    `SELECT c.id AS "credentialId", c.reference, c.name, c.integration_id AS "integrationId", i.name AS "integrationName",
            c.rotate_every_days AS "everyDays", c.risk, coalesce(v.activated_at, v.issued_at) AS since, v.expires_at AS "expiresAt",
            coalesce(s.automatic, false) AS automatic, coalesce(s.lead_days, 7) AS "leadDays", coalesce(s.windows, '[]') AS windows,
            coalesce(s.zone, 'UTC') AS zone
       FROM credential c
       JOIN integration i ON i.id = c.integration_id
       JOIN credential_version v ON v.credential_id = c.id AND v.phase = 'active'
       LEFT JOIN rotation_setting s ON s.integration_id = c.integration_id
      WHERE c.retired_at IS NULL AND ($1::uuid IS NULL OR c.id > $1) AND ($3::uuid IS NULL OR c.id = $3)
        AND NOT EXISTS (SELECT FROM rotation r WHERE r.credential_id = c.id AND r.closed_at IS NULL)
      ORDER BY c.id LIMIT $2`,
    [o.after, o.limit, o.credentialId ?? null],
  );
  const policy = await intervals.of(
    db,
    rows.map(({ credentialId }) => credentialId),
  );
  const due = rows.flatMap((row): DueCredential[] => {
    const { everyDays, risk, expiresAt, leadDays, ...rest } = row;
    const since = row.since?.getTime() ?? null;
    const found = rotationDue({
      everyDays,
      risk,
      policyEvery: policy.get(row.credentialId) ?? null,
      since,
      expiresAt: expiresAt?.getTime() ?? null,
    });
    return found ? [{ ...rest, ...found, from: dueFrom(found.at, since, leadDays) }] : [];
  });
  return { due, last: rows.length === o.limit ? rows.at(-1)!.credentialId : null };
}

/** What is due before an instant, the earliest first. Looks at every credential in use. */
export async function dueBefore(
  db: Db,
  intervals: RotationIntervals,
  before: Millis,
  most: number,
): Promise<DueCredential[]> {
  const found: DueCredential[] = [];
  let after: Id | null = null;
  do {
    const page: Awaited<ReturnType<typeof dueOfPage>> = await dueOfPage(db, intervals, {
      after,
      limit: 1000,
    });
    found.push(...page.due.filter(({ at }) => at <= before));
    after = page.last;
  } while (after !== null);
  return found
    .sort((one, other) => one.at - other.at || (one.credentialId < other.credentialId ? -1 : 1))
    .slice(0, most);
}
