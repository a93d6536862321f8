/**
 * How a credential can be killed, and what is known of its death.
 *
 * The four facets of death stand in columns of their own because none implies another; each points at the evidence that
 * set it. Evidence, proofs and statements are written once and never changed. A connection's authentication and its
 * control canary are references into a secret store, never values.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate } from './isolation.ts';

export class Revocation2026112207000 implements MigrationInterface {
  readonly name = 'Revocation2026112207000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE sealed_secret (
        id uuid NOT NULL,
        bound_to text NOT NULL,
        kek_id text NOT NULL,
        wrapped_key bytea,
        nonce bytea NOT NULL,
        ciphertext bytea,
        created_at timestamptz NOT NULL,
        destroyed_at timestamptz,
        CONSTRAINT sealed_secret_pk PRIMARY KEY (id),
        CONSTRAINT sealed_secret_destroyed_whole CHECK ((destroyed_at IS NULL) = (ciphertext IS NOT NULL) AND (ciphertext IS NULL) = (wrapped_key IS NULL))
      );
      CREATE INDEX sealed_secret_by_kek ON sealed_secret (kek_id) WHERE destroyed_at IS NULL;

      CREATE TABLE attachment (
        id uuid NOT NULL,
        integration_id uuid NOT NULL,
        party_id uuid NOT NULL,
        name text NOT NULL,
        media_type text NOT NULL,
        size int NOT NULL,
        sha256 bytea NOT NULL,
        content bytea,
        uploaded_by text NOT NULL,
        created_at timestamptz NOT NULL,
        erased_at timestamptz,
        CONSTRAINT attachment_pk PRIMARY KEY (id),
        CONSTRAINT attachment_integration_fk FOREIGN KEY (integration_id) REFERENCES integration (id),
        CONSTRAINT attachment_party_fk FOREIGN KEY (party_id) REFERENCES party (id)
      );

      CREATE TABLE connector_preset (
        id uuid NOT NULL,
        key text NOT NULL,
        content_hash bytea NOT NULL,
        connector text NOT NULL,
        title text NOT NULL,
        body jsonb NOT NULL,
        source text NOT NULL,
        active boolean NOT NULL DEFAULT true,
        created_at timestamptz NOT NULL,
        CONSTRAINT connector_preset_pk PRIMARY KEY (id),
        CONSTRAINT connector_preset_content UNIQUE (key, content_hash)
      );
      CREATE UNIQUE INDEX connector_preset_one_active ON connector_preset (key) WHERE active;

      CREATE TABLE connection (
        id uuid NOT NULL,
        source text NOT NULL DEFAULT 'console',
        external_key text,
        party_id uuid NOT NULL,
        name text NOT NULL,
        preset_key text NOT NULL,
        base_url text NOT NULL DEFAULT '',
        environment text NOT NULL DEFAULT 'production',
        auth_refs jsonb NOT NULL DEFAULT '{}',
        control_ref text,
        control_supplier_id text,
        max_concurrent int NOT NULL DEFAULT 4,
        per_second numeric(8,2),
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        retired_at timestamptz,
        row_version int NOT NULL DEFAULT 1,
        CONSTRAINT connection_pk PRIMARY KEY (id),
        CONSTRAINT connection_external_key UNIQUE (source, external_key),
        CONSTRAINT connection_max_concurrent_range CHECK (max_concurrent BETWEEN 1 AND 1000),
        CONSTRAINT connection_party_fk FOREIGN KEY (party_id) REFERENCES party (id)
      );
      COMMENT ON COLUMN connection.auth_refs IS 'name of the secret -> reference into a store';
      COMMENT ON COLUMN connection.control_ref IS 'the canary whose life proves that a probe can tell live from dead';

      ALTER TABLE credential ADD CONSTRAINT credential_connection_fk FOREIGN KEY (connection_id) REFERENCES connection (id);
      CREATE INDEX credential_by_connection ON credential (connection_id) WHERE connection_id IS NOT NULL;

      CREATE TABLE revocation_path (
        id uuid NOT NULL,
        credential_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        ordinal int NOT NULL,
        kind text NOT NULL,
        connection_id uuid,
        contact_id uuid,
        party_id uuid NOT NULL,
        expected_minutes int,
        proven_at timestamptz,
        row_version int NOT NULL DEFAULT 1,
        CONSTRAINT revocation_path_pk PRIMARY KEY (id),
        CONSTRAINT revocation_path_order UNIQUE (credential_id, ordinal),
        CONSTRAINT revocation_path_kind_known CHECK (kind IN ('connector', 'contact')),
        CONSTRAINT revocation_path_one_way CHECK ((kind = 'connector') = (connection_id IS NOT NULL) AND (kind = 'contact') = (contact_id IS NOT NULL)),
        CONSTRAINT revocation_path_credential_fk FOREIGN KEY (credential_id, integration_id) REFERENCES credential (id, integration_id),
        CONSTRAINT revocation_path_connection_fk FOREIGN KEY (connection_id) REFERENCES connection (id),
        CONSTRAINT revocation_path_contact_fk FOREIGN KEY (contact_id) REFERENCES contact (id),
        CONSTRAINT revocation_path_party_fk FOREIGN KEY (party_id) REFERENCES party (id)
      );

      CREATE TABLE drill (
        id uuid NOT NULL,
        revocation_path_id uuid NOT NULL,
        run_id uuid,
        started_at timestamptz NOT NULL,
        ended_at timestamptz,
        outcome text,
        CONSTRAINT drill_pk PRIMARY KEY (id),
        CONSTRAINT drill_path_fk FOREIGN KEY (revocation_path_id) REFERENCES revocation_path (id)
      );
      CREATE INDEX drill_by_path ON drill (revocation_path_id, started_at);

      CREATE TABLE evidence (
        id uuid NOT NULL,
        kind text NOT NULL,
        credential_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        version_id uuid NOT NULL,
        location_id uuid,
        step_id uuid,
        idempotency_key text NOT NULL,
        attempt int NOT NULL,
        connection_id uuid,
        path text NOT NULL DEFAULT '',
        asked text NOT NULL,
        status int,
        outcome text NOT NULL,
        why text NOT NULL DEFAULT '',
        extract text NOT NULL DEFAULT '',
        started_at timestamptz NOT NULL,
        ended_at timestamptz NOT NULL,
        CONSTRAINT evidence_pk PRIMARY KEY (id),
        CONSTRAINT evidence_once UNIQUE (idempotency_key, kind, attempt),
        CONSTRAINT evidence_kind_known CHECK (kind IN ('revoke', 'probe', 'control', 'own_authentication', 'sessions', 'location', 'statement')),
        CONSTRAINT evidence_version_fk FOREIGN KEY (version_id, credential_id, integration_id) REFERENCES credential_version (id, credential_id, integration_id),
        CONSTRAINT evidence_location_fk FOREIGN KEY (location_id) REFERENCES location (id),
        CONSTRAINT evidence_connection_fk FOREIGN KEY (connection_id) REFERENCES connection (id)
      );
      CREATE INDEX evidence_by_version ON evidence (version_id, started_at);
      CREATE INDEX evidence_of_controls ON evidence (path, ended_at) WHERE kind = 'control';
      COMMENT ON COLUMN evidence.path IS 'which way and authentication were used; sightings vouch for each other only on one path';

      CREATE TABLE version_death (
        version_id uuid NOT NULL,
        credential_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        revocation text NOT NULL DEFAULT 'none',
        revocation_at timestamptz,
        revocation_evidence_id uuid,
        liveness text,
        liveness_at timestamptz,
        liveness_evidence_id uuid,
        control_evidence_id uuid,
        last_live_at timestamptz,
        sessions text NOT NULL DEFAULT 'unknown',
        sessions_at timestamptz,
        sessions_until timestamptz,
        sessions_evidence_id uuid,
        own_authentication_failures int NOT NULL DEFAULT 0,
        revoke_sent_at timestamptz,
        value_ref text,
        value_until timestamptz,
        updated_at timestamptz NOT NULL,
        row_version int NOT NULL DEFAULT 1,
        CONSTRAINT version_death_pk PRIMARY KEY (version_id),
        CONSTRAINT version_death_revocation_known CHECK (revocation IN ('none', 'requested', 'accepted', 'rejected')),
        CONSTRAINT version_death_liveness_known CHECK (liveness IN ('live', 'dead', 'indeterminate')),
        CONSTRAINT version_death_sessions_known CHECK (sessions IN ('unknown', 'ended', 'residual', 'none')),
        CONSTRAINT version_death_dead_is_proven CHECK (liveness <> 'dead' OR (liveness_evidence_id IS NOT NULL AND control_evidence_id IS NOT NULL)),
        CONSTRAINT version_death_version_fk FOREIGN KEY (version_id, credential_id, integration_id) REFERENCES credential_version (id, credential_id, integration_id),
        CONSTRAINT version_death_revocation_evidence_fk FOREIGN KEY (revocation_evidence_id) REFERENCES evidence (id),
        CONSTRAINT version_death_liveness_evidence_fk FOREIGN KEY (liveness_evidence_id) REFERENCES evidence (id),
        CONSTRAINT version_death_control_evidence_fk FOREIGN KEY (control_evidence_id) REFERENCES evidence (id),
        CONSTRAINT version_death_sessions_evidence_fk FOREIGN KEY (sessions_evidence_id) REFERENCES evidence (id)
      );

      CREATE INDEX version_death_values ON version_death (value_until) WHERE value_ref IS NOT NULL;
      COMMENT ON COLUMN version_death.revoke_sent_at IS 'when the last revoke left the house, its answer known or not';
      COMMENT ON COLUMN version_death.value_ref IS 'the value under test, kept until containment is verified or value_until has come';

      CREATE TABLE statement (
        id uuid NOT NULL,
        kind text NOT NULL,
        subject_kind text NOT NULL,
        subject_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        party_id uuid,
        user_id uuid,
        contact_id uuid,
        signs_for text NOT NULL,
        text text NOT NULL,
        text_hash bytea NOT NULL,
        strength text NOT NULL,
        at timestamptz NOT NULL,
        CONSTRAINT statement_pk PRIMARY KEY (id),
        CONSTRAINT statement_kind_known CHECK (kind IN ('revoked', 'replaced', 'copy_gone', 'sessions_ended', 'not_affected')),
        CONSTRAINT statement_strength_known CHECK (strength IN ('mailbox', 'second_channel', 'account_mfa', 'detached_signature', 'account')),
        CONSTRAINT statement_integration_fk FOREIGN KEY (integration_id) REFERENCES integration (id),
        CONSTRAINT statement_party_fk FOREIGN KEY (party_id) REFERENCES party (id),
        CONSTRAINT statement_user_fk FOREIGN KEY (user_id) REFERENCES user_account (id),
        CONSTRAINT statement_contact_fk FOREIGN KEY (contact_id) REFERENCES contact (id)
      );
      CREATE INDEX statement_by_subject ON statement (subject_id, at);

      CREATE TABLE location_proof (
        id uuid NOT NULL,
        location_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        version_id uuid NOT NULL,
        verdict text NOT NULL,
        method text NOT NULL,
        why text NOT NULL DEFAULT '',
        evidence_id uuid,
        statement_id uuid,
        at timestamptz NOT NULL,
        CONSTRAINT location_proof_pk PRIMARY KEY (id),
        CONSTRAINT location_proof_verdict_known CHECK (verdict IN ('gone', 'present', 'cannot_be_proven')),
        CONSTRAINT location_proof_location_fk FOREIGN KEY (location_id, integration_id) REFERENCES location (id, integration_id),
        CONSTRAINT location_proof_version_fk FOREIGN KEY (version_id) REFERENCES credential_version (id),
        CONSTRAINT location_proof_evidence_fk FOREIGN KEY (evidence_id) REFERENCES evidence (id),
        CONSTRAINT location_proof_statement_fk FOREIGN KEY (statement_id) REFERENCES statement (id)
      );
      CREATE INDEX location_proof_by_location ON location_proof (location_id, version_id, at DESC);

      CREATE TABLE risk_acceptance (
        id uuid NOT NULL,
        subject_kind text NOT NULL,
        subject_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        incident_id uuid,
        requested_by uuid NOT NULL,
        accepted_by uuid NOT NULL,
        reason text NOT NULL,
        until timestamptz NOT NULL,
        created_at timestamptz NOT NULL,
        CONSTRAINT risk_acceptance_pk PRIMARY KEY (id),
        CONSTRAINT risk_acceptance_four_eyes CHECK (requested_by <> accepted_by),
        CONSTRAINT risk_acceptance_subject_known CHECK (subject_kind IN ('credential_version', 'location')),
        CONSTRAINT risk_acceptance_integration_fk FOREIGN KEY (integration_id) REFERENCES integration (id),
        CONSTRAINT risk_acceptance_requested_by_fk FOREIGN KEY (requested_by) REFERENCES user_account (id),
        CONSTRAINT risk_acceptance_accepted_by_fk FOREIGN KEY (accepted_by) REFERENCES user_account (id)
      );
      CREATE INDEX risk_acceptance_by_subject ON risk_acceptance (subject_id);
    `);
    for (const table of ['sealed_secret', 'connector_preset', 'connection', 'drill'])
      await isolate(q, table, 'installation');
    for (const table of ['attachment', 'revocation_path', 'version_death'])
      await isolate(q, table, 'integration');
    for (const table of ['evidence']) await isolate(q, table, 'installation', { appendOnly: true });
    for (const table of ['statement', 'location_proof', 'risk_acceptance'])
      await isolate(q, table, 'integration', { appendOnly: true });
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE credential DROP CONSTRAINT credential_connection_fk;
      DROP INDEX credential_by_connection;
      DROP TABLE risk_acceptance, location_proof, statement, version_death, evidence, drill, revocation_path, connection,
        connector_preset, attachment, sealed_secret`);
  }
}
