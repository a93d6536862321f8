import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import { handOf, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import type { Secret } from '../../kernel/secret.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { Keys } from '../../platform/signing/keys.ts';
import type { StoredRef } from '../../platform/vault/store.ts';
import { Vault } from '../../platform/vault/vault.ts';
import { versionAdded } from '../credentials/credentials.events.ts';
import { fingerprintsOf, type KeyedDigest } from '../credentials/fingerprint.rules.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { versionBinding } from '../revocation/targets.service.ts';
import { mayBeCorrected } from './new-version.queries.ts';
import type { RotationRow } from './rotation-records.service.ts';

interface Kept {
  supplierId: string | null;
  ref: StoredRef | null;
  digests: Buffer[];
}

/** The value of a version that a person entered, entered anew: typing goes wrong. */
@Injectable()
export class Corrections {
  constructor(
    private readonly vault: Vault,
    private readonly keys: Keys,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  /**
   * Puts another value in the place of the new version's, and destroys the one before. Only while nothing holds the new
   * version and nobody vouches for it; the same value again changes nothing.
   *
   * @param said of the version that is on record, by the supplier's own id for it
   */
  async correct(
    db: Db,
    row: RotationRow & { newVersionId: Id },
    said: { supplierId: string | null; value: Secret },
    by: Principal,
  ): Promise<Result<{ changed: boolean }, Refusal>> {
    const versionId = row.newVersionId;
    await db.query(`SELECT FROM credential_version WHERE id = $1 FOR UPDATE`, [versionId]);
    const [kept] = await db.query<Kept[]>(
      `SELECT v.supplier_id AS "supplierId", v.store_ref AS ref,
              ARRAY(SELECT f.digest FROM fingerprint f WHERE f.version_id = v.id) AS digests
         FROM credential_version v WHERE v.id = $1`,
      [versionId],
    );
    if (!kept || kept.supplierId !== said.supplierId)
      return err(known(row, 'Give its own id to correct its value.'));
    const digests = fingerprintsOf({ value: said.value }, this.keys.peppers());
    if (kept.ref !== null && digests.some((one) => kept.digests.some((digest) => digest.equals(one.digest))))
      return ok({ changed: false });
    if (!(await mayBeCorrected(db, row.id)) || (kept.ref !== null && !this.vault.mayDestroy(kept.ref)))
      return err(
        known(row, 'Its value cannot be corrected any more. Roll the rotation back, and begin another.'),
      );
    const twin = await this.#twin(db, row, digests);
    if (twin) return err(twin);
    const at = this.clock.date();
    const ref = await this.vault.put(db, versionBinding(versionId), said.value);
    await db.query(
      `UPDATE credential_version SET store_ref = $2, row_version = row_version + 1 WHERE id = $1`,
      [versionId, ref],
    );
    if (kept.ref !== null) await this.vault.destroy(db, kept.ref);
    await db.query(`DELETE FROM fingerprint WHERE version_id = $1`, [versionId]);
    for (const { part, scheme, keyId, digest } of digests)
      await db.query(
        `INSERT INTO fingerprint (version_id, credential_id, integration_id, part, scheme, key_id, digest, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [versionId, row.credentialId, row.integrationId, part, scheme, keyId, digest, at],
      );
    await this.ledger.append(db, {
      kind: 'rotation.version-corrected',
      subject: { kind: 'rotation', id: row.id },
      by,
      at: at.getTime(),
      facts: {
        credentialId: row.credentialId,
        integrationId: row.integrationId,
        newVersionId: versionId,
        enteredBy: handOf(by),
      },
    });
    await this.outbox.put(db, versionAdded, { versionIds: [versionId] });
    return ok({ changed: true });
  }

  async #twin(db: Db, row: RotationRow, digests: readonly KeyedDigest[]): Promise<Refusal | null> {
    const [twin] = await db.query<{ number: number }[]>(
      `SELECT v.number FROM fingerprint f JOIN credential_version v ON v.id = f.version_id
        WHERE f.credential_id = $1 AND f.version_id <> $2 AND f.digest = ANY($3::bytea[]) LIMIT 1`,
      [row.credentialId, row.newVersionId, digests.map(({ digest }) => digest)],
    );
    if (!twin) return null;
    const { number } = twin;
    return refusal(
      'conflict',
      'value-known',
      `This is the value of version ${number}: whoever revokes one ends both.`,
      {
        fields: [
          {
            field: '/value',
            problem: `is that of version ${number} of this credential`,
            mend: 'Give what the supplier made anew.',
          },
        ],
      },
    );
  }
}

/** @param mend what can be done instead */
export function known(row: RotationRow, mend: string): Refusal {
  return refusal(
    'conflict',
    'version-known',
    `The new version of this rotation is on record: version ${row.newNumber}. ${mend}`,
  );
}
