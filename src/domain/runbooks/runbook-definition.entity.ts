import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** A version of a runbook as some run uses it or may use it. Immutable: its hash is its name. */
@Index('runbook_definition_by_runbook', ['runbook', 'storedAt'])
@Entity({ name: 'runbook_definition' })
export class RunbookDefinition {
  @PrimaryColumn({ name: 'hash', type: 'text', primaryKeyConstraintName: 'runbook_definition_pk' })
  hash: string;

  @Column({ name: 'runbook', type: 'text' })
  runbook: string;

  @Column({ name: 'version', type: 'int' })
  version: number;

  @Column({ name: 'title', type: 'text' })
  title: string;

  @Column({ name: 'body', type: 'jsonb' })
  body: unknown;

  @Column({ name: 'stored_at', type: 'timestamptz' })
  storedAt: Date;
}
