/**
 * Our own token at a supplier may end by itself. What was seen of it stands beside its connection, so that its page says in
 * time what cannot be prolonged.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate } from './isolation.ts';

export class OwnTokens2026112256000 implements MigrationInterface {
  readonly name = 'OwnTokens2026112256000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE connection_access (
        connection_id uuid NOT NULL,
        ends_at timestamptz,
        problem text,
        looked_at timestamptz NOT NULL,
        CONSTRAINT connection_access_pk PRIMARY KEY (connection_id),
        CONSTRAINT connection_access_connection_fk FOREIGN KEY (connection_id) REFERENCES connection (id)
      );
    `);
    await isolate(q, 'connection_access', 'installation');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DROP TABLE connection_access`);
  }
}
