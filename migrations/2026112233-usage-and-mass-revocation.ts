/**
 * Who used a credential, as feeds report it, and the revocation of many at once.
 *
 * A feed names its events, so that a batch sent twice counts once. What pages ask for (last use, last use per location) is
 * kept as one row each beside the events, which are swept after their time. A feed that falls silent leaves a gap: what
 * was not seen then is not known. An address is kept as a pseudonym only. A mass revocation freezes what was previewed.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate } from './isolation.ts';

export class UsageAndMassRevocation2026112233000 implements MigrationInterface {
  readonly name = 'UsageAndMassRevocation2026112233000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE usage_feed (
        id uuid NOT NULL,
        key text NOT NULL,
        reported_by text NOT NULL,
        party_id uuid,
        clock text NOT NULL DEFAULT 'unknown',
        quiet_after_minutes int NOT NULL DEFAULT 1440,
        ahead_ms int NOT NULL DEFAULT 0,
        first_received_at timestamptz NOT NULL,
        last_received_at timestamptz NOT NULL,
        CONSTRAINT usage_feed_pk PRIMARY KEY (id),
        CONSTRAINT usage_feed_once UNIQUE NULLS NOT DISTINCT (key, party_id),
        CONSTRAINT usage_feed_clock_known CHECK (clock IN ('unknown', 'synchronised')),
        CONSTRAINT usage_feed_quiet_range CHECK (quiet_after_minutes BETWEEN 1 AND 525600),
        CONSTRAINT usage_feed_party_fk FOREIGN KEY (party_id) REFERENCES party (id)
      );
      COMMENT ON COLUMN usage_feed.ahead_ms IS 'how far its events were ahead of our clock at most';

      CREATE TABLE usage_gap (
        feed_id uuid NOT NULL,
        from_at timestamptz NOT NULL,
        until_at timestamptz NOT NULL,
        CONSTRAINT usage_gap_pk PRIMARY KEY (feed_id, from_at),
        CONSTRAINT usage_gap_feed_fk FOREIGN KEY (feed_id) REFERENCES usage_feed (id)
      );
      COMMENT ON TABLE usage_gap IS 'when a feed said nothing for longer than it may';

      ALTER TABLE usage_event
        ADD COLUMN feed_id uuid,
        ADD COLUMN event_id text,
        ADD COLUMN location_key text,
        ADD COLUMN address_pseudonym bytea,
        ADD COLUMN received_at timestamptz,
        ADD CONSTRAINT usage_event_outcome_known CHECK (outcome IN ('accepted', 'refused')),
        ADD CONSTRAINT usage_event_feed_fk FOREIGN KEY (feed_id) REFERENCES usage_feed (id);
      CREATE UNIQUE INDEX usage_event_once ON usage_event (feed_id, event_id);
      COMMENT ON COLUMN usage_event.event_id IS 'as its feed names it';
      COMMENT ON COLUMN usage_event.location_key IS 'what the feed said where that is no location on record';
      COMMENT ON COLUMN usage_event.address_pseudonym IS 'keyed hash of the source address: equal addresses are seen to be equal, none can be read';

      CREATE TABLE usage_seen (
        version_id uuid NOT NULL,
        location_id uuid NOT NULL,
        feed_key uuid NOT NULL,
        credential_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        first_at timestamptz NOT NULL,
        last_at timestamptz NOT NULL,
        last_accepted_at timestamptz,
        last_actor text,
        last_environment text,
        uses bigint NOT NULL,
        CONSTRAINT usage_seen_pk PRIMARY KEY (version_id, location_id, feed_key),
        CONSTRAINT usage_seen_version_fk FOREIGN KEY (version_id, credential_id, integration_id) REFERENCES credential_version (id, credential_id, integration_id)
      );
      CREATE INDEX usage_seen_by_credential ON usage_seen (credential_id);
      COMMENT ON COLUMN usage_seen.location_id IS 'zeros: no location on record was told';
      COMMENT ON COLUMN usage_seen.feed_key IS 'the feed; zeros: before feeds had names';

      CREATE TABLE usage_slot (
        version_id uuid NOT NULL,
        slot timestamptz NOT NULL,
        accepted int NOT NULL,
        refused int NOT NULL,
        CONSTRAINT usage_slot_pk PRIMARY KEY (version_id, slot),
        CONSTRAINT usage_slot_version_fk FOREIGN KEY (version_id) REFERENCES credential_version (id)
      );
      CREATE INDEX usage_slot_by_time ON usage_slot (slot);

      CREATE TABLE usage_alarm (
        id uuid NOT NULL,
        credential_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        version_id uuid NOT NULL,
        kind text NOT NULL,
        uses bigint NOT NULL,
        first_at timestamptz NOT NULL,
        last_at timestamptz NOT NULL,
        raised_at timestamptz NOT NULL,
        filed_at timestamptz,
        CONSTRAINT usage_alarm_pk PRIMARY KEY (id),
        CONSTRAINT usage_alarm_once UNIQUE (credential_id, kind),
        CONSTRAINT usage_alarm_kind_known CHECK (kind IN ('after_revocation', 'burst', 'refused_burst')),
        CONSTRAINT usage_alarm_version_fk FOREIGN KEY (version_id, credential_id, integration_id) REFERENCES credential_version (id, credential_id, integration_id)
      );
      COMMENT ON COLUMN usage_alarm.raised_at IS 'when an exposure was last raised; what follows within a day only counts';
      COMMENT ON COLUMN usage_alarm.filed_at IS 'of that raise, once its exposure is filed';

      CREATE TABLE known_actor (
        credential_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        actor text NOT NULL,
        declared_by text NOT NULL,
        declared_at timestamptz NOT NULL,
        CONSTRAINT known_actor_pk PRIMARY KEY (credential_id, actor),
        CONSTRAINT known_actor_credential_fk FOREIGN KEY (credential_id, integration_id) REFERENCES credential (id, integration_id)
      );

      CREATE INDEX credential_by_external_key ON credential (external_key) WHERE external_key IS NOT NULL;

      INSERT INTO usage_seen (version_id, location_id, feed_key, credential_id, integration_id, first_at, last_at, last_accepted_at, uses)
      SELECT version_id, coalesce(location_id, '00000000-0000-0000-0000-000000000000'), '00000000-0000-0000-0000-000000000000',
             credential_id, integration_id, min(at), max(at), max(at) FILTER (WHERE outcome = 'accepted'), count(*)
        FROM usage_event GROUP BY 1, 2, 4, 5;

      CREATE SEQUENCE reference_mrv;
      GRANT USAGE ON SEQUENCE reference_mrv TO countersign_app;

      CREATE TABLE mass_revocation (
        id uuid NOT NULL,
        reference text NOT NULL,
        selection jsonb NOT NULL,
        reason text NOT NULL,
        force boolean NOT NULL,
        state text NOT NULL DEFAULT 'draft',
        asked_by text NOT NULL,
        asked_at timestamptz NOT NULL,
        approved_by text,
        approved_at timestamptz,
        ended_at timestamptz,
        started_at timestamptz,
        batch_id uuid,
        correlation_id text NOT NULL,
        row_version int NOT NULL DEFAULT 1,
        CONSTRAINT mass_revocation_pk PRIMARY KEY (id),
        CONSTRAINT mass_revocation_reference UNIQUE (reference),
        CONSTRAINT mass_revocation_state_known CHECK (state IN ('draft', 'approved', 'started', 'withdrawn')),
        CONSTRAINT mass_revocation_four_eyes CHECK (approved_by <> asked_by),
        CONSTRAINT mass_revocation_approved CHECK (state NOT IN ('approved', 'started') OR approved_by IS NOT NULL)
      );
      COMMENT ON COLUMN mass_revocation.force IS 'goes on where a replacement or an approval would be waited for; proves nothing';

      CREATE TABLE mass_revocation_item (
        mass_revocation_id uuid NOT NULL,
        version_id uuid NOT NULL,
        credential_id uuid NOT NULL,
        integration_id uuid NOT NULL,
        risk int NOT NULL,
        CONSTRAINT mass_revocation_item_pk PRIMARY KEY (mass_revocation_id, version_id),
        CONSTRAINT mass_revocation_item_mass_fk FOREIGN KEY (mass_revocation_id) REFERENCES mass_revocation (id),
        CONSTRAINT mass_revocation_item_version_fk FOREIGN KEY (version_id, credential_id, integration_id) REFERENCES credential_version (id, credential_id, integration_id)
      );
      CREATE INDEX mass_revocation_item_by_version ON mass_revocation_item (version_id);
      COMMENT ON TABLE mass_revocation_item IS 'what was previewed is what is revoked';
    `);
    for (const table of TABLES) await isolate(q, table, 'installation');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`
      DROP SEQUENCE reference_mrv;
      DROP INDEX credential_by_external_key;
      ALTER TABLE usage_event DROP CONSTRAINT usage_event_feed_fk, DROP CONSTRAINT usage_event_outcome_known,
        DROP COLUMN feed_id, DROP COLUMN event_id, DROP COLUMN location_key, DROP COLUMN address_pseudonym, DROP COLUMN received_at;
      DROP TABLE ${[...TABLES].reverse().join(', ')}`);
  }
}

const TABLES = [
  'usage_feed',
  'usage_gap',
  'usage_seen',
  'usage_slot',
  'usage_alarm',
  'known_actor',
  'mass_revocation',
  'mass_revocation_item',
];
