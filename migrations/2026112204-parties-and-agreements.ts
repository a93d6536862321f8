/**
 * Who there is and what was agreed: organisations, the ways to reach them, agreements with their versions and terms.
 *
 * An agreement is between the operator's side and one counterparty; `party_id` names that counterparty on every row
 * beneath, so that row-level security needs no join. Versions are never edited: a change is a new version with its own
 * "from", and what started under an old one keeps it.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate } from './isolation.ts';

/** Of the short references that people read out. A sequence waits for nobody; a number may be skipped. */
const REFERENCE_PREFIXES = ['pty', 'agr', 'int', 'crd', 'inc', 'cas', 'exp', 'ntc', 'imp'];

export class PartiesAndAgreements2026112204000 implements MigrationInterface {
  readonly name = 'PartiesAndAgreements2026112204000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE calendar (
        id uuid NOT NULL,
        key text NOT NULL,
        name text NOT NULL,
        zone text NOT NULL,
        working_days int[] NOT NULL,
        day_ends time NOT NULL DEFAULT '24:00',
        holidays date[] NOT NULL DEFAULT '{}',
        source text NOT NULL DEFAULT 'operator',
        created_at timestamptz NOT NULL,
        CONSTRAINT calendar_pk PRIMARY KEY (id),
        CONSTRAINT calendar_key UNIQUE (key)
      );

      CREATE TABLE party (
        id uuid NOT NULL,
        reference text NOT NULL,
        source text NOT NULL DEFAULT 'console',
        external_key text,
        name text NOT NULL,
        is_operator boolean NOT NULL DEFAULT false,
        region text,
        sector text,
        zone text NOT NULL DEFAULT 'UTC',
        calendar_id uuid,
        language text NOT NULL DEFAULT 'en',
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        retired_at timestamptz,
        row_version int NOT NULL DEFAULT 1,
        CONSTRAINT party_pk PRIMARY KEY (id),
        CONSTRAINT party_reference UNIQUE (reference),
        CONSTRAINT party_external_key UNIQUE (source, external_key),
        CONSTRAINT party_id_name UNIQUE (id, name),
        CONSTRAINT party_calendar_fk FOREIGN KEY (calendar_id) REFERENCES calendar (id)
      );

      CREATE TABLE contact (
        id uuid NOT NULL,
        party_id uuid NOT NULL,
        person_id uuid,
        source text NOT NULL DEFAULT 'console',
        external_key text,
        name text NOT NULL,
        role text NOT NULL,
        email text,
        phone text,
        language text NOT NULL DEFAULT 'en',
        ordinal int NOT NULL DEFAULT 0,
        active boolean NOT NULL DEFAULT true,
        confirmed_at timestamptz,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        row_version int NOT NULL DEFAULT 1,
        CONSTRAINT contact_pk PRIMARY KEY (id),
        CONSTRAINT contact_id_party UNIQUE (id, party_id),
        CONSTRAINT contact_external_key UNIQUE (source, external_key),
        CONSTRAINT contact_role_known CHECK (role IN ('security', 'contract', 'on_call')),
        CONSTRAINT contact_party_fk FOREIGN KEY (party_id) REFERENCES party (id),
        CONSTRAINT contact_person_fk FOREIGN KEY (person_id) REFERENCES person (id)
      );
      CREATE INDEX contact_by_party ON contact (party_id);

      CREATE TABLE address_of_record (
        id uuid NOT NULL,
        party_id uuid NOT NULL,
        contact_id uuid,
        channel text NOT NULL,
        address text NOT NULL,
        verified_at timestamptz,
        valid_from timestamptz NOT NULL,
        valid_until timestamptz,
        CONSTRAINT address_of_record_pk PRIMARY KEY (id),
        CONSTRAINT address_of_record_party_fk FOREIGN KEY (party_id) REFERENCES party (id),
        CONSTRAINT address_of_record_contact_fk FOREIGN KEY (contact_id, party_id) REFERENCES contact (id, party_id)
      );
      CREATE INDEX address_of_record_by_party ON address_of_record (party_id);

      CREATE TABLE agreement (
        id uuid NOT NULL,
        reference text NOT NULL,
        source text NOT NULL DEFAULT 'console',
        external_key text,
        party_id uuid NOT NULL,
        title text NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        row_version int NOT NULL DEFAULT 1,
        CONSTRAINT agreement_pk PRIMARY KEY (id),
        CONSTRAINT agreement_reference UNIQUE (reference),
        CONSTRAINT agreement_external_key UNIQUE (source, external_key),
        CONSTRAINT agreement_id_party UNIQUE (id, party_id),
        CONSTRAINT agreement_party_fk FOREIGN KEY (party_id) REFERENCES party (id)
      );

      CREATE TABLE agreement_version (
        id uuid NOT NULL,
        agreement_id uuid NOT NULL,
        party_id uuid NOT NULL,
        number int NOT NULL,
        valid_from timestamptz NOT NULL,
        valid_until timestamptz,
        review_on date,
        prevailing_language text NOT NULL DEFAULT 'en',
        authority text NOT NULL DEFAULT 'approve_within',
        approve_within_minutes int,
        approve_otherwise text NOT NULL DEFAULT 'escalate',
        containment_steps jsonb NOT NULL DEFAULT '[]',
        content_hash bytea NOT NULL,
        created_at timestamptz NOT NULL,
        CONSTRAINT agreement_version_pk PRIMARY KEY (id),
        CONSTRAINT agreement_version_number UNIQUE (agreement_id, number),
        CONSTRAINT agreement_version_id_party UNIQUE (id, party_id),
        CONSTRAINT agreement_version_authority_known CHECK (authority IN ('revoke_now', 'replace_first', 'approve_within')),
        CONSTRAINT agreement_version_otherwise_known CHECK (approve_otherwise IN ('act', 'escalate')),
        CONSTRAINT agreement_version_approval_has_time CHECK (authority <> 'approve_within' OR approve_within_minutes > 0),
        CONSTRAINT agreement_version_agreement_fk FOREIGN KEY (agreement_id, party_id) REFERENCES agreement (id, party_id)
      );

      CREATE TABLE term (
        id uuid NOT NULL,
        agreement_version_id uuid NOT NULL,
        party_id uuid NOT NULL,
        external_key text,
        direction text NOT NULL,
        trigger text NOT NULL,
        start_event text NOT NULL,
        window_count int,
        window_unit text,
        zone text NOT NULL DEFAULT 'UTC',
        calendar_id uuid,
        warn_percent int NOT NULL DEFAULT 50,
        escalate_percent int NOT NULL DEFAULT 80,
        fulfilled_by text NOT NULL DEFAULT 'accepted_by_peer',
        language text NOT NULL DEFAULT 'en',
        category text NOT NULL DEFAULT 'exposure',
        rule_version text NOT NULL DEFAULT '1',
        valid_from timestamptz NOT NULL,
        valid_until timestamptz,
        CONSTRAINT term_pk PRIMARY KEY (id),
        CONSTRAINT term_id_party UNIQUE (id, party_id),
        CONSTRAINT term_direction_known CHECK (direction IN ('to_party', 'from_party')),
        CONSTRAINT term_trigger_known CHECK (trigger IN ('suspected', 'confirmed', 'contained', 'determined', 'classified', 'resolved')),
        CONSTRAINT term_start_event_known CHECK (start_event IN ('occurred', 'detected', 'received', 'matched', 'suspected', 'confirmed', 'determined', 'classified', 'contained', 'submitted')),
        CONSTRAINT term_window_unit_known CHECK (window_unit IN ('elapsed-hours', 'calendar-days', 'business-days', 'months')),
        CONSTRAINT term_window_whole CHECK ((window_count IS NULL) = (window_unit IS NULL) AND (window_count IS NULL OR window_count > 0)),
        CONSTRAINT term_thresholds_in_order CHECK (0 < warn_percent AND warn_percent <= escalate_percent AND escalate_percent <= 100),
        CONSTRAINT term_fulfilled_by_known CHECK (fulfilled_by IN ('dispatched', 'accepted_by_peer', 'received', 'acknowledged')),
        CONSTRAINT term_agreement_version_fk FOREIGN KEY (agreement_version_id, party_id) REFERENCES agreement_version (id, party_id),
        CONSTRAINT term_calendar_fk FOREIGN KEY (calendar_id) REFERENCES calendar (id)
      );
      CREATE INDEX term_by_agreement_version ON term (agreement_version_id);
      COMMENT ON COLUMN term.window_count IS 'null: "without undue delay", a duty without a number';

      CREATE TABLE term_recipient (
        term_id uuid NOT NULL,
        contact_id uuid NOT NULL,
        party_id uuid NOT NULL,
        ordinal int NOT NULL,
        fallback boolean NOT NULL DEFAULT false,
        CONSTRAINT term_recipient_pk PRIMARY KEY (term_id, contact_id),
        CONSTRAINT term_recipient_term_fk FOREIGN KEY (term_id, party_id) REFERENCES term (id, party_id),
        CONSTRAINT term_recipient_contact_fk FOREIGN KEY (contact_id) REFERENCES contact (id)
      );
    `);
    for (const prefix of REFERENCE_PREFIXES) {
      await q.query(`CREATE SEQUENCE reference_${prefix}`);
      await q.query(`GRANT USAGE ON SEQUENCE reference_${prefix} TO countersign_app`);
    }
    await isolate(q, 'calendar', 'installation');
    await isolate(q, 'party', 'party', { column: 'id' });
    await isolate(q, 'contact', 'party');
    await isolate(q, 'address_of_record', 'party');
    await isolate(q, 'agreement', 'party');
    await isolate(q, 'agreement_version', 'party', { appendOnly: true });
    await isolate(q, 'term', 'party', { appendOnly: true });
    await isolate(q, 'term_recipient', 'party');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(
      `DROP TABLE term_recipient, term, agreement_version, agreement, address_of_record, contact, party, calendar`,
    );
    for (const prefix of REFERENCE_PREFIXES) await q.query(`DROP SEQUENCE reference_${prefix}`);
  }
}
