import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import type { Secret } from '../../kernel/secret.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { Vault } from '../../platform/vault/vault.ts';
import { CredentialsService } from '../credentials/credentials.service.ts';
import { versionBinding } from '../revocation/targets.service.ts';
import { InUse } from './in-use.service.ts';
import { RotationRecords, type RotationRow } from './rotation-records.service.ts';

export interface NewVersion {
  supplierId: string | null;
  /** null: it stays elsewhere. */
  value: Secret | null;
  /** Lower-case hex SHA-256 of the value, where that alone is told. */
  sha256?: string | undefined;
  expiresAt: Millis | null;
  /** A person says so: they may be mistaken, which a supplier's own answer is not. */
  stated?: true;
}

/** Puts on record what a supplier made: the version, its fingerprint, and its value in the vault, all in one transaction. */
@Injectable()
export class NewVersions {
  constructor(
    private readonly records: RotationRecords,
    private readonly credentials: CredentialsService,
    private readonly inUse: InUse,
    private readonly vault: Vault,
    private readonly clock: Clock,
  ) {}

  /** A version that nobody uses: made by a request whose answer was lost, and to be revoked. */
  async addOrphan(db: Db, row: RotationRow, made: NewVersion, by: Principal): Promise<Result<Id, Refusal>> {
    const added = await this.#add(db, row, made, 'retired', by);
    return added;
  }

  /** The new version of the rotation. Where the old one died as it was made, it is in use at once. */
  async addNew(
    db: Db,
    row: RotationRow,
    made: NewVersion,
    by: Principal,
  ): Promise<Result<RotationRow, Refusal>> {
    if (made.supplierId !== null && row.oldFate === 'stays') {
      const [old] = await db.query<object[]>(
        `SELECT FROM credential_version WHERE id = $1 AND supplier_id = $2`,
        [row.oldVersionId, made.supplierId],
      );
      if (old)
        return err(
          refusal('invalid', 'old-version', 'This is the id of the old version.', {
            fields: [
              {
                field: '/supplierId',
                problem: 'is the id of the old version',
                mend: 'Give that of the new one.',
              },
            ],
          }),
        );
    }
    const next = await this.records.may(db, row, 'store');
    if (!next.ok) return next;
    if (made.stated && made.expiresAt !== null && made.expiresAt <= this.clock.now())
      return err(
        refusal(
          'invalid',
          'expired',
          'The new version has expired: everybody would be moved to what is dead.',
          {
            fields: [
              {
                field: '/expiresAt',
                problem: 'is not ahead',
                mend: 'Give the time until which the supplier accepts it, or leave it out.',
              },
            ],
          },
        ),
      );
    const added = await this.#add(db, row, made, 'pending', by);
    if (!added.ok) return added;
    if (row.oldFate === 'dies') {
      await this.records.phase(db, row.oldVersionId, 'retired');
      await this.records.phase(db, added.value, 'active');
    }
    const moved = await this.records.move(db, row, 'store', by, { new_version_id: added.value });
    if (row.oldFate === 'dies') await this.inUse.follow(db, moved, 'new', by);
    return ok(moved);
  }

  async #add(
    db: Db,
    row: RotationRow,
    made: NewVersion,
    phase: 'pending' | 'retired',
    by: Principal,
  ): Promise<Result<Id, Refusal>> {
    const now = iso(this.clock.now());
    const input = {
      phase,
      before: 'overlap' as const,
      issuedAt: now,
      ...(made.expiresAt === null ? {} : { expiresAt: iso(made.expiresAt) }),
    };
    const add = (known: { value?: string; sha256?: string }) =>
      // What the supplier has made is kept, whatever the policy thinks of it.
      this.credentials.addVersion(db, row.credentialId, { ...input, ...known }, by, {
        acrossEnvironments: true,
        madeByMachine: !made.stated,
      });
    const added = made.value
      ? await made.value.use((value) => add({ value }))
      : await add(made.sha256 === undefined ? {} : { sha256: made.sha256 });
    if (!added.ok) return added;
    const { id } = added.value;
    const ref = made.value ? await this.vault.put(db, versionBinding(id), made.value) : null;
    // A supplier may keep its id over versions: the id alone does not make two the same.
    await db.query(`UPDATE credential_version SET supplier_id = $2, store_ref = $3 WHERE id = $1`, [
      id,
      made.supplierId,
      ref,
    ]);
    return ok(id);
  }
}
