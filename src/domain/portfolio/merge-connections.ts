import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { ConnectionsService } from '../revocation/connections.service.ts';
import type { Presets } from '../revocation/presets.service.ts';
import type { Names } from './statements.ts';

interface Given {
  line: number;
  key: string;
  id: Id;
  fresh: boolean;
  body: { preset: string; baseUrl?: string | null; name: string; environment?: string };
  stored: {
    partyId: Id;
    presetKey: string;
    baseUrl: string;
    name: string;
    environment: string;
    maxConcurrent: number;
    perSecond: string | null;
  } | null;
}

/**
 * What a connection needs beyond its columns: an address from somewhere, and the loss of its secrets when it is pointed
 * elsewhere. Whoever may write a file must not have our secrets sent to an address of their own.
 */
export async function mergeConnections(
  db: Db,
  names: Names,
  presets: Presets,
  connections: ConnectionsService,
  by: Principal,
): Promise<void> {
  const needAddress = new Set(
    (await presets.all(db))
      .filter(({ preset, connector }) => preset.baseUrl === '' && connector.capabilities.length > 0)
      .map(({ preset }) => preset.key),
  );
  const rows = await db.query<Given[]>(
    `SELECT s.line, s.key, k.id, k.fresh, s.body,
            CASE WHEN c.id IS NULL THEN NULL ELSE jsonb_build_object('partyId', c.party_id, 'presetKey', c.preset_key, 'baseUrl', c.base_url, 'name', c.name,
              'environment', c.environment, 'maxConcurrent', c.max_concurrent, 'perSecond', c.per_second) END AS stored
       FROM staging_row s JOIN staging_key k ON k.run_id = $1 AND k.kind = s.kind AND k.key = s.key
       LEFT JOIN connection c ON c.id = k.id AND NOT k.fresh
      WHERE s.run_id = $1 AND s.kind = 'connection' AND NOT s.bad ORDER BY s.line`,
    [names.run],
  );
  for (const { line, key, id, body, stored } of rows) {
    const baseUrl = body.baseUrl ?? stored?.baseUrl ?? '';
    const refuse = (field: string, problem: string, mend: string) =>
      db.query(
        `INSERT INTO staging_problem (run_id, line, kind, key, field, problem, mend, consequence) VALUES ($1, $2, 'connection', $3, $4, $5, $6, false)`,
        [names.run, line, key, field, problem, mend],
      );
    if (baseUrl === '' && needAddress.has(body.preset))
      await refuse('/baseUrl', 'is missing, and the preset has none', 'Write the address of the supplier.');
    else if (stored && (stored.presetKey !== body.preset || stored.baseUrl !== baseUrl)) {
      const put = await connections.put(
        db,
        {
          source: names.source,
          externalKey: key,
          partyId: stored.partyId,
          name: body.name,
          presetKey: body.preset,
          baseUrl,
          environment: body.environment ?? stored.environment,
          auth: {},
          maxConcurrent: stored.maxConcurrent,
          perSecond: stored.perSecond === null ? null : Number(stored.perSecond),
        },
        by,
      );
      if (put.ok)
        await db.query(
          `INSERT INTO staging_change (run_id, kind, id, created, counted) VALUES ($1, 'connection', $2, false, true)`,
          [names.run, id],
        );
      else
        for (const { field, problem, mend } of put.error.fields ?? [
          { field: '', problem: put.error.message, mend: 'Mend the connection.' },
        ])
          await refuse(field, problem, mend);
    }
  }
}
