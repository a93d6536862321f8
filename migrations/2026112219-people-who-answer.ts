/**
 * What a person answers for takes a person. A risk is carried by two: what the first asked for waits here until a second
 * one accepts it. And a token may belong to an account: who uses it then acts as that person, with no more than both may.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate } from './isolation.ts';

const TOKEN = (columns: string, selected: string, join: string) => `
  CREATE FUNCTION cs_token(hash text, at timestamptz)
  RETURNS TABLE (${columns})
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  #variable_conflict use_column
  BEGIN
    UPDATE api_token t SET last_used_at = at
     WHERE t.token_hash = hash AND t.revoked_at IS NULL AND t.expires_at > at
       AND (t.last_used_at IS NULL OR t.last_used_at < at - interval '1 minute');
    RETURN QUERY SELECT ${selected} FROM api_token t ${join}
     WHERE t.token_hash = hash AND t.revoked_at IS NULL AND t.expires_at > at;
  END $$;
  REVOKE ALL ON FUNCTION cs_token(text, timestamptz) FROM PUBLIC;
  GRANT EXECUTE ON FUNCTION cs_token(text, timestamptz) TO countersign_app`;

export class PeopleWhoAnswer2026112219000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE risk_request (
        id uuid NOT NULL,
        subject_kind text NOT NULL,
        subject_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        incident_id uuid,
        requested_by uuid NOT NULL,
        reason text NOT NULL,
        until timestamptz NOT NULL,
        created_at timestamptz NOT NULL,
        answered_at timestamptz,
        CONSTRAINT risk_request_pk PRIMARY KEY (id),
        CONSTRAINT risk_request_subject_known CHECK (subject_kind IN ('credential_version', 'location')),
        CONSTRAINT risk_request_integration_fk FOREIGN KEY (integration_id) REFERENCES integration (id),
        CONSTRAINT risk_request_requested_by_fk FOREIGN KEY (requested_by) REFERENCES user_account (id)
      );
      CREATE INDEX risk_request_by_subject ON risk_request (subject_id);
      COMMENT ON TABLE risk_request IS 'a risk that one person asked to be accepted; answered_at: a second one has';
      ALTER TABLE api_token ADD COLUMN user_id uuid,
        ADD CONSTRAINT api_token_user_fk FOREIGN KEY (user_id) REFERENCES user_account (id);
      COMMENT ON COLUMN api_token.user_id IS 'the account whose person acts with it; null: a machine';
      DROP FUNCTION cs_token(text, timestamptz)`);
    await isolate(q, 'risk_request', 'integration');
    await q.query(
      TOKEN(
        'id uuid, role text, permissions text[], party_id uuid, user_id uuid, person_id uuid, user_roles text[]',
        `t.id, t.role, t.permissions, t.party_id, t.user_id, u.person_id,
          (SELECT array_agg(r.role ORDER BY r.role) FROM user_role r WHERE r.user_id = t.user_id)`,
        `LEFT JOIN user_account u ON u.id = t.user_id AND u.state = 'active'`,
      ),
    );
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`
      DROP FUNCTION cs_token(text, timestamptz);
      DELETE FROM api_token WHERE user_id IS NOT NULL;
      ALTER TABLE api_token DROP COLUMN user_id;
      DROP TABLE risk_request`);
    await q.query(
      TOKEN(
        'id uuid, role text, permissions text[], party_id uuid',
        't.id, t.role, t.permissions, t.party_id',
        '',
      ),
    );
  }
}
