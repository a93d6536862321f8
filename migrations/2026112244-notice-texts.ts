/**
 * Operators write the texts of notices themselves, upon those that are shipped: by category, language and kind of
 * recipient, each save a version that stays. A notice keeps by which version it was written, so that every attempt of it
 * says the same. What people write by hand for one occasion is drafted, approved by somebody else, and sent as a notice.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate } from './isolation.ts';

export class NoticeTexts2026112244000 implements MigrationInterface {
  readonly name = 'NoticeTexts2026112244000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE notice_template (
        id uuid NOT NULL,
        category text NOT NULL,
        language text NOT NULL,
        recipient text NOT NULL DEFAULT 'any',
        number int NOT NULL,
        shipped boolean NOT NULL DEFAULT false,
        subject text NOT NULL,
        text text NOT NULL,
        html text NOT NULL,
        note text NOT NULL DEFAULT '',
        content_hash bytea NOT NULL,
        written_by text NOT NULL,
        created_at timestamptz NOT NULL,
        CONSTRAINT notice_template_pk PRIMARY KEY (id),
        CONSTRAINT notice_template_number UNIQUE (category, language, recipient, number),
        CONSTRAINT notice_template_recipient_known CHECK (recipient IN ('any', 'supplier', 'customer', 'sub_processor', 'authority', 'insurer'))
      );
      COMMENT ON COLUMN notice_template.shipped IS 'from this version on the shipped text is used again';

      CREATE TABLE written_notice (
        id uuid NOT NULL,
        integration_id uuid NOT NULL,
        party_id uuid NOT NULL,
        contact_id uuid NOT NULL,
        subject_kind text NOT NULL,
        subject_id uuid NOT NULL,
        language text NOT NULL,
        subject text NOT NULL,
        text text NOT NULL,
        state text NOT NULL DEFAULT 'drafted',
        written_by text NOT NULL,
        decided_by text,
        decided_at timestamptz,
        reason text NOT NULL DEFAULT '',
        notice_id uuid,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        row_version int NOT NULL DEFAULT 1,
        CONSTRAINT written_notice_pk PRIMARY KEY (id),
        CONSTRAINT written_notice_state_known CHECK (state IN ('drafted', 'sent', 'refused')),
        CONSTRAINT written_notice_decided_whole CHECK ((state = 'drafted') = (decided_at IS NULL) AND (decided_at IS NULL) = (decided_by IS NULL)),
        CONSTRAINT written_notice_four_eyes CHECK (state <> 'sent' OR decided_by <> written_by),
        CONSTRAINT written_notice_contact_fk FOREIGN KEY (contact_id, party_id) REFERENCES contact (id, party_id),
        CONSTRAINT written_notice_integration_fk FOREIGN KEY (integration_id) REFERENCES integration (id),
        CONSTRAINT written_notice_notice_fk FOREIGN KEY (notice_id) REFERENCES notice (id)
      );
      CREATE INDEX written_notice_by_subject ON written_notice (subject_id);

      ALTER TABLE notice
        ADD COLUMN template_id uuid,
        ADD CONSTRAINT notice_template_fk FOREIGN KEY (template_id) REFERENCES notice_template (id);
    `);
    await isolate(q, 'notice_template', 'installation', { appendOnly: true });
    await isolate(q, 'written_notice', 'installation');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE notice DROP COLUMN template_id;
      DROP TABLE written_notice, notice_template;
    `);
  }
}
