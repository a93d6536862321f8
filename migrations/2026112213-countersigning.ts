/**
 * A matrix is edited, proposed and countersigned here: one draft per integration, in which each cell knows in which version
 * of the draft it last changed, so that a stale edit can be told what changed since; the text of a version in each language
 * that it was shown in; comments on cells; invitations to sign with what became of their mails; codes sent to a registered
 * address; keys registered for signatures made elsewhere; contacts who still have to confirm that they are the one.
 *
 * A row gains what is material beside its parties: the window of its duty and the kind of revocation path. A version keeps
 * what was declared when it was proposed (kinds of credentials, storing parties, scopes), who edited it, and why its
 * signatures fell. A signature counts for the hash that was signed, so it survives an immaterial new version.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate } from './isolation.ts';

const DUTIES = `'admission', 'issuance', 'storage', 'distribution', 'scope_approval', 'rotation', 'monitoring',
  'revocation', 'notification', 'containment', 'downstream_impact', 'recovery'`;
const STATES = `'draft', 'proposed', 'countersigned', 'withdrawn', 'expired', 'superseded'`;

export class Countersigning2026112213000 implements MigrationInterface {
  readonly name = 'Countersigning2026112213000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE matrix_row
        ADD COLUMN window_minutes int,
        ADD COLUMN path_kind text,
        ADD CONSTRAINT matrix_row_window_positive CHECK (window_minutes > 0),
        ADD CONSTRAINT matrix_row_path_kind_known CHECK (path_kind IN ('connector', 'contact'));
      COMMENT ON COLUMN matrix_row.window_minutes IS 'within how long the duty is done, in elapsed minutes; null: no window was agreed';

      ALTER TABLE matrix_version
        ADD COLUMN declared jsonb,
        ADD COLUMN authors jsonb NOT NULL DEFAULT '[]',
        ADD COLUMN proposed_at timestamptz,
        ADD COLUMN reattest_days int NOT NULL DEFAULT 365,
        ADD COLUMN fell_at timestamptz,
        ADD COLUMN fell_because jsonb,
        ADD CONSTRAINT matrix_version_reattest_days_range CHECK (reattest_days BETWEEN 1 AND 1830),
        DROP CONSTRAINT matrix_version_state_known,
        ADD CONSTRAINT matrix_version_state_known CHECK (state IN (${STATES}, 'sent_back'));
      GRANT UPDATE (fell_at, fell_because) ON matrix_version TO countersign_app;
      COMMENT ON COLUMN matrix_version.declared IS 'kinds of credentials, storing parties and scopes as they stood when it was proposed';
      COMMENT ON COLUMN matrix_version.fell_because IS 'the material changes that nobody has signed';

      CREATE TABLE signing_key (
        id uuid NOT NULL,
        party_id uuid NOT NULL,
        contact_id uuid NOT NULL,
        public_key text NOT NULL,
        fingerprint bytea NOT NULL,
        registered_by text NOT NULL,
        registered_at timestamptz NOT NULL,
        revoked_at timestamptz,
        CONSTRAINT signing_key_pk PRIMARY KEY (id),
        CONSTRAINT signing_key_fingerprint UNIQUE (contact_id, fingerprint),
        CONSTRAINT signing_key_contact_fk FOREIGN KEY (contact_id, party_id) REFERENCES contact (id, party_id)
      );
      COMMENT ON COLUMN signing_key.public_key IS 'Ed25519, SubjectPublicKeyInfo as PEM (RFC 8410)';

      ALTER TABLE attestation
        ADD COLUMN way text NOT NULL DEFAULT 'account',
        ADD COLUMN contact_id uuid,
        ADD COLUMN signed_by text,
        ADD COLUMN signing_key_id uuid,
        ADD COLUMN attachment_id uuid,
        ADD COLUMN uploaded_by text,
        ADD COLUMN confirmed_by text,
        ADD COLUMN confirmed_at timestamptz,
        ADD COLUMN fallen_at timestamptz,
        ADD COLUMN reminded_at timestamptz,
        ADD CONSTRAINT attestation_way_known CHECK (way IN ('account', 'link', 'offline', 'paper')),
        ADD CONSTRAINT attestation_key_fk FOREIGN KEY (signing_key_id) REFERENCES signing_key (id),
        ADD CONSTRAINT attestation_attachment_fk FOREIGN KEY (attachment_id) REFERENCES attachment (id),
        ADD CONSTRAINT attestation_contact_fk FOREIGN KEY (contact_id) REFERENCES contact (id);
      CREATE INDEX attestation_by_content ON attestation (integration_id, content_hash);
      CREATE INDEX attestation_by_expiry ON attestation (expires_at) WHERE withdrawn_at IS NULL AND fallen_at IS NULL;
      COMMENT ON COLUMN attestation.confirmed_by IS 'paper counts once a second person of the operator has confirmed it';

      CREATE TABLE matrix_draft (
        integration_id uuid NOT NULL,
        based_on_id uuid,
        editors jsonb NOT NULL DEFAULT '[]',
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        row_version int NOT NULL DEFAULT 1,
        CONSTRAINT matrix_draft_pk PRIMARY KEY (integration_id),
        CONSTRAINT matrix_draft_integration_fk FOREIGN KEY (integration_id) REFERENCES integration (id),
        CONSTRAINT matrix_draft_based_on_fk FOREIGN KEY (based_on_id, integration_id) REFERENCES matrix_version (id, integration_id)
      );

      CREATE TABLE matrix_draft_row (
        id uuid NOT NULL,
        integration_id uuid NOT NULL,
        duty text NOT NULL,
        part text NOT NULL DEFAULT '',
        credential_id uuid,
        accountable_party_id uuid NOT NULL,
        performing uuid[] NOT NULL,
        contact_id uuid,
        window_minutes int,
        path_kind text,
        note text NOT NULL DEFAULT '',
        changed_in int NOT NULL,
        changed_by text NOT NULL,
        gone boolean NOT NULL DEFAULT false,
        CONSTRAINT matrix_draft_row_pk PRIMARY KEY (id),
        CONSTRAINT matrix_draft_row_once UNIQUE NULLS NOT DISTINCT (integration_id, duty, part, credential_id),
        CONSTRAINT matrix_draft_row_duty_known CHECK (duty IN (${DUTIES})),
        CONSTRAINT matrix_draft_row_window_positive CHECK (window_minutes > 0),
        CONSTRAINT matrix_draft_row_path_kind_known CHECK (path_kind IN ('connector', 'contact')),
        CONSTRAINT matrix_draft_row_draft_fk FOREIGN KEY (integration_id) REFERENCES matrix_draft (integration_id) ON DELETE CASCADE,
        CONSTRAINT matrix_draft_row_accountable_fk FOREIGN KEY (accountable_party_id) REFERENCES party (id),
        CONSTRAINT matrix_draft_row_contact_fk FOREIGN KEY (contact_id) REFERENCES contact (id),
        CONSTRAINT matrix_draft_row_use_fk FOREIGN KEY (credential_id, integration_id) REFERENCES credential_use (credential_id, integration_id)
      );
      COMMENT ON COLUMN matrix_draft_row.gone IS 'removed in changed_in; kept so that whoever edits a stale draft is told';

      CREATE TABLE matrix_text (
        matrix_version_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        language text NOT NULL,
        text text NOT NULL,
        text_hash bytea NOT NULL,
        CONSTRAINT matrix_text_pk PRIMARY KEY (matrix_version_id, language),
        CONSTRAINT matrix_text_version_fk FOREIGN KEY (matrix_version_id, integration_id) REFERENCES matrix_version (id, integration_id)
      );

      CREATE TABLE matrix_comment (
        id uuid NOT NULL,
        matrix_version_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        party_id uuid NOT NULL,
        author_id text NOT NULL,
        author_name text NOT NULL,
        duty text,
        part text NOT NULL DEFAULT '',
        credential_id uuid,
        text text NOT NULL,
        at timestamptz NOT NULL,
        CONSTRAINT matrix_comment_pk PRIMARY KEY (id),
        CONSTRAINT matrix_comment_duty_known CHECK (duty IN (${DUTIES})),
        CONSTRAINT matrix_comment_version_fk FOREIGN KEY (matrix_version_id, integration_id) REFERENCES matrix_version (id, integration_id),
        CONSTRAINT matrix_comment_party_fk FOREIGN KEY (party_id) REFERENCES party (id)
      );
      CREATE INDEX matrix_comment_by_version ON matrix_comment (matrix_version_id);

      CREATE TABLE matrix_invitation (
        id uuid NOT NULL,
        matrix_version_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        party_id uuid NOT NULL,
        contact_id uuid NOT NULL,
        purpose text NOT NULL,
        mail text NOT NULL DEFAULT 'owed',
        peer_answer text NOT NULL DEFAULT '',
        attempts int NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL,
        sent_at timestamptz,
        opened_at timestamptz,
        CONSTRAINT matrix_invitation_pk PRIMARY KEY (id),
        CONSTRAINT matrix_invitation_purpose_known CHECK (purpose IN ('attest', 'changed', 'confirm')),
        CONSTRAINT matrix_invitation_mail_known CHECK (mail IN ('owed', 'attempting', 'accepted', 'failed')),
        CONSTRAINT matrix_invitation_version_fk FOREIGN KEY (matrix_version_id, integration_id) REFERENCES matrix_version (id, integration_id),
        CONSTRAINT matrix_invitation_contact_fk FOREIGN KEY (contact_id, party_id) REFERENCES contact (id, party_id)
      );
      CREATE INDEX matrix_invitation_by_version ON matrix_invitation (matrix_version_id);

      CREATE TABLE signing_code (
        id uuid NOT NULL,
        matrix_version_id uuid NOT NULL,
        holder text NOT NULL,
        code_hash bytea NOT NULL,
        wrong int NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        used_at timestamptz,
        CONSTRAINT signing_code_pk PRIMARY KEY (id),
        CONSTRAINT signing_code_version_fk FOREIGN KEY (matrix_version_id) REFERENCES matrix_version (id)
      );
      CREATE INDEX signing_code_by_holder ON signing_code (holder, created_at);
      COMMENT ON COLUMN signing_code.code_hash IS 'HMAC of the code under the link key: a copy of the table opens nothing';

      CREATE TABLE contact_confirmation (
        id uuid NOT NULL,
        integration_id uuid NOT NULL,
        party_id uuid NOT NULL,
        contact_id uuid NOT NULL,
        asked_at timestamptz NOT NULL,
        due_at timestamptz NOT NULL,
        confirmed_at timestamptz,
        CONSTRAINT contact_confirmation_pk PRIMARY KEY (id),
        CONSTRAINT contact_confirmation_once UNIQUE (integration_id, contact_id),
        CONSTRAINT contact_confirmation_integration_fk FOREIGN KEY (integration_id) REFERENCES integration (id),
        CONSTRAINT contact_confirmation_contact_fk FOREIGN KEY (contact_id, party_id) REFERENCES contact (id, party_id)
      );
      CREATE INDEX contact_confirmation_open ON contact_confirmation (due_at) WHERE confirmed_at IS NULL;
      CREATE INDEX matrix_version_by_state ON matrix_version (state, integration_id);
    `);
    for (const table of [
      'matrix_draft',
      'matrix_draft_row',
      'matrix_comment',
      'matrix_invitation',
      'contact_confirmation',
    ])
      await isolate(q, table, 'integration');
    await isolate(q, 'matrix_text', 'integration', { appendOnly: true });
    await isolate(q, 'signing_code', 'installation');
    await isolate(q, 'signing_key', 'party');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`
      DROP INDEX matrix_version_by_state;
      DROP TABLE contact_confirmation, signing_code, matrix_invitation, matrix_comment, matrix_text, matrix_draft_row, matrix_draft;
      DROP INDEX attestation_by_expiry;
      DROP INDEX attestation_by_content;
      ALTER TABLE attestation
        DROP COLUMN reminded_at, DROP COLUMN fallen_at, DROP COLUMN confirmed_at, DROP COLUMN confirmed_by, DROP COLUMN uploaded_by,
        DROP COLUMN attachment_id, DROP COLUMN signing_key_id, DROP COLUMN signed_by, DROP COLUMN contact_id, DROP COLUMN way;
      DROP TABLE signing_key;
      REVOKE UPDATE (fell_at, fell_because) ON matrix_version FROM countersign_app;
      -- What was sent back has no state before this migration; it was not agreed.
      UPDATE matrix_version SET state = 'withdrawn' WHERE state = 'sent_back';
      ALTER TABLE matrix_version
        DROP CONSTRAINT matrix_version_state_known,
        ADD CONSTRAINT matrix_version_state_known CHECK (state IN (${STATES})),
        DROP COLUMN fell_because, DROP COLUMN fell_at, DROP COLUMN reattest_days, DROP COLUMN proposed_at,
        DROP COLUMN authors, DROP COLUMN declared;
      ALTER TABLE matrix_row DROP COLUMN path_kind, DROP COLUMN window_minutes`);
  }
}
