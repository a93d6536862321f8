/**
 * Who was told of a case by us knows since then: what they owe themselves starts with the acceptance of the first notice that
 * reached them, in the same transaction. How often those who were told hear again may be set for one incident; where it is
 * not, its severity says so.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class WhoKnowsSince2026112249000 implements MigrationInterface {
  readonly name = 'WhoKnowsSince2026112249000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE FUNCTION notice_starts_watched() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
      BEGIN
        UPDATE obligation o SET next_clock_at = NEW.updated_at
         WHERE o.case_id = NEW.subject_id AND o.party_id = NEW.party_id AND o.watched AND o.standing = 'not_started';
        RETURN NULL;
      END $$;
      CREATE TRIGGER notice_starts_watched AFTER UPDATE OF accepted_at ON notice FOR EACH ROW
        WHEN (NEW.subject_kind = 'case' AND OLD.accepted_at IS NULL AND NEW.accepted_at IS NOT NULL)
        EXECUTE FUNCTION notice_starts_watched();

      ALTER TABLE incident
        ADD COLUMN update_every_hours int,
        ADD CONSTRAINT incident_update_every CHECK (update_every_hours BETWEEN 1 AND 720);
      COMMENT ON COLUMN incident.update_every_hours IS 'how often those who were told hear again; null: as its severity says';
    `);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE incident DROP CONSTRAINT incident_update_every, DROP COLUMN update_every_hours;
      DROP TRIGGER notice_starts_watched ON notice;
      DROP FUNCTION notice_starts_watched();
    `);
  }
}
