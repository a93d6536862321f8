/**
 * What is owed to whom by when, and what was done about it.
 *
 * A notice freezes at creation its facts, the agreement version, the term, the start and every threshold: a later edit of
 * the agreement changes no running clock. Timeliness is decided once. Attempts are rows. Escalations and alerts are
 * operational and belong to nobody outside.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate } from './isolation.ts';

export class Notices2026112209000 implements MigrationInterface {
  readonly name = 'Notices2026112209000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE notice (
        id uuid NOT NULL,
        reference text NOT NULL,
        integration_id uuid NOT NULL,
        party_id uuid NOT NULL,
        contact_id uuid,
        subject_kind text NOT NULL,
        subject_id uuid NOT NULL,
        idempotency_key text NOT NULL,
        term_id uuid,
        agreement_version_id uuid,
        corrects_notice_id uuid,
        category text NOT NULL,
        language text NOT NULL DEFAULT 'en',
        trigger text NOT NULL,
        start_event text NOT NULL,
        start_at timestamptz NOT NULL,
        due_at timestamptz,
        due_why text NOT NULL DEFAULT '',
        warn_at timestamptz,
        escalate_at timestamptz,
        warned_at timestamptz,
        escalated_at timestamptz,
        next_clock_at timestamptz,
        batch_id uuid,
        fulfilled_by text NOT NULL,
        facts jsonb NOT NULL,
        message_id text NOT NULL,
        text_hash bytea,
        obligation text NOT NULL DEFAULT 'required',
        dispatch text NOT NULL DEFAULT 'owed',
        receipt text NOT NULL DEFAULT 'none',
        timeliness text NOT NULL DEFAULT 'open',
        decided_at timestamptz,
        next_attempt_at timestamptz,
        attempts int NOT NULL DEFAULT 0,
        accepted_at timestamptz,
        fulfilled_at timestamptz,
        acknowledged_at timestamptz,
        acknowledgement_lapses_at timestamptz,
        step_id uuid,
        correlation_id text NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        row_version int NOT NULL DEFAULT 1,
        CONSTRAINT notice_pk PRIMARY KEY (id),
        CONSTRAINT notice_reference UNIQUE (reference),
        CONSTRAINT notice_id_party UNIQUE (id, party_id),
        CONSTRAINT notice_message_id UNIQUE (message_id),
        CONSTRAINT notice_once UNIQUE (idempotency_key),
        CONSTRAINT notice_obligation_known CHECK (obligation IN ('required', 'not_required', 'superseded', 'withheld')),
        CONSTRAINT notice_dispatch_known CHECK (dispatch IN ('owed', 'attempting', 'accepted', 'failed')),
        CONSTRAINT notice_receipt_known CHECK (receipt IN ('none', 'bounced', 'delivered', 'acknowledged')),
        CONSTRAINT notice_timeliness_known CHECK (timeliness IN ('open', 'met', 'missed')),
        CONSTRAINT notice_decided_once CHECK ((timeliness = 'open') = (decided_at IS NULL)),
        CONSTRAINT notice_integration_fk FOREIGN KEY (integration_id) REFERENCES integration (id),
        CONSTRAINT notice_party_fk FOREIGN KEY (party_id) REFERENCES party (id),
        CONSTRAINT notice_contact_fk FOREIGN KEY (contact_id) REFERENCES contact (id),
        CONSTRAINT notice_term_fk FOREIGN KEY (term_id) REFERENCES term (id),
        CONSTRAINT notice_agreement_version_fk FOREIGN KEY (agreement_version_id) REFERENCES agreement_version (id),
        CONSTRAINT notice_corrects_fk FOREIGN KEY (corrects_notice_id) REFERENCES notice (id)
      );
      CREATE INDEX notice_by_subject ON notice (subject_id);
      CREATE INDEX notice_by_party ON notice (party_id, created_at DESC);
      CREATE INDEX notice_by_integration ON notice (integration_id, created_at DESC);
      CREATE INDEX notice_by_next_clock ON notice (next_clock_at) WHERE next_clock_at IS NOT NULL;
      CREATE INDEX notice_by_batch ON notice (batch_id) WHERE batch_id IS NOT NULL;
      COMMENT ON COLUMN notice.next_clock_at IS 'when the clock has something to say next; null: nothing more';
      CREATE INDEX notice_to_send ON notice (next_attempt_at) WHERE dispatch IN ('owed', 'attempting') AND obligation = 'required';

      CREATE TABLE notice_attempt (
        id uuid NOT NULL,
        notice_id uuid NOT NULL,
        party_id uuid NOT NULL,
        number int NOT NULL,
        channel text NOT NULL,
        contact_id uuid,
        address text NOT NULL,
        started_at timestamptz NOT NULL,
        ended_at timestamptz,
        outcome text NOT NULL DEFAULT 'started',
        peer_answer text NOT NULL DEFAULT '',
        possibly_twice boolean NOT NULL DEFAULT false,
        next_at timestamptz,
        CONSTRAINT notice_attempt_pk PRIMARY KEY (id),
        CONSTRAINT notice_attempt_number UNIQUE (notice_id, number),
        CONSTRAINT notice_attempt_outcome_known CHECK (outcome IN ('started', 'accepted', 'refused', 'retry', 'unknown')),
        CONSTRAINT notice_attempt_notice_fk FOREIGN KEY (notice_id, party_id) REFERENCES notice (id, party_id),
        CONSTRAINT notice_attempt_contact_fk FOREIGN KEY (contact_id) REFERENCES contact (id)
      );

      CREATE TABLE acknowledgement (
        id uuid NOT NULL,
        notice_id uuid NOT NULL,
        party_id uuid NOT NULL,
        link_token_id uuid,
        user_id uuid,
        typed_name text,
        text_hash bytea NOT NULL,
        strength text NOT NULL,
        late boolean NOT NULL DEFAULT false,
        effective boolean NOT NULL DEFAULT true,
        at timestamptz NOT NULL,
        CONSTRAINT acknowledgement_pk PRIMARY KEY (id),
        CONSTRAINT acknowledgement_strength_known CHECK (strength IN ('mailbox', 'second_channel', 'account_mfa', 'detached_signature')),
        CONSTRAINT acknowledgement_notice_fk FOREIGN KEY (notice_id, party_id) REFERENCES notice (id, party_id),
        CONSTRAINT acknowledgement_link_token_fk FOREIGN KEY (link_token_id) REFERENCES link_token (id),
        CONSTRAINT acknowledgement_user_fk FOREIGN KEY (user_id) REFERENCES user_account (id)
      );
      CREATE UNIQUE INDEX acknowledgement_one_effective ON acknowledgement (notice_id) WHERE effective;

      CREATE TABLE escalation (
        id uuid NOT NULL,
        subject_kind text NOT NULL,
        subject_id uuid NOT NULL,
        level text NOT NULL,
        reason text NOT NULL,
        contact_id uuid,
        role text,
        at timestamptz NOT NULL,
        CONSTRAINT escalation_pk PRIMARY KEY (id),
        CONSTRAINT escalation_once UNIQUE (subject_id, level),
        CONSTRAINT escalation_contact_fk FOREIGN KEY (contact_id) REFERENCES contact (id)
      );

      CREATE TABLE alert (
        id uuid NOT NULL,
        kind text NOT NULL,
        severity text NOT NULL,
        subject_kind text,
        subject_id uuid,
        message text NOT NULL,
        dedupe_key text NOT NULL,
        occurrences int NOT NULL DEFAULT 1,
        first_at timestamptz NOT NULL,
        last_at timestamptz NOT NULL,
        handled_by text,
        handled_at timestamptz,
        CONSTRAINT alert_pk PRIMARY KEY (id),
        CONSTRAINT alert_severity_known CHECK (severity IN ('info', 'warning', 'critical'))
      );
      CREATE UNIQUE INDEX alert_one_open ON alert (dedupe_key) WHERE handled_at IS NULL;

      CREATE TABLE subscription (
        id uuid NOT NULL,
        party_id uuid NOT NULL,
        kind text NOT NULL,
        url text NOT NULL,
        events text[] NOT NULL,
        key_refs jsonb NOT NULL DEFAULT '[]',
        state text NOT NULL DEFAULT 'enabled',
        created_at timestamptz NOT NULL,
        row_version int NOT NULL DEFAULT 1,
        CONSTRAINT subscription_pk PRIMARY KEY (id),
        CONSTRAINT subscription_id_party UNIQUE (id, party_id),
        CONSTRAINT subscription_state_known CHECK (state IN ('enabled', 'paused', 'disabled')),
        CONSTRAINT subscription_party_fk FOREIGN KEY (party_id) REFERENCES party (id)
      );

      CREATE TABLE subscription_attempt (
        id uuid NOT NULL,
        subscription_id uuid NOT NULL,
        party_id uuid NOT NULL,
        event_id uuid NOT NULL,
        number int NOT NULL,
        outcome text NOT NULL,
        status int,
        peer_answer text NOT NULL DEFAULT '',
        at timestamptz NOT NULL,
        next_at timestamptz,
        CONSTRAINT subscription_attempt_pk PRIMARY KEY (id),
        CONSTRAINT subscription_attempt_once UNIQUE (subscription_id, event_id, number),
        CONSTRAINT subscription_attempt_subscription_fk FOREIGN KEY (subscription_id, party_id) REFERENCES subscription (id, party_id)
      );
    `);
    for (const table of ['notice', 'acknowledgement', 'subscription', 'subscription_attempt'])
      await isolate(q, table, 'party');
    for (const table of ['notice_attempt', 'escalation', 'alert']) await isolate(q, table, 'installation');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(
      `DROP TABLE subscription_attempt, subscription, alert, escalation, acknowledgement, notice_attempt, notice`,
    );
  }
}
