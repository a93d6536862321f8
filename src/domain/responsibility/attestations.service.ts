import { Injectable } from '@nestjs/common';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { ELAPSED_DAY, iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import {
  counts,
  REMIND_BEFORE,
  signersOf,
  strongEnough,
  waysThatSuffice,
  wroteForAnother,
  type Strength,
  type Way,
} from './attestation.rules.ts';
import {
  actingParty,
  attestationsOf,
  cellsOfVersion,
  findVersion,
  partiesIn,
  type VersionFacts,
} from './matrix-facts.queries.ts';
import { matrixChanged } from './responsibility.events.ts';
import { Signatures } from './signatures.service.ts';
import { SigningFloor } from './signing-floor.ts';

/** A signature on its way onto the record. */
export interface NewAttestation {
  partyId: Id;
  way: Way;
  strength: Strength;
  /** Of the account, or of the contact behind a link, key or paper. */
  signatoryId: string;
  personId: Id | null;
  contactId: Id | null;
  signsFor: string;
  language: string;
  contentHash: string;
  textHash: string;
  signature?: Buffer;
  keyId?: Id;
  attachmentId?: Id;
}

export interface Attested {
  attestationId: Id;
  state: VersionFacts['state'];
  strength: Strength;
}

const SIGNABLE: readonly VersionFacts['state'][] = ['proposed', 'countersigned', 'expired'];

/** The record of signatures: every way of signing ends here. */
@Injectable()
export class Attestations {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
    private readonly signatures: Signatures,
    private readonly floor: SigningFloor,
  ) {}

  /** Whether a signature would be taken. @throws Refused saying why not */
  async judge(db: Db, versionId: Id, one: NewAttestation): Promise<VersionFacts> {
    const version = await lockVersion(db, versionId);
    refuseNotCurrent(version);
    if (
      one.contentHash !== version.contentHash ||
      one.textHash !== (await textHashOf(db, versionId, one.language))
    )
      throw new Refused(
        refusal(
          'conflict',
          'text-changed',
          'What you signed is not what this version says. Read it again, then sign.',
        ),
      );
    const signers = signersOf(
      await cellsOfVersion(db, versionId),
      await partiesIn(db, version.integrationId),
    );
    if (!signers.includes(one.partyId))
      throw new Refused(
        refusal('forbidden', 'not-a-signer', 'This party answers for nothing in the matrix.'),
      );
    if (
      wroteForAnother({ id: one.signatoryId, personId: one.personId, partyId: one.partyId }, version.authors)
    )
      throw new Refused(
        refusal('forbidden', 'author-signs', 'Whoever wrote a part of it cannot sign for the other side.'),
      );
    const least = await this.floor.least(db, version.integrationId);
    if (!strongEnough(one.strength, least)) throw new Refused(tooWeak(one.strength, least));
    const now = this.clock.now();
    const given = await attestationsOf(db, version.integrationId, version.contentHash);
    // One that a stricter policy finds too weak by now makes room for a stronger one.
    const standing = given.find(
      (other) => other.partyId === one.partyId && counts(other, now) && strongEnough(other.strength, least),
    );
    if (standing && (standing.expiresAt === null || standing.expiresAt > now + REMIND_BEFORE))
      throw new Refused(refusal('conflict', 'already-signed', 'Your side has signed this version already.'));
    return version;
  }

  /** Judges once more under the lock, writes, and looks whether everybody has signed. */
  async record(db: Db, versionId: Id, one: NewAttestation, by: Principal): Promise<Attested> {
    const version = await this.judge(db, versionId, one);
    const now = this.clock.now();
    const attestationId = newId();
    await db.query(
      `INSERT INTO attestation (id, matrix_version_id, integration_id, party_id, person_id, signs_for, content_hash, text_hash, language, strength,
                                signature, at, expires_at, way, contact_id, signed_by, signing_key_id, attachment_id, uploaded_by)
       VALUES ($1, $2, $3, $4, $5, $6, decode($7, 'hex'), decode($8, 'hex'), $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
      [
        attestationId,
        versionId,
        version.integrationId,
        one.partyId,
        one.personId,
        one.signsFor,
        one.contentHash,
        one.textHash,
        one.language,
        one.strength,
        one.signature ?? null,
        iso(now),
        iso(now + version.reattestDays * ELAPSED_DAY),
        one.way,
        one.contactId,
        one.signatoryId,
        one.keyId ?? null,
        one.attachmentId ?? null,
        one.way === 'paper' || one.way === 'offline' ? by.id : null,
      ],
    );
    await this.ledger.append(db, {
      kind: 'matrix.attested',
      subject: { kind: 'matrix_version', id: versionId },
      by,
      at: now,
      facts: {
        integration: version.integrationId,
        attestation: attestationId,
        party: one.partyId,
        way: one.way,
        strength: one.strength,
        contentHash: one.contentHash,
        textHash: one.textHash,
        language: one.language,
        ...(one.keyId === undefined ? {} : { key: one.keyId }),
        ...(one.signature === undefined ? {} : { signature: one.signature.toString('base64') }),
      },
      committed: { signsFor: one.signsFor },
    });
    const done = await this.signatures.settle(db, version, by, now);
    return { attestationId, state: done ? 'countersigned' : version.state, strength: one.strength };
  }

  /** A side takes its signature back: the matrix is countersigned no longer. */
  async withdraw(attestationId: Id, reason: string, by: Principal): Promise<Result<void, Refusal>> {
    return refusalsOf(() =>
      this.transactions.run({ ...by, partyId: null }, async (db) => {
        const [row] = await db.query<{ versionId: Id; integrationId: Id; partyId: Id; hash: string }[]>(
          `SELECT matrix_version_id AS "versionId", integration_id AS "integrationId", party_id AS "partyId", encode(content_hash, 'hex') AS hash
           FROM attestation WHERE id = $1 AND withdrawn_at IS NULL FOR UPDATE`,
          [attestationId],
        );
        if (!row || (await actingParty(db, row.integrationId, by)) !== row.partyId)
          throw new Refused(
            refusal(
              'not_found',
              'no-signature',
              'There is no such signature, or it is not your side’s to withdraw.',
            ),
          );
        const now = this.clock.now();
        const version = await lockVersion(db, row.versionId);
        await db.query('UPDATE attestation SET withdrawn_at = $2 WHERE id = $1', [attestationId, iso(now)]);
        // A later version of the same content stands on the same signature.
        await db.query(
          `UPDATE matrix_version SET state = 'withdrawn', valid_until = $3
          WHERE integration_id = $1 AND content_hash = decode($2, 'hex') AND state = 'countersigned'`,
          [row.integrationId, row.hash, iso(now)],
        );
        await this.ledger.append(db, {
          kind: 'matrix.signature_withdrawn',
          subject: { kind: 'matrix_version', id: version.id },
          by,
          at: now,
          facts: { attestation: attestationId, party: row.partyId, contentHash: row.hash },
          committed: { reason },
        });
        await this.outbox.put(db, matrixChanged, { integrationId: row.integrationId, versionId: version.id });
        await this.signatures.alert(
          db,
          version,
          'matrix.signature-withdrawn',
          'lost a signature: a side withdrew it',
          now,
        );
        await this.signatures.tellAll(db, version, 'changed', now);
      }),
    );
  }
}

/** What was thrown as a refusal, as the value that it is. */
export async function refusalsOf<T>(work: () => Promise<T>): Promise<Result<T, Refusal>> {
  try {
    return ok(await work());
  } catch (thrown) {
    if (thrown instanceof Refused) return err(thrown.refusal);
    throw thrown;
  }
}

/** Whether a version is still to be signed. */
export function isCurrent({ state }: Pick<VersionFacts, 'state'>): boolean {
  return SIGNABLE.includes(state);
}

/** What policy asks for, and how to get there. */
export function tooWeak(strength: Strength, least: Strength): Refusal {
  const mend = `Sign ${waysThatSuffice(least).join('; or ')}.`;
  const problem = `gives a signature of the strength ${strength.replaceAll('_', ' ')}; the policy of this integration asks for ${least.replaceAll('_', ' ')} or more`;
  return refusal('forbidden', 'signature-too-weak', `This way of signing ${problem}. ${mend}`, {
    fields: [{ field: '/strength', problem, mend }],
  });
}

export function refuseNotCurrent(version: VersionFacts): void {
  if (isCurrent(version)) return;
  throw new Refused(
    refusal(
      'conflict',
      'not-current',
      `Version ${version.number} is ${version.state.replace('_', ' ')} and no longer to be signed. Look for a newer version.`,
    ),
  );
}

/** The version, with nobody else working on the matrix of its integration. */
export async function lockVersion(db: Db, versionId: Id): Promise<VersionFacts> {
  const version = await findVersion(db, versionId);
  if (!version) throw new Refused(noVersion());
  await db.query('SELECT 1 FROM integration WHERE id = $1 FOR NO KEY UPDATE', [version.integrationId]);
  return (await findVersion(db, versionId))!;
}

async function textHashOf(db: Db, versionId: Id, language: string): Promise<string | undefined> {
  const [row] = await db.query<{ hash: string }[]>(
    `SELECT encode(text_hash, 'hex') AS hash FROM matrix_text WHERE matrix_version_id = $1 AND language = $2`,
    [versionId, language],
  );
  return row?.hash;
}

/** A contact who signs. */
export interface ContactFacts {
  id: Id;
  partyId: Id;
  personId: Id | null;
  name: string;
}

export async function contactOf(db: Db, id: Id): Promise<ContactFacts> {
  const [row] = await db.query<ContactFacts[]>(
    `SELECT id, party_id AS "partyId", person_id AS "personId", name FROM contact WHERE id = $1 AND active`,
    [id],
  );
  if (!row)
    throw new Refused(
      field('invalid', 'no-such-contact', '/contactId', 'is no active contact', 'Name an active contact.'),
    );
  return row;
}

/** The person behind a contact; a contact of whom nobody knew more becomes one. */
export async function personOf(db: Db, contact: ContactFacts, now: Millis): Promise<Id> {
  if (contact.personId !== null) return contact.personId;
  const id = newId();
  await db.query('INSERT INTO person (id, name, created_at) VALUES ($1, $2, $3)', [
    id,
    contact.name,
    iso(now),
  ]);
  await db.query('UPDATE contact SET person_id = $2 WHERE id = $1', [contact.id, id]);
  return id;
}

export function noVersion(): Refusal {
  return refusal('not_found', 'no-matrix-version', 'There is no such version of a matrix.');
}

export function field(
  kind: Refusal['kind'],
  code: string,
  name: string,
  problem: string,
  mend: string,
): Refusal {
  return refusal(kind, code, `${mend}`, { fields: [{ field: name, problem, mend }] });
}
