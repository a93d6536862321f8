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

/** The last look at the canary of a path from an instant on; undefined: there was none. */
export const lastControl = inOne(
  async (db: Db, asked: readonly { path: string; from: Millis }[]): Promise<(Control | undefined)[]> => {
    const paths = [...new Set(asked.map((one) => one.path))];
    const rows = await db.query<(Control & { path: string })[]>(
      `SELECT p.path, e.id, e.outcome, e.ended_at FROM unnest($1::text[]) AS p(path) CROSS JOIN LATERAL (
         SELECT id, outcome, ended_at FROM evidence
          WHERE kind = 'control' AND path = p.path AND ended_at >= $2 ORDER BY ended_at DESC, id DESC LIMIT 1) e`,
      [paths, new Date(Math.min(...asked.map((one) => one.from)))],
    );
    const byPath = new Map(rows.map((row) => [row.path, row]));
    return asked.map(({ path, from }) => {
      const row = byPath.get(path);
      return row && row.ended_at.getTime() >= from ? row : undefined;
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

/** What is known of a version before it is revoked. */
interface Before {
  /** The yes that the supplier gave under the key. */
  given: { id: Id; outcome: 'accepted' | 'gone' } | null;
  /** The last look at it. */
  look: { at: Millis; outcome: string; path: string } | null;
}

export const knownBefore = inOne(
  async (db: Db, asked: readonly { versionId: Id; idempotencyKey: string }[]): Promise<Before[]> => {
    const rows = await db.query<
      {
        given_id: Id | null;
        given: 'accepted' | 'gone' | null;
        looked_at: Date | null;
        outcome: string | null;
        path: string | null;
      }[]
    >(
      `SELECT g.id AS given_id, g.outcome AS given, p.ended_at AS looked_at, p.outcome, p.path
         FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS a(version_id, key, n)
         LEFT JOIN LATERAL (
           SELECT id, outcome FROM evidence
            WHERE idempotency_key = a.key AND kind = 'revoke' AND version_id = a.version_id AND outcome IN ('accepted', 'gone')
            ORDER BY attempt DESC LIMIT 1) g ON true
         LEFT JOIN LATERAL (
           SELECT ended_at, outcome, path FROM evidence
            WHERE version_id = a.version_id AND kind = 'probe' ORDER BY started_at DESC, id DESC LIMIT 1) p ON true
        ORDER BY a.n`,
      [asked.map((one) => one.versionId), asked.map((one) => one.idempotencyKey)],
    );
    return rows.map(({ given_id: id, given, looked_at: at, outcome, path }) => ({
      given: id === null ? null : { id, outcome: given! },
      look: at === null ? null : { at: at.getTime(), outcome: outcome!, path: path! },
    }));
  },
);
