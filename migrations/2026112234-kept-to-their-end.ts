/**
 * What is agreed for a time is followed to its end.
 *
 * An offering reminds by itself, and can be retired. A partner may show who it is through its own domain: a record that only
 * whoever runs the domain can set. A sensitive scope needs the recorded consent of a person, and an integration may say how
 * many connections it holds open at once. Whether an integration is quarantined decides what the gate says of it, so that a
 * quarantine makes its evaluation stale.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate } from './isolation.ts';

export class KeptToTheirEnd2026112234000 implements MigrationInterface {
  readonly name = 'KeptToTheirEnd2026112234000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE offering
        ADD COLUMN chase_by_itself boolean NOT NULL DEFAULT true,
        ADD COLUMN retired_at timestamptz,
        ADD COLUMN retired_by text,
        ADD COLUMN retired_because text,
        ADD CONSTRAINT offering_retired_whole
          CHECK ((retired_at IS NULL) = (retired_by IS NULL) AND (retired_at IS NULL) = (retired_because IS NULL));
      COMMENT ON COLUMN offering.chase_by_itself IS 'whether whoever has not signed is reminded without being asked to';

      ALTER TABLE integration
        ADD COLUMN max_connections int,
        ADD CONSTRAINT integration_max_connections_range CHECK (max_connections BETWEEN 1 AND 1000000);
      COMMENT ON COLUMN integration.max_connections IS 'how many connections it holds open at once at most; null: nobody said';

      CREATE TABLE domain_challenge (
        id uuid NOT NULL,
        party_id uuid NOT NULL,
        domain text NOT NULL,
        token text NOT NULL,
        asked_by text NOT NULL,
        asked_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        looked_at timestamptz,
        answer text,
        verified_at timestamptz,
        CONSTRAINT domain_challenge_pk PRIMARY KEY (id),
        CONSTRAINT domain_challenge_party_fk FOREIGN KEY (party_id) REFERENCES party (id),
        CONSTRAINT domain_challenge_looked CHECK ((looked_at IS NULL) = (answer IS NULL))
      );
      CREATE INDEX domain_challenge_by_party ON domain_challenge (party_id, asked_at);
      COMMENT ON COLUMN domain_challenge.token IS 'public: the domain shows it to everybody';
      COMMENT ON COLUMN domain_challenge.answer IS 'what the last look found';

      ALTER TABLE party_verification
        ADD COLUMN challenge_id uuid,
        DROP CONSTRAINT party_verification_method_known,
        ADD CONSTRAINT party_verification_method_known CHECK (method IN ('contact', 'document', 'domain')),
        ADD CONSTRAINT party_verification_names_challenge CHECK ((method = 'domain') = (challenge_id IS NOT NULL)),
        ADD CONSTRAINT party_verification_challenge_fk FOREIGN KEY (challenge_id) REFERENCES domain_challenge (id);

      CREATE TABLE scope_consent (
        id uuid NOT NULL,
        credential_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        scope text NOT NULL,
        statement text NOT NULL,
        person_id uuid NOT NULL,
        at timestamptz NOT NULL,
        withdrawn_by text,
        withdrawn_at timestamptz,
        CONSTRAINT scope_consent_pk PRIMARY KEY (id),
        CONSTRAINT scope_consent_credential_fk FOREIGN KEY (credential_id, integration_id) REFERENCES credential (id, integration_id),
        CONSTRAINT scope_consent_person_fk FOREIGN KEY (person_id) REFERENCES person (id),
        CONSTRAINT scope_consent_withdrawn_whole CHECK ((withdrawn_at IS NULL) = (withdrawn_by IS NULL))
      );
      CREATE UNIQUE INDEX scope_consent_standing ON scope_consent (credential_id, scope) WHERE withdrawn_at IS NULL;
    `);
    await isolate(q, 'domain_challenge', 'installation');
    await isolate(q, 'scope_consent', 'installation', { appendOnly: true });
    await q.query(`GRANT UPDATE (withdrawn_by, withdrawn_at) ON scope_consent TO countersign_app`);
    for (const [event, rows] of [
      ['insert', 'NEW'],
      ['update', 'NEW'],
    ] as const)
      await q.query(
        `CREATE TRIGGER scope_consent_gate_stale_${event} AFTER ${event} ON scope_consent
           REFERENCING ${rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION cs_gate_stale('credential')`,
      );
    // Its state otherwise is what the gate itself writes; quarantine comes from elsewhere.
    await q.query(`
      CREATE TRIGGER integration_gate_stale_quarantine AFTER UPDATE OF state ON integration FOR EACH ROW
        WHEN (OLD.state IS DISTINCT FROM NEW.state AND 'quarantined' IN (OLD.state, NEW.state))
        EXECUTE FUNCTION cs_gate_stale_integration();
      CREATE TRIGGER integration_gate_stale_connections AFTER UPDATE OF max_connections ON integration FOR EACH ROW
        WHEN (OLD.max_connections IS DISTINCT FROM NEW.max_connections)
        EXECUTE FUNCTION cs_gate_stale_integration();
      CREATE TRIGGER onboarding_gate_stale_insert AFTER INSERT ON onboarding
        REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION cs_gate_stale('integration');
      CREATE TRIGGER onboarding_gate_stale_update AFTER UPDATE ON onboarding
        REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION cs_gate_stale('integration');
    `);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`
      DROP TRIGGER onboarding_gate_stale_insert ON onboarding;
      DROP TRIGGER onboarding_gate_stale_update ON onboarding;
      DROP TRIGGER integration_gate_stale_connections ON integration;
      DROP TRIGGER integration_gate_stale_quarantine ON integration;
      DROP TABLE scope_consent;
      DELETE FROM party_verification WHERE method = 'domain';
      ALTER TABLE party_verification
        DROP COLUMN challenge_id,
        DROP CONSTRAINT party_verification_method_known,
        ADD CONSTRAINT party_verification_method_known CHECK (method IN ('contact', 'document'));
      DROP TABLE domain_challenge;
      ALTER TABLE integration DROP COLUMN max_connections;
      ALTER TABLE offering
        DROP COLUMN chase_by_itself, DROP COLUMN retired_at, DROP COLUMN retired_by, DROP COLUMN retired_because;
    `);
  }
}
