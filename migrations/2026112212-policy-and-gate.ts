/**
 * Who gets into production, why, and who said so.
 *
 * A decision of the gate is written once and kept for ever, with every finding, the policy and the matrix that it rests on.
 * `gate_standing` is the newest evaluation of each integration: what pages list, and when it must be looked at again.
 *
 * What an evaluation rests on is spread over many tables, and whoever writes them need not know of the gate: triggers note
 * in the same transaction that an integration is to be looked at again. `gate_stale` has no key, so that no writer waits
 * for another; a round of evaluations reads its rows, looks, and removes those that it read.
 *
 * Findings may name other integrations that share a credential, so decisions are for the installation alone.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate } from './isolation.ts';

/** Which tables the gate rests on, and how a changed row leads to integrations. */
const WATCHED: Readonly<Record<string, string>> = {
  integration_party: 'integration',
  credential_holder: 'integration',
  credential_use: 'credential',
  credential_scope: 'credential',
  credential_version: 'credential',
  credential: 'itself',
  location: 'integration',
  location_system: 'integration',
  fingerprint: 'fingerprint',
  matrix_version: 'matrix',
  attestation: 'integration',
  revocation_path: 'credential',
  drill: 'path',
  connection: 'connection',
  contact: 'contact',
  agreement_version: 'agreement',
  term_recipient: 'recipient',
};
const EVENTS = { insert: 'NEW', update: 'NEW', delete: 'OLD' } as const;

