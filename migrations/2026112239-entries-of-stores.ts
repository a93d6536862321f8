/**
 * A copy that lies in a store which a machine can write to is brought up to date by that machine when its credential
 * rotates, and looked at there to see which version it holds. Which connection speaks to the store, and which entry it is,
 * stands in a table of its own: whoever may write it decides where a value is sent, which is more than to describe a copy.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate } from './isolation.ts';

export class EntriesOfStores2026112239000 implements MigrationInterface {
  readonly name = 'EntriesOfStores2026112239000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE location_store (
        location_id uuid NOT NULL,
        connection_id uuid NOT NULL,
        entry text NOT NULL,
        field text,
        set_by text NOT NULL,
        set_at timestamptz NOT NULL,
        CONSTRAINT location_store_pk PRIMARY KEY (location_id),
        CONSTRAINT location_store_location_fk FOREIGN KEY (location_id) REFERENCES location (id),
        CONSTRAINT location_store_connection_fk FOREIGN KEY (connection_id) REFERENCES connection (id)
      );
      CREATE INDEX location_store_by_connection ON location_store (connection_id);
      ALTER TABLE rotation_place DROP CONSTRAINT rotation_place_how_known,
        ADD CONSTRAINT rotation_place_how_known CHECK (how IN ('statement', 'seen', 'store'));
    `);
    await isolate(q, 'location_store', 'installation');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`
      DROP TABLE location_store;
      UPDATE rotation_place SET how = 'seen' WHERE how = 'store';
      ALTER TABLE rotation_place DROP CONSTRAINT rotation_place_how_known,
        ADD CONSTRAINT rotation_place_how_known CHECK (how IN ('statement', 'seen'));
    `);
  }
}
