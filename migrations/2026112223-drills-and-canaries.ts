/**
 * A path is proven by trying it, and it is tried on something that nobody needs: a canary, a throwaway credential at the
 * supplier's sandbox, which a drill revokes and proves dead. A drill keeps its own evidence, as a canary is no credential
 * of the portfolio. A path that ends at a person is tried by calling them.
 *
 * Where production is not to be touched at all, a connection names the sandbox's connection, and its drills run there.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate } from './isolation.ts';

export class DrillsAndCanaries2026112223000 implements MigrationInterface {
  readonly name = 'DrillsAndCanaries2026112223000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE connection ADD COLUMN sandbox_connection_id uuid,
        ADD CONSTRAINT connection_sandbox_fk FOREIGN KEY (sandbox_connection_id) REFERENCES connection (id),
        ADD CONSTRAINT connection_sandbox_is_another CHECK (sandbox_connection_id <> id);
      COMMENT ON COLUMN connection.sandbox_connection_id IS 'the same supplier where nothing is at stake; drills run there';

      CREATE TABLE canary (
        id uuid NOT NULL,
        connection_id uuid NOT NULL,
        label text NOT NULL,
        supplier_id text,
        value_ref text,
        state text NOT NULL DEFAULT 'ready',
        made_by text NOT NULL,
        created_at timestamptz NOT NULL,
        taken_at timestamptz,
        CONSTRAINT canary_pk PRIMARY KEY (id),
        CONSTRAINT canary_connection_fk FOREIGN KEY (connection_id) REFERENCES connection (id),
        CONSTRAINT canary_state_known CHECK (state IN ('ready', 'taken', 'used', 'withdrawn')),
        CONSTRAINT canary_names_something CHECK (state <> 'ready' OR supplier_id IS NOT NULL OR value_ref IS NOT NULL)
      );
      CREATE INDEX canary_ready ON canary (connection_id, created_at) WHERE state = 'ready';

      ALTER TABLE drill
        ADD COLUMN canary_id uuid,
        ADD COLUMN notice_id uuid,
        ADD COLUMN requested_by text NOT NULL DEFAULT '',
        ADD COLUMN why text NOT NULL DEFAULT '',
        ADD COLUMN evidence jsonb NOT NULL DEFAULT '[]',
        ADD COLUMN revoke_sent_at timestamptz,
        ADD COLUMN proven_at timestamptz,
        ADD CONSTRAINT drill_canary_fk FOREIGN KEY (canary_id) REFERENCES canary (id),
        ADD CONSTRAINT drill_notice_fk FOREIGN KEY (notice_id) REFERENCES notice (id),
        ADD CONSTRAINT drill_outcome_known CHECK (outcome IN ('passed', 'failed', 'cancelled'));
      CREATE UNIQUE INDEX drill_one_open ON drill (revocation_path_id) WHERE ended_at IS NULL;
      CREATE INDEX drill_open_run ON drill (run_id) WHERE ended_at IS NULL;
      COMMENT ON COLUMN drill.evidence IS 'each exchange: kind, outcome, why, asked, status, extract (redacted), path, from and until';
    `);
    await isolate(q, 'canary', 'installation');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`
      DROP INDEX drill_open_run, drill_one_open;
      ALTER TABLE drill DROP CONSTRAINT drill_outcome_known, DROP COLUMN proven_at, DROP COLUMN revoke_sent_at, DROP COLUMN evidence,
        DROP COLUMN why, DROP COLUMN requested_by, DROP COLUMN notice_id, DROP COLUMN canary_id;
      DROP TABLE canary;
      ALTER TABLE connection DROP COLUMN sandbox_connection_id;
    `);
  }
}
