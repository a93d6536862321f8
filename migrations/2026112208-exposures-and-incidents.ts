/**
 * What was reported, and what became of it.
 *
 * A delivery is known twice: by the id that its sender gave it (which may not be signed) and by a key made of its signed
 * content. What arrives together is a batch: its values stand sealed in one envelope from the door to the match, and the
 * match destroys it, keeping only what a revocation needs. Exposures keep keyed digests of an unmatched value, so that a credential imported later is still found. At most
 * one open incident per credential, and per place of a leak, is kept by partial unique indexes: two witnesses that arrive
 * in the same instant cannot open two. Outsiders see cases (one per affected integration), never incidents.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate } from './isolation.ts';

export class ExposuresAndIncidents2026112208000 implements MigrationInterface {
  readonly name = 'ExposuresAndIncidents2026112208000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE source (
        id uuid NOT NULL,
        key text NOT NULL,
        kind text NOT NULL,
        name text NOT NULL,
        environment text NOT NULL DEFAULT 'production',
        trust text NOT NULL DEFAULT 'approve',
        party_id uuid,
        key_refs jsonb NOT NULL DEFAULT '[]',
        api_base_url text,
        api_token_ref text,
        owner_contact_id uuid,
        active boolean NOT NULL DEFAULT true,
        quota_per_hour int NOT NULL DEFAULT 100000,
        last_seen_at timestamptz,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        row_version int NOT NULL DEFAULT 1,
        CONSTRAINT source_pk PRIMARY KEY (id),
        CONSTRAINT source_key UNIQUE (key),
        CONSTRAINT source_trust_known CHECK (trust IN ('act', 'approve', 'inform')),
        CONSTRAINT source_party_fk FOREIGN KEY (party_id) REFERENCES party (id),
        CONSTRAINT source_owner_contact_fk FOREIGN KEY (owner_contact_id) REFERENCES contact (id)
      );
      COMMENT ON COLUMN source.trust IS 'how far a report of this source may go unattended: act on its word, ask first, or only inform';

      CREATE TABLE delivery (
        id uuid NOT NULL,
        source_id uuid NOT NULL,
        delivery_id text NOT NULL,
        content_key text NOT NULL,
        body_hash bytea NOT NULL,
        size int NOT NULL,
        event text NOT NULL,
        reports int NOT NULL DEFAULT 0,
        outcome text NOT NULL,
        reason text NOT NULL DEFAULT '',
        redeliveries int NOT NULL DEFAULT 0,
        correlation_id text NOT NULL,
        received_at timestamptz NOT NULL,
        CONSTRAINT delivery_pk PRIMARY KEY (id),
        CONSTRAINT delivery_once_by_id UNIQUE (source_id, delivery_id),
        CONSTRAINT delivery_outcome_known CHECK (outcome IN ('accepted', 'acknowledged', 'repeated')),
        CONSTRAINT delivery_source_fk FOREIGN KEY (source_id) REFERENCES source (id)
      );
      CREATE UNIQUE INDEX delivery_once_by_content ON delivery (source_id, content_key) WHERE outcome = 'accepted';
      CREATE INDEX delivery_by_time ON delivery (source_id, received_at DESC);

      CREATE TABLE incident (
        id uuid NOT NULL,
        reference text NOT NULL,
        title text NOT NULL,
        state text NOT NULL DEFAULT 'reported',
        severity text NOT NULL DEFAULT 'high',
        previous_incident_id uuid,
        awareness_at timestamptz NOT NULL,
        opened_at timestamptz NOT NULL,
        contained_at timestamptz,
        closed_at timestamptz,
        dismiss_requested_by text,
        acknowledged_by text,
        acknowledged_at timestamptz,
        correlation_id text NOT NULL,
        updated_at timestamptz NOT NULL,
        row_version int NOT NULL DEFAULT 1,
        CONSTRAINT incident_pk PRIMARY KEY (id),
        CONSTRAINT incident_reference UNIQUE (reference),
        CONSTRAINT incident_state_known CHECK (state IN ('reported', 'triage', 'containing', 'contained', 'recovering', 'closed', 'dismissed')),
        CONSTRAINT incident_severity_known CHECK (severity IN ('low', 'medium', 'high', 'critical')),
        CONSTRAINT incident_previous_fk FOREIGN KEY (previous_incident_id) REFERENCES incident (id)
      );
      CREATE INDEX incident_by_opening ON incident (opened_at DESC, id DESC);

      CREATE TABLE incident_credential (
        incident_id uuid NOT NULL,
        version_id uuid NOT NULL,
        credential_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        batch_id uuid NOT NULL,
        run_id uuid,
        match text NOT NULL,
        authority text NOT NULL,
        approve_within_minutes int,
        approve_otherwise text,
        may_act text NOT NULL,
        source_trust text NOT NULL,
        why text NOT NULL,
        joined_at timestamptz NOT NULL,
        open boolean NOT NULL DEFAULT true,
        CONSTRAINT incident_credential_pk PRIMARY KEY (incident_id, version_id),
        CONSTRAINT incident_credential_match_known CHECK (match IN ('value', 'metadata')),
        CONSTRAINT incident_credential_authority_known CHECK (authority IN ('revoke_now', 'replace_first', 'approve_within')),
        CONSTRAINT incident_credential_may_act_known CHECK (may_act IN ('act', 'approve', 'replace_first', 'person')),
        CONSTRAINT incident_credential_trust_known CHECK (source_trust IN ('act', 'approve', 'inform')),
        CONSTRAINT incident_credential_incident_fk FOREIGN KEY (incident_id) REFERENCES incident (id),
        CONSTRAINT incident_credential_version_fk FOREIGN KEY (version_id, credential_id, integration_id) REFERENCES credential_version (id, credential_id, integration_id)
      );
      CREATE UNIQUE INDEX incident_credential_one_open ON incident_credential (version_id) WHERE open;
      CREATE INDEX incident_credential_by_credential ON incident_credential (credential_id);
      CREATE INDEX incident_credential_by_batch ON incident_credential (batch_id);
      COMMENT ON COLUMN incident_credential.batch_id IS 'what joined together runs together';
      COMMENT ON COLUMN incident_credential.authority IS 'frozen from the agreement in force at awareness';

      CREATE TABLE incident_place (
        incident_id uuid NOT NULL,
        place text NOT NULL,
        open boolean NOT NULL DEFAULT true,
        CONSTRAINT incident_place_pk PRIMARY KEY (incident_id, place),
        CONSTRAINT incident_place_incident_fk FOREIGN KEY (incident_id) REFERENCES incident (id)
      );
      CREATE UNIQUE INDEX incident_place_one_open ON incident_place (place) WHERE open;
      COMMENT ON TABLE incident_place IS 'where the leak was found; leaks at one place while its incident is open belong together';

      CREATE TABLE exposure_batch (
        id uuid NOT NULL,
        values_ref text,
        correlation_id text NOT NULL,
        created_at timestamptz NOT NULL,
        CONSTRAINT exposure_batch_pk PRIMARY KEY (id)
      );
      CREATE INDEX exposure_batch_holding ON exposure_batch (created_at) WHERE values_ref IS NOT NULL;
      COMMENT ON TABLE exposure_batch IS 'what arrived together is matched and accepted together';
      COMMENT ON COLUMN exposure_batch.values_ref IS 'one sealed envelope with the reported values; destroyed by the match';

      CREATE TABLE exposure (
        id uuid NOT NULL,
        reference text NOT NULL,
        batch_id uuid NOT NULL,
        source_id uuid,
        delivery_id uuid,
        external_ref text NOT NULL,
        reporter_kind text NOT NULL,
        reporter_id text NOT NULL,
        reporter_party_id uuid,
        trust text NOT NULL,
        place text,
        state text NOT NULL DEFAULT 'received',
        triage_reason text,
        match text,
        version_id uuid,
        credential_id uuid,
        integration_id uuid,
        incident_id uuid,
        supplier_id text,
        kind text,
        source_says text NOT NULL DEFAULT 'unknown',
        publicly_leaked boolean NOT NULL DEFAULT false,
        detected_at timestamptz,
        received_at timestamptz NOT NULL,
        matched_at timestamptz,
        resolved_at timestamptz,
        resolution text,
        source_as_of timestamptz,
        dismiss_requested_by text,
        correlation_id text NOT NULL,
        updated_at timestamptz NOT NULL,
        row_version int NOT NULL DEFAULT 1,
        CONSTRAINT exposure_pk PRIMARY KEY (id),
        CONSTRAINT exposure_reference UNIQUE (reference),
        CONSTRAINT exposure_state_known CHECK (state IN ('received', 'fetching', 'matched', 'triage', 'accepted', 'dismissed')),
        CONSTRAINT exposure_trust_known CHECK (trust IN ('act', 'approve', 'inform')),
        CONSTRAINT exposure_match_known CHECK (match IN ('value', 'metadata', 'none')),
        CONSTRAINT exposure_source_says_known CHECK (source_says IN ('live', 'dead', 'unknown')),
        CONSTRAINT exposure_accepted_has_incident CHECK (state <> 'accepted' OR incident_id IS NOT NULL),
        CONSTRAINT exposure_triage_has_reason CHECK (state <> 'triage' OR triage_reason IS NOT NULL),
        CONSTRAINT exposure_batch_fk FOREIGN KEY (batch_id) REFERENCES exposure_batch (id),
        CONSTRAINT exposure_source_fk FOREIGN KEY (source_id) REFERENCES source (id),
        CONSTRAINT exposure_delivery_fk FOREIGN KEY (delivery_id) REFERENCES delivery (id),
        CONSTRAINT exposure_reporter_party_fk FOREIGN KEY (reporter_party_id) REFERENCES party (id),
        CONSTRAINT exposure_version_fk FOREIGN KEY (version_id, credential_id, integration_id) REFERENCES credential_version (id, credential_id, integration_id),
        CONSTRAINT exposure_incident_fk FOREIGN KEY (incident_id) REFERENCES incident (id)
      );
      CREATE UNIQUE INDEX exposure_once_per_source ON exposure (source_id, external_ref) WHERE source_id IS NOT NULL;
      CREATE INDEX exposure_by_incident ON exposure (incident_id) WHERE incident_id IS NOT NULL;
      CREATE INDEX exposure_by_state ON exposure (state, received_at);
      CREATE INDEX exposure_by_delivery ON exposure (delivery_id);
      CREATE INDEX exposure_by_batch ON exposure (batch_id);
      CREATE INDEX exposure_by_version ON exposure (version_id) WHERE version_id IS NOT NULL;
      CREATE INDEX exposure_by_reporter ON exposure (reporter_party_id, id DESC) WHERE reporter_party_id IS NOT NULL;
      CREATE INDEX exposure_by_supplier_id ON exposure (supplier_id) WHERE supplier_id IS NOT NULL AND state = 'triage';
      COMMENT ON COLUMN exposure.trust IS 'of its source or reporter, when it came';

      CREATE TABLE exposure_digest (
        exposure_id uuid NOT NULL,
        form text NOT NULL,
        scheme text NOT NULL,
        key_id text NOT NULL,
        digest bytea NOT NULL,
        CONSTRAINT exposure_digest_pk PRIMARY KEY (exposure_id, form, scheme, key_id),
        CONSTRAINT exposure_digest_exposure_fk FOREIGN KEY (exposure_id) REFERENCES exposure (id)
      );
      CREATE INDEX exposure_digest_by_digest ON exposure_digest (digest);

      CREATE TABLE exposure_found_at (
        id uuid NOT NULL,
        exposure_id uuid NOT NULL,
        type text NOT NULL,
        url text,
        path text,
        line int,
        seen_at timestamptz NOT NULL,
        CONSTRAINT exposure_found_at_pk PRIMARY KEY (id),
        CONSTRAINT exposure_found_at_once UNIQUE NULLS NOT DISTINCT (exposure_id, type, url, path, line),
        CONSTRAINT exposure_found_at_exposure_fk FOREIGN KEY (exposure_id) REFERENCES exposure (id)
      );

      CREATE TABLE incident_case (
        id uuid NOT NULL,
        reference text NOT NULL,
        incident_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        state text NOT NULL DEFAULT 'open',
        matrix_version_id uuid,
        agreement_version_id uuid,
        awareness_at timestamptz NOT NULL,
        opened_at timestamptz NOT NULL,
        contained_at timestamptz,
        closed_at timestamptz,
        outside_summary text NOT NULL DEFAULT '',
        updated_at timestamptz NOT NULL,
        row_version int NOT NULL DEFAULT 1,
        CONSTRAINT incident_case_pk PRIMARY KEY (id),
        CONSTRAINT incident_case_reference UNIQUE (reference),
        CONSTRAINT incident_case_once UNIQUE (incident_id, integration_id),
        CONSTRAINT incident_case_id_integration UNIQUE (id, integration_id),
        CONSTRAINT incident_case_state_known CHECK (state IN ('open', 'contained', 'closed', 'dismissed')),
        CONSTRAINT incident_case_incident_fk FOREIGN KEY (incident_id) REFERENCES incident (id),
        CONSTRAINT incident_case_integration_fk FOREIGN KEY (integration_id) REFERENCES integration (id),
        CONSTRAINT incident_case_matrix_version_fk FOREIGN KEY (matrix_version_id) REFERENCES matrix_version (id),
        CONSTRAINT incident_case_agreement_version_fk FOREIGN KEY (agreement_version_id) REFERENCES agreement_version (id)
      );
      CREATE INDEX incident_case_by_integration ON incident_case (integration_id, opened_at DESC);
      COMMENT ON COLUMN incident_case.matrix_version_id IS 'in force at awareness; frozen';

      CREATE TABLE case_credential (
        case_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        credential_id uuid NOT NULL,
        version_id uuid NOT NULL,
        joined_at timestamptz NOT NULL,
        CONSTRAINT case_credential_pk PRIMARY KEY (case_id, version_id),
        CONSTRAINT case_credential_case_fk FOREIGN KEY (case_id, integration_id) REFERENCES incident_case (id, integration_id),
        CONSTRAINT case_credential_use_fk FOREIGN KEY (credential_id, integration_id) REFERENCES credential_use (credential_id, integration_id),
        CONSTRAINT case_credential_version_fk FOREIGN KEY (version_id) REFERENCES credential_version (id)
      );

      CREATE TABLE instant (
        id uuid NOT NULL,
        incident_id uuid NOT NULL,
        case_id uuid,
        kind text NOT NULL,
        at timestamptz NOT NULL,
        zone text NOT NULL DEFAULT 'UTC',
        asserted_by_kind text NOT NULL,
        asserted_by text NOT NULL,
        basis text NOT NULL,
        disputes_id uuid,
        recorded_at timestamptz NOT NULL,
        CONSTRAINT instant_pk PRIMARY KEY (id),
        CONSTRAINT instant_kind_known CHECK (kind IN ('occurred', 'detected', 'received', 'matched', 'suspected', 'confirmed', 'determined', 'classified', 'contained')),
        CONSTRAINT instant_incident_fk FOREIGN KEY (incident_id) REFERENCES incident (id),
        CONSTRAINT instant_case_fk FOREIGN KEY (case_id) REFERENCES incident_case (id),
        CONSTRAINT instant_disputes_fk FOREIGN KEY (disputes_id) REFERENCES instant (id)
      );
      CREATE INDEX instant_by_incident ON instant (incident_id, recorded_at);
      CREATE INDEX instant_by_case ON instant (case_id, kind, at) WHERE case_id IS NOT NULL;
    `);
    for (const table of [
      'source',
      'delivery',
      'incident',
      'incident_credential',
      'incident_place',
      'exposure_batch',
      'exposure',
      'exposure_digest',
      'exposure_found_at',
    ]) {
      await isolate(q, table, 'installation');
    }
    await isolate(q, 'instant', 'installation', { appendOnly: true });
    for (const table of ['incident_case', 'case_credential']) await isolate(q, table, 'integration');
    // What a party may see of its own reports: nothing that tells whether something matched.
    await q.query(`
      CREATE FUNCTION cs_own_exposure_reports(before uuid, at_most int)
      RETURNS TABLE (id uuid, reference text, external_ref text, kind text, place text, detected_at timestamptz, received_at timestamptz)
      LANGUAGE sql STABLE SECURITY DEFINER
      SET search_path = public, pg_temp
      AS $$
        SELECT e.id, e.reference, e.external_ref, e.kind, e.place, e.detected_at, e.received_at
          FROM exposure e
         WHERE e.reporter_party_id = cs_party() AND (before IS NULL OR e.id < before)
         ORDER BY e.id DESC LIMIT least(at_most, 200)
      $$`);
    await q.query(`REVOKE ALL ON FUNCTION cs_own_exposure_reports(uuid, int) FROM PUBLIC`);
    await q.query(`GRANT EXECUTE ON FUNCTION cs_own_exposure_reports(uuid, int) TO countersign_app`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DROP FUNCTION cs_own_exposure_reports(uuid, int)`);
    await q.query(`DROP TABLE instant, case_credential, incident_case, exposure_found_at, exposure_digest, exposure, exposure_batch,
      incident_place, incident_credential, incident, delivery, source`);
  }
}
