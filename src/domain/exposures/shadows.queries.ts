import { createHash } from 'node:crypto';
import type { Id } from '../../kernel/ids.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { shadowScore } from './shadow.rules.ts';
import { REPORTED_BY } from './reported-by.queries.ts';

export interface ShadowGroup {
  /** Names the group: the same source, kind and place have the same. */
  finding: string;
  source: string;
  kind: string | null;
  place: string | null;
  reports: number;
  publiclyLeaked: boolean;
  saidLive: boolean;
  supplierIds: string[];
  firstAt: string;
  lastAt: string;
  score: number;
  /** A report to look at. */
  example: { id: Id; reference: string };
  /** The integration that it was declared as. */
  integration: { id: Id; reference: string; name: string; state: string } | null;
}

const MOST = 500;

/** Reports that matched nothing, put together by where they come from, what to look at first first. */
export async function shadowGroups(db: Db, now: Millis): Promise<ShadowGroup[]> {
  type Row = Omit<ShadowGroup, 'finding' | 'firstAt' | 'lastAt' | 'score' | 'integration'> & {
    firstAt: Date;
    lastAt: Date;
  };
  const rows = await db.query<Row[]>(
    `SELECT ${REPORTED_BY} AS source, e.kind, e.place, count(*)::int AS reports,
            bool_or(e.publicly_leaked) AS "publiclyLeaked", bool_or(e.source_says = 'live') AS "saidLive",
            coalesce((array_agg(DISTINCT e.supplier_id) FILTER (WHERE e.supplier_id IS NOT NULL))[1:5], '{}') AS "supplierIds",
            min(e.received_at) AS "firstAt", max(e.received_at) AS "lastAt",
            (array_agg(jsonb_build_object('id', e.id, 'reference', e.reference) ORDER BY e.received_at DESC))[1] AS example
       FROM exposure e LEFT JOIN source s ON s.id = e.source_id
      WHERE e.match = 'none' AND e.state = 'triage'
      GROUP BY 1, 2, 3 ORDER BY max(e.received_at) DESC LIMIT ${MOST}`,
  );
  const groups = rows.map((row) => ({ ...row, finding: findingOf(row) }));
  const declared = await db.query<(NonNullable<ShadowGroup['integration']> & { finding: string })[]>(
    `SELECT external_key AS finding, id, reference, name, state FROM integration WHERE source = 'shadow' AND external_key = ANY($1)`,
    [groups.map(({ finding }) => finding)],
  );
  return groups
    .map((group): ShadowGroup => {
      const known = declared.find(({ finding }) => finding === group.finding);
      return {
        ...group,
        firstAt: iso(group.firstAt.getTime()),
        lastAt: iso(group.lastAt.getTime()),
        score: shadowScore(
          { ...group, lastAt: group.lastAt.getTime(), supplierIds: group.supplierIds.length },
          now,
        ),
        integration: known
          ? { id: known.id, reference: known.reference, name: known.name, state: known.state }
          : null,
      };
    })
    .sort((a, b) => b.score - a.score || (a.finding < b.finding ? -1 : 1));
}

function findingOf({ source, kind, place }: Pick<ShadowGroup, 'source' | 'kind' | 'place'>): string {
  return createHash('sha256')
    .update(JSON.stringify([source, kind, place]))
    .digest('hex')
    .slice(0, 32);
}
