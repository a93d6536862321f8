/**
 * A supplier that runs the installation offers one matrix and one term sheet to many customers. An offering is drafted,
 * published in versions that never change, and laid before customers one by one; each has a matrix version, terms and a
 * signature of its own. What became of each customer is a row here, so that one that fails stops no other.
 *
 * A version of a matrix may bind terms: their hash stands in what is signed, their text beside it where the customer and the
 * operator can read it and a sub-processor cannot. They hold as a version of the agreement once every side has signed.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate } from './isolation.ts';

export class Offerings2026112221000 implements MigrationInterface {
  readonly name = 'Offerings2026112221000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE offering
        ADD COLUMN editors jsonb NOT NULL DEFAULT '[]',
        ADD COLUMN chase_every_hours int NOT NULL DEFAULT 72,
        ADD COLUMN reattest_days int NOT NULL DEFAULT 365,
        ADD COLUMN updated_at timestamptz,
        ADD CONSTRAINT offering_chase_range CHECK (chase_every_hours BETWEEN 24 AND 2160),
        ADD CONSTRAINT offering_reattest_range CHECK (reattest_days BETWEEN 1 AND 1830);
      CREATE INDEX offering_by_name ON offering (name, id);
      COMMENT ON COLUMN offering.body IS 'what is drafted: rows of the matrix by role, and the term sheet';
      COMMENT ON COLUMN offering.chase_every_hours IS 'nobody is reminded more often';

      CREATE TABLE offering_version (
        id uuid NOT NULL,
        offering_id uuid NOT NULL,
        number int NOT NULL,
        body jsonb NOT NULL,
        content_hash bytea NOT NULL,
        editors jsonb NOT NULL,
        published_by text NOT NULL,
        published_at timestamptz NOT NULL,
        CONSTRAINT offering_version_pk PRIMARY KEY (id),
        CONSTRAINT offering_version_number UNIQUE (offering_id, number),
        CONSTRAINT offering_version_id_offering UNIQUE (id, offering_id),
        CONSTRAINT offering_version_offering_fk FOREIGN KEY (offering_id) REFERENCES offering (id)
      );

      CREATE TABLE offering_target (
        id uuid NOT NULL,
        offering_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        state text NOT NULL DEFAULT 'queued',
        wanted_version_id uuid NOT NULL,
        proposed_version_id uuid,
        matrix_version_id uuid,
        failure jsonb,
        asked_by jsonb NOT NULL,
        asked_at timestamptz NOT NULL,
        settled_at timestamptz,
        chased_at timestamptz,
        chases int NOT NULL DEFAULT 0,
        CONSTRAINT offering_target_pk PRIMARY KEY (id),
        CONSTRAINT offering_target_integration UNIQUE (integration_id),
        CONSTRAINT offering_target_state_known CHECK (state IN ('queued', 'proposed', 'failed')),
        CONSTRAINT offering_target_offering_fk FOREIGN KEY (offering_id) REFERENCES offering (id),
        CONSTRAINT offering_target_integration_fk FOREIGN KEY (integration_id) REFERENCES integration (id),
        CONSTRAINT offering_target_wanted_fk FOREIGN KEY (wanted_version_id, offering_id) REFERENCES offering_version (id, offering_id),
        CONSTRAINT offering_target_proposed_fk FOREIGN KEY (proposed_version_id, offering_id) REFERENCES offering_version (id, offering_id),
        CONSTRAINT offering_target_matrix_fk FOREIGN KEY (matrix_version_id, integration_id) REFERENCES matrix_version (id, integration_id)
      );
      CREATE INDEX offering_target_by_offering ON offering_target (offering_id, integration_id);
      COMMENT ON COLUMN offering_target.asked_by IS 'the principal on whose behalf it is proposed';
      COMMENT ON COLUMN offering_target.failure IS 'why the last try came to nothing, and how to mend it';

      ALTER TABLE matrix_version ADD COLUMN terms_hash bytea;
      COMMENT ON COLUMN matrix_version.terms_hash IS 'of the terms that are signed with it; null: none are';

      CREATE TABLE matrix_terms (
        matrix_version_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        party_id uuid NOT NULL,
        title text NOT NULL,
        content jsonb NOT NULL,
        content_hash bytea NOT NULL,
        texts jsonb NOT NULL,
        agreement_version_id uuid,
        CONSTRAINT matrix_terms_pk PRIMARY KEY (matrix_version_id),
        CONSTRAINT matrix_terms_version_fk FOREIGN KEY (matrix_version_id, integration_id) REFERENCES matrix_version (id, integration_id),
        CONSTRAINT matrix_terms_agreement_fk FOREIGN KEY (agreement_version_id, party_id) REFERENCES agreement_version (id, party_id)
      );
      COMMENT ON COLUMN matrix_terms.texts IS 'as people read it, by language; the hash of each stands in the text that is signed';
      COMMENT ON COLUMN matrix_terms.agreement_version_id IS 'in which they hold, once every side has signed';
    `);
    await isolate(q, 'offering_version', 'installation', { appendOnly: true });
    await isolate(q, 'offering_target', 'installation');
    await isolate(q, 'matrix_terms', 'party', { appendOnly: true });
    await q.query(`GRANT UPDATE (agreement_version_id) ON matrix_terms TO countersign_app`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`
      DROP TABLE matrix_terms, offering_target, offering_version;
      ALTER TABLE matrix_version DROP COLUMN terms_hash;
      DROP INDEX offering_by_name;
      ALTER TABLE offering
        DROP COLUMN editors, DROP COLUMN chase_every_hours, DROP COLUMN reattest_days, DROP COLUMN updated_at;
      COMMENT ON COLUMN offering.body IS NULL`);
  }
}
