/**
 * Where policy says that one person is enough, a written notice is sent by its writer. That it was is on its row: without
 * it the writer of what was sent is still somebody else than who decided.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class WrittenAlone2026112247000 implements MigrationInterface {
  readonly name = 'WrittenAlone2026112247000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE written_notice ADD COLUMN alone boolean NOT NULL DEFAULT false;
      ALTER TABLE written_notice DROP CONSTRAINT written_notice_four_eyes;
      ALTER TABLE written_notice ADD CONSTRAINT written_notice_four_eyes CHECK (state <> 'sent' OR decided_by <> written_by OR alone);
    `);
  }

  async down(q: QueryRunner): Promise<void> {
    // What was sent alone stays sent; the older check holds for what comes.
    await q.query(`
      ALTER TABLE written_notice DROP CONSTRAINT written_notice_four_eyes;
      ALTER TABLE written_notice ADD CONSTRAINT written_notice_four_eyes CHECK (state <> 'sent' OR decided_by <> written_by) NOT VALID;
      ALTER TABLE written_notice DROP COLUMN alone;
    `);
  }
}
