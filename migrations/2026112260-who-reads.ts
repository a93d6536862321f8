/**
 * Two processes may find the same notice due at the same moment, with clocks that are seconds apart: whoever makes an
 * attempt holds the notice by the one clock that they share, the database's.
 *
 * Who reads a message decides its language. A contact that never said one had English by default, over what its agreement
 * says: now it has none, and the agreement or its party decides. People with an account have a language, too.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class WhoReads2026112260000 implements MigrationInterface {
  readonly name = 'WhoReads2026112260000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE notice ADD COLUMN held_until timestamptz;
      COMMENT ON COLUMN notice.held_until IS 'by the database''s clock: until then whoever began the latest attempt is making it';

      ALTER TABLE contact ALTER COLUMN language DROP NOT NULL, ALTER COLUMN language DROP DEFAULT;
      UPDATE contact SET language = NULL WHERE language = 'en';
      COMMENT ON COLUMN contact.language IS 'what they read; without one, as the agreement or the party has it';

      ALTER TABLE user_account ADD COLUMN language text;
      COMMENT ON COLUMN user_account.language IS 'in which they are written to; without one, English';
    `);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE user_account DROP COLUMN language;
      UPDATE contact SET language = 'en' WHERE language IS NULL;
      ALTER TABLE contact ALTER COLUMN language SET NOT NULL, ALTER COLUMN language SET DEFAULT 'en';
      COMMENT ON COLUMN contact.language IS NULL;
      ALTER TABLE notice DROP COLUMN held_until;
    `);
  }
}
