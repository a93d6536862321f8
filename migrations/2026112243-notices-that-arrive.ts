/**
 * A notice that a peer took has not reached a human being yet. It may bounce; it may be acknowledged and then forgotten;
 * its reader may be asleep, away, or only reachable by another way. So: each telling of a notice has a message id of its
 * own, an attempt keeps what came back later, an acknowledgement says what happens next, and a contact has hours,
 * absences and an hourly measure. The text is kept as it was first sent: what somebody acknowledged is that text, whatever
 * becomes of its template.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate } from './isolation.ts';

export class NoticesThatArrive2026112243000 implements MigrationInterface {
  readonly name = 'NoticesThatArrive2026112243000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE notice
        ADD COLUMN told int NOT NULL DEFAULT 1,
        ADD COLUMN sent_subject text,
        ADD COLUMN sent_text text,
        ADD CONSTRAINT notice_told_counted CHECK (told > 0),
        ADD CONSTRAINT notice_sent_whole CHECK ((sent_subject IS NULL) = (sent_text IS NULL));
      COMMENT ON COLUMN notice.told IS 'how often it is told: more than once where nobody answered, or nothing followed';
      COMMENT ON COLUMN notice.sent_text IS 'as first sent, without the link: what an acknowledgement binds';

      ALTER TABLE notice_attempt
        ADD COLUMN message_id text,
        ADD COLUMN bounced_at timestamptz,
        ADD COLUMN bounce text;
      UPDATE notice_attempt a SET message_id = n.message_id FROM notice n WHERE n.id = a.notice_id;
      ALTER TABLE notice_attempt
        ALTER COLUMN message_id SET NOT NULL,
        ADD CONSTRAINT notice_attempt_bounce_whole CHECK ((bounced_at IS NULL) = (bounce IS NULL));
      CREATE INDEX notice_attempt_by_message ON notice_attempt (message_id);
      COMMENT ON COLUMN notice_attempt.bounce IS 'what the peer said after it had taken the message: status and words';

      ALTER TABLE acknowledgement
        ADD COLUMN next_action text,
        ADD COLUMN next_action_at timestamptz,
        ADD CONSTRAINT acknowledgement_next_action_whole CHECK ((next_action IS NULL) = (next_action_at IS NULL));

      ALTER TABLE alert ADD COLUMN mailed_at timestamptz;
      CREATE INDEX alert_to_mail ON alert (first_at) WHERE mailed_at IS NULL AND handled_at IS NULL;

      CREATE TABLE contact_hours (
        contact_id uuid NOT NULL,
        party_id uuid NOT NULL,
        zone text NOT NULL,
        duty_days int[] NOT NULL DEFAULT '{1,2,3,4,5,6,7}',
        duty_from text NOT NULL DEFAULT '00:00',
        duty_until text NOT NULL DEFAULT '24:00',
        quiet_from text,
        quiet_until text,
        most_per_hour int,
        updated_at timestamptz NOT NULL,
        CONSTRAINT contact_hours_pk PRIMARY KEY (contact_id),
        CONSTRAINT contact_hours_contact_fk FOREIGN KEY (contact_id, party_id) REFERENCES contact (id, party_id) ON DELETE CASCADE,
        CONSTRAINT contact_hours_days_known CHECK (duty_days <@ ARRAY[1, 2, 3, 4, 5, 6, 7]),
        CONSTRAINT contact_hours_quiet_whole CHECK ((quiet_from IS NULL) = (quiet_until IS NULL)),
        CONSTRAINT contact_hours_measure_positive CHECK (most_per_hour > 0)
      );
      COMMENT ON TABLE contact_hours IS 'when a contact is on duty and wants quiet, in a zone of its own; without a row: always on duty, never quiet';

      CREATE TABLE contact_absence (
        id uuid NOT NULL,
        contact_id uuid NOT NULL,
        party_id uuid NOT NULL,
        from_at timestamptz NOT NULL,
        until_at timestamptz NOT NULL,
        stand_in_id uuid,
        created_at timestamptz NOT NULL,
        CONSTRAINT contact_absence_pk PRIMARY KEY (id),
        CONSTRAINT contact_absence_contact_fk FOREIGN KEY (contact_id, party_id) REFERENCES contact (id, party_id) ON DELETE CASCADE,
        CONSTRAINT contact_absence_stand_in_fk FOREIGN KEY (stand_in_id, party_id) REFERENCES contact (id, party_id),
        CONSTRAINT contact_absence_has_length CHECK (until_at > from_at),
        CONSTRAINT contact_absence_another CHECK (stand_in_id <> contact_id)
      );
      CREATE INDEX contact_absence_by_contact ON contact_absence (contact_id, until_at);
    `);
    await isolate(q, 'contact_hours', 'party');
    await isolate(q, 'contact_absence', 'party');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`
      DROP TABLE contact_absence, contact_hours;
      DROP INDEX alert_to_mail;
      ALTER TABLE alert DROP COLUMN mailed_at;
      ALTER TABLE acknowledgement DROP CONSTRAINT acknowledgement_next_action_whole, DROP COLUMN next_action, DROP COLUMN next_action_at;
      DROP INDEX notice_attempt_by_message;
      ALTER TABLE notice_attempt DROP CONSTRAINT notice_attempt_bounce_whole, DROP COLUMN bounce, DROP COLUMN bounced_at, DROP COLUMN message_id;
      ALTER TABLE notice DROP CONSTRAINT notice_sent_whole, DROP CONSTRAINT notice_told_counted, DROP COLUMN sent_text, DROP COLUMN sent_subject, DROP COLUMN told;
    `);
  }
}
