import { holds } from '../credentials/holdings.queries.ts';
import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { refusal, Refused, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { handOf, system, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import type { Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { may } from '../access/permissions.ts';
import type { LocationVerdict } from './containment.rules.ts';
import { ownershipOf } from './copy-owner.queries.ts';
import { Deaths } from './deaths.service.ts';
import { ownerWordCounts } from './own-word.rules.ts';
import { statementSigned } from './revocation.events.ts';
import type { StatementInput } from './statement.schema.ts';

export type LocationResult =
  | { outcome: 'gone'; why: string }
  /** Nothing can show it: recorded, visible, never counted as gone. */
  | { outcome: 'cannot_be_proven'; why: string }
  | { outcome: 'person'; forWhat: string; contactId: Id | null }
  | { outcome: 'not_found' };

interface LocationRow {
  id: Id;
  credential_id: Id;
  integration_id: Id;
  /** Of the credential: the version's row lives there, while a shared credential's copies live elsewhere. */
  home_integration_id: Id;
  kind: string;
  name: string;
  path: string;
  /** Name and version. */
  credential: string;
  provable: 'owner_statement' | 'scan' | 'fingerprint' | 'store_api' | 'no';
  owner_contact_id: Id | null;
  verdict: LocationVerdict | null;
}

/** Copies, and what people sign. */
@Injectable()
export class CopiesService {
  constructor(
    private readonly transactions: Transactions,
    private readonly deaths: Deaths,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
    private readonly alerts: AlertsService,
    private readonly clock: Clock,
  ) {}

  /** Whether the copy of a version at a location is gone, as far as anybody has shown it. */
  async check(locationId: Id, versionId: Id, by: Principal): Promise<LocationResult> {
    return this.transactions.run(by, async (db) => {
      const location = await this.#location(db, locationId, versionId);
      if (!location) return { outcome: 'not_found' };
      const place = [location.kind.replaceAll('_', ' '), location.path].filter(Boolean).join(', ');
      const label = `${location.name} (${place}) of ${location.credential}`;
      if (location.verdict === 'gone')
        return { outcome: 'gone', why: 'its owner, or a scan, showed that it is gone' };
      if (location.provable === 'no') {
        const why = 'nothing at this place can show that a copy is gone';
        if (location.verdict !== 'cannot_be_proven') {
          await this.#prove(
            db,
            location,
            versionId,
            { verdict: 'cannot_be_proven', method: 'declared', why, statementId: null },
            by,
          );
          await this.alerts.raise(db, {
            kind: 'copy.cannot-be-proved',
            severity: 'warning',
            subject: { kind: 'location', id: location.id },
            message: `Active location cannot be proved: ${label}. Clear it, or have two people carry the risk until a date.`,
            dedupeKey: `copy.cannot-be-proved:${location.id}:${versionId}`,
            at: this.clock.now(),
          });
        }
        return { outcome: 'cannot_be_proven', why };
      }
      const how = {
        owner_statement: 'Remove the copy and sign that it is gone',
        scan: 'Remove the copy, scan, and sign with the result',
        fingerprint: 'Remove the copy, compare fingerprints, and sign with the result',
        store_api: 'Remove the copy from its store and sign that it is gone',
      };
      return {
        outcome: 'person',
        forWhat: `${how[location.provable]}: ${label}.`,
        contactId: location.owner_contact_id,
      };
    });
  }

  /** What a scan or a store showed of a copy. */
  async recordProof(
    by: Principal,
    proof: { locationId: Id; versionId: Id; verdict: LocationVerdict; method: string; why: string },
  ): Promise<Result<void, Refusal>> {
    return this.transactions.run(by, (db) => this.prove(db, by, proof));
  }

  /** The same in a transaction of the caller's. */
  async prove(
    db: Db,
    by: Principal,
    proof: { locationId: Id; versionId: Id; verdict: LocationVerdict; method: string; why: string },
  ): Promise<Result<void, Refusal>> {
    const location = await this.#location(db, proof.locationId, proof.versionId);
    if (!location)
      return err(refusal('not_found', 'no-location', 'There is no such location of this version.'));
    await this.#prove(db, location, proof.versionId, { ...proof, statementId: null }, by);
    return ok(undefined);
  }

  /**
   * A named person's word that something was done: text, hash and strength, written once. It never makes a credential
   * dead; of a copy it is the proof that its owner can give.
   */
  async sign(
    by: Principal,
    input: StatementInput,
  ): Promise<Result<{ statementId: Id; textHash: string }, Refusal>> {
    if (by.kind === 'token') {
      return err(
        refusal(
          'forbidden',
          'person-needed',
          'A statement is signed by a person: sign in, or use a token that belongs to an account.',
        ),
      );
    }
    try {
      // Who signs must be able to see the thing; what follows from it touches rows that only the installation sees.
      const visible = await this.transactions.run(by, (db) =>
        this.#integrationOf(db, input.subjectKind, input.subjectId),
      );
      if (visible === null)
        return err(refusal('not_found', 'no-subject', 'There is no such version or location.'));
      const installation = system('revocation', by.correlationId);
      return ok(await this.transactions.run(installation, (db) => this.#sign(db, by, input, visible)));
    } catch (thrown) {
      if (thrown instanceof Refused) return err(thrown.refusal);
      throw thrown;
    }
  }

  /** The same, by whoever may state anything, or owns the copy that it is about. */
  async signAsAllowed(
    by: Principal,
    input: StatementInput,
  ): Promise<Result<{ statementId: Id; textHash: string }, Refusal>> {
    const why = await this.whyNotSign(by, input);
    return why ? err(why) : this.sign(by, input);
  }

  /** Why somebody may not sign about a thing; null: they may, or sign nothing at all. */
  async whyNotSign(
    by: Principal,
    { subjectKind, subjectId }: Pick<StatementInput, 'subjectKind' | 'subjectId'>,
  ): Promise<Refusal | null> {
    if (by.kind === 'token' || may(by, 'statements:sign')) return null;
    if (subjectKind !== 'location') return NOT_YOURS;
    // Whose account it is only the installation sees.
    const ownership = await this.transactions.run(system('revocation', by.correlationId), (db) =>
      ownershipOf(db, subjectId, by.personId),
    );
    if (!ownership) return NOT_YOURS;
    return ownerWordCounts(ownership, handOf(by)) ? null : NAMED_THEMSELVES;
  }

  async #sign(
    db: Db,
    by: Principal,
    input: StatementInput,
    integrationId: Id,
  ): Promise<{ statementId: Id; textHash: string }> {
    const now = this.clock.now();
    await refuseContradiction(db, input);
    const statementId = newId();
    const textHash = createHash('sha256').update(input.text, 'utf8').digest();
    await db.query(
      `INSERT INTO statement (id, kind, subject_kind, subject_id, integration_id, party_id, user_id, contact_id, signs_for, text, text_hash, strength, at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
      [
        statementId,
        input.kind,
        input.subjectKind,
        input.subjectId,
        integrationId,
        by.partyId,
        by.kind === 'user' ? by.id : null,
        input.contactId ?? null,
        input.signsFor,
        input.text,
        textHash,
        input.strength,
        new Date(now),
      ],
    );
    if (input.kind === 'copy_gone') {
      const location = input.versionId ? await this.#location(db, input.subjectId, input.versionId) : null;
      if (!location || !input.versionId)
        throw new Refused(refusal('not_found', 'no-location', 'There is no such location of this version.'));
      if (location.provable === 'no') {
        throw new Refused(
          refusal(
            'conflict',
            'not-provable',
            'Nothing at this place can show that a copy is gone; only a risk acceptance can close it.',
          ),
        );
      }
      await this.#prove(
        db,
        location,
        input.versionId,
        { verdict: 'gone', method: 'owner_statement', why: 'signed by its owner', statementId },
        by,
      );
    }
    await this.ledger.append(db, {
      kind: 'statement.signed',
      subject: { kind: input.subjectKind, id: input.subjectId },
      by,
      at: now,
      facts: {
        statementId,
        statement: input.kind,
        integrationId,
        textHash: textHash.toString('hex'),
        strength: input.strength,
      },
      committed: { signsFor: input.signsFor, text: input.text },
    });
    await this.outbox.put(db, statementSigned, {
      statementId,
      kind: input.kind,
      subjectKind: input.subjectKind,
      subjectId: input.subjectId,
      integrationId,
    });
    return { statementId, textHash: textHash.toString('hex') };
  }

  async #prove(
    db: Db,
    location: LocationRow,
    versionId: Id,
    proof: { verdict: LocationVerdict; method: string; why: string; statementId: Id | null },
    by: Principal,
  ): Promise<void> {
    const at: Millis = this.clock.now();
    const id = newId();
    await db.query(
      `INSERT INTO location_proof (id, location_id, integration_id, version_id, verdict, method, why, statement_id, at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [
        id,
        location.id,
        location.integration_id,
        versionId,
        proof.verdict,
        proof.method,
        proof.why.slice(0, 2000),
        proof.statementId,
        new Date(at),
      ],
    );
    await this.ledger.append(db, {
      kind: `location.${proof.verdict.replaceAll('_', '-')}`,
      subject: { kind: 'location', id: location.id },
      by,
      at,
      facts: {
        versionId,
        credentialId: location.credential_id,
        integrationId: location.integration_id,
        proofId: id,
        method: proof.method,
      },
    });
    if (location.verdict === proof.verdict) return;
    const version = {
      id: versionId,
      credentialId: location.credential_id,
      integrationId: location.home_integration_id,
    };
    await this.deaths.copyChanged(db, version, location.id, location.verdict, proof.verdict);
  }

  async #location(db: Db, locationId: Id, versionId: Id): Promise<LocationRow | null> {
    const [row] = await db.query<LocationRow[]>(
      `SELECT l.id, l.credential_id, l.integration_id, v.integration_id AS home_integration_id, l.kind, l.name, l.path, l.provable,
              c.name || ', version ' || v.number AS credential,
              l.owner_contact_id,
              (SELECT p.verdict FROM location_proof p WHERE p.location_id = l.id AND p.version_id = v.id
                ORDER BY p.at DESC, p.id DESC LIMIT 1) AS verdict
         FROM location l JOIN credential_version v ON v.credential_id = l.credential_id AND v.id = $2
         JOIN credential c ON c.id = v.credential_id
        WHERE l.id = $1 AND l.retired_at IS NULL AND ${holds('l', 'v.id')}`,
      [locationId, versionId],
    );
    return row ?? null;
  }

  async #integrationOf(
    db: Db,
    subjectKind: 'credential_version' | 'location',
    subjectId: Id,
  ): Promise<Id | null> {
    const table = subjectKind === 'location' ? 'location' : 'credential_version';
    const [row] = await db.query<{ integration_id: Id }[]>(
      `SELECT integration_id FROM ${table} WHERE id = $1`,
      [subjectId],
    );
    return row?.integration_id ?? null;
  }
}

const NOT_YOURS = refusal(
  'forbidden',
  'not-your-copy',
  'Without statements:sign you state only of copies that you own.',
  {
    fields: [
      {
        field: '/subjectId',
        problem: 'is no copy that you own',
        mend: 'Let its owner sign, somebody with the permission statements:sign, or name its owner right in the inventory.',
      },
    ],
  },
);

const NAMED_THEMSELVES = refusal(
  'forbidden',
  'owner-named-themselves',
  'You made yourself the owner of this copy; its word is for somebody whom another person named.',
  {
    fields: [
      {
        field: '/subjectId',
        problem: 'is yours because you named yourself its owner, or gave its owner your address',
        mend: 'Let somebody with the permission statements:sign state it; what an import names as yours you may sign yourself.',
      },
    ],
  },
);

/** What cannot both be so of one version. */
const CONTRADICTS: Readonly<Record<string, readonly string[]>> = {
  revoked: ['not_affected'],
  replaced: ['not_affected'],
  not_affected: ['revoked', 'replaced'],
};

/** Statements are written once: one that says the opposite of an earlier one is refused. @throws Refused */
async function refuseContradiction(db: Db, input: StatementInput): Promise<void> {
  const opposite = CONTRADICTS[input.kind];
  if (!opposite) return;
  // Two who sign at once follow one another.
  await db.query(`SELECT FROM credential_version WHERE id = $1 FOR NO KEY UPDATE`, [input.subjectId]);
  const [earlier] = await db.query<{ id: Id; kind: string; at: Date }[]>(
    `SELECT id, kind, at FROM statement WHERE subject_kind = $1 AND subject_id = $2 AND kind = ANY($3::text[])
      ORDER BY at DESC, id DESC LIMIT 1`,
    [input.subjectKind, input.subjectId, opposite],
  );
  if (!earlier) return;
  const said = `"${earlier.kind.replaceAll('_', ' ')}" at ${earlier.at.toISOString()}`;
  throw new Refused(
    refusal(
      'conflict',
      'statement-contradicts',
      `Somebody has signed ${said} of it (statement ${earlier.id}).`,
      {
        fields: [
          {
            field: '/kind',
            problem: `contradicts statement ${earlier.id}`,
            mend: 'Settle with its signer which of the two is so; a signed statement is never taken back.',
          },
        ],
      },
    ),
  );
}
