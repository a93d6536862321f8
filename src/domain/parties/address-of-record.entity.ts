import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@ForeignKey('Contact', ['contactId', 'partyId'], ['id', 'partyId'], { name: 'address_of_record_contact_fk' })
@ForeignKey('Party', ['partyId'], ['id'], { name: 'address_of_record_party_fk' })
@Index('address_of_record_by_party', ['partyId'])
@Entity({ name: 'address_of_record' })
export class AddressOfRecord {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'address_of_record_pk' })
  id: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'contact_id', type: 'uuid', nullable: true })
  contactId: string | null;

  @Column({ name: 'channel', type: 'text' })
  channel: string;

  @Column({ name: 'address', type: 'text' })
  address: string;

  @Column({ name: 'verified_at', type: 'timestamptz', nullable: true })
  verifiedAt: Date | null;

  @Column({ name: 'valid_from', type: 'timestamptz' })
  validFrom: Date;

  @Column({ name: 'valid_until', type: 'timestamptz', nullable: true })
  validUntil: Date | null;

  @Column({
    name: 'address_ref',
    type: 'text',
    nullable: true,
    comment: 'where the whole address is in the vault, when it is a secret; address is masked then',
  })
  addressRef: string | null;
}
