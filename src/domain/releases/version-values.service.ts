import { Injectable } from '@nestjs/common';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import type { Secret } from '../../kernel/secret.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { Keys } from '../../platform/signing/keys.ts';
import { Vault } from '../../platform/vault/vault.ts';
import { versionAdded } from '../credentials/credentials.events.ts';
import { digestsOf, fingerprintsOf, type KeyedDigest } from '../credentials/fingerprint.rules.ts';
import { usedInOtherEnvironments } from '../credentials/reuse.queries.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { Isolation } from '../policy/isolation.service.ts';
import { versionBinding } from '../revocation/targets.service.ts';
import { OBSTACLES, obstaclesOf } from './release.rules.ts';
import { findVersionState, type KnownVersion } from './version-state.queries.ts';

/** Values that people put into the vault by hand: written, fingerprinted at once, and never shown again by this. */
@Injectable()
export class VersionValues {
  constructor(
    private readonly transactions: Transactions,
    private readonly vault: Vault,
    private readonly keys: Keys,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
    private readonly isolation: Isolation,
    private readonly clock: Clock,
  ) {}

  /**
   * Places the value of a version. The same value again is the same value; another one is refused, and so is one that is
   * known to have leaked: it would be dead on arrival. Takes the secret over and wipes it.
   */
  async put(versionId: Id, value: Secret, by: Principal): Promise<Result<{ placed: boolean }, Refusal>> {
    try {
      return await this.transactions.run(by, (db) => this.#put(db, versionId, value, by));
    } catch (thrown) {
      if (thrown instanceof Refused) return err(thrown.refusal);
      throw thrown;
    } finally {
      value.wipe();
    }
  }

  async #put(
    db: Db,
    versionId: Id,
    value: Secret,
    by: Principal,
  ): Promise<Result<{ placed: boolean }, Refusal>> {
    await db.query(`SELECT FROM credential_version WHERE id = $1 FOR UPDATE`, [versionId]);
    const version = await findVersionState(db, versionId);
    if (!version) return err(refusal('not_found', 'no-version', 'There is no such version.'));
    const now = this.clock.now();
    const [obstacle] = obstaclesOf({ ...version, kept: true }, now);
    if (obstacle) return err(refusal('conflict', obstacle, OBSTACLES[obstacle]));
    const peppers = this.keys.peppers();
    const digests = digestsOf(value, peppers);
    const other = await this.#anotherValue(db, version, digests);
    if (other) return err(other);
    if (version.kept) return ok({ placed: false });
    // As a whole: a piece of it that somebody reported is no reason to refuse all of it.
    const whole = digests.filter(({ form }) => form === 'raw' || form === 'trimmed');
    if (await isKnownAsLeaked(db, versionId, whole))
      return err(refused('known-as-leaked', 'was reported as leaked', 'Issue another one at the supplier.'));
    const elsewhere = (await this.isolation.holdsFor(db, version.credentialId))
      ? await usedInOtherEnvironments(db, version.credentialId, whole)
      : [];
    if (elsewhere.length > 0)
      return err(
        refused(
          'reused-across-environments',
          `is the value of ${elsewhere[0]!.reference}, in ${elsewhere[0]!.environment}`,
          'Issue one of its own for this environment.',
        ),
      );
    const ref = await this.vault.put(db, versionBinding(versionId), value);
    await db.query(
      `UPDATE credential_version SET store_ref = $2, row_version = row_version + 1 WHERE id = $1`,
      [versionId, ref],
    );
    const added = await this.#fingerprint(db, version, value, now);
    await this.ledger.append(db, {
      kind: 'credential_version.value-placed',
      subject: { kind: 'credential_version', id: versionId },
      by,
      at: now,
      facts: { credentialId: version.credentialId, number: version.number, store: ref.split(':')[0]! },
    });
    if (added) await this.outbox.put(db, versionAdded, { versionIds: [versionId] });
    return ok({ placed: true });
  }

  /** What the version is known by decides which value is its own. */
  async #anotherValue(
    db: Db,
    version: KnownVersion,
    digests: readonly KeyedDigest[],
  ): Promise<Refusal | undefined> {
    const known = await db.query<{ same: boolean }[]>(
      `SELECT digest = ANY($2::bytea[]) AS same FROM fingerprint WHERE version_id = $1`,
      [version.id, digests.map(({ digest }) => digest)],
    );
    if (known.length === 0 || known.some(({ same }) => same)) return undefined;
    return refused(
      'another-value',
      'is not the value that this version is known by',
      'Give its own value, or record a new version.',
    );
  }

  async #fingerprint(db: Db, version: KnownVersion, value: Secret, now: number): Promise<boolean> {
    const [known] = await db.query<unknown[]>(`SELECT FROM fingerprint WHERE version_id = $1 LIMIT 1`, [
      version.id,
    ]);
    if (known) return false;
    for (const { part, scheme, keyId, digest } of fingerprintsOf({ value }, this.keys.peppers()))
      await db.query(
        `INSERT INTO fingerprint (version_id, credential_id, integration_id, part, scheme, key_id, digest, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [version.id, version.credentialId, version.integrationId, part, scheme, keyId, digest, new Date(now)],
      );
    return true;
  }
}

/** Reported as leaked, whether or not it was known here by then; or the value of a version that was. */
async function isKnownAsLeaked(db: Db, versionId: Id, digests: readonly KeyedDigest[]): Promise<boolean> {
  const values = digests.map(({ digest }) => digest);
  const [found] = await db.query<unknown[]>(
    `SELECT FROM exposure_digest d JOIN exposure e ON e.id = d.exposure_id
      WHERE d.digest = ANY($1::bytea[]) AND e.state <> 'dismissed'
     UNION ALL
     SELECT FROM fingerprint f JOIN incident_credential x ON x.version_id = f.version_id JOIN incident n ON n.id = x.incident_id
      WHERE f.digest = ANY($1::bytea[]) AND f.version_id <> $2 AND n.state <> 'dismissed'
     LIMIT 1`,
    [values, versionId],
  );
  return found !== undefined;
}

function refused(code: string, problem: string, mend: string): Refusal {
  return refusal('conflict', code, `The value ${problem}. ${mend}`, {
    fields: [{ field: '/value', problem, mend }],
  });
}
