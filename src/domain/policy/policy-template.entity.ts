import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A policy with everything that it inherits, by the hash of its content: kept as long as a decision rests on it. */
@Entity({ name: 'policy_template' })
export class PolicyTemplate {
  @PrimaryColumn({ name: 'hash', type: 'text', primaryKeyConstraintName: 'policy_template_pk' })
  hash: string;

  @Column({ name: 'policy', type: 'text' })
  policy: string;

  @Column({ name: 'version', type: 'int' })
  version: number;

  @Column({ name: 'title', type: 'text' })
  title: string;

  @Column({ name: 'body', type: 'jsonb', comment: 'the policy with everything that it inherits' })
  body: unknown;

  @Column({ name: 'stored_at', type: 'timestamptz' })
  storedAt: Date;
}
