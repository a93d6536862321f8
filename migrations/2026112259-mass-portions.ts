/**
 * A mass revocation is handed to the emergency revocation in portions, each in a transaction of its own: what was handed over
 * and what is still to start has to be known of each version, whatever happens between two of them.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class MassPortions2026112259000 implements MigrationInterface {
  readonly name = 'MassPortions2026112259000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE mass_revocation_item ADD COLUMN started_at timestamptz;
      COMMENT ON COLUMN mass_revocation_item.started_at IS 'when it was handed to the emergency revocation, or found dead';
      UPDATE mass_revocation_item i SET started_at = m.started_at FROM mass_revocation m WHERE m.id = i.mass_revocation_id;
    `);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`ALTER TABLE mass_revocation_item DROP COLUMN started_at`);
  }
}
