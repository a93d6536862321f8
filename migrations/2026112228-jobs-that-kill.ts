/**
 * A job whose process dies each time that it runs would take every worker down with it for ever. Deaths are counted apart
 * from failures, so that such a job is set aside and the others go on.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class JobsThatKill2026112228000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE outbox ADD COLUMN deaths int NOT NULL DEFAULT 0;
      COMMENT ON COLUMN outbox.deaths IS 'how often its holder let the lease lapse, since it was last finished or revived'`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`ALTER TABLE outbox DROP COLUMN deaths`);
  }
}
