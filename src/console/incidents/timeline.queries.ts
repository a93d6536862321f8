import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { ms } from '../shared/sql.ts';

/** One entry of the ledger that is about something in the room. */
export interface TimelineEntry {
  id: Id;
  kind: string;
  at: Millis;
  byKind: string;
  byId: string;
  /** Of the person behind it, where one is known. */
  byName: string | null;
  /** What it is about, as people call it. */
  subject: string | null;
  /** Ids, states, counts: what the ledger keeps in the open. */
  facts: Record<string, unknown>;
}

/** How many entries a time line has. */
export const NEWEST = 60;

/**
 * The newest entries about these subjects, the runs of the incident, and the steps that somebody decided on. Read from the
 * ledger itself: what is not on record is not in the time line.
 */
export async function timelineOf(db: Db, incidentId: Id, subjects: readonly Id[]): Promise<TimelineEntry[]> {
  type Row = Omit<TimelineEntry, 'facts' | 'byKind' | 'byId' | 'byName'> & { body: string };
  const rows = await db.query<Row[]>(
    `WITH runs AS (SELECT id FROM run WHERE subject_id = $1 ORDER BY started_at DESC LIMIT 12),
          subjects AS (
            SELECT unnest($2::uuid[]) AS id
            UNION SELECT id FROM runs
            UNION SELECT s.id FROM runs JOIN step s ON s.run_id = runs.id WHERE EXISTS (SELECT 1 FROM step_approval a WHERE a.step_id = s.id)),
          newest AS (
            SELECT e.* FROM subjects
             CROSS JOIN LATERAL (SELECT * FROM ledger_entry x WHERE x.subject_id = subjects.id ORDER BY x.n DESC LIMIT ${NEWEST}) e
             ORDER BY e.n DESC LIMIT ${NEWEST})
     SELECT e.id, e.kind, ${ms('e.at')} AS at, e.body,
            CASE e.subject_kind
              WHEN 'credential_version' THEN (SELECT c.name || ', version ' || v.number FROM credential_version v JOIN credential c ON c.id = v.credential_id WHERE v.id = e.subject_id)
              WHEN 'case' THEN (SELECT reference FROM incident_case WHERE id = e.subject_id)
              WHEN 'notice' THEN (SELECT n.reference || ' to ' || p.name FROM notice n JOIN party p ON p.id = n.party_id WHERE n.id = e.subject_id)
              WHEN 'run' THEN (SELECT title FROM run WHERE id = e.subject_id)
              WHEN 'step' THEN (SELECT n.title || coalesce(': ' || (s.item->>'label'), '') FROM step s JOIN run_node n ON n.run_id = s.run_id AND n.node = s.node WHERE s.id = e.subject_id)
            END AS subject
       FROM newest e ORDER BY e.n DESC`,
    [incidentId, subjects],
  );
  const entries = rows.map(({ body, ...row }) => {
    const { by, facts } = JSON.parse(body) as {
      by: { kind: string; id: string };
      facts?: Record<string, unknown>;
    };
    return { ...row, byKind: by.kind, byId: by.id, facts: facts ?? {} };
  });
  const accounts = entries.filter(({ byKind }) => byKind === 'user').map(({ byId }) => byId);
  const named = await db.query<{ id: string; name: string }[]>(
    `SELECT u.id, p.name FROM user_account u JOIN person p ON p.id = u.person_id WHERE u.id::text = ANY($1::text[])`,
    [[...new Set(accounts)]],
  );
  const names = new Map(named.map(({ id, name }) => [id, name]));
  return entries.map((entry) => ({
    ...entry,
    byName: entry.byKind === 'user' ? (names.get(entry.byId) ?? null) : null,
  }));
}
