import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { isDetachedSignature } from '../../kernel/detached-signature.ts';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, type Result } from '../../kernel/result.ts';
import { iso } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { personBehind } from '../access/person-behind.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { wroteForAnother, type Strength, type Way } from './attestation.rules.ts';
import {
  Attestations,
  contactOf,
  field,
  isCurrent,
  lockVersion,
  noVersion,
  personOf,
  refusalsOf,
  refuseNotCurrent,
  type Attested,
} from './attestations.service.ts';
import type { AttestOffline, Paper } from './matrix-edit.schema.ts';
import { findVersion, type VersionFacts } from './matrix-facts.queries.ts';
import { offlineDocument } from './matrix-text.rules.ts';
import { Signatures } from './signatures.service.ts';
import { findKey, type RegisteredKey } from './signing-keys.service.ts';

/** Signatures that are made elsewhere: with a key of the contact's own, or on paper. */
@Injectable()
export class OfflineSigning {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly attestations: Attestations,
    private readonly signatures: Signatures,
  ) {}

  /** The papers of a version that wait for a second person, where this one is that. */
  async toConfirm(
    db: Db,
    version: Pick<VersionFacts, 'id' | 'authors' | 'state'>,
    by: Principal,
  ): Promise<Set<Id>> {
    if (!isCurrent(version)) return new Set();
    const rows = await db.query<{ id: Id; uploadedBy: string | null }[]>(
      `SELECT id, uploaded_by AS "uploadedBy" FROM attestation
        WHERE matrix_version_id = $1 AND way = 'paper' AND confirmed_at IS NULL AND withdrawn_at IS NULL AND fallen_at IS NULL`,
      [version.id],
    );
    const theirs = new Set<Id>();
    for (const { id, uploadedBy } of rows)
      if (await isSecondPerson(db, uploadedBy, version, by)) theirs.add(id);
    return theirs;
  }

  /** The bytes that a contact signs elsewhere. */
  async document(
    versionId: Id,
    o: { contactId: Id; signsFor?: string | undefined; language: string },
    by: Principal,
  ): Promise<Result<string, Refusal>> {
    return this.#run(versionId, by, async (db) => {
      const contact = await contactOf(db, o.contactId);
      if (by.partyId !== null && by.partyId !== contact.partyId) throw new Refused(noVersion());
      return (
        await documentOf(db, versionId, {
          ...o,
          signsFor: o.signsFor ?? contact.name,
          partyId: contact.partyId,
        })
      ).document;
    });
  }

  /** A signature made elsewhere, over the document, with a key that was registered before the version was proposed. */
  async attestOffline(
    versionId: Id,
    input: AttestOffline,
    by: Principal,
  ): Promise<Result<Attested, Refusal>> {
    return this.#run(versionId, by, async (db) => {
      const key = await findKey(db, input.keyId);
      if (!key || (by.partyId !== null && key.partyId !== by.partyId))
        throw new Refused(
          field(
            'invalid',
            'no-such-key',
            '/keyId',
            'is no registered key',
            'Register the key of the contact first.',
          ),
        );
      const contact = await contactOf(db, key.contactId);
      const { document, textHash, version } = await documentOf(db, versionId, {
        contactId: key.contactId,
        partyId: key.partyId,
        signsFor: input.signsFor,
        language: input.language,
      });
      refuseKey(key, await personBehind(db, key.registeredBy), version);
      if (!key.counts)
        throw new Refused(
          refusal(
            'conflict',
            'key-of-others',
            'Somebody else registered this key for the contact: it counts for what is proposed after the contact’s own party has registered it, too.',
          ),
        );
      const signature = Buffer.from(input.signature, 'base64');
      if (!isDetachedSignature(key.publicKey, document, input.signature))
        throw new Refused(
          field(
            'invalid',
            'signature-refused',
            '/signature',
            'does not verify over the document',
            'Download the document anew with the same name and language, and sign exactly its bytes.',
          ),
        );
      return this.attestations.record(
        db,
        versionId,
        {
          partyId: key.partyId,
          way: 'offline',
          strength: 'detached_signature',
          signatoryId: key.contactId,
          personId: await personOf(db, contact, this.clock.now()),
          contactId: key.contactId,
          signsFor: input.signsFor,
          language: input.language,
          contentHash: version.contentHash,
          textHash,
          signature,
          keyId: key.id,
        },
        by,
      );
    });
  }

  /** A scan of signed paper. It counts when a second person of the operator has confirmed it. */
  async attestOnPaper(
    versionId: Id,
    input: Paper,
    file: Buffer,
    by: Principal,
  ): Promise<Result<Attested, Refusal>> {
    const mediaType = mediaTypeOf(file);
    if (!mediaType)
      return err(
        field('invalid', 'not-a-scan', '/', 'is no PDF, PNG or JPEG', 'Upload the scan as one of those.'),
      );
    return this.#run(versionId, by, async (db) => {
      onlyOperator(by);
      const contact = await contactOf(db, input.contactId);
      const { textHash, version } = await documentOf(db, versionId, { ...input, partyId: contact.partyId });
      const attachmentId = newId();
      await db.query(
        `INSERT INTO attachment (id, integration_id, party_id, name, media_type, size, sha256, content, uploaded_by, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
        [
          attachmentId,
          version.integrationId,
          contact.partyId,
          `signed matrix version ${version.number}`,
          mediaType,
          file.length,
          createHash('sha256').update(file).digest(),
          file,
          by.id,
          iso(this.clock.now()),
        ],
      );
      return this.attestations.record(
        db,
        versionId,
        {
          partyId: contact.partyId,
          way: 'paper',
          strength: 'second_channel',
          signatoryId: contact.id,
          personId: await personOf(db, contact, this.clock.now()),
          contactId: contact.id,
          signsFor: input.signsFor,
          language: input.language,
          contentHash: version.contentHash,
          textHash,
          attachmentId,
        },
        by,
      );
    });
  }

  /** The second person: neither who uploaded the paper nor who wrote what it signs. */
  async confirmPaper(attestationId: Id, by: Principal): Promise<Result<Attested, Refusal>> {
    return this.#run(null, by, async (db) => {
      onlyOperatorPerson(by);
      const now = this.clock.now();
      const [row] = await db.query<
        { versionId: Id; way: Way; uploadedBy: string | null; confirmedAt: Date | null; strength: Strength }[]
      >(
        `SELECT matrix_version_id AS "versionId", way, uploaded_by AS "uploadedBy", confirmed_at AS "confirmedAt", strength
           FROM attestation WHERE id = $1 AND withdrawn_at IS NULL AND fallen_at IS NULL FOR UPDATE`,
        [attestationId],
      );
      if (!row || row.way !== 'paper')
        throw new Refused(refusal('not_found', 'no-paper', 'There is no such paper to confirm.'));
      const version = await lockVersion(db, row.versionId);
      if (!(await isSecondPerson(db, row.uploadedBy, version, by)))
        throw new Refused(
          refusal(
            'forbidden',
            'second-person',
            'Somebody who neither uploaded the paper nor wrote the matrix confirms it.',
          ),
        );
      refuseNotCurrent(version);
      if (row.confirmedAt === null) {
        await db.query('UPDATE attestation SET confirmed_by = $2, confirmed_at = $3 WHERE id = $1', [
          attestationId,
          by.id,
          iso(now),
        ]);
        await this.ledger.append(db, {
          kind: 'matrix.paper_confirmed',
          subject: { kind: 'matrix_version', id: version.id },
          by,
          at: now,
          facts: { attestation: attestationId },
        });
      }
      const done = await this.signatures.settle(db, version, by, now);
      return { attestationId, state: done ? 'countersigned' : version.state, strength: row.strength };
    });
  }

  /** Whoever asks must see the version; the work itself judges contacts of both sides. */
  async #run<T>(
    versionId: Id | null,
    by: Principal,
    work: (db: Db) => Promise<T>,
  ): Promise<Result<T, Refusal>> {
    if (versionId !== null && !(await this.transactions.run(by, (db) => findVersion(db, versionId))))
      return err(noVersion());
    return refusalsOf(() => this.transactions.run({ ...by, partyId: null }, work));
  }
}

/** Whether somebody neither uploaded a paper nor wrote the matrix that it signs. */
async function isSecondPerson(
  db: Db,
  uploadedBy: string | null,
  version: Pick<VersionFacts, 'authors'>,
  by: Principal,
): Promise<boolean> {
  const own = (id: string, personId: Id | null) =>
    id === by.id || (personId !== null && personId === by.personId);
  if (uploadedBy !== null && own(uploadedBy, await personBehind(db, uploadedBy))) return false;
  return !version.authors.some(({ id, personId }) => own(id, personId));
}

function onlyOperator(by: Principal): void {
  if (by.partyId !== null)
    throw new Refused(refusal('forbidden', 'operator-only', 'Paper is taken in by the operator.'));
}

function onlyOperatorPerson(by: Principal): void {
  if (by.kind !== 'user' || by.partyId !== null)
    throw new Refused(
      refusal(
        'forbidden',
        'operator-only',
        'A person of the operator confirms paper, signed in to the console.',
      ),
    );
}

/** @param registrar the person who registered it, where one is known */
function refuseKey(key: RegisteredKey, registrar: Id | null, version: VersionFacts): void {
  if (version.proposedAt === null || key.registeredAt >= version.proposedAt)
    throw new Refused(
      refusal(
        'conflict',
        'key-too-late',
        'The key was registered after this version was proposed: it counts for the next one.',
      ),
    );
  const registered = { id: key.registeredBy, personId: registrar, partyId: key.partyId };
  if (wroteForAnother(registered, version.authors))
    throw new Refused(
      refusal(
        'forbidden',
        'author-signs',
        'Whoever wrote a part of the matrix registered this key for the other side.',
      ),
    );
}

async function documentOf(
  db: Db,
  versionId: Id,
  o: { contactId: Id; partyId: Id; signsFor: string; language: string },
): Promise<{ document: string; textHash: string; version: VersionFacts }> {
  const version = await findVersion(db, versionId);
  if (!version) throw new Refused(noVersion());
  const [text] = await db.query<{ text: string; hash: string }[]>(
    `SELECT text, encode(text_hash, 'hex') AS hash FROM matrix_text WHERE matrix_version_id = $1 AND language = $2`,
    [versionId, o.language],
  );
  if (!text)
    throw new Refused(
      field(
        'invalid',
        'no-such-language',
        '/language',
        'is no language of this version',
        'Ask for en or de.',
      ),
    );
  const document = offlineDocument({
    matrixVersionId: versionId,
    integrationId: version.integrationId,
    contentHash: version.contentHash,
    textHash: text.hash,
    language: o.language,
    partyId: o.partyId,
    contactId: o.contactId,
    signsFor: o.signsFor,
    text: text.text,
  });
  return { document, textHash: text.hash, version };
}

function mediaTypeOf(file: Buffer): string | undefined {
  if (file.subarray(0, 5).toString('latin1') === '%PDF-') return 'application/pdf';
  if (file.subarray(0, 8).toString('hex') === '89504e470d0a1a0a') return 'image/png';
  if (file.subarray(0, 3).toString('hex') === 'ffd8ff') return 'image/jpeg';
  return undefined;
}
