/**
 * What happens is sent to those who subscribed to it. A subscription is an endpoint (Standard Webhooks), or a stream of
 * Security Event Tokens that is pushed or polled. Each message for each of them is a row from the transaction that makes
 * it necessary until somebody took it; its attempts are rows, too. The address of an endpoint may hold a secret, so it is
 * kept in the vault, and only a masked form stands here.
 *
 * `cs_signal_put` writes messages for every party of an integration, whoever did what they are about: a party's own
 * hand sees no other party's subscriptions.
 *
 * A contact may be reached in a chat: the address of an incoming webhook is a secret, and kept in the same way.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate } from './isolation.ts';

export class Signals2026112242000 implements MigrationInterface {
  readonly name = 'Signals2026112242000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE subscription
        ADD COLUMN name text NOT NULL DEFAULT '',
        ADD COLUMN url_ref text,
        ADD COLUMN auth_ref text,
        ADD COLUMN settings jsonb NOT NULL DEFAULT '{}',
        ADD COLUMN state_why text NOT NULL DEFAULT '',
        ADD COLUMN failures int NOT NULL DEFAULT 0,
        ADD COLUMN failing_since timestamptz,
        ADD COLUMN held_until timestamptz,
        ADD COLUMN delivered_at timestamptz,
        ADD COLUMN updated_at timestamptz,
        ADD COLUMN removed_at timestamptz,
        ADD CONSTRAINT subscription_kind_known CHECK (kind IN ('webhook', 'set-push', 'set-poll')),
        ADD CONSTRAINT subscription_removed_is_disabled CHECK (removed_at IS NULL OR state = 'disabled');
      UPDATE subscription SET updated_at = created_at;
      ALTER TABLE subscription ALTER COLUMN updated_at SET NOT NULL;
      COMMENT ON COLUMN subscription.url IS 'where it is, masked; the whole address is in the vault';
      COMMENT ON COLUMN subscription.failures IS 'attempts that failed one after the other; 0: it is well';
      COMMENT ON COLUMN subscription.held_until IS 'nothing is sent there before';
      CREATE INDEX subscription_by_party ON subscription (party_id) WHERE removed_at IS NULL;

      CREATE TABLE subscription_delivery (
        id uuid NOT NULL,
        subscription_id uuid NOT NULL,
        party_id uuid NOT NULL,
        type text NOT NULL,
        txn uuid NOT NULL,
        credential_id uuid,
        data jsonb NOT NULL,
        dedupe text,
        occurred_at timestamptz NOT NULL,
        created_at timestamptz NOT NULL,
        state text NOT NULL DEFAULT 'pending',
        attempts int NOT NULL DEFAULT 0,
        next_at timestamptz,
        lease_until timestamptz,
        fence int NOT NULL DEFAULT 0,
        ended_at timestamptz,
        CONSTRAINT subscription_delivery_pk PRIMARY KEY (id),
        CONSTRAINT subscription_delivery_once UNIQUE (subscription_id, dedupe),
        CONSTRAINT subscription_delivery_state_known CHECK (state IN ('pending', 'delivered', 'failed')),
        CONSTRAINT subscription_delivery_pending CHECK ((state = 'pending') = (ended_at IS NULL)),
        CONSTRAINT subscription_delivery_small CHECK (octet_length(data::text) < 19000),
        CONSTRAINT subscription_delivery_subscription_fk FOREIGN KEY (subscription_id, party_id) REFERENCES subscription (id, party_id)
      );
      CREATE INDEX subscription_delivery_due ON subscription_delivery (subscription_id, next_at) WHERE state = 'pending';
      CREATE INDEX subscription_delivery_pending_since ON subscription_delivery (created_at) WHERE state = 'pending';
      CREATE INDEX subscription_delivery_log ON subscription_delivery (subscription_id, created_at DESC, id DESC);

      ALTER TABLE subscription_attempt
        ADD COLUMN ended_at timestamptz,
        ADD CONSTRAINT subscription_attempt_outcome_known CHECK (outcome IN ('started', 'delivered', 'failed', 'unknown')),
        ADD CONSTRAINT subscription_attempt_delivery_fk FOREIGN KEY (event_id) REFERENCES subscription_delivery (id);
      CREATE INDEX subscription_attempt_by_event ON subscription_attempt (event_id);

      CREATE TABLE subscription_subject (
        subscription_id uuid NOT NULL,
        party_id uuid NOT NULL,
        credential_id uuid NOT NULL,
        removed_at timestamptz NOT NULL,
        CONSTRAINT subscription_subject_pk PRIMARY KEY (subscription_id, credential_id),
        CONSTRAINT subscription_subject_subscription_fk FOREIGN KEY (subscription_id, party_id) REFERENCES subscription (id, party_id)
      );
      COMMENT ON TABLE subscription_subject IS 'credentials that a receiver wants to hear nothing of';

      CREATE TABLE signal_key (
        id uuid NOT NULL,
        alg text NOT NULL,
        public_jwk jsonb NOT NULL,
        private_ref text NOT NULL,
        created_at timestamptz NOT NULL,
        retired_at timestamptz,
        CONSTRAINT signal_key_pk PRIMARY KEY (id)
      );
      CREATE UNIQUE INDEX signal_key_one_signs ON signal_key (alg) WHERE retired_at IS NULL;

      ALTER TABLE address_of_record ADD COLUMN address_ref text;
      COMMENT ON COLUMN address_of_record.address_ref IS 'where the whole address is in the vault, when it is a secret; address is masked then';
    `);
    for (const table of ['subscription_delivery', 'subscription_subject']) await isolate(q, table, 'party');
    await isolate(q, 'signal_key', 'installation');

    await q.query(`
      CREATE FUNCTION cs_signal_wanted(types text[]) RETURNS boolean
      LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
        SELECT EXISTS (SELECT FROM subscription s WHERE s.state <> 'disabled' AND s.events && types)
      $$;
      CREATE FUNCTION cs_signal_put(wanted text, occurred timestamptz, at timestamptz, trail uuid, once text,
                                    integrations uuid[], credential uuid, facts jsonb) RETURNS int
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
      DECLARE written int;
      BEGIN
        IF NOT EXISTS (SELECT FROM subscription s WHERE s.state <> 'disabled' AND wanted = ANY (s.events)) THEN
          RETURN 0;
        END IF;
        INSERT INTO subscription_delivery (id, subscription_id, party_id, type, txn, credential_id, data, dedupe, occurred_at,
                                           created_at, next_at)
        SELECT cs_new_id(at), s.id, s.party_id, wanted, trail, credential,
               jsonb_build_object('integration', jsonb_build_object('id', i.id, 'reference', i.reference, 'name', left(i.name, 200)))
               || CASE WHEN credential IS NULL THEN '{}'::jsonb ELSE jsonb_build_object('credential',
                    jsonb_build_object('id', credential, 'label', left(u.label, 200), 'kind', c.kind)) END
               || facts,
               CASE WHEN once IS NULL THEN NULL ELSE once || ':' || i.id END, occurred, at, at
          FROM integration i
          JOIN (SELECT DISTINCT integration_id, party_id FROM integration_party) p ON p.integration_id = i.id
          JOIN subscription s ON s.party_id = p.party_id AND s.state <> 'disabled' AND wanted = ANY (s.events)
          LEFT JOIN credential c ON c.id = credential
          LEFT JOIN credential_use u ON u.credential_id = credential AND u.integration_id = i.id
         WHERE CASE WHEN credential IS NULL THEN i.id = ANY (integrations) ELSE u.credential_id IS NOT NULL END
           AND (cardinality(integrations) = 0 OR i.id = ANY (integrations))
           AND NOT EXISTS (SELECT FROM subscription_subject x WHERE x.subscription_id = s.id AND x.credential_id = credential)
        ON CONFLICT (subscription_id, dedupe) DO NOTHING;
        GET DIAGNOSTICS written = ROW_COUNT;
        RETURN written;
      END $$;
      REVOKE ALL ON FUNCTION cs_signal_wanted(text[]) FROM PUBLIC;
      REVOKE ALL ON FUNCTION cs_signal_put(text, timestamptz, timestamptz, uuid, text, uuid[], uuid, jsonb) FROM PUBLIC;
      GRANT EXECUTE ON FUNCTION cs_signal_wanted(text[]) TO countersign_app;
      GRANT EXECUTE ON FUNCTION cs_signal_put(text, timestamptz, timestamptz, uuid, text, uuid[], uuid, jsonb) TO countersign_app;
    `);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`
      DROP FUNCTION cs_signal_put(text, timestamptz, timestamptz, uuid, text, uuid[], uuid, jsonb);
      DROP FUNCTION cs_signal_wanted(text[]);
      ALTER TABLE address_of_record DROP COLUMN address_ref;
      DROP TABLE signal_key, subscription_subject;
      DROP INDEX subscription_attempt_by_event;
      ALTER TABLE subscription_attempt DROP CONSTRAINT subscription_attempt_delivery_fk,
        DROP CONSTRAINT subscription_attempt_outcome_known, DROP COLUMN ended_at;
      DROP TABLE subscription_delivery;
      DROP INDEX subscription_by_party;
      ALTER TABLE subscription DROP CONSTRAINT subscription_removed_is_disabled, DROP CONSTRAINT subscription_kind_known,
        DROP COLUMN removed_at, DROP COLUMN updated_at, DROP COLUMN delivered_at, DROP COLUMN held_until, DROP COLUMN failing_since,
        DROP COLUMN failures, DROP COLUMN state_why, DROP COLUMN settings, DROP COLUMN auth_ref, DROP COLUMN url_ref, DROP COLUMN name;
    `);
  }
}
