import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';

/** The steps of a run that wait for somebody or something, by their action and, where they fan out, their item. */
export function waitingSteps(
  db: Db,
  runId: Id,
  of: { uses: string; itemKey?: string },
): Promise<{ id: Id; state: string }[]> {
  return db.query(
    `SELECT s.id, s.state FROM step s
       JOIN run_node n ON n.run_id = s.run_id AND n.node = s.node
       JOIN run r ON r.id = s.run_id
       JOIN runbook_definition f ON f.hash = r.definition_hash
      WHERE s.run_id = $1 AND s.state IN ('parked', 'waiting', 'failed') AND ($3::text IS NULL OR s.item_key = $3)
        AND (SELECT d.value->>'uses' FROM jsonb_array_elements(f.body->'steps') d WHERE d.value->>'id' = n.step) = $2`,
    [runId, of.uses, of.itemKey ?? null],
  );
}

/**
 * Steps of rotations under way that wait for what is on record: the version is entered, the place answered for, the word
 * given, the overlap cut.
 */
export function answeredSteps(db: Db, now: Millis): Promise<{ id: Id }[]> {
  return db.query(
    `SELECT s.id FROM rotation r
       JOIN step s ON s.run_id IN (r.run_id, r.roll_back_run_id) AND s.state IN ('parked', 'waiting')
       JOIN run_node n ON n.run_id = s.run_id AND n.node = s.node
       JOIN run u ON u.id = s.run_id AND u.state = 'running'
       JOIN runbook_definition f ON f.hash = u.definition_hash
       CROSS JOIN LATERAL (SELECT d.value->>'uses' AS name FROM jsonb_array_elements(f.body->'steps') d WHERE d.value->>'id' = n.step) uses
      WHERE r.closed_at IS NULL AND CASE uses.name
        WHEN 'create-version' THEN r.new_version_id IS NOT NULL
        WHEN 'validate-version' THEN s.state = 'parked' AND r.validated_at IS NOT NULL
        WHEN 'hold-overlap' THEN r.overlap_until <= $1 AND s.wake_at > $1
        WHEN 'revoke-old' THEN s.state = 'waiting' AND r.state = 'overlap' AND r.overlap_until <= $1 AND s.wake_at > $1 + interval '5 minutes'
        WHEN 'place-version' THEN EXISTS (SELECT FROM rotation_place p WHERE p.rotation_id = r.id AND p.location_id::text = s.item_key
          AND p.state = ANY (CASE WHEN r.state = 'rolling_back' THEN ARRAY['taken_back'] ELSE ARRAY['holds_new', 'left'] END))
        END LIMIT 200`,
    [new Date(now)],
  );
}
