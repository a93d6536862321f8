import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate } from './isolation.ts';

/**
 * A revocation path that gives up hands over to the next stopper, and everybody must see where that stands: one row for
 * each path that was tried for a version, in order. Rows appear with the first path that gives up; until then the first
 * path is the one in use. And requests to a supplier account are paced one by one, as a step may need several: the pace
 * is kept here, since all processes share it.
 */
export class WaysToStop2026112211000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE path_attempt (
        id uuid NOT NULL,
        credential_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        version_id uuid NOT NULL,
        family text NOT NULL,
        number int NOT NULL,
        kind text NOT NULL,
        connection_id uuid,
        contact_id uuid,
        state text NOT NULL,
        reason text NOT NULL DEFAULT '',
        began_at timestamptz NOT NULL,
        ended_at timestamptz,
        CONSTRAINT path_attempt_pk PRIMARY KEY (id),
        CONSTRAINT path_attempt_order UNIQUE (version_id, family, number),
        CONSTRAINT path_attempt_kind_known CHECK (kind IN ('connector', 'contact')),
        CONSTRAINT path_attempt_one_way CHECK ((kind = 'connector') = (connection_id IS NOT NULL) AND (kind = 'contact') = (contact_id IS NOT NULL)),
        CONSTRAINT path_attempt_state_known CHECK (state IN ('trying', 'asked', 'gave_up', 'accepted')),
        CONSTRAINT path_attempt_version_fk FOREIGN KEY (version_id, credential_id, integration_id) REFERENCES credential_version (id, credential_id, integration_id),
        CONSTRAINT path_attempt_connection_fk FOREIGN KEY (connection_id) REFERENCES connection (id),
        CONSTRAINT path_attempt_contact_fk FOREIGN KEY (contact_id) REFERENCES contact (id)
      );
      CREATE INDEX path_attempt_by_credential ON path_attempt (credential_id, began_at);
      COMMENT ON COLUMN path_attempt.family IS 'the idempotency key under which the paths are tried, one after another';

      CREATE TABLE connection_pace (
        connection_id uuid NOT NULL,
        next_at timestamptz NOT NULL,
        CONSTRAINT connection_pace_pk PRIMARY KEY (connection_id),
        CONSTRAINT connection_pace_connection_fk FOREIGN KEY (connection_id) REFERENCES connection (id)
      );
      COMMENT ON COLUMN connection_pace.next_at IS 'by the clock of the database: when the next request may leave';
    `);
    await isolate(q, 'path_attempt', 'integration');
    await isolate(q, 'connection_pace', 'installation');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query('DROP TABLE connection_pace, path_attempt');
  }
}
