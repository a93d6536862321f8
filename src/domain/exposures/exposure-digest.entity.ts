import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@ForeignKey('Exposure', ['exposureId'], ['id'], { name: 'exposure_digest_exposure_fk' })
@Index('exposure_digest_by_digest', ['digest'])
@Entity({ name: 'exposure_digest' })
export class ExposureDigest {
  @PrimaryColumn({ name: 'exposure_id', type: 'uuid', primaryKeyConstraintName: 'exposure_digest_pk' })
  exposureId: string;

  @PrimaryColumn({ name: 'form', type: 'text', primaryKeyConstraintName: 'exposure_digest_pk' })
  form: string;

  @PrimaryColumn({ name: 'scheme', type: 'text', primaryKeyConstraintName: 'exposure_digest_pk' })
  scheme: string;

  @PrimaryColumn({ name: 'key_id', type: 'text', primaryKeyConstraintName: 'exposure_digest_pk' })
  keyId: string;

  @Column({ name: 'digest', type: 'bytea' })
  digest: Buffer;
}
