/**
 * What is agreed can be written here, and the inventory says of a credential and an integration what keeps it alive.
 *
 * An agreement has at most one draft: the operator's own working copy, editable, checked when it is written, turned into
 * an immutable version when it is published. A version says how often its paths are drilled. A party reads the calendars
 * that its own terms count by, so that it computes the same deadlines.
 *
 * A credential says where its value is kept, how often it is rotated and when it was last used. An integration remembers
 * since when nobody has owned it, and the state to which it returns from quarantine.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate } from './isolation.ts';

export class TermsAndInventory2026112214000 implements MigrationInterface {
  readonly name = 'TermsAndInventory2026112214000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE agreement_draft (
        agreement_id uuid NOT NULL,
        party_id uuid NOT NULL,
        based_on int NOT NULL DEFAULT 0,
        content jsonb NOT NULL,
        valid_from timestamptz,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        row_version int NOT NULL DEFAULT 1,
        CONSTRAINT agreement_draft_pk PRIMARY KEY (agreement_id),
        CONSTRAINT agreement_draft_agreement_fk FOREIGN KEY (agreement_id, party_id) REFERENCES agreement (id, party_id)
      );
      COMMENT ON COLUMN agreement_draft.based_on IS 'number of the version that it was copied from; 0: none';

      ALTER TABLE agreement_version ADD COLUMN drill_every_days int,
        ADD CONSTRAINT agreement_version_drills_positive CHECK (drill_every_days > 0);
      CREATE INDEX agreement_by_title ON agreement (title, id);

      ALTER TABLE credential
        ADD COLUMN store text NOT NULL DEFAULT '',
        ADD COLUMN rotate_every_days int,
        ADD COLUMN last_used_at timestamptz,
        ADD CONSTRAINT credential_rotation_positive CHECK (rotate_every_days > 0);
      COMMENT ON COLUMN credential.store IS 'where its owner keeps the value, in words; never the value';
      COMMENT ON COLUMN credential.last_used_at IS 'as stated; usage events may know of a later use';
      CREATE INDEX credential_by_risk ON credential (risk DESC, id DESC) WHERE retired_at IS NULL;

      ALTER TABLE integration
        ADD COLUMN unowned_since timestamptz,
        ADD COLUMN state_before_quarantine text;
      CREATE INDEX integration_unowned ON integration (unowned_since) WHERE unowned_since IS NOT NULL;
      CREATE INDEX notice_attempt_by_contact ON notice_attempt (contact_id, started_at DESC) WHERE contact_id IS NOT NULL;
      CREATE INDEX usage_event_by_time ON usage_event (at);
      CREATE INDEX exposure_unmatched ON exposure (received_at) WHERE match = 'none';
    `);
    await isolate(q, 'agreement_draft', 'installation');
    await q.query(`CREATE POLICY app_calendar_of_own_terms ON calendar FOR SELECT TO countersign_app
      USING (EXISTS (SELECT FROM term t WHERE t.calendar_id = calendar.id))`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DROP POLICY app_calendar_of_own_terms ON calendar`);
    await q.query(`
      DROP INDEX exposure_unmatched, usage_event_by_time, notice_attempt_by_contact, integration_unowned, credential_by_risk, agreement_by_title;
      ALTER TABLE integration DROP COLUMN unowned_since, DROP COLUMN state_before_quarantine;
      ALTER TABLE credential DROP COLUMN store, DROP COLUMN rotate_every_days, DROP COLUMN last_used_at;
      ALTER TABLE agreement_version DROP COLUMN drill_every_days;
      DROP TABLE agreement_draft;
    `);
  }
}
