/**
 * Who may view, rotate and revoke is looked at again: every month where the risk is highest, and whenever somebody left, a
 * party changed or an incident closed.
 *
 * A campaign (`access_review`) has one part for each integration, reviewed by its owner, and one for the accounts and tokens
 * of the installation. Each part has its own clock. An item is one access that was found on record; it is decided once and
 * never rewritten, and nothing of a campaign is ever removed: it is the evidence.
 *
 * What calls for a campaign is noted by triggers in the transaction that changed it, as for the gate: whoever closes an
 * incident or an account need not know of reviews.
 *
 * Items name people of every party, so that all of it is for the installation alone.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate } from './isolation.ts';

export class AccessReviews2026112225000 implements MigrationInterface {
  readonly name = 'AccessReviews2026112225000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE SEQUENCE reference_arv;
      GRANT USAGE ON SEQUENCE reference_arv TO countersign_app;

      CREATE TABLE access_review (
        id uuid NOT NULL,
        reference text NOT NULL,
        cause text NOT NULL,
        period text,
        subject_id uuid,
        reason text NOT NULL DEFAULT '',
        opened_by text NOT NULL,
        opened_at timestamptz NOT NULL,
        finished_at timestamptz,
        content_hash bytea,
        row_version int NOT NULL DEFAULT 1,
        CONSTRAINT access_review_pk PRIMARY KEY (id),
        CONSTRAINT access_review_reference UNIQUE (reference),
        CONSTRAINT access_review_cause_known CHECK (cause IN ('monthly', 'person_left', 'party_changed', 'incident_closed', 'by_hand')),
        CONSTRAINT access_review_finished_whole CHECK ((finished_at IS NULL) = (content_hash IS NULL))
      );
      CREATE UNIQUE INDEX access_review_one_a_month ON access_review (period) WHERE cause = 'monthly';
      CREATE INDEX access_review_by_opening ON access_review (opened_at DESC, id DESC);
      COMMENT ON COLUMN access_review.period IS 'of a monthly one: 2026-11, in the zone of the operator';
      COMMENT ON COLUMN access_review.subject_id IS 'the contact or user who left, the party that changed, the incident that closed';
      COMMENT ON COLUMN access_review.content_hash IS 'SHA-256 of the outcome, which follows from the hashes of its parts';

      CREATE TABLE access_review_part (
        id uuid NOT NULL,
        review_id uuid NOT NULL,
        integration_id uuid,
        reviewer_contact_id uuid,
        reviewer_person_id uuid,
        reason_to_keep boolean NOT NULL,
        zone text NOT NULL,
        remind_at timestamptz NOT NULL,
        escalate_at timestamptz NOT NULL,
        due_at timestamptz NOT NULL,
        reminded_at timestamptz,
        escalated_at timestamptz,
        missed_at timestamptz,
        listed_at timestamptz,
        items int NOT NULL DEFAULT 0,
        decided int NOT NULL DEFAULT 0,
        removed int NOT NULL DEFAULT 0,
        finished_at timestamptz,
        content_hash bytea,
        row_version int NOT NULL DEFAULT 1,
        CONSTRAINT access_review_part_pk PRIMARY KEY (id),
        CONSTRAINT access_review_part_once UNIQUE NULLS NOT DISTINCT (review_id, integration_id),
        CONSTRAINT access_review_part_id_review UNIQUE (id, review_id),
        CONSTRAINT access_review_part_counts CHECK (decided BETWEEN 0 AND items AND removed BETWEEN 0 AND decided),
        CONSTRAINT access_review_part_clocks CHECK (remind_at < escalate_at AND escalate_at < due_at),
        CONSTRAINT access_review_part_finished_whole CHECK ((finished_at IS NULL) = (content_hash IS NULL)),
        CONSTRAINT access_review_part_review_fk FOREIGN KEY (review_id) REFERENCES access_review (id),
        CONSTRAINT access_review_part_integration_fk FOREIGN KEY (integration_id) REFERENCES integration (id),
        CONSTRAINT access_review_part_reviewer_contact_fk FOREIGN KEY (reviewer_contact_id) REFERENCES contact (id),
        CONSTRAINT access_review_part_reviewer_person_fk FOREIGN KEY (reviewer_person_id) REFERENCES person (id)
      );
      CREATE INDEX access_review_part_by_integration ON access_review_part (integration_id, due_at);
      CREATE INDEX access_review_part_due ON access_review_part (due_at) WHERE finished_at IS NULL AND missed_at IS NULL;
      CREATE INDEX access_review_part_to_list ON access_review_part (id) WHERE listed_at IS NULL;
      COMMENT ON COLUMN access_review_part.integration_id IS 'null: the accounts and tokens of the installation';
      COMMENT ON COLUMN access_review_part.listed_at IS 'when its items were drawn from the record';

      CREATE TABLE access_review_item (
        id uuid NOT NULL,
        review_id uuid NOT NULL,
        part_id uuid NOT NULL,
        number int NOT NULL,
        credential_id uuid,
        subject_kind text NOT NULL,
        subject_id uuid NOT NULL,
        person_id uuid,
        basis text NOT NULL,
        basis_id uuid,
        role text NOT NULL DEFAULT '',
        access text[] NOT NULL,
        decision text,
        reason text,
        decided_by uuid,
        decided_at timestamptz,
        work text,
        run_id uuid,
        work_note text,
        carried_out_at timestamptz,
        CONSTRAINT access_review_item_pk PRIMARY KEY (id),
        CONSTRAINT access_review_item_number UNIQUE (part_id, number),
        CONSTRAINT access_review_item_subject_known CHECK (subject_kind IN ('user', 'token', 'contact', 'party', 'connection')),
        CONSTRAINT access_review_item_basis_known CHECK (basis IN ('role', 'token', 'holder', 'location', 'path', 'connection', 'matrix', 'owner')),
        CONSTRAINT access_review_item_access_known CHECK (access <@ ARRAY['view', 'rotate', 'revoke'] AND cardinality(access) > 0),
        CONSTRAINT access_review_item_decision_known CHECK (decision IN ('keep', 'remove')),
        CONSTRAINT access_review_item_decided_whole CHECK ((decision IS NULL) = (decided_by IS NULL) AND (decision IS NULL) = (decided_at IS NULL)),
        CONSTRAINT access_review_item_removal_has_reason CHECK (decision IS DISTINCT FROM 'remove' OR length(trim(reason)) > 0),
        CONSTRAINT access_review_item_work_known CHECK (work IN ('done', 'waiting', 'failed')),
        CONSTRAINT access_review_item_removal_is_work CHECK ((decision IS NOT DISTINCT FROM 'remove') = (work IS NOT NULL)),
        CONSTRAINT access_review_item_not_own CHECK (decided_by <> person_id),
        CONSTRAINT access_review_item_part_fk FOREIGN KEY (part_id, review_id) REFERENCES access_review_part (id, review_id),
        CONSTRAINT access_review_item_credential_fk FOREIGN KEY (credential_id) REFERENCES credential (id),
        CONSTRAINT access_review_item_person_fk FOREIGN KEY (person_id) REFERENCES person (id),
        CONSTRAINT access_review_item_decided_by_fk FOREIGN KEY (decided_by) REFERENCES person (id)
      );
      CREATE INDEX access_review_item_by_review ON access_review_item (review_id);
      CREATE INDEX access_review_item_waiting ON access_review_item (part_id) WHERE work IN ('waiting', 'failed');
      COMMENT ON COLUMN access_review_item.person_id IS 'the human being whose access it is, where one is known; never the one who decides';
      COMMENT ON COLUMN access_review_item.work IS 'of a removal: done, waiting for a person, or failed';

      CREATE TABLE access_review_occasion (
        id uuid NOT NULL,
        cause text NOT NULL,
        subject_id uuid NOT NULL,
        CONSTRAINT access_review_occasion_pk PRIMARY KEY (id),
        CONSTRAINT access_review_occasion_cause_known CHECK (cause IN ('person_left', 'party_changed', 'incident_closed'))
      );
    `);
    for (const table of ['access_review', 'access_review_part', 'access_review_item'])
      await isolate(q, table, 'installation', { appendOnly: true });
    await isolate(q, 'access_review_occasion', 'installation');
    // What was found is never rewritten, only decided, handed over and finished.
    await q.query(`
      GRANT UPDATE (finished_at, content_hash, row_version) ON access_review TO countersign_app;
      GRANT UPDATE (reviewer_contact_id, reviewer_person_id, reminded_at, escalated_at, missed_at, listed_at, items, decided, removed,
                    finished_at, content_hash, row_version) ON access_review_part TO countersign_app;
      GRANT UPDATE (decision, reason, decided_by, decided_at, work, run_id, work_note, carried_out_at) ON access_review_item TO countersign_app;
    `);

    // With their owner's rights: an outsider's edit may be the occasion, and no outsider may read that table.
    await q.query(`
      CREATE FUNCTION cs_access_review_occasion() RETURNS trigger
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
      BEGIN
        INSERT INTO access_review_occasion (id, cause, subject_id) VALUES (gen_random_uuid(), tg_argv[0], NEW.id);
        RETURN NULL;
      END $$;
      CREATE FUNCTION cs_access_review_parties() RETURNS trigger
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
      BEGIN
        INSERT INTO access_review_occasion (id, cause, subject_id)
        SELECT gen_random_uuid(), 'party_changed', x.party_id
          FROM (SELECT DISTINCT c.party_id FROM changed c JOIN integration i ON i.id = c.integration_id
                 WHERE i.state IN ('approved', 'live', 'suspended')) x;
        RETURN NULL;
      END $$;
      CREATE FUNCTION cs_access_review_gate_stale() RETURNS trigger
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
      BEGIN
        INSERT INTO gate_stale (id, integration_id)
        SELECT gen_random_uuid(), x.integration_id FROM (
          SELECT c.integration_id FROM changed c WHERE c.integration_id IS NOT NULL
          UNION
          SELECT p.integration_id FROM changed c JOIN access_review_part p ON p.review_id = c.review_id
           WHERE c.integration_id IS NULL AND p.integration_id IS NOT NULL) x;
        RETURN NULL;
      END $$;
      CREATE FUNCTION cs_access_review_work_stale() RETURNS trigger
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
      BEGIN
        INSERT INTO gate_stale (id, integration_id)
        SELECT gen_random_uuid(), x.integration_id FROM (
          SELECT DISTINCT p.integration_id FROM changed c JOIN access_review_part p ON p.id = c.part_id
           WHERE c.work IS NOT NULL AND p.integration_id IS NOT NULL) x;
        RETURN NULL;
      END $$;
      REVOKE ALL ON FUNCTION cs_access_review_occasion(), cs_access_review_parties(), cs_access_review_gate_stale(), cs_access_review_work_stale() FROM PUBLIC;

      CREATE TRIGGER user_account_left AFTER UPDATE OF state ON user_account FOR EACH ROW
        WHEN (OLD.state = 'active' AND NEW.state = 'disabled') EXECUTE FUNCTION cs_access_review_occasion('person_left');
      CREATE TRIGGER contact_left AFTER UPDATE OF active ON contact FOR EACH ROW
        WHEN (OLD.active AND NOT NEW.active) EXECUTE FUNCTION cs_access_review_occasion('person_left');
      CREATE TRIGGER party_changed AFTER UPDATE OF name, region, sector, retired_at ON party FOR EACH ROW
        WHEN ((OLD.name, OLD.region, OLD.sector, OLD.retired_at) IS DISTINCT FROM (NEW.name, NEW.region, NEW.sector, NEW.retired_at))
        EXECUTE FUNCTION cs_access_review_occasion('party_changed');
      CREATE TRIGGER incident_closed AFTER UPDATE OF state ON incident FOR EACH ROW
        WHEN (OLD.state <> 'closed' AND NEW.state = 'closed') EXECUTE FUNCTION cs_access_review_occasion('incident_closed');
      CREATE TRIGGER integration_party_joined AFTER INSERT ON integration_party REFERENCING NEW TABLE AS changed
        FOR EACH STATEMENT EXECUTE FUNCTION cs_access_review_parties();
      CREATE TRIGGER integration_party_gone AFTER DELETE ON integration_party REFERENCING OLD TABLE AS changed
        FOR EACH STATEMENT EXECUTE FUNCTION cs_access_review_parties();
      CREATE TRIGGER access_review_part_gate_stale_insert AFTER INSERT ON access_review_part REFERENCING NEW TABLE AS changed
        FOR EACH STATEMENT EXECUTE FUNCTION cs_access_review_gate_stale();
      CREATE TRIGGER access_review_part_gate_stale_update AFTER UPDATE ON access_review_part REFERENCING NEW TABLE AS changed
        FOR EACH STATEMENT EXECUTE FUNCTION cs_access_review_gate_stale();
      CREATE TRIGGER access_review_item_gate_stale AFTER UPDATE ON access_review_item REFERENCING NEW TABLE AS changed
        FOR EACH STATEMENT EXECUTE FUNCTION cs_access_review_work_stale();
    `);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`
      DROP TRIGGER user_account_left ON user_account;
      DROP TRIGGER contact_left ON contact;
      DROP TRIGGER party_changed ON party;
      DROP TRIGGER incident_closed ON incident;
      DROP TRIGGER integration_party_joined ON integration_party;
      DROP TRIGGER integration_party_gone ON integration_party;
      DROP TABLE access_review_occasion, access_review_item, access_review_part, access_review;
      DROP FUNCTION cs_access_review_occasion(), cs_access_review_parties(), cs_access_review_gate_stale(), cs_access_review_work_stale();
      DROP SEQUENCE reference_arv;
    `);
  }
}
