/**
 * The append-only record of who did what, and what makes it tamper-evident.
 *
 * An entry is written by the transaction that makes the change, with the hash of its own bytes and nothing else, so that no
 * change waits for another. One sequencer puts entries into the Merkle tree after commit: `ledger_leaf` gives each its
 * place, `ledger_node` keeps the roots of complete subtrees of 256, 65,536, … leaves (proofs and checks then read a few
 * hundred rows of any ledger), `ledger_head` is where the sequencer goes on. Leaves have no foreign key to entries: a
 * missing entry is for the verification to find, and checking 5,000 of them in each batch would double its cost.
 *
 * Personal data and free text stand in `ledger_detail`, which can be erased; the entry holds salted commitments.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate } from './isolation.ts';

export class Ledger2026112203000 implements MigrationInterface {
  readonly name = 'Ledger2026112203000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE ledger_entry (
        n bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
        id uuid NOT NULL,
        kind text NOT NULL,
        subject_kind text NOT NULL,
        subject_id uuid NOT NULL,
        at timestamptz NOT NULL,
        body text NOT NULL,
        leaf_hash bytea NOT NULL,
        CONSTRAINT ledger_entry_pk PRIMARY KEY (n),
        CONSTRAINT ledger_entry_id UNIQUE (id),
        CONSTRAINT ledger_entry_hash_is_sha256 CHECK (length(leaf_hash) = 32)
      );
      CREATE INDEX ledger_entry_by_subject ON ledger_entry (subject_id, n);

      CREATE TABLE ledger_leaf (
        seq bigint NOT NULL,
        n bigint NOT NULL,
        leaf_hash bytea NOT NULL,
        CONSTRAINT ledger_leaf_pk PRIMARY KEY (seq),
        CONSTRAINT ledger_leaf_n UNIQUE (n)
      );

      CREATE TABLE ledger_node (
        height int NOT NULL,
        position bigint NOT NULL,
        hash bytea NOT NULL,
        CONSTRAINT ledger_node_pk PRIMARY KEY (height, position)
      );

      CREATE TABLE ledger_checkpoint (
        size bigint NOT NULL,
        root bytea NOT NULL,
        note text NOT NULL,
        signed_at timestamptz NOT NULL,
        CONSTRAINT ledger_checkpoint_pk PRIMARY KEY (size)
      );

      CREATE TABLE ledger_head (
        singleton boolean NOT NULL DEFAULT true,
        size bigint NOT NULL,
        subtrees bytea NOT NULL,
        low_water bigint NOT NULL,
        CONSTRAINT ledger_head_pk PRIMARY KEY (singleton),
        CONSTRAINT ledger_head_is_one CHECK (singleton)
      );

      CREATE TABLE ledger_detail (
        entry_id uuid NOT NULL,
        field text NOT NULL,
        salt bytea,
        text text,
        erased_at timestamptz,
        erased_by text,
        basis text,
        CONSTRAINT ledger_detail_pk PRIMARY KEY (entry_id, field),
        CONSTRAINT ledger_detail_entry_fk FOREIGN KEY (entry_id) REFERENCES ledger_entry (id),
        CONSTRAINT ledger_detail_kept_or_erased CHECK (
          (erased_at IS NULL) = (salt IS NOT NULL) AND (erased_at IS NULL) = (text IS NOT NULL)
          AND (erased_at IS NULL) = (erased_by IS NULL) AND (erased_at IS NULL) = (basis IS NULL))
      );`);

    // A party's own act is on record although the party cannot read the record.
    await isolate(q, 'ledger_entry', 'installation', { appendOnly: true, partyMayInsert: true });
    await isolate(q, 'ledger_detail', 'installation', { appendOnly: true, partyMayInsert: true });
    await isolate(q, 'ledger_leaf', 'installation', { appendOnly: true });
    await isolate(q, 'ledger_node', 'installation', { appendOnly: true });
    await isolate(q, 'ledger_checkpoint', 'installation', { appendOnly: true });
    await isolate(q, 'ledger_head', 'installation');
    await q.query(`
      REVOKE INSERT, DELETE ON ledger_head FROM countersign_app;
      INSERT INTO ledger_head (size, subtrees, low_water) VALUES (0, '', 0);
      GRANT UPDATE (salt, text, erased_at, erased_by, basis) ON ledger_detail TO countersign_app;`);

    // A transaction gets its own number before any of its entries does. The sequencer can then tell when nobody who might
    // still commit an entry below some n is left: when every transaction older than a later look has ended.
    await q.query(`
      CREATE FUNCTION ledger_number_first() RETURNS trigger
      LANGUAGE plpgsql
      AS $$
      BEGIN
        PERFORM pg_current_xact_id();
        RETURN NULL;
      END
      $$`);
    await q.query(`
      CREATE TRIGGER ledger_entry_number_first BEFORE INSERT ON ledger_entry
        FOR EACH STATEMENT EXECUTE FUNCTION ledger_number_first()`);
    // The one change that a detail may see is its erasure.
    await q.query(`
      CREATE FUNCTION ledger_detail_only_erased() RETURNS trigger
      LANGUAGE plpgsql
      AS $$
      BEGIN
        IF old.erased_at IS NOT NULL OR new.erased_at IS NULL THEN
          RAISE EXCEPTION 'a ledger detail can be erased once, and not changed'
            USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN new;
      END
      $$`);
    await q.query(`
      CREATE TRIGGER ledger_detail_only_erased BEFORE UPDATE ON ledger_detail
        FOR EACH ROW EXECUTE FUNCTION ledger_detail_only_erased()`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(
      `DROP TABLE ledger_detail, ledger_head, ledger_checkpoint, ledger_node, ledger_leaf, ledger_entry`,
    );
    await q.query(`DROP FUNCTION ledger_detail_only_erased()`);
    await q.query(`DROP FUNCTION ledger_number_first()`);
  }
}
