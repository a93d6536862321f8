import type { Id } from '../../kernel/ids.ts';
import type { StartDrill } from '../../domain/revocation/drill.schema.ts';
import type { Db } from '../../platform/database/transactions.ts';

/** Why a path by machine cannot be drilled now, by runbook; null: it can. */
export type DrillObstacles = Readonly<Record<StartDrill['runbook'], string | null>>;

/** Canaries that a drill of this path could take, and where they are kept. */
export interface PathCanaries {
  pathId: Id;
  connectionId: Id;
  connectionName: string;
  sandbox: boolean;
  ready: number;
}

export function canariesOfPaths(db: Db, credentialId: Id): Promise<PathCanaries[]> {
  return db.query(
    `SELECT p.id AS "pathId", t.id AS "connectionId", t.name AS "connectionName", t.id <> n.id AS sandbox,
            (SELECT count(*)::int FROM canary a WHERE a.connection_id = t.id AND a.state = 'ready') AS ready
       FROM revocation_path p
       JOIN connection n ON n.id = p.connection_id
       LEFT JOIN connection s ON s.id = n.sandbox_connection_id AND s.retired_at IS NULL
       JOIN connection t ON t.id = coalesce(s.id, n.id)
      WHERE p.credential_id = $1 ORDER BY p.ordinal`,
    [credentialId],
  );
}
