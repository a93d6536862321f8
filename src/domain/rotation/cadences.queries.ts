import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { rotationDemands, type Due } from './cadence.rules.ts';
import type { RotationIntervals } from './intervals.ts';

/** How often one credential is rotated, and where that comes from. */
export interface CadenceLine {
  id: Id;
  reference: string;
  name: string;
  rowVersion: number;
  /** Its own interval; null: none. */
  everyDays: number | null;
  risk: number;
  /** Since when the version in use is in use; null: nobody knows, or nothing is in use. */
  since: Millis | null;
  inUse: boolean;
  expiresAt: Millis | null;
  /** Everything that asks for it, the earliest first: that one holds. */
  demands: readonly Due[];
  /** The one that is under way. */
  rotation: string | null;
}

/** The credentials of an integration by name, whether something asks for their rotation or not. */
export async function cadencesOf(
  db: Db,
  intervals: RotationIntervals,
  integrationId: Id,
  o: { limit: number; after?: { key: string; id: Id } | undefined; reference?: string },
): Promise<CadenceLine[]> {
  const rows = await db.query<
    (Omit<CadenceLine, 'since' | 'expiresAt' | 'demands'> & { since: Date | null; expiresAt: Date | null })[]
  >(
    `SELECT c.id, c.reference, c.name, c.row_version AS "rowVersion", c.rotate_every_days AS "everyDays", c.risk,
            v.id IS NOT NULL AS "inUse", coalesce(v.activated_at, v.issued_at) AS since, v.expires_at AS "expiresAt",
            (SELECT r.reference FROM rotation r WHERE r.credential_id = c.id AND r.closed_at IS NULL) AS rotation
       FROM credential c
       LEFT JOIN credential_version v ON v.credential_id = c.id AND v.phase = 'active'
      WHERE c.integration_id = $1 AND c.retired_at IS NULL AND ($3::text IS NULL OR (c.name, c.id) > ($3, $4::uuid))
        AND ($5::text IS NULL OR c.reference = $5)
      ORDER BY c.name, c.id LIMIT $2`,
    [integrationId, o.limit, o.after?.key ?? null, o.after?.id ?? null, o.reference ?? null],
  );
  const policy = await intervals.of(
    db,
    rows.map(({ id }) => id),
  );
  return rows.map((row) => {
    const since = row.since?.getTime() ?? null;
    const expiresAt = row.expiresAt?.getTime() ?? null;
    const { everyDays, risk } = row;
    const policyEvery = policy.get(row.id) ?? null;
    return {
      ...row,
      since,
      expiresAt,
      demands: row.inUse ? rotationDemands({ everyDays, policyEvery, risk, since, expiresAt }) : [],
    };
  });
}
