import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { handOf, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { Secret } from '../../kernel/secret.ts';
import type { WantedVersion } from '../../kernel/row-version.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { Keys } from '../../platform/signing/keys.ts';
import { contactExists, noContact } from '../integrations/integrations.service.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { isAhead, NOT_YET_PUT } from './holdings.service.ts';
import { editRow, type EditableTable, type Edited } from '../parties/edits.ts';
import type { AddLocation, AddVersion, EditCredential } from './credential.schema.ts';
import { locationAdded, versionAdded } from './credentials.events.ts';
import { usedInOtherEnvironments } from './reuse.queries.ts';
import { digestsOfSha256, fingerprintsOf, type KeyedDigest, type Pepper } from './fingerprint.rules.ts';

const CREDENTIAL: EditableTable = {
  table: 'credential',
  word: 'credential',
  columns: {
    name: 'name',
    purpose: 'purpose',
    ownerContactId: 'owner_contact_id',
    authority: 'authority',
    approveWithinMinutes: 'approve_within_minutes',
    approveOtherwise: 'approve_otherwise',
    revocability: 'revocability',
    risk: 'risk',
    store: 'store',
    rotateEveryDays: 'rotate_every_days',
    lastUsedAt: 'last_used_at',
  },
};

interface Home {
  id: Id;
  integrationId: Id;
}

/** Credentials, their versions and where copies of them lie. */
@Injectable()
export class CredentialsService {
  constructor(
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
    private readonly outbox: Outbox,
    private readonly keys: Keys,
  ) {}

  async edit(
    db: Db,
    id: Id,
    edit: EditCredential,
    rowVersion: WantedVersion,
    by: Principal,
  ): Promise<Result<Edited, Refusal>> {
    if (edit.ownerContactId && !(await contactExists(db, edit.ownerContactId)))
      return err(noContact('/ownerContactId'));
    // Minutes belong to approve_within alone.
    const whole =
      edit.authority !== undefined && edit.authority !== 'approve_within'
        ? { ...edit, approveWithinMinutes: null, approveOtherwise: null }
        : edit;
    if (
      whole.approveWithinMinutes === null &&
      whole.authority === undefined &&
      (await authorityOf(db, id)) === 'approve_within'
    ) {
      return err(
        refusal('invalid', 'invalid-input', 'The authority approve_within needs its minutes.', {
          fields: [
            {
              field: '/approveWithinMinutes',
              problem: 'must stay, as the authority is approve_within',
              mend: 'Give minutes, or another authority.',
            },
          ],
        }),
      );
    }
    const at = this.clock.now();
    const edited = await editRow(db, CREDENTIAL, id, whole, rowVersion, at);
    if (edited.ok && edited.value.changed.length > 0) {
      await this.ledger.append(db, {
        kind: 'credential.changed',
        subject: { kind: 'credential', id },
        by,
        at,
        facts: {
          changed: edited.value.changed.sort().join(' '),
          rowVersion: edited.value.rowVersion,
          ...(whole.authority === undefined ? {} : { authority: whole.authority }),
          ...(typeof whole.approveWithinMinutes === 'number'
            ? { approveWithinMinutes: whole.approveWithinMinutes }
            : {}),
        },
        committed: {
          ...(edit.name === undefined ? {} : { name: edit.name }),
          ...(edit.purpose === undefined ? {} : { purpose: edit.purpose }),
          ...(edit.store === undefined ? {} : { store: edit.store }),
        },
      });
    }
    return edited;
  }

  /**
   * Records a version that fills the slot, e.g. the replacement that a revocation waits for. A value that is given is
   * fingerprinted and dropped. The same supplier's id again is the same version.
   *
   * @param o.acrossEnvironments the policy lets one value stand in several environments
   * @param o.madeByMachine what a supplier made is kept, though it be the value of another version
   */
  async addVersion(
    db: Db,
    credentialId: Id,
    input: AddVersion,
    by: Principal,
    o: { acrossEnvironments?: boolean; madeByMachine?: boolean } = {},
  ): Promise<Result<{ id: Id; number: number; created: boolean }, Refusal>> {
    const home = await lockHome(db, credentialId);
    if (!home) return err(noCredential());
    const versions = await db.query<{ id: Id; number: number; supplierId: string | null; phase: string }[]>(
      `SELECT id, number, supplier_id AS "supplierId", phase FROM credential_version WHERE credential_id = $1 ORDER BY number`,
      [credentialId],
    );
    const same =
      input.supplierId === undefined
        ? undefined
        : versions.find(({ supplierId }) => supplierId === input.supplierId);
    if (same && (input.number === undefined || input.number === same.number))
      return ok({ id: same.id, number: same.number, created: false });
    const number = input.number ?? (versions.at(-1)?.number ?? 0) + 1;
    if (same || versions.some((version) => version.number === number)) {
      return err(
        refusal(
          'conflict',
          'version-exists',
          `Version ${same?.number ?? number} of the credential is another one. Leave the number out, or give a free one.`,
        ),
      );
    }
    const now = this.clock.now();
    const at = new Date(now);
    const active = versions.find(({ phase }) => phase === 'active');
    if (active && input.phase === 'active') {
      await db.query(
        `UPDATE credential_version SET phase = $2, retired_at = CASE WHEN $2 = 'retired' THEN $3::timestamptz ELSE retired_at END, row_version = row_version + 1 WHERE id = $1`,
        [active.id, input.before, at],
      );
    }
    const digests = this.#digestsOf(input);
    if (input.supplierId !== undefined && isOneOf(input.supplierId, digests, this.keys.peppers())) {
      return err(
        refusal('invalid', 'holds-a-value', 'An id of the supplier is public; a value never is.', {
          fields: [
            {
              field: '/supplierId',
              problem: 'is the value of the version',
              mend: 'Give what the supplier calls the version, or leave it out.',
            },
          ],
        }),
      );
    }
    const twin = o.madeByMachine ? undefined : await versionWithValue(db, credentialId, digests);
    if (twin !== undefined) {
      return err(
        refusal(
          'conflict',
          'value-known',
          `This is the value of version ${twin}: whoever revokes one ends both.`,
          {
            fields: [
              {
                field: input.value === undefined ? '/sha256' : '/value',
                problem: `is that of version ${twin} of this credential`,
                mend: 'Give what the supplier made anew.',
              },
            ],
          },
        ),
      );
    }
    const elsewhere = o.acrossEnvironments ? [] : await usedInOtherEnvironments(db, credentialId, digests);
    if (elsewhere.length > 0) {
      return err(
        refusal('conflict', 'reused-across-environments', 'The value is known from another environment.', {
          fields: elsewhere.map(({ reference, environment }) => ({
            field: '/value',
            problem: `is the value of ${reference}, in ${environment}`,
            mend: 'Issue one of its own for this environment.',
          })),
        }),
      );
    }
    const id = newId();
    await db.query(
      `INSERT INTO credential_version (id, credential_id, integration_id, number, supplier_id, issued_at, issued_by, expires_at, phase, activated_at, retired_at, created_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
      [
        id,
        credentialId,
        home.integrationId,
        number,
        input.supplierId ?? null,
        input.issuedAt ?? null,
        `${by.kind}:${by.id}`,
        input.expiresAt ?? null,
        input.phase,
        input.phase === 'active' || input.phase === 'overlap' ? at : null,
        input.phase === 'retired' ? at : null,
        at,
      ],
    );
    for (const { part, scheme, keyId, digest } of digests) {
      await db.query(
        `INSERT INTO fingerprint (version_id, credential_id, integration_id, part, scheme, key_id, digest, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [id, credentialId, home.integrationId, part, scheme, keyId, digest, at],
      );
    }
    await this.ledger.append(db, {
      kind: 'credential_version.created',
      subject: { kind: 'credential_version', id },
      by,
      at: now,
      facts: {
        credentialId,
        number,
        phase: input.phase,
        parts: [...new Set(digests.map(({ part }) => part))].sort().join(' '),
        ...(active && input.phase === 'active' ? { replaces: active.id, replacedBecomes: input.before } : {}),
      },
    });
    if (digests.length > 0) await this.outbox.put(db, versionAdded, { versionIds: [id] });
    return ok({ id, number, created: true });
  }

  /** Records where a copy lies. */
  async addLocation(
    db: Db,
    credentialId: Id,
    input: AddLocation,
    by: Principal,
  ): Promise<Result<{ id: Id }, Refusal>> {
    const home = await lockHome(db, credentialId);
    if (!home) return err(noCredential());
    const integrationId = input.integrationId ?? home.integrationId;
    const [facts] = await db.query<
      { used: boolean; partyKnown: boolean; versionKnown: boolean; keyTaken: boolean; activeId: Id | null }[]
    >(
      `SELECT EXISTS (SELECT FROM credential_use WHERE credential_id = $1 AND integration_id = $2) AS used,
              EXISTS (SELECT FROM party WHERE id = $3) AS "partyKnown",
              $4::uuid IS NULL OR EXISTS (SELECT FROM credential_version WHERE id = $4 AND credential_id = $1) AS "versionKnown",
              EXISTS (SELECT FROM location WHERE source = 'api' AND external_key = $5) AS "keyTaken",
              (SELECT id FROM credential_version WHERE credential_id = $1 AND phase = 'active') AS "activeId"`,
      [credentialId, integrationId, input.partyId, input.versionId ?? null, input.key ?? null],
    );
    const wrong = (field: string, problem: string, mend: string) =>
      err(
        refusal('invalid', 'bad-location', 'The location is not as it must be.', {
          fields: [{ field, problem, mend }],
        }),
      );
    if (!facts?.used)
      return wrong('/integrationId', 'the integration does not use this credential', 'Name one that does.');
    if (!facts.partyKnown)
      return wrong('/partyId', 'is no party', 'Give the id of the party that owns the place.');
    if (!facts.versionKnown)
      return wrong('/versionId', 'is no version of this credential', 'Give one of its versions, or none.');
    if (input.ownerContactId && !(await contactExists(db, input.ownerContactId)))
      return err(noContact('/ownerContactId'));
    if (facts.keyTaken)
      return err(refusal('conflict', 'location-exists', 'A location with this key is known already.'));
    const now = this.clock.now();
    if (isAhead(input.putAt, now)) return wrong('/putAt', ...NOT_YET_PUT);
    const id = newId();
    await db.query(
      `INSERT INTO location (id, source, external_key, credential_id, integration_id, version_id, kind, name, path, arrived_by, put_by, put_at, party_id, owner_contact_id, owner_named_by, provable, created_at, updated_at)
       VALUES ($1, 'api', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16)`,
      [
        id,
        input.key ?? null,
        credentialId,
        integrationId,
        input.versionId ?? facts.activeId,
        input.type,
        input.name,
        input.path ?? '',
        input.arrivedBy,
        input.putBy ?? null,
        input.putAt ?? null,
        input.partyId,
        input.ownerContactId ?? null,
        input.ownerContactId ? handOf(by) : null,
        input.provable,
        new Date(now),
      ],
    );
    await this.ledger.append(db, {
      kind: 'location.created',
      subject: { kind: 'location', id },
      by,
      at: now,
      facts: {
        credentialId,
        integrationId,
        kind: input.type,
        provable: input.provable,
        partyId: input.partyId,
      },
      committed: { name: input.name },
    });
    await this.outbox.put(db, locationAdded, {
      locationId: id,
      credentialId,
      integrationId,
      partyId: input.partyId,
      kind: input.type,
      arrivedBy: input.arrivedBy,
      addedBy: by.id,
    });
    return ok({ id });
  }

  #digestsOf(input: AddVersion): ({ part: string } & KeyedDigest)[] {
    const peppers = this.keys.peppers();
    const parts = [{ part: 'value', sha256: input.sha256, value: input.value }, ...(input.parts ?? [])];
    const once = parts.filter(({ part }, at) => parts.findIndex((other) => other.part === part) === at);
    return once.flatMap(({ part, sha256, value }) => {
      if (sha256 !== undefined)
        return digestsOfSha256(sha256, peppers).map(({ scheme, keyId, digest }) => ({
          part,
          scheme,
          keyId,
          digest,
        }));
      if (value === undefined) return [];
      const secret = Secret.of(value);
      const digests = fingerprintsOf({ [part]: secret }, peppers);
      secret.wipe();
      return digests;
    });
  }
}

