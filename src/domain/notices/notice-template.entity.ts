import { Check, Column, Entity, PrimaryColumn, Unique } from 'typeorm';

/** One version of a text that an operator wrote. Never changed: the next save is the next version. */
@Check(
  'notice_template_recipient_known',
  `(recipient = ANY (ARRAY['any'::text, 'supplier'::text, 'customer'::text, 'sub_processor'::text, 'authority'::text, 'insurer'::text]))`,
)
@Unique('notice_template_number', ['category', 'language', 'recipient', 'number'])
@Entity({ name: 'notice_template' })
export class NoticeTemplate {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'notice_template_pk' })
  id: string;

  @Column({ name: 'category', type: 'text' })
  category: string;

  @Column({ name: 'language', type: 'text' })
  language: string;

  @Column({ name: 'recipient', type: 'text', default: 'any' })
  recipient: string;

  @Column({ name: 'number', type: 'int' })
  number: number;

  @Column({
    name: 'shipped',
    type: 'boolean',
    default: false,
    comment: 'from this version on the shipped text is used again',
  })
  shipped: boolean;

  @Column({ name: 'subject', type: 'text' })
  subject: string;

  @Column({ name: 'text', type: 'text' })
  text: string;

  @Column({ name: 'html', type: 'text' })
  html: string;

  @Column({ name: 'note', type: 'text', default: '' })
  note: string;

  @Column({ name: 'content_hash', type: 'bytea' })
  contentHash: Buffer;

  @Column({ name: 'written_by', type: 'text' })
  writtenBy: string;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;
}
