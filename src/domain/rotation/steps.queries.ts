import type { Id } from '../../kernel/ids.ts';
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
