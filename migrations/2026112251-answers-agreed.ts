/**
 * The parties themselves may agree how strong an answer to a notice must be: a term says it, beside what the policy of the
 * integration asks for. The stronger of both holds.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AnswersAgreed2026112251000 implements MigrationInterface {
  readonly name = 'AnswersAgreed2026112251000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE term
        ADD COLUMN least_strength text,
        ADD CONSTRAINT term_least_strength_known
          CHECK (least_strength IN ('mailbox', 'second_channel', 'account_mfa', 'detached_signature'));
      COMMENT ON COLUMN term.least_strength IS 'what an acknowledgement must have at least; null: as the policy says';
    `);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`ALTER TABLE term DROP CONSTRAINT term_least_strength_known, DROP COLUMN least_strength`);
  }
}
