/**
 * The inventory and who answers for it: integrations with their parties and dependencies, responsibility matrices with
 * their countersignatures, credentials with versions, fingerprints, uses, locations and what they reach.
 *
 * Every row that an outsider may see carries `integration_id`, tied to its parent by a composite foreign key, so that a
 * row cannot claim another integration than its parent's. A shared credential is one row in its home integration and one
 * `credential_use` in each integration that uses it: an outsider sees its own use and never the others. Fingerprints are
 * for the installation alone. Matrix versions and their rows are never edited.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate } from './isolation.ts';

const DUTIES = `'admission', 'issuance', 'storage', 'distribution', 'scope_approval', 'rotation', 'monitoring',
  'revocation', 'notification', 'containment', 'downstream_impact', 'recovery'`;

export class IntegrationsAndCredentials2026112205000 implements MigrationInterface {
  readonly name = 'IntegrationsAndCredentials2026112205000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE integration (
        id uuid NOT NULL,
        reference text NOT NULL,
        source text NOT NULL DEFAULT 'console',
        external_key text,
        name text NOT NULL,
        purpose text NOT NULL DEFAULT '',
        data_class text NOT NULL DEFAULT 'internal',
        risk_tier int NOT NULL DEFAULT 2,
        state text NOT NULL DEFAULT 'draft',
        pass text NOT NULL DEFAULT 'refused',
        pass_grace_until timestamptz,
        owner_contact_id uuid,
        agreement_id uuid,
        environments text[] NOT NULL DEFAULT '{production}',
        regions text[] NOT NULL DEFAULT '{}',
        sectors text[] NOT NULL DEFAULT '{}',
        shadow boolean NOT NULL DEFAULT false,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        row_version int NOT NULL DEFAULT 1,
        CONSTRAINT integration_pk PRIMARY KEY (id),
        CONSTRAINT integration_reference UNIQUE (reference),
        CONSTRAINT integration_external_key UNIQUE (source, external_key),
        CONSTRAINT integration_state_known CHECK (state IN ('draft', 'in_review', 'approved', 'live', 'suspended', 'retired', 'quarantined')),
        CONSTRAINT integration_pass_known CHECK (pass IN ('held', 'lost', 'refused')),
        CONSTRAINT integration_risk_tier_range CHECK (risk_tier BETWEEN 1 AND 4),
        CONSTRAINT integration_owner_contact_fk FOREIGN KEY (owner_contact_id) REFERENCES contact (id),
        CONSTRAINT integration_agreement_fk FOREIGN KEY (agreement_id) REFERENCES agreement (id)
      );
      CREATE INDEX integration_by_name ON integration (name, id);

      CREATE TABLE integration_party (
        integration_id uuid NOT NULL,
        party_id uuid NOT NULL,
        party_name text NOT NULL,
        role text NOT NULL,
        CONSTRAINT integration_party_pk PRIMARY KEY (integration_id, party_id, role),
        CONSTRAINT integration_party_role_known CHECK (role IN ('supplier', 'customer', 'sub_processor', 'authority', 'insurer')),
        CONSTRAINT integration_party_integration_fk FOREIGN KEY (integration_id) REFERENCES integration (id),
        CONSTRAINT integration_party_party_fk FOREIGN KEY (party_id, party_name) REFERENCES party (id, name) ON UPDATE CASCADE
      );
      CREATE INDEX integration_party_by_party ON integration_party (party_id, integration_id);
      COMMENT ON COLUMN integration_party.party_name IS 'so that one side may read the other''s name without seeing its party row';

      CREATE TABLE integration_dependency (
        id uuid NOT NULL,
        integration_id uuid NOT NULL,
        party_id uuid NOT NULL,
        depends_on_integration_id uuid,
        depth int NOT NULL,
        via text NOT NULL DEFAULT '',
        CONSTRAINT integration_dependency_pk PRIMARY KEY (id),
        CONSTRAINT integration_dependency_once UNIQUE (integration_id, party_id, depth),
        CONSTRAINT integration_dependency_depth_range CHECK (depth BETWEEN 1 AND 5),
        CONSTRAINT integration_dependency_not_itself CHECK (depends_on_integration_id <> integration_id),
        CONSTRAINT integration_dependency_integration_fk FOREIGN KEY (integration_id) REFERENCES integration (id),
        CONSTRAINT integration_dependency_party_fk FOREIGN KEY (party_id) REFERENCES party (id),
        CONSTRAINT integration_dependency_on_fk FOREIGN KEY (depends_on_integration_id) REFERENCES integration (id)
      );

      CREATE TABLE credential (
        id uuid NOT NULL,
        reference text NOT NULL,
        source text NOT NULL DEFAULT 'console',
        external_key text,
        integration_id uuid NOT NULL,
        name text NOT NULL,
        kind text NOT NULL,
        environment text NOT NULL DEFAULT 'production',
        purpose text NOT NULL DEFAULT '',
        direction text NOT NULL DEFAULT 'outbound',
        owner_contact_id uuid,
        issuer_party_id uuid NOT NULL,
        verifier_party_id uuid NOT NULL,
        beneficiary_party_id uuid,
        authority text,
        approve_within_minutes int,
        approve_otherwise text,
        revocability text NOT NULL DEFAULT 'manual',
        connection_id uuid,
        risk int NOT NULL DEFAULT 500,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        retired_at timestamptz,
        row_version int NOT NULL DEFAULT 1,
        CONSTRAINT credential_pk PRIMARY KEY (id),
        CONSTRAINT credential_reference UNIQUE (reference),
        CONSTRAINT credential_external_key UNIQUE (source, external_key),
        CONSTRAINT credential_id_integration UNIQUE (id, integration_id),
        CONSTRAINT credential_direction_known CHECK (direction IN ('inbound', 'outbound')),
        CONSTRAINT credential_authority_known CHECK (authority IN ('revoke_now', 'replace_first', 'approve_within')),
        CONSTRAINT credential_otherwise_known CHECK (approve_otherwise IN ('act', 'escalate')),
        CONSTRAINT credential_approval_has_time CHECK (authority <> 'approve_within' OR approve_within_minutes > 0),
        CONSTRAINT credential_revocability_known CHECK (revocability IN ('instant', 'delayed', 'expiry_only', 'manual', 'impossible')),
        CONSTRAINT credential_risk_range CHECK (risk BETWEEN 0 AND 1000),
        CONSTRAINT credential_integration_fk FOREIGN KEY (integration_id) REFERENCES integration (id),
        CONSTRAINT credential_owner_contact_fk FOREIGN KEY (owner_contact_id) REFERENCES contact (id),
        CONSTRAINT credential_issuer_fk FOREIGN KEY (issuer_party_id) REFERENCES party (id),
        CONSTRAINT credential_verifier_fk FOREIGN KEY (verifier_party_id) REFERENCES party (id),
        CONSTRAINT credential_beneficiary_fk FOREIGN KEY (beneficiary_party_id) REFERENCES party (id)
      );
      CREATE INDEX credential_by_integration ON credential (integration_id, id);
      CREATE INDEX credential_by_verifier ON credential (verifier_party_id, id);
      COMMENT ON COLUMN credential.authority IS 'null: the default of the agreement in force';
      COMMENT ON COLUMN credential.risk IS 'the riskiest are revoked first';

      CREATE TABLE credential_use (
        credential_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        label text NOT NULL,
        purpose text NOT NULL DEFAULT '',
        since timestamptz NOT NULL,
        CONSTRAINT credential_use_pk PRIMARY KEY (credential_id, integration_id),
        CONSTRAINT credential_use_credential_fk FOREIGN KEY (credential_id) REFERENCES credential (id),
        CONSTRAINT credential_use_integration_fk FOREIGN KEY (integration_id) REFERENCES integration (id)
      );
      CREATE INDEX credential_use_by_integration ON credential_use (integration_id, credential_id);
      COMMENT ON TABLE credential_use IS 'one row per integration that uses the credential, its home included';

      CREATE TABLE credential_holder (
        credential_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        party_id uuid NOT NULL,
        CONSTRAINT credential_holder_pk PRIMARY KEY (credential_id, integration_id, party_id),
        CONSTRAINT credential_holder_use_fk FOREIGN KEY (credential_id, integration_id) REFERENCES credential_use (credential_id, integration_id),
        CONSTRAINT credential_holder_party_fk FOREIGN KEY (party_id) REFERENCES party (id)
      );
      CREATE INDEX credential_holder_by_party ON credential_holder (party_id);

      CREATE TABLE credential_scope (
        id uuid NOT NULL,
        credential_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        name text NOT NULL,
        description text NOT NULL DEFAULT '',
        justification text NOT NULL DEFAULT '',
        CONSTRAINT credential_scope_pk PRIMARY KEY (id),
        CONSTRAINT credential_scope_once UNIQUE (credential_id, name),
        CONSTRAINT credential_scope_credential_fk FOREIGN KEY (credential_id, integration_id) REFERENCES credential (id, integration_id)
      );

      CREATE TABLE credential_version (
        id uuid NOT NULL,
        credential_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        number int NOT NULL,
        supplier_id text,
        issued_at timestamptz,
        issued_by text,
        expires_at timestamptz,
        store_ref text,
        phase text NOT NULL DEFAULT 'active',
        activated_at timestamptz,
        retired_at timestamptz,
        created_at timestamptz NOT NULL,
        row_version int NOT NULL DEFAULT 1,
        CONSTRAINT credential_version_pk PRIMARY KEY (id),
        CONSTRAINT credential_version_number UNIQUE (credential_id, number),
        CONSTRAINT credential_version_id_credential UNIQUE (id, credential_id, integration_id),
        CONSTRAINT credential_version_phase_known CHECK (phase IN ('pending', 'active', 'overlap', 'retired')),
        CONSTRAINT credential_version_credential_fk FOREIGN KEY (credential_id, integration_id) REFERENCES credential (id, integration_id)
      );
      CREATE UNIQUE INDEX credential_version_one_active ON credential_version (credential_id) WHERE phase = 'active';
      CREATE INDEX credential_version_by_supplier_id ON credential_version (supplier_id) WHERE supplier_id IS NOT NULL;
      COMMENT ON COLUMN credential_version.store_ref IS 'where the value is kept, if we keep it; never the value';

      CREATE TABLE fingerprint (
        version_id uuid NOT NULL,
        credential_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        part text NOT NULL DEFAULT 'value',
        scheme text NOT NULL,
        key_id text NOT NULL,
        digest bytea NOT NULL,
        created_at timestamptz NOT NULL,
        CONSTRAINT fingerprint_pk PRIMARY KEY (version_id, part, scheme, key_id),
        CONSTRAINT fingerprint_version_fk FOREIGN KEY (version_id, credential_id, integration_id) REFERENCES credential_version (id, credential_id, integration_id)
      );
      CREATE INDEX fingerprint_by_digest ON fingerprint (digest, scheme, key_id);

      CREATE TABLE location (
        id uuid NOT NULL,
        source text NOT NULL DEFAULT 'console',
        external_key text,
        credential_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        version_id uuid,
        kind text NOT NULL,
        name text NOT NULL,
        path text NOT NULL DEFAULT '',
        arrived_by text NOT NULL DEFAULT 'stored',
        put_by text,
        put_at timestamptz,
        party_id uuid NOT NULL,
        owner_contact_id uuid,
        provable text NOT NULL DEFAULT 'owner_statement',
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        retired_at timestamptz,
        row_version int NOT NULL DEFAULT 1,
        CONSTRAINT location_pk PRIMARY KEY (id),
        CONSTRAINT location_external_key UNIQUE (source, external_key),
        CONSTRAINT location_id_integration UNIQUE (id, integration_id),
        CONSTRAINT location_kind_known CHECK (kind IN ('vault', 'cluster_secret', 'ci_variable', 'env_file', 'config_file', 'log', 'browser_storage', 'developer_tool', 'laptop', 'source', 'build_artefact', 'support_export', 'screenshot', 'legacy_middleware', 'long_running_job')),
        CONSTRAINT location_arrived_by_known CHECK (arrived_by IN ('stored', 'brokered', 'injected', 'cached', 'forwarded', 'leaked')),
        CONSTRAINT location_provable_known CHECK (provable IN ('owner_statement', 'scan', 'fingerprint', 'store_api', 'no')),
        CONSTRAINT location_use_fk FOREIGN KEY (credential_id, integration_id) REFERENCES credential_use (credential_id, integration_id),
        CONSTRAINT location_version_fk FOREIGN KEY (version_id) REFERENCES credential_version (id),
        CONSTRAINT location_party_fk FOREIGN KEY (party_id) REFERENCES party (id),
        CONSTRAINT location_owner_contact_fk FOREIGN KEY (owner_contact_id) REFERENCES contact (id)
      );
      CREATE INDEX location_by_credential ON location (credential_id, id);
      CREATE INDEX location_by_integration ON location (integration_id, id);
      CREATE INDEX location_by_party ON location (party_id, id);

      CREATE TABLE system (
        id uuid NOT NULL,
        source text NOT NULL DEFAULT 'console',
        external_key text,
        name text NOT NULL,
        kind text NOT NULL DEFAULT 'service',
        environment text NOT NULL DEFAULT 'production',
        party_id uuid NOT NULL,
        created_at timestamptz NOT NULL,
        CONSTRAINT system_pk PRIMARY KEY (id),
        CONSTRAINT system_external_key UNIQUE (source, external_key),
        CONSTRAINT system_party_fk FOREIGN KEY (party_id) REFERENCES party (id)
      );

      CREATE TABLE credential_system (
        credential_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        system_id uuid NOT NULL,
        basis text NOT NULL,
        scope text NOT NULL DEFAULT '',
        first_seen_at timestamptz,
        last_seen_at timestamptz,
        CONSTRAINT credential_system_pk PRIMARY KEY (credential_id, system_id, basis),
        CONSTRAINT credential_system_basis_known CHECK (basis IN ('entitled', 'observed')),
        CONSTRAINT credential_system_credential_fk FOREIGN KEY (credential_id, integration_id) REFERENCES credential (id, integration_id),
        CONSTRAINT credential_system_system_fk FOREIGN KEY (system_id) REFERENCES system (id)
      );
      CREATE INDEX credential_system_by_system ON credential_system (system_id);

      CREATE TABLE location_system (
        location_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        system_id uuid NOT NULL,
        CONSTRAINT location_system_pk PRIMARY KEY (location_id, system_id),
        CONSTRAINT location_system_location_fk FOREIGN KEY (location_id, integration_id) REFERENCES location (id, integration_id),
        CONSTRAINT location_system_system_fk FOREIGN KEY (system_id) REFERENCES system (id)
      );
      CREATE INDEX location_system_by_system ON location_system (system_id);

      CREATE TABLE usage_event (
        id uuid NOT NULL,
        version_id uuid NOT NULL,
        credential_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        location_id uuid,
        at timestamptz NOT NULL,
        outcome text NOT NULL,
        actor text,
        environment text,
        reported_by text NOT NULL,
        CONSTRAINT usage_event_pk PRIMARY KEY (id),
        CONSTRAINT usage_event_version_fk FOREIGN KEY (version_id, credential_id, integration_id) REFERENCES credential_version (id, credential_id, integration_id)
      );
      CREATE INDEX usage_event_by_version ON usage_event (version_id, at);

      CREATE TABLE offering (
        id uuid NOT NULL,
        source text NOT NULL DEFAULT 'console',
        external_key text,
        party_id uuid NOT NULL,
        name text NOT NULL,
        body jsonb NOT NULL DEFAULT '{}',
        created_at timestamptz NOT NULL,
        row_version int NOT NULL DEFAULT 1,
        CONSTRAINT offering_pk PRIMARY KEY (id),
        CONSTRAINT offering_external_key UNIQUE (source, external_key),
        CONSTRAINT offering_party_fk FOREIGN KEY (party_id) REFERENCES party (id)
      );

      CREATE TABLE matrix_version (
        id uuid NOT NULL,
        integration_id uuid NOT NULL,
        number int NOT NULL,
        offering_id uuid,
        state text NOT NULL DEFAULT 'draft',
        language text NOT NULL DEFAULT 'en',
        canonical text NOT NULL,
        content_hash bytea NOT NULL,
        text_hash bytea,
        author_id text NOT NULL,
        proposed_by_party_id uuid,
        created_at timestamptz NOT NULL,
        valid_from timestamptz,
        valid_until timestamptz,
        CONSTRAINT matrix_version_pk PRIMARY KEY (id),
        CONSTRAINT matrix_version_number UNIQUE (integration_id, number),
        CONSTRAINT matrix_version_id_integration UNIQUE (id, integration_id),
        CONSTRAINT matrix_version_state_known CHECK (state IN ('draft', 'proposed', 'countersigned', 'withdrawn', 'expired', 'superseded')),
        CONSTRAINT matrix_version_integration_fk FOREIGN KEY (integration_id) REFERENCES integration (id),
        CONSTRAINT matrix_version_offering_fk FOREIGN KEY (offering_id) REFERENCES offering (id),
        CONSTRAINT matrix_version_proposed_by_fk FOREIGN KEY (proposed_by_party_id) REFERENCES party (id)
      );
      COMMENT ON COLUMN matrix_version.canonical IS 'RFC 8785 text whose SHA-256 is content_hash';

      CREATE TABLE matrix_row (
        id uuid NOT NULL,
        matrix_version_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        duty text NOT NULL,
        part text NOT NULL DEFAULT '',
        credential_id uuid,
        accountable_party_id uuid NOT NULL,
        contact_id uuid,
        note text NOT NULL DEFAULT '',
        CONSTRAINT matrix_row_pk PRIMARY KEY (id),
        CONSTRAINT matrix_row_id_integration UNIQUE (id, integration_id),
        CONSTRAINT matrix_row_once UNIQUE NULLS NOT DISTINCT (matrix_version_id, duty, part, credential_id),
        CONSTRAINT matrix_row_duty_known CHECK (duty IN (${DUTIES})),
        CONSTRAINT matrix_row_version_fk FOREIGN KEY (matrix_version_id, integration_id) REFERENCES matrix_version (id, integration_id),
        CONSTRAINT matrix_row_use_fk FOREIGN KEY (credential_id, integration_id) REFERENCES credential_use (credential_id, integration_id),
        CONSTRAINT matrix_row_accountable_fk FOREIGN KEY (accountable_party_id) REFERENCES party (id),
        CONSTRAINT matrix_row_contact_fk FOREIGN KEY (contact_id) REFERENCES contact (id)
      );
      CREATE INDEX matrix_row_by_accountable ON matrix_row (accountable_party_id, duty);

      CREATE TABLE matrix_performer (
        matrix_row_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        party_id uuid NOT NULL,
        CONSTRAINT matrix_performer_pk PRIMARY KEY (matrix_row_id, party_id),
        CONSTRAINT matrix_performer_row_fk FOREIGN KEY (matrix_row_id, integration_id) REFERENCES matrix_row (id, integration_id),
        CONSTRAINT matrix_performer_party_fk FOREIGN KEY (party_id) REFERENCES party (id)
      );

      CREATE TABLE attestation (
        id uuid NOT NULL,
        matrix_version_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        party_id uuid NOT NULL,
        person_id uuid NOT NULL,
        signs_for text NOT NULL,
        content_hash bytea NOT NULL,
        text_hash bytea NOT NULL,
        language text NOT NULL,
        strength text NOT NULL,
        signature bytea,
        at timestamptz NOT NULL,
        expires_at timestamptz,
        withdrawn_at timestamptz,
        CONSTRAINT attestation_pk PRIMARY KEY (id),
        CONSTRAINT attestation_strength_known CHECK (strength IN ('mailbox', 'second_channel', 'account_mfa', 'detached_signature')),
        CONSTRAINT attestation_version_fk FOREIGN KEY (matrix_version_id, integration_id) REFERENCES matrix_version (id, integration_id),
        CONSTRAINT attestation_party_fk FOREIGN KEY (party_id) REFERENCES party (id),
        CONSTRAINT attestation_person_fk FOREIGN KEY (person_id) REFERENCES person (id)
      );
      CREATE INDEX attestation_by_version ON attestation (matrix_version_id);
    `);
    await isolate(q, 'integration', 'integration', { column: 'id' });
    for (const table of [
      'integration_party',
      'integration_dependency',
      'credential',
      'credential_use',
      'credential_holder',
      'credential_scope',
      'credential_version',
      'location',
      'attestation',
    ]) {
      await isolate(q, table, 'integration');
    }
    for (const table of ['matrix_version', 'matrix_row', 'matrix_performer']) {
      await isolate(q, table, 'integration', { appendOnly: true });
    }
    await q.query(`GRANT UPDATE (state, valid_from, valid_until) ON matrix_version TO countersign_app`);
    for (const table of ['fingerprint', 'system', 'credential_system', 'location_system', 'usage_event']) {
      await isolate(q, table, 'installation');
    }
    await isolate(q, 'offering', 'party');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DROP TABLE attestation, matrix_performer, matrix_row, matrix_version, offering, usage_event,
      location_system, credential_system, system, location, fingerprint, credential_version, credential_scope,
      credential_holder, credential_use, credential, integration_dependency, integration_party, integration`);
  }
}
