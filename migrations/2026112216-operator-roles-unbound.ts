/**
 * Only a contact of a party is bound to a party: an operator's role on a principal that row-level security keeps to one
 * party's rows promises what it cannot do.
 *
 * A trigger, not a CHECK: rows from before may break it, and those stay readable, usable and revocable. What is written from
 * here on does not.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class OperatorRolesUnbound2026112216000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE FUNCTION cs_operator_roles_unbound() RETURNS trigger
      LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
      DECLARE
        broken boolean;
      BEGIN
        IF TG_TABLE_NAME = 'api_token' THEN
          broken := NEW.party_id IS NOT NULL AND NEW.role IS DISTINCT FROM 'party_contact' AND NEW.role IS NOT NULL;
        ELSIF TG_TABLE_NAME = 'user_role' THEN
          broken := NEW.role <> 'party_contact'
            AND EXISTS (SELECT FROM user_account u WHERE u.id = NEW.user_id AND u.party_id IS NOT NULL);
        ELSE
          broken := NEW.party_id IS NOT NULL
            AND EXISTS (SELECT FROM user_role r WHERE r.user_id = NEW.id AND r.role <> 'party_contact');
        END IF;
        IF broken THEN
          RAISE EXCEPTION 'an operator role cannot be bound to a party' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER api_token_operator_unbound BEFORE INSERT OR UPDATE OF role, party_id ON api_token
        FOR EACH ROW EXECUTE FUNCTION cs_operator_roles_unbound();
      CREATE TRIGGER user_role_operator_unbound BEFORE INSERT OR UPDATE OF role, user_id ON user_role
        FOR EACH ROW EXECUTE FUNCTION cs_operator_roles_unbound();
      CREATE TRIGGER user_account_operator_unbound BEFORE UPDATE OF party_id ON user_account
        FOR EACH ROW EXECUTE FUNCTION cs_operator_roles_unbound()`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`
      DROP TRIGGER api_token_operator_unbound ON api_token;
      DROP TRIGGER user_role_operator_unbound ON user_role;
      DROP TRIGGER user_account_operator_unbound ON user_account;
      DROP FUNCTION cs_operator_roles_unbound()`);
  }
}
