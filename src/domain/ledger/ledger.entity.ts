import {
  Check,
  Column,
  Entity,
  ForeignKey,
  Index,
  PrimaryColumn,
  PrimaryGeneratedColumn,
  Unique,
} from 'typeorm';

// The tables of the ledger, for the schema's own check: the code writes and reads them in visible SQL.

@Check('ledger_entry_hash_is_sha256', `(length(leaf_hash) = 32)`)
@Unique('ledger_entry_id', ['id'])
@Index('ledger_entry_by_subject', ['subjectId', 'n'])
@Entity({ name: 'ledger_entry' })
export class LedgerEntryRow {
  /** In the order of writing; neither gap-free nor in the order of commits. */
  @PrimaryGeneratedColumn('identity', {
    name: 'n',
    type: 'bigint',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'ledger_entry_pk',
  })
  n: string;

  @Column({ name: 'id', type: 'uuid' })
  id: string;

  @Column({ name: 'kind', type: 'text' })
  kind: string;

  @Column({ name: 'subject_kind', type: 'text' })
  subjectKind: string;

  @Column({ name: 'subject_id', type: 'uuid' })
  subjectId: string;

  @Column({ name: 'at', type: 'timestamptz' })
  at: Date;

  /** The canonical JSON that was hashed, byte for byte. */
  @Column({ name: 'body', type: 'text' })
  body: string;

  @Column({ name: 'leaf_hash', type: 'bytea' })
  leafHash: Buffer;
}

@Unique('ledger_leaf_n', ['n'])
@Entity({ name: 'ledger_leaf' })
export class LedgerLeafRow {
  /** The place in the tree, from 0, without gaps. */
  @PrimaryColumn({ name: 'seq', type: 'bigint', primaryKeyConstraintName: 'ledger_leaf_pk' })
  seq: string;

  @Column({ name: 'n', type: 'bigint' })
  n: string;

  @Column({ name: 'leaf_hash', type: 'bytea' })
  leafHash: Buffer;
}

@Entity({ name: 'ledger_node' })
export class LedgerNodeRow {
  /** The subtree has 2 to the power of this many leaves: 8, 16, 24, … */
  @PrimaryColumn({ name: 'height', type: 'int', primaryKeyConstraintName: 'ledger_node_pk' })
  height: number;

  @PrimaryColumn({ name: 'position', type: 'bigint', primaryKeyConstraintName: 'ledger_node_pk' })
  position: string;

  @Column({ name: 'hash', type: 'bytea' })
  hash: Buffer;
}

@Entity({ name: 'ledger_checkpoint' })
export class LedgerCheckpointRow {
  @PrimaryColumn({ name: 'size', type: 'bigint', primaryKeyConstraintName: 'ledger_checkpoint_pk' })
  size: string;

  @Column({ name: 'root', type: 'bytea' })
  root: Buffer;

  @Column({ name: 'note', type: 'text' })
  note: string;

  @Column({ name: 'signed_at', type: 'timestamptz' })
  signedAt: Date;
}

@Check('ledger_head_is_one', `singleton`)
@Entity({ name: 'ledger_head' })
export class LedgerHeadRow {
  @PrimaryColumn({
    name: 'singleton',
    type: 'boolean',
    default: true,
    primaryKeyConstraintName: 'ledger_head_pk',
  })
  singleton: boolean;

  @Column({ name: 'size', type: 'bigint' })
  size: string;

  /** The roots of the largest complete subtrees, left to right, 32 bytes each. */
  @Column({ name: 'subtrees', type: 'bytea' })
  subtrees: Buffer;

  /** Every entry up to this n is in the tree, or was rolled back. */
  @Column({ name: 'low_water', type: 'bigint' })
  lowWater: string;
}

@Check(
  'ledger_detail_kept_or_erased',
  `(((erased_at IS NULL) = (salt IS NOT NULL)) AND ((erased_at IS NULL) = (text IS NOT NULL)) AND ((erased_at IS NULL) = (erased_by IS NULL)) AND ((erased_at IS NULL) = (basis IS NULL)))`,
)
@ForeignKey(() => LedgerEntryRow, ['entryId'], ['id'], { name: 'ledger_detail_entry_fk' })
@Entity({ name: 'ledger_detail' })
export class LedgerDetailRow {
  @PrimaryColumn({ name: 'entry_id', type: 'uuid', primaryKeyConstraintName: 'ledger_detail_pk' })
  entryId: string;

  @PrimaryColumn({ name: 'field', type: 'text', primaryKeyConstraintName: 'ledger_detail_pk' })
  field: string;

  @Column({ name: 'salt', type: 'bytea', nullable: true })
  salt: Buffer | null;

  @Column({ name: 'text', type: 'text', nullable: true })
  text: string | null;

  @Column({ name: 'erased_at', type: 'timestamptz', nullable: true })
  erasedAt: Date | null;

  @Column({ name: 'erased_by', type: 'text', nullable: true })
  erasedBy: string | null;

  @Column({ name: 'basis', type: 'text', nullable: true })
  basis: string | null;
}