export class PolicyAndGate2026112212000 implements MigrationInterface {
  readonly name = 'PolicyAndGate2026112212000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE policy_template (
        hash text NOT NULL,
        policy text NOT NULL,
        version int NOT NULL,
        title text NOT NULL,
        body jsonb NOT NULL,
        stored_at timestamptz NOT NULL,
        CONSTRAINT policy_template_pk PRIMARY KEY (hash)
      );
      COMMENT ON COLUMN policy_template.body IS 'the policy with everything that it inherits';

      CREATE TABLE gate_decision (
        id uuid NOT NULL,
        integration_id uuid NOT NULL,
        kind text NOT NULL,
        verdict text NOT NULL,
        findings jsonb NOT NULL,
        policy text NOT NULL,
        policy_version int NOT NULL,
        policy_hash text NOT NULL,
        matrix_version_id uuid,
        matrix_hash bytea,
        evidence jsonb NOT NULL,
        exception_ids uuid[] NOT NULL,
        decided_by text NOT NULL,
        at timestamptz NOT NULL,
        CONSTRAINT gate_decision_pk PRIMARY KEY (id),
        CONSTRAINT gate_decision_kind_known CHECK (kind IN ('dry_run', 'go_live', 're_evaluation')),
        CONSTRAINT gate_decision_verdict_known CHECK (verdict IN ('pass', 'refused')),
        CONSTRAINT gate_decision_integration_fk FOREIGN KEY (integration_id) REFERENCES integration (id),
        CONSTRAINT gate_decision_policy_fk FOREIGN KEY (policy_hash) REFERENCES policy_template (hash),
        CONSTRAINT gate_decision_matrix_fk FOREIGN KEY (matrix_version_id) REFERENCES matrix_version (id)
      );
      CREATE INDEX gate_decision_by_integration ON gate_decision (integration_id, at, id);
      COMMENT ON COLUMN gate_decision.evidence IS 'kind and id of each attestation, drill, agreement version and confirmation';

      CREATE TABLE gate_standing (
        integration_id uuid NOT NULL,
        policy text NOT NULL,
        policy_version int NOT NULL,
        policy_hash text NOT NULL,
        verdict text NOT NULL,
        findings jsonb NOT NULL,
        blocking_rules text[] NOT NULL,
        blocking int NOT NULL,
        warnings int NOT NULL,
        excepted int NOT NULL,
        decision_id uuid,
        evaluated_at timestamptz NOT NULL,
        recheck_at timestamptz,
        CONSTRAINT gate_standing_pk PRIMARY KEY (integration_id),
        CONSTRAINT gate_standing_verdict_known CHECK (verdict IN ('pass', 'refused')),
        CONSTRAINT gate_standing_integration_fk FOREIGN KEY (integration_id) REFERENCES integration (id),
        CONSTRAINT gate_standing_decision_fk FOREIGN KEY (decision_id) REFERENCES gate_decision (id)
      );
      CREATE INDEX gate_standing_due ON gate_standing (recheck_at);
      CREATE INDEX gate_standing_refused ON gate_standing (blocking, integration_id) WHERE verdict = 'refused';

      CREATE TABLE policy_exception (
        id uuid NOT NULL,
        integration_id uuid NOT NULL,
        rule text NOT NULL,
        subject_kind text NOT NULL,
        subject_id text NOT NULL,
        subject_name text NOT NULL,
        reason text NOT NULL,
        compensating_control text NOT NULL,
        requested_by text NOT NULL,
        requested_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        decision text,
        decided_by text,
        decided_at timestamptz,
        withdrawn_by text,
        withdrawn_at timestamptz,
        row_version int NOT NULL DEFAULT 1,
        CONSTRAINT policy_exception_pk PRIMARY KEY (id),
        CONSTRAINT policy_exception_four_eyes CHECK (decided_by <> requested_by),
        CONSTRAINT policy_exception_decision_known CHECK (decision IN ('approved', 'refused')),
        CONSTRAINT policy_exception_decided_whole CHECK ((decision IS NULL) = (decided_by IS NULL) AND (decision IS NULL) = (decided_at IS NULL)),
        CONSTRAINT policy_exception_ends_later CHECK (expires_at > requested_at),
        CONSTRAINT policy_exception_integration_fk FOREIGN KEY (integration_id) REFERENCES integration (id)
      );
      CREATE INDEX policy_exception_by_integration ON policy_exception (integration_id, requested_at);
      CREATE UNIQUE INDEX policy_exception_one_open ON policy_exception (integration_id, rule, subject_kind, subject_id)
        WHERE decision IS NULL AND withdrawn_at IS NULL;

      CREATE TABLE gate_stale (
        id uuid NOT NULL,
        integration_id uuid NOT NULL,
        CONSTRAINT gate_stale_pk PRIMARY KEY (id)
      );
      CREATE INDEX gate_stale_by_integration ON gate_stale (integration_id);
    `);
    for (const table of ['policy_template', 'gate_decision'])
      await isolate(q, table, 'installation', { appendOnly: true });
    await isolate(q, 'gate_standing', 'installation');
    await isolate(q, 'gate_stale', 'installation');
    await isolate(q, 'policy_exception', 'integration', { appendOnly: true });
    // What was asked for is never rewritten, only decided and withdrawn.
    await q.query(
      `GRANT UPDATE (decision, decided_by, decided_at, withdrawn_by, withdrawn_at, row_version) ON policy_exception TO countersign_app`,
    );

    // With its owner's rights: an outsider's signature makes an integration stale, and no outsider may read that table.
    // Each trigger names how its rows lead to integrations; only that branch is ever planned for its table.
    await q.query(`
      CREATE FUNCTION cs_gate_stale() RETURNS trigger
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
      BEGIN
        IF tg_argv[0] = 'integration' THEN
          INSERT INTO gate_stale (id, integration_id) SELECT gen_random_uuid(), x.integration_id FROM (SELECT DISTINCT c.integration_id FROM changed c) x;
        ELSIF tg_argv[0] = 'credential' THEN
          INSERT INTO gate_stale (id, integration_id) SELECT gen_random_uuid(), x.integration_id FROM (
          SELECT DISTINCT u.integration_id FROM changed c JOIN credential_use u ON u.credential_id = c.credential_id
          UNION SELECT c.integration_id FROM changed c) x (integration_id);
        ELSIF tg_argv[0] = 'itself' THEN
          INSERT INTO gate_stale (id, integration_id) SELECT gen_random_uuid(), x.integration_id FROM (
          SELECT DISTINCT u.integration_id FROM changed c JOIN credential_use u ON u.credential_id = c.id
          UNION SELECT c.integration_id FROM changed c) x (integration_id);
        ELSIF tg_argv[0] = 'fingerprint' THEN
          INSERT INTO gate_stale (id, integration_id) SELECT gen_random_uuid(), x.integration_id FROM (
          SELECT DISTINCT u.integration_id FROM changed c
            JOIN fingerprint f ON f.digest = c.digest AND f.scheme = c.scheme AND f.key_id = c.key_id
            JOIN credential_use u ON u.credential_id = f.credential_id) x (integration_id);
        ELSIF tg_argv[0] = 'matrix' THEN
          INSERT INTO gate_stale (id, integration_id) SELECT gen_random_uuid(), x.integration_id FROM (
          SELECT DISTINCT o.integration_id FROM changed c
            JOIN credential_use u ON u.integration_id = c.integration_id
            JOIN credential_use o ON o.credential_id = u.credential_id
          UNION SELECT c.integration_id FROM changed c) x (integration_id);
        ELSIF tg_argv[0] = 'path' THEN
          INSERT INTO gate_stale (id, integration_id) SELECT gen_random_uuid(), x.integration_id FROM (
          SELECT DISTINCT u.integration_id FROM changed c
            JOIN revocation_path p ON p.id = c.revocation_path_id
            JOIN credential_use u ON u.credential_id = p.credential_id) x (integration_id);
        ELSIF tg_argv[0] = 'connection' THEN
          INSERT INTO gate_stale (id, integration_id) SELECT gen_random_uuid(), x.integration_id FROM (
          SELECT DISTINCT u.integration_id FROM changed c
            JOIN revocation_path p ON p.connection_id = c.id
            JOIN credential_use u ON u.credential_id = p.credential_id) x (integration_id);
        ELSIF tg_argv[0] = 'contact' THEN
          INSERT INTO gate_stale (id, integration_id) SELECT gen_random_uuid(), x.integration_id FROM (
          SELECT DISTINCT ip.integration_id FROM changed c JOIN integration_party ip ON ip.party_id = c.party_id
          UNION SELECT i.id FROM changed c JOIN integration i ON i.owner_contact_id = c.id) x (integration_id);
        ELSIF tg_argv[0] = 'agreement' THEN
          INSERT INTO gate_stale (id, integration_id) SELECT gen_random_uuid(), x.integration_id FROM (
          SELECT DISTINCT i.id FROM changed c JOIN integration i ON i.agreement_id = c.agreement_id) x (integration_id);
        ELSIF tg_argv[0] = 'recipient' THEN
          INSERT INTO gate_stale (id, integration_id) SELECT gen_random_uuid(), x.integration_id FROM (
          SELECT DISTINCT i.id FROM changed c
            JOIN term t ON t.id = c.term_id
            JOIN agreement_version v ON v.id = t.agreement_version_id
            JOIN integration i ON i.agreement_id = v.agreement_id) x (integration_id);
        END IF;
        RETURN NULL;
      END $$;

      CREATE FUNCTION cs_gate_stale_integration() RETURNS trigger
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
      BEGIN
        INSERT INTO gate_stale (id, integration_id) VALUES (gen_random_uuid(), NEW.id);
        RETURN NULL;
      END $$;
      REVOKE ALL ON FUNCTION cs_gate_stale() FROM PUBLIC;
      REVOKE ALL ON FUNCTION cs_gate_stale_integration() FROM PUBLIC;
    `);
    for (const [table, way] of Object.entries(WATCHED)) {
      for (const [event, rows] of Object.entries(EVENTS)) {
        await q.query(
          `CREATE TRIGGER ${table}_gate_stale_${event} AFTER ${event} ON ${table}
             REFERENCING ${rows} TABLE AS changed
             FOR EACH STATEMENT EXECUTE FUNCTION cs_gate_stale('${way}')`,
        );
      }
    }
    // Not its state, nor its pass: those are what the gate itself writes.
    await q.query(
      `CREATE TRIGGER integration_gate_stale
         AFTER INSERT OR UPDATE OF name, purpose, data_class, risk_tier, owner_contact_id, agreement_id, environments, shadow
         ON integration FOR EACH ROW EXECUTE FUNCTION cs_gate_stale_integration()`,
    );
    await q.query(
      `INSERT INTO gate_stale (id, integration_id) SELECT gen_random_uuid(), id FROM integration`,
    );
    await q.query(
      `CREATE INDEX integration_by_owner_contact ON integration (owner_contact_id) WHERE owner_contact_id IS NOT NULL`,
    );
    await q.query(
      `CREATE INDEX integration_by_agreement ON integration (agreement_id) WHERE agreement_id IS NOT NULL`,
    );
    await q.query(
      `CREATE INDEX revocation_path_by_connection ON revocation_path (connection_id) WHERE connection_id IS NOT NULL`,
    );
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(
      `DROP INDEX revocation_path_by_connection, integration_by_agreement, integration_by_owner_contact`,
    );
    await q.query(`DROP TRIGGER integration_gate_stale ON integration`);
    for (const table of Object.keys(WATCHED)) {
      for (const event of Object.keys(EVENTS))
        await q.query(`DROP TRIGGER ${table}_gate_stale_${event} ON ${table}`);
    }
    await q.query(`DROP FUNCTION cs_gate_stale(), cs_gate_stale_integration()`);
    await q.query(`DROP TABLE gate_stale, policy_exception, gate_standing, gate_decision, policy_template`);
  }
}
