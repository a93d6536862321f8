/**
 * A commit's date says when a leak came about, not when anybody found it: taken for the latter, it would let clocks run out
 * before there was anything to know.
 * The home page asks which duty runs out next.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class WhenItCameAbout2026112258000 implements MigrationInterface {
  readonly name = 'WhenItCameAbout2026112258000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE exposure ADD COLUMN occurred_at timestamptz;
      CREATE INDEX obligation_by_due ON obligation (due_at)
        WHERE standing = 'dated' AND obligation = 'required' AND timeliness = 'open' AND NOT watched;
    `);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DROP INDEX obligation_by_due; ALTER TABLE exposure DROP COLUMN occurred_at`);
  }
}
