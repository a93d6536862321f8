/**
 * A value leaves the vault in two ways, and both are on record. A person reveals it: with a permission that somebody else
 * gave for one credential and an hour or so, a reason, and a fresh proof of who they are. A workload checks it out: as a
 * machine identity that one person registered and another approved, for a purpose that was declared beforehand, as a lease
 * that ends. Neither record ever holds the value.
 *
 * Assertions by which machines prove themselves are good for one call each; what was used is remembered until it expires.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate } from './isolation.ts';

export class RevealsAndCheckouts2026112235000 implements MigrationInterface {
  readonly name = 'RevealsAndCheckouts2026112235000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE SEQUENCE reference_mid;
      CREATE SEQUENCE reference_rvl;
      GRANT USAGE ON SEQUENCE reference_mid, reference_rvl TO countersign_app;

      CREATE TABLE temporary_permission (
        id uuid NOT NULL,
        user_id uuid NOT NULL,
        person_id uuid NOT NULL,
        permission text NOT NULL,
        subject_kind text NOT NULL,
        subject_id uuid NOT NULL,
        reason text NOT NULL,
        minutes int NOT NULL,
        state text NOT NULL DEFAULT 'asked',
        asked_at timestamptz NOT NULL,
        decided_by text,
        decided_at timestamptz,
        valid_until timestamptz,
        CONSTRAINT temporary_permission_pk PRIMARY KEY (id),
        CONSTRAINT temporary_permission_user_fk FOREIGN KEY (user_id) REFERENCES user_account (id),
        CONSTRAINT temporary_permission_person_fk FOREIGN KEY (person_id) REFERENCES person (id),
        CONSTRAINT temporary_permission_state_known CHECK (state IN ('asked', 'given', 'refused', 'withdrawn')),
        CONSTRAINT temporary_permission_is_short CHECK (minutes BETWEEN 1 AND 480),
        CONSTRAINT temporary_permission_given_ends CHECK (state <> 'given' OR (valid_until IS NOT NULL AND decided_by IS NOT NULL))
      );
      CREATE UNIQUE INDEX temporary_permission_asked_once ON temporary_permission (user_id, permission, subject_id) WHERE state = 'asked';
      CREATE INDEX temporary_permission_in_force ON temporary_permission (user_id, valid_until) WHERE state = 'given';

      CREATE TABLE reveal (
        id uuid NOT NULL,
        reference text NOT NULL,
        key uuid NOT NULL,
        credential_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        version_id uuid NOT NULL,
        user_id uuid NOT NULL,
        person_id uuid NOT NULL,
        permission_id uuid,
        break_glass boolean NOT NULL,
        skipped text[] NOT NULL DEFAULT '{}',
        reason text NOT NULL,
        told int NOT NULL,
        at timestamptz NOT NULL,
        hidden_at timestamptz NOT NULL,
        CONSTRAINT reveal_pk PRIMARY KEY (id),
        CONSTRAINT reveal_reference UNIQUE (reference),
        CONSTRAINT reveal_key UNIQUE (key),
        CONSTRAINT reveal_version_fk FOREIGN KEY (version_id, credential_id, integration_id) REFERENCES credential_version (id, credential_id, integration_id),
        CONSTRAINT reveal_user_fk FOREIGN KEY (user_id) REFERENCES user_account (id),
        CONSTRAINT reveal_person_fk FOREIGN KEY (person_id) REFERENCES person (id),
        CONSTRAINT reveal_permission_fk FOREIGN KEY (permission_id) REFERENCES temporary_permission (id),
        CONSTRAINT reveal_permitted CHECK (break_glass OR (permission_id IS NOT NULL AND skipped = '{}'))
      );
      CREATE INDEX reveal_by_credential ON reveal (credential_id, at);
      CREATE INDEX reveal_by_person ON reveal (person_id, at);
      COMMENT ON COLUMN reveal.key IS 'of the form that it came from: a form that is sent again shows nothing again';
      COMMENT ON COLUMN reveal.skipped IS 'what stood against it and was passed over';

      CREATE TABLE machine_identity (
        id uuid NOT NULL,
        reference text NOT NULL,
        party_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        name text NOT NULL,
        environment text NOT NULL,
        kind text NOT NULL,
        public_key jsonb,
        thumbprint text,
        issuer text,
        subject text,
        state text NOT NULL DEFAULT 'proposed',
        registered_by text NOT NULL,
        registered_at timestamptz NOT NULL,
        decided_by text,
        decided_at timestamptz,
        retired_by text,
        retired_at timestamptz,
        last_used_at timestamptz,
        CONSTRAINT machine_identity_pk PRIMARY KEY (id),
        CONSTRAINT machine_identity_reference UNIQUE (reference),
        CONSTRAINT machine_identity_id_integration UNIQUE (id, integration_id),
        CONSTRAINT machine_identity_party_fk FOREIGN KEY (party_id) REFERENCES party (id),
        CONSTRAINT machine_identity_integration_fk FOREIGN KEY (integration_id) REFERENCES integration (id),
        CONSTRAINT machine_identity_state_known CHECK (state IN ('proposed', 'approved', 'refused', 'retired')),
        CONSTRAINT machine_identity_proof CHECK (CASE kind
          WHEN 'key' THEN public_key IS NOT NULL AND thumbprint IS NOT NULL AND issuer IS NULL AND subject IS NULL
          WHEN 'oidc' THEN public_key IS NULL AND thumbprint IS NULL AND issuer IS NOT NULL AND subject IS NOT NULL
          ELSE false END),
        CONSTRAINT machine_identity_four_eyes CHECK (decided_by <> registered_by)
      );
      CREATE UNIQUE INDEX machine_identity_one_key ON machine_identity (thumbprint) WHERE state IN ('proposed', 'approved');
      CREATE UNIQUE INDEX machine_identity_one_subject ON machine_identity (issuer, subject) WHERE state IN ('proposed', 'approved');
      CREATE INDEX machine_identity_by_integration ON machine_identity (integration_id);

      CREATE TABLE checkout_grant (
        id uuid NOT NULL,
        identity_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        credential_id uuid NOT NULL,
        purpose text NOT NULL,
        max_simultaneous int NOT NULL,
        max_seconds int NOT NULL,
        consent_person_id uuid,
        consent_until timestamptz,
        state text NOT NULL DEFAULT 'proposed',
        expires_at timestamptz NOT NULL,
        requested_by text NOT NULL,
        requested_at timestamptz NOT NULL,
        decided_by text,
        decided_at timestamptz,
        ended_by text,
        ended_at timestamptz,
        CONSTRAINT checkout_grant_pk PRIMARY KEY (id),
        CONSTRAINT checkout_grant_whole UNIQUE (id, identity_id, credential_id, integration_id),
        CONSTRAINT checkout_grant_identity_fk FOREIGN KEY (identity_id, integration_id) REFERENCES machine_identity (id, integration_id),
        CONSTRAINT checkout_grant_use_fk FOREIGN KEY (credential_id, integration_id) REFERENCES credential_use (credential_id, integration_id),
        CONSTRAINT checkout_grant_consent_fk FOREIGN KEY (consent_person_id) REFERENCES person (id),
        CONSTRAINT checkout_grant_state_known CHECK (state IN ('proposed', 'approved', 'refused', 'ended')),
        CONSTRAINT checkout_grant_limits CHECK (max_simultaneous BETWEEN 1 AND 1000 AND max_seconds BETWEEN 10 AND 86400),
        CONSTRAINT checkout_grant_four_eyes CHECK (decided_by <> requested_by)
      );
      CREATE UNIQUE INDEX checkout_grant_one_purpose ON checkout_grant (identity_id, credential_id, purpose) WHERE state IN ('proposed', 'approved');
      CREATE INDEX checkout_grant_by_integration ON checkout_grant (integration_id);
      CREATE INDEX checkout_grant_by_credential ON checkout_grant (credential_id);

      CREATE TABLE checkout (
        id uuid NOT NULL,
        grant_id uuid NOT NULL,
        identity_id uuid NOT NULL,
        credential_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        version_id uuid,
        state text NOT NULL,
        seconds int NOT NULL,
        asked_at timestamptz NOT NULL,
        answer_until timestamptz,
        consent_by text,
        consent_at timestamptz,
        released_at timestamptz,
        expires_at timestamptz,
        latest_end timestamptz,
        renewals int NOT NULL DEFAULT 0,
        ended_at timestamptz,
        ended_by text,
        CONSTRAINT checkout_pk PRIMARY KEY (id),
        CONSTRAINT checkout_grant_fk FOREIGN KEY (grant_id, identity_id, credential_id, integration_id)
          REFERENCES checkout_grant (id, identity_id, credential_id, integration_id),
        CONSTRAINT checkout_version_fk FOREIGN KEY (version_id) REFERENCES credential_version (id),
        CONSTRAINT checkout_state_known CHECK (state IN ('waiting', 'consented', 'refused', 'open', 'returned', 'expired', 'revoked', 'failed')),
        CONSTRAINT checkout_released_ends CHECK (released_at IS NULL OR (version_id IS NOT NULL AND expires_at IS NOT NULL AND latest_end IS NOT NULL)),
        CONSTRAINT checkout_open_is_released CHECK (state <> 'open' OR released_at IS NOT NULL)
      );
      CREATE INDEX checkout_open ON checkout (grant_id, expires_at) WHERE state = 'open';
      CREATE INDEX checkout_to_end ON checkout (asked_at) WHERE state IN ('open', 'waiting', 'consented');
      CREATE INDEX checkout_by_credential ON checkout (credential_id, asked_at);
      CREATE INDEX checkout_by_integration ON checkout (integration_id, asked_at);

      CREATE TABLE used_assertion (
        identity_id uuid NOT NULL,
        jti_hash bytea NOT NULL,
        expires_at timestamptz NOT NULL,
        CONSTRAINT used_assertion_pk PRIMARY KEY (identity_id, jti_hash),
        CONSTRAINT used_assertion_identity_fk FOREIGN KEY (identity_id) REFERENCES machine_identity (id)
      );
      CREATE INDEX used_assertion_expired ON used_assertion (expires_at);
    `);
    for (const table of ['machine_identity', 'checkout_grant', 'checkout'])
      await isolate(q, table, 'integration');
    for (const table of ['temporary_permission', 'reveal', 'used_assertion'])
      await isolate(q, table, 'installation');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`
      DROP TABLE used_assertion, checkout, checkout_grant, machine_identity, reveal, temporary_permission;
      DROP SEQUENCE reference_mid;
      DROP SEQUENCE reference_rvl;
    `);
  }
}
