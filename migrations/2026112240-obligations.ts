/**
 * What laws and industries ask of us after a leak, beside what agreements do; and when suppliers told us.
 *
 * An obligation keeps the version of its rule and everything that its clock was computed from, so that it computes again to
 * the same answer. Once it is decided whether it was in time, neither that nor its due time changes. Decisions about duties
 * are rows of their own and only added. What a legal hold covers is erased by nobody: the database itself refuses.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate } from './isolation.ts';

export class Obligations2026112240000 implements MigrationInterface {
  readonly name = 'Obligations2026112240000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE SEQUENCE reference_obl;
      GRANT USAGE ON SEQUENCE reference_obl TO countersign_app;

      CREATE TABLE obligation (
        id uuid NOT NULL,
        reference text NOT NULL,
        incident_id uuid NOT NULL,
        case_id uuid NOT NULL,
        party_id uuid NOT NULL,
        recipient_party_id uuid,
        rule_id text NOT NULL,
        rule_version text NOT NULL,
        phase text NOT NULL,
        title text NOT NULL,
        tells text NOT NULL,
        audience text NOT NULL,
        start_event text NOT NULL,
        standing text NOT NULL,
        start_at timestamptz,
        due_at timestamptz,
        due_date date,
        due_why text NOT NULL,
        frozen jsonb NOT NULL,
        warn_at timestamptz,
        escalate_at timestamptz,
        warned_at timestamptz,
        escalated_at timestamptz,
        next_clock_at timestamptz,
        obligation text NOT NULL DEFAULT 'required',
        timeliness text NOT NULL DEFAULT 'open',
        decided_at timestamptz,
        fulfilled_at timestamptz,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        row_version int NOT NULL DEFAULT 1,
        CONSTRAINT obligation_pk PRIMARY KEY (id),
        CONSTRAINT obligation_reference UNIQUE (reference),
        CONSTRAINT obligation_once UNIQUE (case_id, rule_id, phase),
        CONSTRAINT obligation_audience_known CHECK (audience IN ('authority', 'people', 'counterparty', 'industry')),
        CONSTRAINT obligation_standing_known CHECK (standing IN ('dated', 'no_number', 'not_started')),
        CONSTRAINT obligation_dated_has_date CHECK ((standing = 'dated') = (due_at IS NOT NULL)),
        CONSTRAINT obligation_started_has_start CHECK ((standing = 'not_started') = (start_at IS NULL)),
        CONSTRAINT obligation_known CHECK (obligation IN ('required', 'not_required', 'superseded', 'withheld')),
        CONSTRAINT obligation_timeliness_known CHECK (timeliness IN ('open', 'met', 'missed')),
        CONSTRAINT obligation_decided_once CHECK ((timeliness = 'open') = (decided_at IS NULL)),
        CONSTRAINT obligation_incident_fk FOREIGN KEY (incident_id) REFERENCES incident (id),
        CONSTRAINT obligation_case_fk FOREIGN KEY (case_id) REFERENCES incident_case (id),
        CONSTRAINT obligation_party_fk FOREIGN KEY (party_id) REFERENCES party (id),
        CONSTRAINT obligation_recipient_fk FOREIGN KEY (recipient_party_id) REFERENCES party (id)
      );
      CREATE INDEX obligation_by_incident ON obligation (incident_id, due_at);
      CREATE INDEX obligation_by_next_clock ON obligation (next_clock_at) WHERE next_clock_at IS NOT NULL;
      COMMENT ON COLUMN obligation.frozen IS 'the rule and the facts that the clock was computed from';

      CREATE FUNCTION obligation_stays_decided() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF OLD.timeliness <> 'open' AND (NEW.timeliness, NEW.decided_at, NEW.due_at, NEW.start_at)
             IS DISTINCT FROM (OLD.timeliness, OLD.decided_at, OLD.due_at, OLD.start_at) THEN
          RAISE EXCEPTION 'whether an obligation was in time is decided once' USING ERRCODE = 'check_violation', CONSTRAINT = 'obligation_stays_decided';
        END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER obligation_stays_decided BEFORE UPDATE ON obligation
        FOR EACH ROW EXECUTE FUNCTION obligation_stays_decided();

      CREATE TABLE duty_decision (
        id uuid NOT NULL,
        incident_id uuid NOT NULL,
        subject_kind text NOT NULL,
        subject_id uuid NOT NULL,
        decision text NOT NULL,
        reason text NOT NULL,
        authority text,
        document text,
        until timestamptz,
        stands_at timestamptz,
        by_kind text NOT NULL,
        by_id text NOT NULL,
        hand text NOT NULL,
        at timestamptz NOT NULL,
        CONSTRAINT duty_decision_pk PRIMARY KEY (id),
        CONSTRAINT duty_decision_subject_known CHECK (subject_kind IN ('obligation', 'notice')),
        CONSTRAINT duty_decision_known CHECK (decision IN ('not_required_asked', 'not_required', 'kept', 'withheld', 'returned', 'started', 'submitted')),
        CONSTRAINT duty_decision_withheld_until CHECK ((decision = 'withheld') = (until IS NOT NULL)),
        CONSTRAINT duty_decision_incident_fk FOREIGN KEY (incident_id) REFERENCES incident (id)
      );
      CREATE INDEX duty_decision_by_subject ON duty_decision (subject_id, at);
      CREATE INDEX duty_decision_to_return ON duty_decision (until) WHERE decision = 'withheld';

      CREATE TABLE legal_hold (
        id uuid NOT NULL,
        incident_id uuid NOT NULL,
        reason text NOT NULL,
        placed_by text NOT NULL,
        placed_at timestamptz NOT NULL,
        lifted_by text,
        lifted_at timestamptz,
        lifted_reason text,
        CONSTRAINT legal_hold_pk PRIMARY KEY (id),
        CONSTRAINT legal_hold_lifted_whole CHECK (num_nonnulls(lifted_by, lifted_at, lifted_reason) IN (0, 3)),
        CONSTRAINT legal_hold_second_person CHECK (lifted_by <> placed_by),
        CONSTRAINT legal_hold_incident_fk FOREIGN KEY (incident_id) REFERENCES incident (id)
      );
      CREATE UNIQUE INDEX legal_hold_one_open ON legal_hold (incident_id) WHERE lifted_at IS NULL;

      CREATE FUNCTION legal_hold_keeps_details() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
      BEGIN
        IF EXISTS (SELECT FROM ledger_entry e JOIN legal_hold h ON h.lifted_at IS NULL
                    WHERE e.id = OLD.entry_id
                      AND (e.subject_id = h.incident_id
                        OR e.subject_id IN (SELECT c.id FROM incident_case c WHERE c.incident_id = h.incident_id)
                        OR e.subject_id IN (SELECT n.id FROM notice n JOIN incident_case c ON c.id = n.subject_id WHERE c.incident_id = h.incident_id)
                        OR e.subject_id IN (SELECT o.id FROM obligation o WHERE o.incident_id = h.incident_id))) THEN
          RAISE EXCEPTION 'a legal hold keeps this' USING ERRCODE = 'check_violation', CONSTRAINT = 'legal_hold_keeps';
        END IF;
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
      END $$;
      CREATE TRIGGER legal_hold_keeps_details BEFORE UPDATE OR DELETE ON ledger_detail
        FOR EACH ROW EXECUTE FUNCTION legal_hold_keeps_details();

      CREATE TABLE supplier_account (
        id uuid NOT NULL,
        incident_id uuid NOT NULL,
        case_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        party_id uuid NOT NULL,
        term_id uuid,
        knew_at timestamptz NOT NULL,
        knew_basis text NOT NULL,
        told_at timestamptz NOT NULL,
        told_basis text NOT NULL,
        zone text NOT NULL,
        due_at timestamptz,
        due_why text NOT NULL,
        frozen jsonb NOT NULL,
        judgement text NOT NULL,
        disputes_id uuid,
        by_kind text NOT NULL,
        by_id text NOT NULL,
        recorded_at timestamptz NOT NULL,
        CONSTRAINT supplier_account_pk PRIMARY KEY (id),
        CONSTRAINT supplier_account_judgement_known CHECK (judgement IN ('in_time', 'late', 'no_number', 'nothing_agreed')),
        CONSTRAINT supplier_account_incident_fk FOREIGN KEY (incident_id) REFERENCES incident (id),
        CONSTRAINT supplier_account_case_fk FOREIGN KEY (case_id, integration_id) REFERENCES incident_case (id, integration_id),
        CONSTRAINT supplier_account_party_fk FOREIGN KEY (party_id) REFERENCES party (id),
        CONSTRAINT supplier_account_term_fk FOREIGN KEY (term_id) REFERENCES term (id),
        CONSTRAINT supplier_account_disputes_fk FOREIGN KEY (disputes_id) REFERENCES supplier_account (id)
      );
      CREATE INDEX supplier_account_by_case ON supplier_account (case_id, recorded_at);
      CREATE INDEX supplier_account_by_party ON supplier_account (party_id, told_at DESC);
      COMMENT ON COLUMN supplier_account.frozen IS 'the window, zone and calendar that the due time was computed from';
    `);
    for (const table of ['obligation', 'legal_hold']) await isolate(q, table, 'installation');
    for (const table of ['duty_decision', 'supplier_account'])
      await isolate(q, table, 'installation', { appendOnly: true });
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`
      DROP TRIGGER legal_hold_keeps_details ON ledger_detail;
      DROP FUNCTION legal_hold_keeps_details();
      DROP TABLE supplier_account, legal_hold, duty_decision, obligation;
      DROP FUNCTION obligation_stays_decided();
      DROP SEQUENCE reference_obl;
    `);
  }
}
