/**
 * An answer may be stronger than a link and a code in one mailbox: by a second channel, or signed with a key of the
 * recipient's own. How strong it has to be at least is frozen on the notice; a weaker one is on record and leaves the duty
 * open. Codes that go out by a second channel are kept as hashes, each for one contact and one notice.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate } from './isolation.ts';

export class StrengthOfAnswers2026112250000 implements MigrationInterface {
  readonly name = 'StrengthOfAnswers2026112250000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE notice
        ADD COLUMN least_strength text NOT NULL DEFAULT 'mailbox',
        ADD CONSTRAINT notice_least_strength_known
          CHECK (least_strength IN ('mailbox', 'second_channel', 'account_mfa', 'detached_signature'));
      COMMENT ON COLUMN notice.least_strength IS 'a weaker acknowledgement is on record and leaves the duty open';

      ALTER TABLE acknowledgement
        ADD COLUMN channel text,
        ADD COLUMN recorded_by text,
        ADD COLUMN signing_key_id uuid,
        ADD COLUMN signature text,
        ADD CONSTRAINT acknowledgement_signing_key_fk FOREIGN KEY (signing_key_id) REFERENCES signing_key (id),
        ADD CONSTRAINT acknowledgement_signed_whole CHECK ((signing_key_id IS NULL) = (signature IS NULL)),
        ADD CONSTRAINT acknowledgement_signed_if_so CHECK ((strength = 'detached_signature') = (signature IS NOT NULL));
      COMMENT ON COLUMN acknowledgement.channel IS 'the second channel, where it came by one';
      COMMENT ON COLUMN acknowledgement.recorded_by IS 'who of the operator wrote it down, where it was read back by phone';

      CREATE TABLE acknowledgement_code (
        id uuid NOT NULL,
        notice_id uuid NOT NULL,
        party_id uuid NOT NULL,
        contact_id uuid NOT NULL,
        channel text NOT NULL,
        code_hash bytea NOT NULL,
        wrong int NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        used_at timestamptz,
        CONSTRAINT acknowledgement_code_pk PRIMARY KEY (id),
        CONSTRAINT acknowledgement_code_notice_fk FOREIGN KEY (notice_id, party_id) REFERENCES notice (id, party_id),
        CONSTRAINT acknowledgement_code_contact_fk FOREIGN KEY (contact_id, party_id) REFERENCES contact (id, party_id)
      );
      CREATE INDEX acknowledgement_code_by_notice ON acknowledgement_code (notice_id, contact_id, created_at);
    `);
    await isolate(q, 'acknowledgement_code', 'party');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`
      DROP TABLE acknowledgement_code;
      ALTER TABLE acknowledgement DROP CONSTRAINT acknowledgement_signed_if_so, DROP CONSTRAINT acknowledgement_signed_whole,
        DROP CONSTRAINT acknowledgement_signing_key_fk, DROP COLUMN signature, DROP COLUMN signing_key_id, DROP COLUMN recorded_by, DROP COLUMN channel;
      ALTER TABLE notice DROP CONSTRAINT notice_least_strength_known, DROP COLUMN least_strength;
    `);
  }
}
