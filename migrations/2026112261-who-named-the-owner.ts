/**
 * Whoever owns a copy gives their word that it is gone. Where nobody but they themselves said that they own it, their word
 * is worth no more than that of anybody: so who named the owner, and who said at which address a contact is reached, is kept.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class WhoNamedTheOwner2026112261000 implements MigrationInterface {
  readonly name = 'WhoNamedTheOwner2026112261000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE location ADD COLUMN owner_named_by text;
      COMMENT ON COLUMN location.owner_named_by IS 'whose hand named the owner; null: an import, or from before it was kept';
      ALTER TABLE contact ADD COLUMN addressed_by text;
      COMMENT ON COLUMN contact.addressed_by IS 'whose hand last said at which mail address it is reached, or put it in use again; null: an import, or from before it was kept';
    `);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE contact DROP COLUMN addressed_by;
      ALTER TABLE location DROP COLUMN owner_named_by;
    `);
  }
}
