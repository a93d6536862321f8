/**
 * Sources of further kinds. A source has settings of its kind (issuer and audience of a stream of security events, where
 * to ask for them), may take larger deliveries than its kind does, and keeps the keys that its sender publishes, with the
 * tag by which the next question is a conditional one. Keys that are published are public: they stand in the row.
 *
 * Of a delivery it is known how it came, and when it was last replayed.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class SourcesOfEveryKind2026112241000 implements MigrationInterface {
  readonly name = 'SourcesOfEveryKind2026112241000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE source
        ADD COLUMN settings jsonb NOT NULL DEFAULT '{}',
        ADD COLUMN body_limit int,
        ADD COLUMN published_keys text,
        ADD COLUMN published_tag text,
        ADD COLUMN published_at timestamptz,
        ADD CONSTRAINT source_body_limit_in_range CHECK (body_limit BETWEEN 1024 AND 67108864);
      COMMENT ON COLUMN source.body_limit IS 'bytes of one delivery; null: what its kind takes';
      COMMENT ON COLUMN source.published_at IS 'when its sender last said that these are its keys';

      ALTER TABLE delivery
        ADD COLUMN via text NOT NULL DEFAULT 'push',
        ADD COLUMN replays int NOT NULL DEFAULT 0,
        ADD COLUMN replayed_at timestamptz,
        ADD CONSTRAINT delivery_via_known CHECK (via IN ('push', 'poll', 'file'));
      CREATE INDEX delivery_by_source ON delivery (source_id, received_at DESC, id DESC);
    `);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`
      DROP INDEX delivery_by_source;
      ALTER TABLE delivery DROP CONSTRAINT delivery_via_known, DROP COLUMN replayed_at, DROP COLUMN replays, DROP COLUMN via;
      ALTER TABLE source DROP CONSTRAINT source_body_limit_in_range, DROP COLUMN published_at, DROP COLUMN published_tag,
        DROP COLUMN published_keys, DROP COLUMN body_limit, DROP COLUMN settings;
    `);
  }
}
