import type { Principal } from '../../kernel/principal.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { Presets } from '../revocation/presets.service.ts';
import type { Names } from './statements.ts';

/** Presets are few and each is checked by the connector that it names, so they go one by one. */
export async function mergePresets(db: Db, names: Names, presets: Presets, by: Principal): Promise<void> {
  const rows = await db.query<{ line: number; key: string; body: unknown }[]>(
    `SELECT line, key, body FROM staging_row WHERE run_id = $1 AND kind = 'connectorPreset' AND NOT bad ORDER BY line`,
    [names.run],
  );
  for (const { line, key, body } of rows) {
    const [before] = await db.query<unknown[]>('SELECT 1 FROM connector_preset WHERE key = $1 AND active', [
      key,
    ]);
    const put = await presets.put(db, body, names.source, by);
    if (!put.ok) {
      const fields = put.error.fields ?? [
        {
          field: '',
          problem: put.error.message,
          mend: 'Write it as the presets in templates/connectors do.',
        },
      ];
      for (const { field, problem, mend } of fields) {
        await db.query(
          `INSERT INTO staging_problem (run_id, line, kind, key, field, problem, mend, consequence) VALUES ($1, $2, 'connectorPreset', $3, $4, $5, $6, false)`,
          [names.run, line, key, field, problem, mend],
        );
      }
    } else if (put.value.changed) {
      await db.query(
        `INSERT INTO staging_change (run_id, kind, id, created, counted) SELECT $1, 'connectorPreset', id, $3, true FROM connector_preset WHERE key = $2 AND active`,
        [names.run, key, before === undefined],
      );
    }
  }
}
