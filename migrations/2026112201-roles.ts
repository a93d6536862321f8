import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What row-level security asks: who is this transaction for? `transactions.run` answers in two local settings,
 * countersign.scope and countersign.party; every policy reads them through the functions made here. Nothing set means
 * nothing seen. The roles themselves belong to the server and exist before the first migration.
 */
export class Roles2026112201000 implements MigrationInterface {
  readonly name = 'Roles2026112201000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`REVOKE CREATE ON SCHEMA public FROM PUBLIC`);
    await q.query(`GRANT USAGE ON SCHEMA public TO countersign_app`);
    // Tables are granted one by one, by the migration that isolates them; sequences carry no rows to protect.
    await q.query(`ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM PUBLIC`);
    await q.query(
      `ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO countersign_app`,
    );

    await q.query(`
      CREATE FUNCTION cs_installation() RETURNS boolean
      LANGUAGE sql STABLE PARALLEL SAFE
      RETURN coalesce(current_setting('countersign.scope', true) = 'installation', false)`);
    await q.query(`
      CREATE FUNCTION cs_party() RETURNS uuid
      LANGUAGE sql STABLE PARALLEL SAFE
      RETURN CASE WHEN current_setting('countersign.scope', true) = 'party'
                  THEN nullif(current_setting('countersign.party', true), '')::uuid END`);
    // Reads integration_party with its owner's eyes, as that table's own policy asks this very function. PL/pgSQL looks
    // names up when it runs: the table comes with a later migration.
    await q.query(`
      CREATE FUNCTION cs_integrations() RETURNS SETOF uuid
      LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 100
      SET search_path = public, pg_temp
      AS $$
      DECLARE
        asking uuid := cs_party();
      BEGIN
        IF asking IS NULL THEN
          RETURN;
        END IF;
        RETURN QUERY SELECT DISTINCT ip.integration_id FROM integration_party ip WHERE ip.party_id = asking;
      END
      $$`);
    await q.query(`
      CREATE FUNCTION cs_refuse_truncate() RETURNS trigger
      LANGUAGE plpgsql
      AS $$
      BEGIN
        RAISE EXCEPTION '% is append-only', tg_table_name USING ERRCODE = 'insufficient_privilege';
      END
      $$`);
    await q.query(`REVOKE ALL ON FUNCTION cs_integrations() FROM PUBLIC`);
    await q.query(`GRANT EXECUTE ON FUNCTION cs_integrations() TO countersign_app`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DROP FUNCTION cs_refuse_truncate()`);
    await q.query(`DROP FUNCTION cs_integrations()`);
    await q.query(`DROP FUNCTION cs_party()`);
    await q.query(`DROP FUNCTION cs_installation()`);
    await q.query(`ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON SEQUENCES FROM countersign_app`);
    await q.query(`REVOKE USAGE ON SCHEMA public FROM countersign_app`);
  }
}
