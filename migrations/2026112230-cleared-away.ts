/**
 * Some suppliers revoke in a way that can be undone: the key is switched off and still there. What is proven dead is then
 * removed for good, and the answer to that is evidence of its own kind, which proves nothing about the death.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';

const KINDS = ['revoke', 'probe', 'control', 'own_authentication', 'sessions', 'location', 'statement'];

export class ClearedAway2026112230000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query(kindsAre([...KINDS, 'clear_away']));
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DELETE FROM evidence WHERE kind = 'clear_away'`);
    await q.query(kindsAre(KINDS));
  }
}

function kindsAre(kinds: readonly string[]): string {
  const list = kinds.map((kind) => `'${kind}'`).join(', ');
  return `ALTER TABLE evidence DROP CONSTRAINT evidence_kind_known;
          ALTER TABLE evidence ADD CONSTRAINT evidence_kind_known CHECK (kind IN (${list}))`;
}
