import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

@Check('contact_role_known', `(role = ANY (ARRAY['security'::text, 'contract'::text, 'on_call'::text]))`)
@ForeignKey('Party', ['partyId'], ['id'], { name: 'contact_party_fk' })
@ForeignKey('Person', ['personId'], ['id'], { name: 'contact_person_fk' })
@Unique('contact_external_key', ['source', 'externalKey'])
@Unique('contact_id_party', ['id', 'partyId'])
@Index('contact_by_party', ['partyId'])
@Entity({ name: 'contact' })
export class Contact {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'contact_pk' })
  id: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'person_id', type: 'uuid', nullable: true })
  personId: string | null;

  @Column({ name: 'source', type: 'text', default: 'console' })
  source: string;

  @Column({ name: 'external_key', type: 'text', nullable: true })
  externalKey: string | null;

  @Column({ name: 'name', type: 'text' })
  name: string;

  @Column({ name: 'role', type: 'text' })
  role: string;

  @Column({ name: 'email', type: 'text', nullable: true })
  email: string | null;

  @Column({
    name: 'addressed_by',
    type: 'text',
    nullable: true,
    comment:
      'whose hand last said at which mail address it is reached, or put it in use again; null: an import, or from before it was kept',
  })
  addressedBy: string | null;

  @Column({ name: 'phone', type: 'text', nullable: true })
  phone: string | null;

  @Column({
    name: 'language',
    type: 'text',
    nullable: true,
    comment: 'what they read; without one, as the agreement or the party has it',
  })
  language: string | null;

  @Column({ name: 'ordinal', type: 'int', default: 0 })
  ordinal: number;

  @Column({ name: 'active', type: 'boolean', default: true })
  active: boolean;

  @Column({ name: 'confirmed_at', type: 'timestamptz', nullable: true })
  confirmedAt: Date | null;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt: Date;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;
}
