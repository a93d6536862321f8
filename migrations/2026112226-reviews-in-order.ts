/** A campaign over the whole portfolio has as many items as there are accesses: they are read in the order of their parts, by index. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class ReviewsInOrder2026112226000 implements MigrationInterface {
  readonly name = 'ReviewsInOrder2026112226000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      DROP INDEX access_review_item_by_review;
      CREATE INDEX access_review_item_by_review ON access_review_item (review_id, part_id, number)`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`
      DROP INDEX access_review_item_by_review;
      CREATE INDEX access_review_item_by_review ON access_review_item (review_id)`);
  }
}
