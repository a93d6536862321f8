/**
 * A dead credential is looked at again and again, and each look is the latest. When it was first proven dead is what an
 * exposure ends with, what uses are held against, and what failures follow from: that instant stands still.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class DeadSince2026112257000 implements MigrationInterface {
  readonly name = 'DeadSince2026112257000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE version_death ADD COLUMN dead_since timestamptz;
      COMMENT ON COLUMN version_death.dead_since IS
        'its first proof of death since it was last seen otherwise; liveness_at is the latest look';
      UPDATE version_death d SET dead_since = coalesce(
          (SELECT min(e.ended_at) FROM evidence e
            WHERE e.version_id = d.version_id AND e.kind = 'probe' AND e.outcome = 'dead'
              AND e.ended_at > coalesce(d.last_live_at, '-infinity')
              AND EXISTS (SELECT FROM evidence k WHERE k.version_id = e.version_id AND k.kind = 'control' AND k.outcome = 'live'
                             AND k.ended_at BETWEEN e.ended_at - interval '5 minutes' AND e.ended_at + interval '5 minutes')), d.liveness_at)
        WHERE d.liveness = 'dead';
    `);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`ALTER TABLE version_death DROP COLUMN dead_since`);
  }
}
