import { Injectable } from '@nestjs/common';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { missingSigners, signersOf } from './attestation.rules.ts';
import { TermsInForce } from './terms-in-force.ts';
import { sendInvitation } from './send-invitation.definition.ts';
import { materialChanges, type MaterialChange, type MatrixState } from './material-changes.rules.ts';
import {
  attestationsOf,
  cellsOfVersion,
  partiesIn,
  signedVersion,
  type VersionFacts,
} from './matrix-facts.queries.ts';
import { matrixAttested, matrixChanged, matrixCountersigned } from './responsibility.events.ts';

export type InvitationPurpose = 'attest' | 'changed' | 'confirm';

/** What becomes of signatures once given: they make a version countersigned, fall, run out. */
@Injectable()
export class Signatures {
  constructor(
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
    private readonly alerts: AlertsService,
    private readonly terms: TermsInForce,
  ) {}

  /** Who must sign a version, and who of them has not. */
  async standing(db: Db, version: VersionFacts, now: Millis): Promise<{ signers: Id[]; missing: Id[] }> {
    const signers = signersOf(
      await cellsOfVersion(db, version.id),
      await partiesIn(db, version.integrationId),
    );
    const given = await attestationsOf(db, version.integrationId, version.contentHash);
    return { signers, missing: missingSigners(signers, given, now) };
  }

  /**
   * Lets the signatures of the countersigned version fall when what is drafted differs materially from it. Both sides are
   * told with the difference. The version stays the last that both agreed to, for incidents, until another is signed.
   */
  async fallIfMaterial(
    db: Db,
    integrationId: Id,
    after: MatrixState,
    by: Principal,
    now: Millis,
  ): Promise<MaterialChange[]> {
    const signed = await signedVersion(db, integrationId);
    if (!signed) return [];
    const before = {
      rows: await cellsOfVersion(db, signed.id),
      declared: signed.declared,
      terms: signed.termsHash,
    };
    const changes = materialChanges(before, after);
    if (changes.length === 0) return [];
    await db.query(
      `UPDATE matrix_version SET state = 'superseded', fell_at = $2, fell_because = $3 WHERE id = $1`,
      [signed.id, iso(now), JSON.stringify(changes)],
    );
    await db.query(
      `UPDATE attestation SET fallen_at = $3 WHERE integration_id = $1 AND content_hash = decode($2, 'hex') AND fallen_at IS NULL`,
      [integrationId, signed.contentHash, iso(now)],
    );
    await this.ledger.append(db, {
      kind: 'matrix.signatures_fell',
      subject: { kind: 'matrix_version', id: signed.id },
      by,
      at: now,
      facts: {
        integration: integrationId,
        number: signed.number,
        contentHash: signed.contentHash,
        changes: changes.map(({ what, duty, part }) => ({ what, duty, part })),
      },
    });
    await this.outbox.put(db, matrixChanged, { integrationId, versionId: signed.id });
    await this.alert(
      db,
      signed,
      'matrix.signatures-fell',
      'was changed after both sides signed it: nobody has signed what it says now',
      now,
    );
    await this.tellAll(db, signed, 'changed', now);
    return changes;
  }

  /** After a signature: countersigned when none is missing. @returns whether it is now */
  async settle(db: Db, version: VersionFacts, by: Principal, now: Millis): Promise<boolean> {
    const payload = { integrationId: version.integrationId, versionId: version.id };
    await this.outbox.put(db, matrixAttested, payload);
    const { missing, signers } = await this.standing(db, version, now);
    if (missing.length > 0 || version.state === 'countersigned') return missing.length === 0;
    await this.enforce(db, version, by, now);
    await this.ledger.append(db, {
      kind: 'matrix.countersigned',
      subject: { kind: 'matrix_version', id: version.id },
      by,
      at: now,
      facts: {
        integration: version.integrationId,
        number: version.number,
        contentHash: version.contentHash,
        signers,
      },
    });
    await this.outbox.put(db, matrixCountersigned, payload);
    return true;
  }

  /** Puts a version in force in place of whatever was, and the terms that are signed with it. */
  async enforce(db: Db, version: VersionFacts, by: Principal, now: Millis): Promise<void> {
    await db.query(
      `UPDATE matrix_version SET valid_until = $3,
              state = CASE WHEN state IN ('countersigned', 'draft') THEN 'superseded' ELSE state END
        WHERE integration_id = $1 AND id <> $2 AND valid_from IS NOT NULL AND valid_until IS NULL`,
      [version.integrationId, version.id, iso(now)],
    );
    await db.query(`UPDATE matrix_version SET state = 'countersigned', valid_from = $2 WHERE id = $1`, [
      version.id,
      iso(now),
    ]);
    await this.terms.enact(db, version, by, now);
  }

  /** One mail to one contact of each party that must sign. */
  async tellAll(
    db: Db,
    version: VersionFacts,
    purpose: InvitationPurpose,
    now: Millis,
    except: readonly (Id | null)[] = [],
  ): Promise<{ partyId: Id; contactId: Id }[]> {
    const { signers } = await this.standing(db, version, now);
    const contacts = await db.query<{ partyId: Id; contactId: Id }[]>(
      `SELECT DISTINCT ON (k.party_id) k.party_id AS "partyId", k.id AS "contactId" FROM contact k
        WHERE k.party_id = ANY($1) AND k.active AND coalesce(k.email, '') <> ''
        ORDER BY k.party_id, array_position(ARRAY['contract', 'security', 'on_call'], k.role), k.ordinal, k.id`,
      [signers.filter((id) => !except.includes(id))],
    );
    for (const contact of contacts) await this.invite(db, version, contact, purpose, now);
    return contacts;
  }

  /** Owes one contact a mail; what becomes of it stands where both sides see it. */
  async invite(
    db: Db,
    version: VersionFacts,
    to: { partyId: Id; contactId: Id },
    purpose: InvitationPurpose,
    now: Millis,
  ): Promise<Id> {
    const id = newId();
    await db.query(
      `INSERT INTO matrix_invitation (id, matrix_version_id, integration_id, party_id, contact_id, purpose, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [id, version.id, version.integrationId, to.partyId, to.contactId, purpose, iso(now)],
    );
    await this.outbox.put(db, sendInvitation, { invitationId: id });
    return id;
  }

  async alert(db: Db, version: VersionFacts, kind: string, what: string, now: Millis): Promise<void> {
    const [row] = await db.query<{ reference: string }[]>('SELECT reference FROM integration WHERE id = $1', [
      version.integrationId,
    ]);
    await this.alerts.raise(db, {
      kind,
      severity: 'warning',
      message: `The matrix of ${row?.reference ?? 'an integration'} ${what}.`,
      dedupeKey: `${kind}:${version.id}`,
      subject: { kind: 'integration', id: version.integrationId },
      at: now,
    });
  }
}
