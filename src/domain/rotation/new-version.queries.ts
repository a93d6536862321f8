import type { Id } from '../../kernel/ids.ts';
import { handOf, type Principal } from '../../kernel/principal.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { needsAnother } from './rotation.rules.ts';

/** Whether the word of this caller that the new version of a rotation works waits for another person; false: there is none. */
export async function waitsForAnother(db: Db, rotationId: Id, by: Principal): Promise<boolean> {
  // Who entered it is what the ledger says: nobody can change that afterwards. A use that the same hand reported is their word again.
  const [facts] = await db.query<{ seen: boolean; enteredBy: string | null }[]>(
    `SELECT EXISTS (SELECT FROM evidence e WHERE e.version_id = r.new_version_id AND e.kind = 'probe' AND e.outcome = 'live')
            OR EXISTS (SELECT FROM usage_event u
                         LEFT JOIN user_account a ON a.id::text = u.reported_by LEFT JOIN api_token t ON t.id::text = u.reported_by
                        WHERE u.version_id = r.new_version_id AND u.outcome = 'accepted'
                          AND coalesce(a.person_id::text, t.made_by, u.reported_by) <> entered.hand) AS seen,
            entered.hand AS "enteredBy"
       FROM rotation r LEFT JOIN LATERAL (
         SELECT coalesce(l.body::jsonb #>> '{facts,enteredBy}', l.body::jsonb #>> '{by,person}', l.body::jsonb #>> '{by,id}') AS hand
           FROM ledger_entry l WHERE l.subject_id = r.id AND l.kind IN ('rotation.store', 'rotation.version-corrected') ORDER BY l.n DESC LIMIT 1) entered ON true
      WHERE r.id = $1 AND r.new_version_id IS NOT NULL`,
    [rotationId],
  );
  return facts !== undefined && needsAnother(facts, handOf(by));
}

/** The machine's last look at the new version that told, where it saw it refused. */
export interface SeenRefused {
  number: number;
  supplierId: string | null;
  startedAt: Date;
  endedAt: Date;
  why: string;
}

/** @returns undefined where it was seen accepted last, or nobody has looked; and where it was to end, as the rotation is taken back */
export async function seenRefused(db: Db, rotationId: Id): Promise<SeenRefused | undefined> {
  const [look] = await db.query<(SeenRefused & { outcome: string })[]>(
    `SELECT v.number, v.supplier_id AS "supplierId", e.started_at AS "startedAt", e.ended_at AS "endedAt", e.why, e.outcome
       FROM rotation r JOIN credential_version v ON v.id = r.new_version_id
       JOIN evidence e ON e.version_id = v.id AND e.kind = 'probe' AND e.outcome IN ('live', 'dead')
      WHERE r.id = $1 AND r.state NOT IN ('rolling_back', 'rolled_back') AND (r.closed_at IS NULL OR e.ended_at <= r.closed_at)
      ORDER BY e.started_at DESC, e.id DESC LIMIT 1`,
    [rotationId],
  );
  return look?.outcome === 'dead' ? look : undefined;
}

/**
 * Whether the value of a new version may still be entered anew: a person entered it, the old version is as it was, nobody
 * vouches for the new one, and no place holds it.
 */
export async function mayBeCorrected(db: Db, rotationId: Id): Promise<boolean> {
  const [row] = await db.query<object[]>(
    `SELECT FROM rotation r LEFT JOIN version_death d ON d.version_id = r.new_version_id
      WHERE r.id = $1 AND r.new_version_id IS NOT NULL AND r.old_fate = 'stays' AND r.validated_at IS NULL
        AND r.state IN ('stored', 'propagating', 'validating') AND d.revocation_at IS NULL AND d.value_ref IS NULL
        AND NOT EXISTS (SELECT FROM rotation_issue i WHERE i.version_id = r.new_version_id AND i.state = 'issued')
        AND NOT EXISTS (SELECT FROM location l WHERE l.credential_id = r.credential_id AND l.version_id = r.new_version_id)
        AND NOT EXISTS (SELECT FROM evidence e WHERE e.version_id = r.new_version_id AND e.kind = 'probe' AND e.outcome = 'live')
        AND NOT EXISTS (SELECT FROM usage_event u WHERE u.version_id = r.new_version_id AND u.outcome = 'accepted')`,
    [rotationId],
  );
  return row !== undefined;
}
