// What must happen after a commit, and who may do what.
//
// The outbox makes "the change happened" and "its consequences will happen" one fact: the row is written in the
// transaction of the change and stays until its handler has finished. Access holds people, their accounts, sessions,
// API tokens and the links in mails; of every token only a hash is kept.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate } from './isolation.ts';

export class OutboxAndAccess2026112202000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE outbox (
        id uuid PRIMARY KEY,
        job text NOT NULL,
        queue text NOT NULL CHECK (queue IN ('engine', 'notices', 'intake', 'housekeeping')),
        payload jsonb NOT NULL,
        correlation_id text NOT NULL,
        key text,
        created_at timestamptz NOT NULL,
        due_at timestamptz NOT NULL,
        again_at timestamptz,
        attempts integer NOT NULL DEFAULT 0,
        relays integer NOT NULL DEFAULT 0,
        relayed_at timestamptz,
        lease_until timestamptz,
        fence integer NOT NULL DEFAULT 0,
        done_at timestamptz,
        failed_at timestamptz,
        last_error text
      ) WITH (fillfactor = 70)`);
    // Each look asks for few columns of the unfinished rows only; finished ones weigh on none of these.
    await q.query(`CREATE INDEX outbox_due ON outbox (due_at) WHERE done_at IS NULL AND failed_at IS NULL`);
    await q.query(
      `CREATE UNIQUE INDEX outbox_key ON outbox (job, key) WHERE key IS NOT NULL AND done_at IS NULL AND failed_at IS NULL`,
    );
    await q.query(`CREATE INDEX outbox_failed ON outbox (failed_at) WHERE failed_at IS NOT NULL`);
    await q.query(`CREATE INDEX outbox_done ON outbox (done_at) WHERE done_at IS NOT NULL`);
    await isolate(q, 'outbox', 'installation');

    // Writes outbox rows for whoever holds the transaction, a party included, which can read none of them.
    // rows: [{ id, job, queue, payload, correlation_id, key, created_at, due_at }]
    // A row whose job and key are unfinished joins that row: not yet claimed, it moves to the earlier instant; running,
    // it is repeated after. The conflict waits for the other transaction, so that a handler never misses what either wrote.
    await q.query(`
      CREATE FUNCTION cs_outbox_put(rows jsonb) RETURNS void
      LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
        INSERT INTO outbox AS o (id, job, queue, payload, correlation_id, key, created_at, due_at)
        SELECT r.id, r.job, r.queue, r.payload, r.correlation_id, r.key, r.created_at, r.due_at
          FROM jsonb_to_recordset(rows) AS r(id uuid, job text, queue text, payload jsonb, correlation_id text, key text,
                                             created_at timestamptz, due_at timestamptz)
        ON CONFLICT (job, key) WHERE key IS NOT NULL AND done_at IS NULL AND failed_at IS NULL
        DO UPDATE SET due_at = CASE WHEN o.lease_until IS NULL THEN least(o.due_at, excluded.due_at) ELSE o.due_at END,
                      again_at = CASE WHEN o.lease_until IS NULL THEN o.again_at ELSE least(o.again_at, excluded.due_at) END
      $$`);
    await q.query(`REVOKE ALL ON FUNCTION cs_outbox_put(jsonb) FROM PUBLIC`);
    await q.query(`GRANT EXECUTE ON FUNCTION cs_outbox_put(jsonb) TO countersign_app`);

    await q.query(`CREATE TABLE queue_canary (queue text PRIMARY KEY, seen_at timestamptz NOT NULL)`);
    await isolate(q, 'queue_canary', 'installation');

    await q.query(`
      CREATE TABLE person (
        id uuid PRIMARY KEY,
        name text NOT NULL,
        created_at timestamptz NOT NULL,
        erased_at timestamptz,
        row_version integer NOT NULL DEFAULT 1
      )`);
    await isolate(q, 'person', 'installation');

    await q.query(`
      CREATE TABLE user_account (
        id uuid PRIMARY KEY,
        person_id uuid NOT NULL,
        email text NOT NULL CHECK (email = lower(email)),
        password_hash text,
        party_id uuid,
        state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled')),
        created_at timestamptz NOT NULL,
        last_login_at timestamptz,
        row_version integer NOT NULL DEFAULT 1,
        CONSTRAINT user_account_person_fk FOREIGN KEY (person_id) REFERENCES person (id),
        CONSTRAINT user_account_email_key UNIQUE (email)
      )`);
    await q.query(`CREATE INDEX user_account_person ON user_account (person_id)`);
    await isolate(q, 'user_account', 'installation');

    await q.query(`
      CREATE TABLE user_role (
        user_id uuid NOT NULL,
        role text NOT NULL CHECK (role IN ('admin', 'vendor_risk', 'responder', 'contract_owner', 'integration_engineer', 'auditor', 'party_contact')),
        granted_at timestamptz NOT NULL,
        PRIMARY KEY (user_id, role),
        CONSTRAINT user_role_user_fk FOREIGN KEY (user_id) REFERENCES user_account (id) ON DELETE CASCADE
      )`);
    await isolate(q, 'user_role', 'installation');

    // sid_hash: SHA-256 of the cookie's session id, so that a copy of the table opens no session.
    await q.query(`
      CREATE TABLE session (
        sid_hash text PRIMARY KEY,
        user_id uuid,
        data jsonb NOT NULL,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        CONSTRAINT session_user_fk FOREIGN KEY (user_id) REFERENCES user_account (id) ON DELETE CASCADE
      )`);
    await q.query(`CREATE INDEX session_expires ON session (expires_at)`);
    await q.query(`CREATE INDEX session_by_user ON session (user_id)`);
    await isolate(q, 'session', 'installation');

    // Failures by subject (the hash of an address or of a caller), known or not, so that an unknown address behaves alike.
    await q.query(`
      CREATE TABLE login_throttle (
        subject_hash text PRIMARY KEY,
        failures integer NOT NULL,
        last_at timestamptz NOT NULL,
        locked_until timestamptz
      )`);
    await isolate(q, 'login_throttle', 'installation');

    await q.query(`
      CREATE TABLE api_token (
        id uuid PRIMARY KEY,
        name text NOT NULL,
        token_hash text NOT NULL,
        hint text NOT NULL,
        role text CHECK (role IN ('admin', 'vendor_risk', 'responder', 'contract_owner', 'integration_engineer', 'auditor', 'party_contact')),
        permissions text[],
        party_id uuid,
        created_by text NOT NULL,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        revoked_at timestamptz,
        last_used_at timestamptz,
        CONSTRAINT api_token_hash_key UNIQUE (token_hash),
        CONSTRAINT api_token_may_something CHECK (role IS NOT NULL OR permissions IS NOT NULL),
        CONSTRAINT api_token_party_contact_bound CHECK (role IS DISTINCT FROM 'party_contact' OR party_id IS NOT NULL)
      )`);
    await isolate(q, 'api_token', 'installation');

    // The token of a hash, if it is good now; and, at most once a minute, when it was last used. Every API request asks, in
    // one round trip, before there is a principal that could open a transaction.
    await q.query(`
      CREATE FUNCTION cs_token(hash text, at timestamptz)
      RETURNS TABLE (id uuid, role text, permissions text[], party_id uuid)
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
      #variable_conflict use_column
      BEGIN
        UPDATE api_token t SET last_used_at = at
         WHERE t.token_hash = hash AND t.revoked_at IS NULL AND t.expires_at > at
           AND (t.last_used_at IS NULL OR t.last_used_at < at - interval '1 minute');
        RETURN QUERY SELECT t.id, t.role, t.permissions, t.party_id FROM api_token t
         WHERE t.token_hash = hash AND t.revoked_at IS NULL AND t.expires_at > at;
      END $$`);
    await q.query(`REVOKE ALL ON FUNCTION cs_token(text, timestamptz) FROM PUBLIC`);
    await q.query(`GRANT EXECUTE ON FUNCTION cs_token(text, timestamptz) TO countersign_app`);

    await q.query(`
      CREATE TABLE link_token (
        id uuid PRIMARY KEY,
        token_hash text NOT NULL,
        purpose text NOT NULL,
        subject_kind text NOT NULL,
        subject_id uuid NOT NULL,
        party_id uuid,
        contact_id uuid,
        person_id uuid,
        permissions text[] NOT NULL,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        used_at timestamptz,
        revoked_at timestamptz,
        CONSTRAINT link_token_hash_key UNIQUE (token_hash),
        CONSTRAINT link_token_person_fk FOREIGN KEY (person_id) REFERENCES person (id)
      )`);
    await q.query(`CREATE INDEX link_token_subject ON link_token (subject_kind, subject_id)`);
    await isolate(q, 'link_token', 'installation');

    // body is null for answers that hold something shown once; a repeat of such a request is refused, not replayed.
    await q.query(`
      CREATE TABLE idempotency_key (
        principal text NOT NULL,
        key text NOT NULL,
        request_hash text NOT NULL,
        status integer,
        headers jsonb,
        body text,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        PRIMARY KEY (principal, key)
      )`);
    await q.query(`CREATE INDEX idempotency_key_expires ON idempotency_key (expires_at)`);
    await isolate(q, 'idempotency_key', 'installation');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DROP FUNCTION cs_outbox_put(jsonb)`);
    await q.query(`DROP FUNCTION cs_token(text, timestamptz)`);
    for (const table of [
      'idempotency_key',
      'link_token',
      'api_token',
      'login_throttle',
      'session',
      'user_role',
      'user_account',
      'person',
      'queue_canary',
      'outbox',
    ]) {
      await q.query(`DROP TABLE ${table}`);
    }
  }
}
