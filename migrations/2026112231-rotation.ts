/**
 * Rotation: a new version is made beside the old one, put where the old one is, seen to work, and only then the old one is
 * revoked and shown dead. What the supplier was asked for stands apart from what came of it, each request in a row that is
 * written before the call: a worker that dies in between leaves behind what has to be looked for.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate } from './isolation.ts';

export class Rotation2026112231000 implements MigrationInterface {
  readonly name = 'Rotation2026112231000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE SEQUENCE reference_rot;
      GRANT USAGE ON SEQUENCE reference_rot TO countersign_app;

      CREATE TABLE rotation (
        id uuid NOT NULL,
        reference text NOT NULL,
        credential_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        old_version_id uuid NOT NULL,
        new_version_id uuid,
        recipe text NOT NULL,
        made_by text NOT NULL,
        old_fate text NOT NULL,
        state text NOT NULL DEFAULT 'planned',
        run_id uuid,
        roll_back_run_id uuid,
        emergency boolean NOT NULL DEFAULT false,
        overlap_seconds int NOT NULL,
        overlap_most_seconds int NOT NULL,
        overlap_until timestamptz,
        reason text NOT NULL,
        requested_by text NOT NULL,
        why text NOT NULL DEFAULT '',
        opened_at timestamptz NOT NULL,
        stored_at timestamptz,
        validated_at timestamptz,
        validated_how text,
        revoking_at timestamptz,
        old_end text,
        old_ended_at timestamptz,
        closed_at timestamptz,
        row_version int NOT NULL DEFAULT 1,
        CONSTRAINT rotation_pk PRIMARY KEY (id),
        CONSTRAINT rotation_reference UNIQUE (reference),
        CONSTRAINT rotation_id_integration UNIQUE (id, integration_id),
        CONSTRAINT rotation_credential_fk FOREIGN KEY (credential_id, integration_id) REFERENCES credential (id, integration_id),
        CONSTRAINT rotation_old_version_fk FOREIGN KEY (old_version_id, credential_id, integration_id) REFERENCES credential_version (id, credential_id, integration_id),
        CONSTRAINT rotation_new_version_fk FOREIGN KEY (new_version_id, credential_id, integration_id) REFERENCES credential_version (id, credential_id, integration_id),
        CONSTRAINT rotation_made_by_known CHECK (made_by IN ('machine', 'person')),
        CONSTRAINT rotation_old_fate_known CHECK (old_fate IN ('stays', 'dies')),
        CONSTRAINT rotation_state_known CHECK (state IN ('planned', 'creating', 'stored', 'propagating', 'validating', 'overlap', 'revoking', 'proven', 'done', 'rolling_back', 'rolled_back', 'stopped', 'failed')),
        CONSTRAINT rotation_validated_how_known CHECK (validated_how IN ('probe', 'statement')),
        CONSTRAINT rotation_old_end_known CHECK (old_end IN ('proven_dead', 'stated')),
        CONSTRAINT rotation_closed_has_time CHECK ((state IN ('done', 'rolled_back', 'stopped', 'failed')) = (closed_at IS NOT NULL)),
        CONSTRAINT rotation_versions_differ CHECK (new_version_id <> old_version_id),
        CONSTRAINT rotation_overlap_ends CHECK (state <> 'overlap' OR overlap_until IS NOT NULL),
        CONSTRAINT rotation_revokes_what_is_replaced CHECK (state NOT IN ('revoking', 'proven', 'done') OR (new_version_id IS NOT NULL AND validated_at IS NOT NULL)),
        CONSTRAINT rotation_done_is_shown CHECK (state <> 'done' OR old_end IS NOT NULL),
        CONSTRAINT rotation_overlap_bounded CHECK (overlap_seconds BETWEEN 0 AND overlap_most_seconds)
      );
      CREATE UNIQUE INDEX rotation_one_open ON rotation (credential_id) WHERE closed_at IS NULL;
      CREATE INDEX rotation_by_credential ON rotation (credential_id, opened_at);
      CREATE INDEX rotation_by_integration ON rotation (integration_id, opened_at);
      CREATE INDEX rotation_by_run ON rotation (run_id);
      COMMENT ON TABLE rotation IS 'one open rotation per credential; the old version ends only after the new one was seen to work';
      COMMENT ON COLUMN rotation.old_end IS 'null: nobody has shown that the old version is dead';

      CREATE TABLE rotation_issue (
        id uuid NOT NULL,
        rotation_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        number int NOT NULL,
        connection_id uuid NOT NULL,
        label text NOT NULL,
        state text NOT NULL DEFAULT 'asked',
        asked_at timestamptz NOT NULL,
        settled_at timestamptz,
        version_id uuid,
        supplier_id text,
        why text NOT NULL DEFAULT '',
        CONSTRAINT rotation_issue_pk PRIMARY KEY (id),
        CONSTRAINT rotation_issue_number UNIQUE (rotation_id, number),
        CONSTRAINT rotation_issue_label UNIQUE (label),
        CONSTRAINT rotation_issue_rotation_fk FOREIGN KEY (rotation_id, integration_id) REFERENCES rotation (id, integration_id),
        CONSTRAINT rotation_issue_connection_fk FOREIGN KEY (connection_id) REFERENCES connection (id),
        CONSTRAINT rotation_issue_version_fk FOREIGN KEY (version_id) REFERENCES credential_version (id),
        CONSTRAINT rotation_issue_state_known CHECK (state IN ('asked', 'issued', 'nothing', 'rejected', 'unknown', 'orphaned', 'gone', 'superseded'))
      );
      CREATE UNIQUE INDEX rotation_issue_one_asked ON rotation_issue (rotation_id) WHERE state IN ('asked', 'unknown');
      COMMENT ON TABLE rotation_issue IS 'each request for a new version, written before the call; a lost answer is settled by looking, never by asking again';

      CREATE TABLE rotation_place (
        rotation_id uuid NOT NULL,
        location_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        state text NOT NULL,
        how text NOT NULL,
        by text NOT NULL,
        note text NOT NULL DEFAULT '',
        at timestamptz NOT NULL,
        CONSTRAINT rotation_place_pk PRIMARY KEY (rotation_id, location_id),
        CONSTRAINT rotation_place_rotation_fk FOREIGN KEY (rotation_id) REFERENCES rotation (id),
        CONSTRAINT rotation_place_location_fk FOREIGN KEY (location_id, integration_id) REFERENCES location (id, integration_id),
        CONSTRAINT rotation_place_state_known CHECK (state IN ('holds_new', 'left', 'taken_back')),
        CONSTRAINT rotation_place_how_known CHECK (how IN ('statement', 'seen'))
      );
      CREATE INDEX rotation_place_by_location ON rotation_place (location_id);

      CREATE TABLE rotation_setting (
        integration_id uuid NOT NULL,
        automatic boolean NOT NULL DEFAULT false,
        lead_days int NOT NULL DEFAULT 7,
        overlap_hours int,
        windows jsonb NOT NULL DEFAULT '[]',
        zone text NOT NULL DEFAULT 'UTC',
        updated_at timestamptz NOT NULL,
        row_version int NOT NULL DEFAULT 1,
        CONSTRAINT rotation_setting_pk PRIMARY KEY (integration_id),
        CONSTRAINT rotation_setting_integration_fk FOREIGN KEY (integration_id) REFERENCES integration (id),
        CONSTRAINT rotation_setting_lead_range CHECK (lead_days BETWEEN 0 AND 90),
        CONSTRAINT rotation_setting_overlap_positive CHECK (overlap_hours > 0)
      );
      COMMENT ON COLUMN rotation_setting.windows IS 'maintenance: [{ days: [1..7], from: HH:MM, until: HH:MM }]; empty: any time';
    `);
    for (const table of ['rotation', 'rotation_issue', 'rotation_place', 'rotation_setting'])
      await isolate(q, table, 'integration');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(
      `DROP TABLE rotation_setting, rotation_place, rotation_issue, rotation; DROP SEQUENCE reference_rot`,
    );
  }
}
