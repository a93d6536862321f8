/**
 * How an integration comes into production and how it leaves it: both are runs of a runbook, and what people decide on the
 * way is kept here. A scope is decided on one by one; a partner is verified before anything is provisioned; what the fast
 * path leaves out is compensated, and says so wherever the pass is shown.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate } from './isolation.ts';

export class ComingAndGoing2026112224000 implements MigrationInterface {
  readonly name = 'ComingAndGoing2026112224000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE onboarding (
        id uuid NOT NULL,
        integration_id uuid NOT NULL,
        run_id uuid NOT NULL,
        runbook text NOT NULL,
        reason text NOT NULL,
        compensating_control text,
        control_until timestamptz,
        state text NOT NULL DEFAULT 'open',
        requested_by text NOT NULL,
        requested_at timestamptz NOT NULL,
        ended_at timestamptz,
        CONSTRAINT onboarding_pk PRIMARY KEY (id),
        CONSTRAINT onboarding_integration_fk FOREIGN KEY (integration_id) REFERENCES integration (id),
        CONSTRAINT onboarding_run_fk FOREIGN KEY (run_id) REFERENCES run (id),
        CONSTRAINT onboarding_state_known CHECK (state IN ('open', 'done', 'failed', 'cancelled')),
        CONSTRAINT onboarding_ended CHECK ((state = 'open') = (ended_at IS NULL)),
        CONSTRAINT onboarding_control_ends CHECK ((compensating_control IS NULL) = (control_until IS NULL))
      );
      CREATE UNIQUE INDEX onboarding_one_open ON onboarding (integration_id) WHERE state = 'open';
      CREATE INDEX onboarding_by_integration ON onboarding (integration_id, requested_at);
      CREATE INDEX onboarding_by_run ON onboarding (run_id);
      COMMENT ON COLUMN onboarding.compensating_control IS 'what stands in for what the fast path leaves out';

      CREATE TABLE scope_review (
        id uuid NOT NULL,
        onboarding_id uuid NOT NULL,
        credential_id uuid NOT NULL,
        scope text NOT NULL,
        decision text NOT NULL,
        justification text NOT NULL,
        decided_by text NOT NULL,
        decided_at timestamptz NOT NULL,
        CONSTRAINT scope_review_pk PRIMARY KEY (id),
        CONSTRAINT scope_review_once UNIQUE (onboarding_id, credential_id, scope),
        CONSTRAINT scope_review_onboarding_fk FOREIGN KEY (onboarding_id) REFERENCES onboarding (id),
        CONSTRAINT scope_review_credential_fk FOREIGN KEY (credential_id) REFERENCES credential (id),
        CONSTRAINT scope_review_decision_known CHECK (decision IN ('justified', 'unjustified')),
        CONSTRAINT scope_review_says_why CHECK (decision = 'unjustified' OR justification <> '')
      );

      CREATE TABLE offboarding (
        id uuid NOT NULL,
        integration_id uuid NOT NULL,
        run_id uuid NOT NULL,
        reason text NOT NULL,
        state text NOT NULL DEFAULT 'open',
        requested_by text NOT NULL,
        requested_at timestamptz NOT NULL,
        ended_at timestamptz,
        CONSTRAINT offboarding_pk PRIMARY KEY (id),
        CONSTRAINT offboarding_integration_fk FOREIGN KEY (integration_id) REFERENCES integration (id),
        CONSTRAINT offboarding_run_fk FOREIGN KEY (run_id) REFERENCES run (id),
        CONSTRAINT offboarding_state_known CHECK (state IN ('open', 'done', 'failed', 'cancelled')),
        CONSTRAINT offboarding_ended CHECK ((state = 'open') = (ended_at IS NULL))
      );
      CREATE UNIQUE INDEX offboarding_one_open ON offboarding (integration_id) WHERE state = 'open';
      CREATE INDEX offboarding_by_integration ON offboarding (integration_id, requested_at);
      CREATE INDEX offboarding_by_run ON offboarding (run_id);

      CREATE TABLE party_verification (
        id uuid NOT NULL,
        party_id uuid NOT NULL,
        method text NOT NULL,
        contact_id uuid,
        statement text NOT NULL,
        verified_by text NOT NULL,
        verified_at timestamptz NOT NULL,
        withdrawn_at timestamptz,
        CONSTRAINT party_verification_pk PRIMARY KEY (id),
        CONSTRAINT party_verification_party_fk FOREIGN KEY (party_id) REFERENCES party (id),
        CONSTRAINT party_verification_contact_fk FOREIGN KEY (contact_id) REFERENCES contact (id),
        CONSTRAINT party_verification_method_known CHECK (method IN ('contact', 'document')),
        CONSTRAINT party_verification_names_contact CHECK ((method = 'contact') = (contact_id IS NOT NULL))
      );
      CREATE INDEX party_verification_by_party ON party_verification (party_id, verified_at);
    `);
    for (const table of ['onboarding', 'scope_review', 'offboarding', 'party_verification'])
      await isolate(q, table, 'installation');
    // The gate rests on it: whoever writes it need not know of the gate.
    await q.query(`
      CREATE FUNCTION cs_gate_stale_partner() RETURNS trigger
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
      BEGIN
        INSERT INTO gate_stale (id, integration_id)
        SELECT gen_random_uuid(), ip.integration_id FROM integration_party ip WHERE ip.party_id = NEW.party_id;
        RETURN NULL;
      END $$;
      REVOKE ALL ON FUNCTION cs_gate_stale_partner() FROM PUBLIC;
      CREATE TRIGGER party_verification_gate_stale AFTER INSERT OR UPDATE ON party_verification
        FOR EACH ROW EXECUTE FUNCTION cs_gate_stale_partner();
    `);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`
      DROP TABLE party_verification, offboarding, scope_review, onboarding;
      DROP FUNCTION cs_gate_stale_partner();
    `);
  }
}
