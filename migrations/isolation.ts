import type { QueryRunner } from 'typeorm';

/**
 * Who may see a row. `installation`: the operator's own staff and the system. `integration`: also the parties of the
 * integration in `integration_id`. `party`: also the party in `party_id`.
 */
export type IsolationKind = 'installation' | 'integration' | 'party';

export interface IsolationOptions {
  /** The column that names the integration or the party; by default `integration_id` or `party_id`. */
  column?: string;
  /** Rows can be added and read, never changed or removed. */
  appendOnly?: boolean;
  /**
   * Work done for a party may add rows that it cannot read back: the ledger entry of its own act, an outbox row. Such an
   * INSERT must not use RETURNING or ON CONFLICT, which read.
   */
  partyMayInsert?: boolean;
}

/**
 * Puts a table under row-level security, for its owner too, in the migration that creates it. Absent or empty settings
 * admit no row and raise no error. The functions stand in a sub-select so that they run once per query, not per row.
 */
export async function isolate(
  q: QueryRunner,
  table: string,
  kind: IsolationKind,
  o: IsolationOptions = {},
): Promise<void> {
  const admits = ADMITS[kind](o.column);
  await q.query(`ALTER TABLE "${table}" ENABLE ROW LEVEL SECURITY`);
  await q.query(`ALTER TABLE "${table}" FORCE ROW LEVEL SECURITY`);
  // Migrations and backups see everything; the role owns the tables but cannot reach outsiders' sessions.
  await q.query(`CREATE POLICY owner_all ON "${table}" TO countersign_owner USING (true) WITH CHECK (true)`);
  await q.query(
    `CREATE POLICY app_rows ON "${table}" TO countersign_app USING (${admits}) WITH CHECK (${admits})`,
  );
  if (o.partyMayInsert) {
    await q.query(
      `CREATE POLICY app_party_adds ON "${table}" FOR INSERT TO countersign_app WITH CHECK ((SELECT cs_party()) IS NOT NULL)`,
    );
  }
  await q.query(`REVOKE ALL ON "${table}" FROM PUBLIC, countersign_app`);
  const rights = o.appendOnly ? 'SELECT, INSERT' : 'SELECT, INSERT, UPDATE, DELETE';
  await q.query(`GRANT ${rights} ON "${table}" TO countersign_app`);
  if (o.appendOnly) {
    // Row triggers and policies do not see TRUNCATE; this one holds the owner, too.
    await q.query(
      `CREATE TRIGGER ${table}_never_truncated BEFORE TRUNCATE ON "${table}"
         FOR EACH STATEMENT EXECUTE FUNCTION cs_refuse_truncate()`,
    );
  }
}

const ADMITS: Record<IsolationKind, (column?: string) => string> = {
  installation: () => '(SELECT cs_installation())',
  integration: (column = 'integration_id') =>
    `(SELECT cs_installation()) OR "${column}" IN (SELECT cs_integrations())`,
  party: (column = 'party_id') => `(SELECT cs_installation()) OR "${column}" = (SELECT cs_party())`,
};

/**
 * For tables named `staging_…`: COPY FROM refuses row-level security, so they have none. They hold rows of one import
 * between upload and merge, and no query made for a party may name them.
 */
export async function stagingGrant(q: QueryRunner, table: string): Promise<void> {
  if (!table.startsWith('staging_')) throw new Error(`${table} is no staging table`);
  await q.query(`GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON "${table}" TO countersign_app`);
}