function isOneOf(text: string, digests: readonly KeyedDigest[], peppers: readonly Pepper[]): boolean {
  const own = new Set(digests.map(({ digest }) => digest.toString('hex')));
  const secret = Secret.of(text);
  const same = fingerprintsOf({ text: secret }, peppers).some(({ digest }) =>
    own.has(digest.toString('hex')),
  );
  secret.wipe();
  return same;
}

/** Versions of one credential are added one after the other. */
async function lockHome(db: Db, credentialId: Id): Promise<Home | undefined> {
  const [home] = await db.query<Home[]>(
    `SELECT id, integration_id AS "integrationId" FROM credential WHERE id = $1 AND retired_at IS NULL FOR UPDATE`,
    [credentialId],
  );
  return home;
}

/** The number of the version that has this very value, all of its parts; undefined: none. */
async function versionWithValue(
  db: Db,
  credentialId: Id,
  digests: readonly ({ part: string } & KeyedDigest)[],
): Promise<number | undefined> {
  const parts = new Set(digests.map(({ part }) => part)).size;
  if (parts === 0) return undefined;
  const [row] = await db.query<{ number: number }[]>(
    `SELECT v.number FROM fingerprint f JOIN credential_version v ON v.id = f.version_id
       JOIN unnest($2::text[], $3::bytea[]) AS given(part, digest) ON given.part = f.part AND given.digest = f.digest
      WHERE f.credential_id = $1 GROUP BY v.number HAVING count(DISTINCT f.part) = $4 ORDER BY v.number DESC LIMIT 1`,
    [credentialId, digests.map(({ part }) => part), digests.map(({ digest }) => digest), parts],
  );
  return row?.number;
}

async function authorityOf(db: Db, id: Id): Promise<string | null> {
  const [row] = await db.query<{ authority: string | null }[]>(
    'SELECT authority FROM credential WHERE id = $1',
    [id],
  );
  return row?.authority ?? null;
}

function noCredential(): Refusal {
  return refusal('not_found', 'no-credential', 'There is no such credential.');
}
