/**
 * What was turned away at the door is on record. Of a refused delivery the log keeps when, whose, why, its size, the
 * SHA-256 of what was read and a few harmless headers, never its body: whoever could not prove who they are must not be
 * able to put text before our people, nor to fill the disk. So single ones are kept up to a number for each source and
 * reason, and cleared away; how many there were is counted by the day, and stays.
 *
 * A source that is asked for its deliveries knows how often, when it was last asked, and what came of that.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate } from './isolation.ts';

const WHYS = `'unknown-source', 'no-key', 'not-signed', 'stale', 'switched-off', 'over-quota', 'too-large', 'unreadable', 'conflicting'`;

export class RefusedDeliveries2026112254000 implements MigrationInterface {
  readonly name = 'RefusedDeliveries2026112254000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE refused_delivery (
        id uuid NOT NULL CONSTRAINT refused_delivery_pk PRIMARY KEY,
        source_id uuid CONSTRAINT refused_delivery_source_fk REFERENCES source (id),
        asked_for text NOT NULL,
        via text NOT NULL,
        why text NOT NULL,
        said text NOT NULL,
        size bigint,
        body_sha256 bytea,
        headers jsonb NOT NULL DEFAULT '{}',
        correlation_id text NOT NULL,
        received_at timestamptz NOT NULL,
        CONSTRAINT refused_delivery_via_known CHECK (via IN ('push', 'poll')),
        CONSTRAINT refused_delivery_why_known CHECK (why IN (${WHYS}))
      );
      COMMENT ON COLUMN refused_delivery.source_id IS 'null: there is no source at the address that was asked';
      COMMENT ON COLUMN refused_delivery.asked_for IS 'the key in the address';
      COMMENT ON COLUMN refused_delivery.size IS 'bytes read, or announced where none were read; null: neither';
      COMMENT ON COLUMN refused_delivery.body_sha256 IS 'of what was read; null: nothing was, or not to its end';
      CREATE INDEX refused_delivery_by_source ON refused_delivery (source_id, received_at DESC, id DESC);
      CREATE INDEX refused_delivery_by_time ON refused_delivery (received_at);

      CREATE TABLE refused_delivery_count (
        id uuid NOT NULL CONSTRAINT refused_delivery_count_pk PRIMARY KEY,
        source_id uuid CONSTRAINT refused_delivery_count_source_fk REFERENCES source (id),
        why text NOT NULL,
        day date NOT NULL,
        count bigint NOT NULL,
        last_at timestamptz NOT NULL,
        CONSTRAINT refused_delivery_count_once UNIQUE NULLS NOT DISTINCT (source_id, why, day),
        CONSTRAINT refused_delivery_count_why_known CHECK (why IN (${WHYS}))
      );
      COMMENT ON COLUMN refused_delivery_count.day IS 'in UTC';

      ALTER TABLE source
        ADD COLUMN poll_seconds int NOT NULL DEFAULT 20,
        ADD COLUMN polled_at timestamptz,
        ADD COLUMN poll_problem text,
        ADD COLUMN poll_taken int NOT NULL DEFAULT 0,
        ADD COLUMN poll_refused int NOT NULL DEFAULT 0,
        ADD CONSTRAINT source_poll_seconds_in_range CHECK (poll_seconds BETWEEN 20 AND 86400);
      COMMENT ON COLUMN source.poll_problem IS 'why the last question failed; null: it did not';
      COMMENT ON COLUMN source.poll_taken IS 'deliveries that the last question brought and that were stored';
    `);
    await isolate(q, 'refused_delivery', 'installation');
    await isolate(q, 'refused_delivery_count', 'installation');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE source DROP CONSTRAINT source_poll_seconds_in_range, DROP COLUMN poll_refused, DROP COLUMN poll_taken,
        DROP COLUMN poll_problem, DROP COLUMN polled_at, DROP COLUMN poll_seconds;
      DROP TABLE refused_delivery_count;
      DROP TABLE refused_delivery;
    `);
  }
}
