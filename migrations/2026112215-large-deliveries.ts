/**
 * A delivery of thousands of reports is answered before they are filed, and filed riskiest first.
 *
 * Until its turn comes a report waits sealed, as its value would; which of them were filed stands beside, and is written
 * in the transaction that files them. What comes into one incident over several such transactions is one batch of that
 * incident and one run, whose fan-out takes items until the last report is filed: `portion` is the order of their coming,
 * behind which a planner never has to look again.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class LargeDeliveries2026112215000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE exposure_batch ADD COLUMN reports_ref text, ADD COLUMN filed bytea, ADD COLUMN incident_id uuid,
        ADD CONSTRAINT exposure_batch_incident_fk FOREIGN KEY (incident_id) REFERENCES incident (id);
      CREATE INDEX exposure_batch_waiting ON exposure_batch (created_at) WHERE reports_ref IS NOT NULL;
      COMMENT ON COLUMN exposure_batch.reports_ref IS 'the reports of a large delivery, sealed, until all of them are filed';
      COMMENT ON COLUMN exposure_batch.filed IS 'a bit for each of those reports, set by the transaction that files it';
      COMMENT ON COLUMN exposure_batch.incident_id IS 'the incident that the first of those reports opened';
      ALTER TABLE incident_credential ADD COLUMN exposure_batch_id uuid, ADD COLUMN portion int NOT NULL DEFAULT 0;
      CREATE INDEX incident_credential_by_exposure_batch ON incident_credential (exposure_batch_id) WHERE exposure_batch_id IS NOT NULL;
      COMMENT ON COLUMN incident_credential.exposure_batch_id IS 'the large delivery that it came with';
      COMMENT ON COLUMN incident_credential.portion IS 'the order in which the credentials of one batch joined'`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE incident_credential DROP COLUMN exposure_batch_id, DROP COLUMN portion;
      ALTER TABLE exposure_batch DROP COLUMN reports_ref, DROP COLUMN filed, DROP COLUMN incident_id`);
  }
}
