/**
 * Two tokens of one person are one pair of eyes. A token that belongs to no account is the hand of whoever made it, so that
 * is kept with the token: the person, or where a command made it the word for that. A token made with a token is its
 * maker's, however long the chain.
 *
 * An invitation to sign may be taken back before it was followed: its link ends, and what both sides see says so.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';

const TOKEN = (columns: string, selected: string) => `
  DROP FUNCTION cs_token(text, timestamptz);
  CREATE FUNCTION cs_token(hash text, at timestamptz)
  RETURNS TABLE (id uuid, role text, permissions text[], party_id uuid, user_id uuid, person_id uuid, user_roles text[]${columns})
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  #variable_conflict use_column
  BEGIN
    UPDATE api_token t SET last_used_at = at
     WHERE t.token_hash = hash AND t.revoked_at IS NULL AND t.expires_at > at
       AND (t.last_used_at IS NULL OR t.last_used_at < at - interval '1 minute');
    RETURN QUERY SELECT t.id, t.role, t.permissions, t.party_id, t.user_id, u.person_id,
          (SELECT array_agg(r.role ORDER BY r.role) FROM user_role r WHERE r.user_id = t.user_id)${selected}
      FROM api_token t LEFT JOIN user_account u ON u.id = t.user_id AND u.state = 'active'
     WHERE t.token_hash = hash AND t.revoked_at IS NULL AND t.expires_at > at;
  END $$;
  REVOKE ALL ON FUNCTION cs_token(text, timestamptz) FROM PUBLIC;
  GRANT EXECUTE ON FUNCTION cs_token(text, timestamptz) TO countersign_app`;

export class HandsAndInvitations2026112222000 implements MigrationInterface {
  readonly name = 'HandsAndInvitations2026112222000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE api_token ADD COLUMN made_by text;
      UPDATE api_token t SET made_by = coalesce(
        (SELECT u.person_id::text FROM user_account u WHERE u.id = t.user_id),
        (SELECT u.person_id::text FROM user_account u WHERE u.id::text = t.created_by),
        t.created_by);
      DO $$
      DECLARE moved int;
      BEGIN
        LOOP
          UPDATE api_token t SET made_by = p.made_by FROM api_token p WHERE t.made_by = p.id::text AND p.made_by <> t.made_by;
          GET DIAGNOSTICS moved = ROW_COUNT;
          EXIT WHEN moved = 0;
        END LOOP;
      END $$;
      ALTER TABLE api_token ALTER COLUMN made_by SET NOT NULL;
      COMMENT ON COLUMN api_token.made_by IS 'whose hand it is where it belongs to no account: a person, or the word for what made it'`);
    await q.query(TOKEN(', made_by text', ', t.made_by'));
    await q.query(`
      ALTER TABLE matrix_invitation ADD COLUMN withdrawn_at timestamptz, ADD COLUMN withdrawn_by text;
      ALTER TABLE signing_key ADD COLUMN revoked_by text`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE signing_key DROP COLUMN revoked_by;
      ALTER TABLE matrix_invitation DROP COLUMN withdrawn_by, DROP COLUMN withdrawn_at`);
    await q.query(TOKEN('', ''));
    await q.query('ALTER TABLE api_token DROP COLUMN made_by');
  }
}
