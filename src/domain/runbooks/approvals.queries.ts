import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { ApprovalTerms } from './approval-terms.rules.ts';
import { partsIn } from './people.queries.ts';
import type { StepView } from './run.schema.ts';
import { rowsOf } from './runs.queries.ts';

type Row = Omit<ApprovalTerms, 'parts' | 'runbook' | 'act'> & {
  stepId: Id;
  runId: Id;
  title: string;
  separation: string[][] | null;
  act: string | null;
};

/** The terms of those of these steps that wait for approval, by step. */
export async function approvalTerms(
  db: Db,
  steps: readonly Pick<StepView, 'id' | 'approval'>[],
): Promise<Map<Id, ApprovalTerms>> {
  const asked = steps.filter(({ approval }) => approval).map(({ id }) => id);
  if (asked.length === 0) return new Map();
  const rows = await rowsOf<Row>(
    db,
    `SELECT s.id AS "stepId", s.run_id AS "runId", f.body->>'title' AS title, f.body->'separation' AS separation, x.def->>'act' AS act,
            x.def->'approval'->'roles' AS roles, coalesce((x.def->'approval'->>'fourEyes')::boolean, true) AS "fourEyes",
            r.requested_by AS "requestedBy",
            coalesce((SELECT jsonb_agg(jsonb_build_object('who', a.who, 'decision', a.decision) ORDER BY a.at)
                        FROM step_approval a WHERE a.step_id = s.id AND a.family = s.family), '[]') AS decisions
       FROM step s JOIN run r ON r.id = s.run_id JOIN run_node n ON n.run_id = s.run_id AND n.node = s.node
       JOIN runbook_definition f ON f.hash = r.definition_hash
       CROSS JOIN LATERAL (SELECT coalesce(n.ad_hoc, (SELECT e FROM jsonb_array_elements(f.body->'steps') e WHERE e->>'id' = n.step)) AS def) x
      WHERE s.id = ANY ($1::uuid[])`,
    [asked],
  );
  const parts = new Map<Id, ApprovalTerms['parts']>();
  for (const { runId, separation, act } of rows)
    if (separation && act !== null && !parts.has(runId)) parts.set(runId, await partsIn(db, runId));
  return new Map(
    rows.map(({ stepId, runId, title, separation, act, ...terms }) => [
      stepId,
      {
        ...terms,
        runbook: { title, ...(separation ? { separation } : {}) },
        ...(act === null ? {} : { act }),
        parts: parts.get(runId) ?? [],
      },
    ]),
  );
}
