/**
 * A request with an Idempotency-Key may die with its process. Whether it had stored anything by then is noted in the very
 * transaction that stores it, so that its repeat neither does the work twice nor waits long for one that is gone.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class RequestThatDied2026112220000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE idempotency_key
        ADD COLUMN held_until timestamptz,
        ADD COLUMN stored boolean NOT NULL DEFAULT false;
      COMMENT ON COLUMN idempotency_key.held_until IS 'by the clock of the database; prolonged while the process lives';
      COMMENT ON COLUMN idempotency_key.stored IS 'a transaction of the request that wrote something has committed'`);
    // Whoever asked may be a party, which sees no such row. Has a transaction written nothing, it has no number yet.
    await q.query(`
      CREATE FUNCTION cs_request_stored(whose text, which text) RETURNS void
      LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
        UPDATE idempotency_key SET stored = true
         WHERE principal = whose AND key = which AND NOT stored AND pg_current_xact_id_if_assigned() IS NOT NULL
      $$`);
    await q.query(`REVOKE ALL ON FUNCTION cs_request_stored(text, text) FROM PUBLIC`);
    await q.query(`GRANT EXECUTE ON FUNCTION cs_request_stored(text, text) TO countersign_app`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DROP FUNCTION cs_request_stored(text, text)`);
    await q.query(`ALTER TABLE idempotency_key DROP COLUMN stored, DROP COLUMN held_until`);
  }
}
