/**
 * Duties of laws are told through us. An obligation names what was written to tell it; the notice that came of it moves the
 * obligation's clock in the same transaction, whoever moved the notice: a peer's acceptance, a bounce, an acknowledgement by
 * somebody outside. One that was told in time and came back inside its window is open again, as its notice is; one that was
 * late stays late. Whose duty it is belongs to what makes it one of its kind: each party of an integration has its own.
 *
 * A rung of an agreement's ladder may have its own time, in minutes or as a share of the window.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';

const DECISIONS = `'not_required_asked', 'not_required', 'kept', 'withheld', 'returned', 'started', 'submitted'`;

const staysDecided = (more: string) => `
  CREATE OR REPLACE FUNCTION obligation_stays_decided() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    ${more}
    IF OLD.timeliness <> 'open' AND (NEW.timeliness, NEW.decided_at, NEW.due_at, NEW.start_at)
         IS DISTINCT FROM (OLD.timeliness, OLD.decided_at, OLD.due_at, OLD.start_at) THEN
      RAISE EXCEPTION 'whether an obligation was in time is decided once' USING ERRCODE = 'check_violation', CONSTRAINT = 'obligation_stays_decided';
    END IF;
    RETURN NEW;
  END $$;`;

/** What came back inside its window, and nothing else, opens what was in time. */
const CAME_BACK = `
    IF OLD.timeliness = 'met' AND NEW.timeliness = 'open' AND NEW.fulfilled_at IS NULL
       AND (NEW.due_at, NEW.start_at) IS NOT DISTINCT FROM (OLD.due_at, OLD.start_at)
       AND EXISTS (SELECT FROM written_notice w JOIN notice n ON n.id = w.notice_id
                    WHERE w.id = OLD.written_notice_id AND n.timeliness = 'open' AND n.fulfilled_at IS NULL) THEN
      RETURN NEW;
    END IF;`;

export class DutiesTold2026112248000 implements MigrationInterface {
  readonly name = 'DutiesTold2026112248000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE obligation
        ADD COLUMN written_notice_id uuid,
        ADD COLUMN watched boolean NOT NULL DEFAULT false,
        ADD CONSTRAINT obligation_written_notice_fk FOREIGN KEY (written_notice_id) REFERENCES written_notice (id),
        DROP CONSTRAINT obligation_once,
        ADD CONSTRAINT obligation_once UNIQUE (case_id, party_id, rule_id, phase);
      COMMENT ON COLUMN obligation.written_notice_id IS 'what was written to tell it through us';
      COMMENT ON COLUMN obligation.watched IS 'the duty of somebody else: we note what they told us, and send nothing';
      CREATE INDEX obligation_by_written_notice ON obligation (written_notice_id) WHERE written_notice_id IS NOT NULL;
      CREATE INDEX written_notice_by_notice ON written_notice (notice_id) WHERE notice_id IS NOT NULL;
      ALTER TABLE duty_decision DROP CONSTRAINT duty_decision_known;
      ALTER TABLE duty_decision ADD CONSTRAINT duty_decision_known CHECK (decision IN (${DECISIONS}, 'told', 'came_back'));
      ${staysDecided(CAME_BACK)}

      CREATE FUNCTION notice_moves_obligation() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
      BEGIN
        UPDATE obligation o SET next_clock_at = NEW.updated_at FROM written_notice w
         WHERE w.notice_id = NEW.id AND o.written_notice_id = w.id;
        RETURN NULL;
      END $$;
      CREATE TRIGGER notice_moves_obligation AFTER UPDATE OF fulfilled_at, timeliness ON notice FOR EACH ROW
        WHEN (NEW.category = 'report' AND (OLD.fulfilled_at, OLD.timeliness) IS DISTINCT FROM (NEW.fulfilled_at, NEW.timeliness))
        EXECUTE FUNCTION notice_moves_obligation();

      ALTER TABLE term_recipient
        ADD COLUMN after_minutes int,
        ADD COLUMN after_percent int,
        ADD CONSTRAINT term_recipient_one_time CHECK (num_nonnulls(after_minutes, after_percent) <= 1),
        ADD CONSTRAINT term_recipient_time_of_fallback CHECK (fallback OR num_nonnulls(after_minutes, after_percent) = 0),
        ADD CONSTRAINT term_recipient_minutes CHECK (after_minutes BETWEEN 0 AND 43200),
        ADD CONSTRAINT term_recipient_percent CHECK (after_percent BETWEEN 0 AND 100);
      ALTER TABLE notice ADD COLUMN rung_at timestamptz;
      COMMENT ON COLUMN notice.rung_at IS 'the time of the latest rung of its ladder that was taken';
    `);
  }

  async down(q: QueryRunner): Promise<void> {
    // What others owe is derived again; decisions that only later versions know stay.
    await q.query(`
      ALTER TABLE notice DROP COLUMN rung_at;
      ALTER TABLE term_recipient
        DROP CONSTRAINT term_recipient_percent,
        DROP CONSTRAINT term_recipient_minutes,
        DROP CONSTRAINT term_recipient_time_of_fallback,
        DROP CONSTRAINT term_recipient_one_time,
        DROP COLUMN after_percent,
        DROP COLUMN after_minutes;
      DROP TRIGGER notice_moves_obligation ON notice;
      DROP FUNCTION notice_moves_obligation();
      ${staysDecided('')}
      ALTER TABLE duty_decision DROP CONSTRAINT duty_decision_known;
      ALTER TABLE duty_decision ADD CONSTRAINT duty_decision_known CHECK (decision IN (${DECISIONS})) NOT VALID;
      DROP INDEX written_notice_by_notice;
      DELETE FROM obligation WHERE watched;
      ALTER TABLE obligation
        DROP CONSTRAINT obligation_once,
        ADD CONSTRAINT obligation_once UNIQUE (case_id, rule_id, phase),
        DROP CONSTRAINT obligation_written_notice_fk,
        DROP COLUMN watched,
        DROP COLUMN written_notice_id;
    `);
  }
}
