/**
 * Secrets may be kept in a store on another machine. No transaction waits for one: a value is sealed here with its row and
 * brought outside afterwards, and removed there after it was destroyed here. The row says how far it is.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate } from './isolation.ts';

export class SecretsOutside2026112236000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE outside_secret (
        id uuid NOT NULL,
        store text NOT NULL,
        bound_to text NOT NULL,
        sealed_ref text,
        created_at timestamptz NOT NULL,
        tried_at timestamptz,
        kept_at timestamptz,
        destroy_at timestamptz,
        destroyed_at timestamptz,
        problem text,
        CONSTRAINT outside_secret_pk PRIMARY KEY (id),
        CONSTRAINT outside_secret_somewhere CHECK (sealed_ref IS NULL OR kept_at IS NULL),
        CONSTRAINT outside_secret_destroyed_in_order CHECK (destroyed_at IS NULL OR destroy_at IS NOT NULL)
      );
      COMMENT ON COLUMN outside_secret.sealed_ref IS 'until it is kept outside';
      COMMENT ON COLUMN outside_secret.tried_at IS 'before the first call to the store: from then on it may hold the value';
      COMMENT ON COLUMN outside_secret.destroy_at IS 'of no use to anybody from then on';
      COMMENT ON COLUMN outside_secret.destroyed_at IS 'removed from the store';
      COMMENT ON COLUMN outside_secret.problem IS 'why the last try came to nothing';
      CREATE INDEX outside_secret_to_do ON outside_secret (store, id)
        WHERE sealed_ref IS NOT NULL OR (destroy_at IS NOT NULL AND destroyed_at IS NULL)`);
    await isolate(q, 'outside_secret', 'installation');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DROP TABLE outside_secret`);
  }
}
