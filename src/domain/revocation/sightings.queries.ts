import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import { inOne } from '../../platform/database/together.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { Verdict } from './connector.ts';

/** What was seen before, by versions and paths; many looks of one moment ask in one statement. */

interface Control {
  id: Id;
  outcome: Verdict;
  ended_at: Date;
}

/** The last look at the canary of a path since an instant; undefined: there was none. */
export const lastControl = inOne(
  async (db: Db, asked: readonly { path: string; since: Millis }[]): Promise<(Control | undefined)[]> => {
    const paths = [...new Set(asked.map((one) => one.path))];
    const rows = await db.query<(Control & { path: string })[]>(
      `SELECT p.path, e.id, e.outcome, e.ended_at FROM unnest($1::text[]) AS p(path) CROSS JOIN LATERAL (
         SELECT id, outcome, ended_at FROM evidence
          WHERE kind = 'control' AND path = p.path AND ended_at > $2 ORDER BY ended_at DESC, id DESC LIMIT 1) e`,
      [paths, new Date(Math.min(...asked.map((one) => one.since)))],
    );
    const byPath = new Map(rows.map((row) => [row.path, row]));
    return asked.map(({ path, since }) => {
      const row = byPath.get(path);
      return row && row.ended_at.getTime() > since ? row : undefined;
    });
  },
);

/** When each version was last seen live on that path by an instant; null: never. */
export const lastSeenLive = inOne(
  async (
    db: Db,
    asked: readonly { versionId: Id; path: string; before: Millis }[],
  ): Promise<(Millis | null)[]> => {
    const rows = await db.query<{ ended_at: Date | null }[]>(
      `SELECT (SELECT e.ended_at FROM evidence e
                WHERE e.version_id = a.version_id AND e.kind = 'probe' AND e.outcome = 'live' AND e.path = a.path AND e.ended_at <= a.before
                ORDER BY e.started_at DESC, e.id DESC LIMIT 1) AS ended_at
         FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) WITH ORDINALITY AS a(version_id, path, before, n) ORDER BY a.n`,
      [
        asked.map((one) => one.versionId),
        asked.map((one) => one.path),
        asked.map((one) => new Date(one.before)),
      ],
    );
    return rows.map((row) => row.ended_at?.getTime() ?? null);
  },
);

interface LastProbe {
  ended_at: Date;
  outcome: string;
  path: string;
}

/** The last look at each version; undefined: nobody looked. */
export const lastProbe = inOne(
  async (db: Db, versionIds: readonly Id[]): Promise<(LastProbe | undefined)[]> => {
    const rows = await db.query<(LastProbe & { version_id: Id })[]>(
      `SELECT v.id AS version_id, e.ended_at, e.outcome, e.path FROM unnest($1::uuid[]) AS v(id) CROSS JOIN LATERAL (
         SELECT ended_at, outcome, path FROM evidence
          WHERE version_id = v.id AND kind = 'probe' ORDER BY started_at DESC, id DESC LIMIT 1) e`,
      [[...new Set(versionIds)]],
    );
    const byVersion = new Map(rows.map((row) => [row.version_id, row]));
    return versionIds.map((id) => byVersion.get(id));
  },
);

interface Given {
  id: Id;
  outcome: 'accepted' | 'gone';
}

/** The yes that a supplier gave under a key; undefined: none. */
export const givenAnswer = inOne(
  async (
    db: Db,
    asked: readonly { versionId: Id; idempotencyKey: string }[],
  ): Promise<(Given | undefined)[]> => {
    const rows = await db.query<(Given & { n: number })[]>(
      `SELECT a.n::int AS n, e.id, e.outcome FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS a(version_id, key, n) CROSS JOIN LATERAL (
         SELECT id, outcome FROM evidence
          WHERE idempotency_key = a.key AND kind = 'revoke' AND version_id = a.version_id AND outcome IN ('accepted', 'gone')
          ORDER BY attempt DESC LIMIT 1) e`,
      [asked.map((one) => one.versionId), asked.map((one) => one.idempotencyKey)],
    );
    const byPlace = new Map(rows.map((row) => [row.n, row]));
    return asked.map((_, at) => byPlace.get(at + 1));
  },
);
