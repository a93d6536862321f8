/**
 * What goes wrong in an emergency is tried before: a drill may be started with faults, which are made to happen on its
 * canary alone. The drill keeps when each happened and what came of it.
 *
 * No drill can ever be about a credential of the portfolio: what a drill takes is a canary of a connection (the foreign
 * key), one that was taken for it, and none whose supplier's id is that of a known version at the same party. The
 * database refuses anything else, whoever asks.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class DrillFaults2026112237000 implements MigrationInterface {
  readonly name = 'DrillFaults2026112237000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE drill
        ADD COLUMN faults text[] NOT NULL DEFAULT '{}',
        ADD COLUMN injections jsonb NOT NULL DEFAULT '[]',
        ADD COLUMN findings jsonb NOT NULL DEFAULT '[]',
        ADD COLUMN counts boolean NOT NULL DEFAULT true,
        ADD COLUMN runbook text NOT NULL DEFAULT 'drill',
        ADD COLUMN successor_id uuid,
        ADD COLUMN successor_label text,
        ADD COLUMN validated_at timestamptz,
        ADD COLUMN withdrawn_at timestamptz,
        ADD CONSTRAINT drill_successor_fk FOREIGN KEY (successor_id) REFERENCES canary (id),
        ADD CONSTRAINT drill_runbook_known CHECK (runbook IN ('drill', 'rotation-drill')),
        ADD CONSTRAINT drill_faults_known CHECK (faults <@ ARRAY['invalid-new-secret', 'supplier-rejects-reauthentication', 'worker-dies', 'response-lost', 'lying-200']),
        ADD CONSTRAINT drill_faults_on_a_canary CHECK (faults = '{}' OR canary_id IS NOT NULL);
      COMMENT ON COLUMN drill.faults IS 'what is made to go wrong';
      COMMENT ON COLUMN drill.injections IS 'each time that something was made to go wrong: fault, part, at, did, reached, early';
      COMMENT ON COLUMN drill.findings IS 'what came of each fault: expected, held, said, times, at, seconds';
      COMMENT ON COLUMN drill.counts IS 'whether it says something about the path; not where a fault forbade any proof, and held';

      COMMENT ON COLUMN drill.successor_label IS 'under which name a new canary was asked for; kept before the supplier is';

      CREATE FUNCTION drill_takes_a_canary() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
      BEGIN
        IF NEW.canary_id IS NULL THEN RETURN NEW; END IF;
        IF (SELECT count(*) FROM canary a WHERE a.id IN (NEW.canary_id, NEW.successor_id) AND a.state = 'taken') < num_nonnulls(NEW.canary_id, NEW.successor_id) THEN
          RAISE EXCEPTION 'a drill takes a canary that was taken for it' USING ERRCODE = 'check_violation', CONSTRAINT = 'drill_takes_a_canary';
        END IF;
        IF EXISTS (SELECT FROM canary a JOIN connection n ON n.id = a.connection_id
                     JOIN credential c ON c.verifier_party_id = n.party_id
                     JOIN credential_version v ON v.credential_id = c.id AND v.supplier_id = a.supplier_id
                    WHERE a.id IN (NEW.canary_id, NEW.successor_id)) THEN
          RAISE EXCEPTION 'a drill never takes a credential of the portfolio' USING ERRCODE = 'check_violation', CONSTRAINT = 'drill_takes_a_canary';
        END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER drill_takes_a_canary BEFORE INSERT OR UPDATE OF canary_id, successor_id ON drill
        FOR EACH ROW EXECUTE FUNCTION drill_takes_a_canary();
    `);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`
      DROP TRIGGER drill_takes_a_canary ON drill;
      DROP FUNCTION drill_takes_a_canary();
      ALTER TABLE drill DROP CONSTRAINT drill_faults_on_a_canary, DROP CONSTRAINT drill_faults_known,
        DROP CONSTRAINT drill_runbook_known, DROP COLUMN withdrawn_at, DROP COLUMN validated_at, DROP COLUMN successor_label,
        DROP COLUMN successor_id, DROP COLUMN runbook,
        DROP COLUMN counts, DROP COLUMN findings, DROP COLUMN injections, DROP COLUMN faults;
    `);
  }
}
