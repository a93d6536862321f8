/**
 * An endpoint that keeps failing is tried by one message at a time, whichever process sends it: the row says until when
 * somebody is trying it. A lease, so it is the database's clock that counts.
 *
 * What tells a stream that it is paused or disabled is sent to it all the same, and found without looking at what waits.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class OneProbe2026112252000 implements MigrationInterface {
  readonly name = 'OneProbe2026112252000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE subscription ADD COLUMN probe_until timestamptz;
      COMMENT ON COLUMN subscription.probe_until IS 'one message is trying it, and no other does before';
      CREATE INDEX subscription_delivery_updates ON subscription_delivery (next_at) WHERE state = 'pending' AND type = 'ssf.stream-updated';
    `);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`
      DROP INDEX subscription_delivery_updates;
      ALTER TABLE subscription DROP COLUMN probe_until;
    `);
  }
}
