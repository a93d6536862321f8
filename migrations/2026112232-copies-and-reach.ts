/**
 * Containment takes more than the credential itself: which version each copy held, and since when (a place that moves on
 * keeps its history, so that an older version is not forgotten there); what was looked at and what that told; what the
 * credential reached, as work with an owner and an end; and what failed after a revocation.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate } from './isolation.ts';

export class CopiesAndReach2026112232000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE location_holding (
        location_id uuid NOT NULL,
        seq bigint GENERATED ALWAYS AS IDENTITY,
        integration_id uuid NOT NULL,
        version_id uuid NOT NULL,
        arrived_by text NOT NULL,
        put_by text,
        put_at timestamptz,
        shown_by text NOT NULL,
        recorded_at timestamptz NOT NULL,
        CONSTRAINT location_holding_pk PRIMARY KEY (location_id, seq),
        CONSTRAINT location_holding_shown_by_known CHECK (shown_by IN ('record', 'fingerprint', 'store_api')),
        CONSTRAINT location_holding_location_fk FOREIGN KEY (location_id, integration_id) REFERENCES location (id, integration_id),
        CONSTRAINT location_holding_version_fk FOREIGN KEY (version_id) REFERENCES credential_version (id)
      );
      COMMENT ON COLUMN location_holding.shown_by IS 'record: somebody wrote it down; otherwise what was seen there';
      CREATE INDEX location_holding_by_version ON location_holding (version_id, location_id);

      CREATE TABLE copy_look (
        id uuid NOT NULL,
        location_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        version_id uuid NOT NULL,
        method text NOT NULL,
        verdict text NOT NULL,
        why text NOT NULL,
        tool text NOT NULL DEFAULT '',
        document_hash bytea,
        looked_at timestamptz NOT NULL,
        recorded_by text NOT NULL,
        recorded_at timestamptz NOT NULL,
        CONSTRAINT copy_look_pk PRIMARY KEY (id),
        CONSTRAINT copy_look_method_known CHECK (method IN ('scan', 'fingerprint', 'store_api')),
        CONSTRAINT copy_look_verdict_known CHECK (verdict IN ('gone', 'present', 'indeterminate')),
        CONSTRAINT copy_look_location_fk FOREIGN KEY (location_id, integration_id) REFERENCES location (id, integration_id),
        CONSTRAINT copy_look_version_fk FOREIGN KEY (version_id) REFERENCES credential_version (id)
      );
      COMMENT ON COLUMN copy_look.document_hash IS 'SHA-256 of the file that was judged; the file itself is not kept';
      CREATE INDEX copy_look_by_location ON copy_look (location_id, version_id, recorded_at);

      CREATE TABLE downstream_item (
        id uuid NOT NULL,
        incident_id uuid NOT NULL,
        case_id uuid,
        credential_id uuid NOT NULL,
        version_id uuid NOT NULL,
        system_id uuid NOT NULL,
        system_name text NOT NULL,
        kind text NOT NULL,
        basis text NOT NULL,
        why text NOT NULL,
        party_id uuid NOT NULL,
        owner_contact_id uuid,
        due_at timestamptz NOT NULL,
        state text NOT NULL DEFAULT 'open',
        note text NOT NULL DEFAULT '',
        settled_by text,
        settled_at timestamptz,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        row_version int NOT NULL DEFAULT 1,
        CONSTRAINT downstream_item_pk PRIMARY KEY (id),
        CONSTRAINT downstream_item_once UNIQUE (incident_id, version_id, system_id, kind),
        CONSTRAINT downstream_item_kind_known CHECK (kind IN ('reads', 'bad_writes', 'rate_limit_exhaustion', 'webhook_floods', 'poisoned_workflows')),
        CONSTRAINT downstream_item_basis_known CHECK (basis IN ('entitled', 'observed', 'copy')),
        CONSTRAINT downstream_item_state_known CHECK (state IN ('open', 'done', 'not_doing')),
        CONSTRAINT downstream_item_settled_whole CHECK ((state = 'open') = (settled_at IS NULL) AND (state = 'open' OR note <> '')),
        CONSTRAINT downstream_item_incident_fk FOREIGN KEY (incident_id) REFERENCES incident (id),
        CONSTRAINT downstream_item_case_fk FOREIGN KEY (case_id) REFERENCES incident_case (id),
        CONSTRAINT downstream_item_credential_fk FOREIGN KEY (credential_id) REFERENCES credential (id),
        CONSTRAINT downstream_item_version_fk FOREIGN KEY (version_id) REFERENCES credential_version (id),
        CONSTRAINT downstream_item_system_fk FOREIGN KEY (system_id) REFERENCES system (id),
        CONSTRAINT downstream_item_party_fk FOREIGN KEY (party_id) REFERENCES party (id),
        CONSTRAINT downstream_item_owner_contact_fk FOREIGN KEY (owner_contact_id) REFERENCES contact (id)
      );
      COMMENT ON COLUMN downstream_item.system_name IS 'for its owner, who may see no other system';
      CREATE INDEX downstream_item_by_party ON downstream_item (party_id, due_at);
      CREATE INDEX downstream_item_open ON downstream_item (due_at, id) WHERE state = 'open';

      CREATE TABLE failure_report (
        id uuid NOT NULL,
        external_key text,
        integration_id uuid NOT NULL,
        credential_id uuid,
        version_id uuid,
        consumer text NOT NULL,
        at timestamptz NOT NULL,
        status int,
        failure text,
        actors int,
        actors_failing int,
        fallback text NOT NULL,
        fallback_note text NOT NULL DEFAULT '',
        note text NOT NULL DEFAULT '',
        reported_by text NOT NULL,
        recorded_at timestamptz NOT NULL,
        CONSTRAINT failure_report_pk PRIMARY KEY (id),
        CONSTRAINT failure_report_external_key UNIQUE (external_key),
        CONSTRAINT failure_report_failure_known CHECK (failure IN ('dns', 'connect', 'tls', 'timeout', 'protocol')),
        CONSTRAINT failure_report_fallback_known CHECK (fallback IN ('triggered', 'not_triggered', 'none', 'unknown')),
        CONSTRAINT failure_report_actors_whole CHECK (actors >= actors_failing AND actors_failing >= 0),
        CONSTRAINT failure_report_integration_fk FOREIGN KEY (integration_id) REFERENCES integration (id),
        CONSTRAINT failure_report_credential_fk FOREIGN KEY (credential_id) REFERENCES credential (id),
        CONSTRAINT failure_report_version_fk FOREIGN KEY (version_id) REFERENCES credential_version (id)
      );
      CREATE INDEX failure_report_by_credential ON failure_report (credential_id, at) WHERE credential_id IS NOT NULL;
      CREATE INDEX failure_report_by_integration ON failure_report (integration_id, at);
    `);
    await isolate(q, 'location_holding', 'integration', { appendOnly: true });
    await isolate(q, 'copy_look', 'integration', { appendOnly: true });
    await isolate(q, 'downstream_item', 'party');
    await isolate(q, 'failure_report', 'integration', { appendOnly: true });
    await q.query(`
      INSERT INTO location_holding (location_id, integration_id, version_id, arrived_by, put_by, put_at, shown_by, recorded_at)
      SELECT l.id, l.integration_id, l.version_id, l.arrived_by, l.put_by, l.put_at, 'record', l.updated_at
        FROM location l WHERE l.version_id IS NOT NULL ORDER BY l.created_at, l.id;

      -- By whatever way a copy comes to hold a version, its history says so. One statement for a whole import.
      CREATE FUNCTION cs_location_held() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        INSERT INTO location_holding (location_id, integration_id, version_id, arrived_by, put_by, put_at, shown_by, recorded_at)
        SELECT c.id, c.integration_id, c.version_id, c.arrived_by, c.put_by, c.put_at, 'record', c.updated_at
          FROM changed c
          LEFT JOIN LATERAL (SELECT h.version_id, h.arrived_by, h.put_by, h.put_at FROM location_holding h
                              WHERE h.location_id = c.id ORDER BY h.seq DESC LIMIT 1) h ON true
         WHERE c.version_id IS NOT NULL
           AND (c.version_id, c.arrived_by, c.put_by, c.put_at) IS DISTINCT FROM (h.version_id, h.arrived_by, h.put_by, h.put_at);
        RETURN NULL;
      END $$;
      CREATE TRIGGER location_held_insert AFTER INSERT ON location
        REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION cs_location_held();
      CREATE TRIGGER location_held_update AFTER UPDATE ON location
        REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION cs_location_held();
    `);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`
      DROP TRIGGER location_held_insert ON location;
      DROP TRIGGER location_held_update ON location;
      DROP FUNCTION cs_location_held();
      DROP TABLE failure_report, downstream_item, copy_look, location_holding;
    `);
  }
}
