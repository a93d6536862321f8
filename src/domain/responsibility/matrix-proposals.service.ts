import { Injectable } from '@nestjs/common';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { LinksService } from '../access/links.service.ts';
import { personBehind } from '../access/person-behind.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { CONFIRM_WITHIN, REATTEST_DAYS, type Author } from './attestation.rules.ts';
import { carriedTerms } from './bound-terms.ts';
import { missingIn, type DraftCell } from './draft.rules.ts';
import { freezeVersion, type Freezing } from './freeze-version.ts';
import { newContacts } from './material-changes.rules.ts';
import type { ProposeMatrix, SendBack } from './matrix-edit.schema.ts';
import {
  actingParty,
  cellContext,
  cellsOfVersion,
  findDraft,
  findVersion,
  newestVersion,
  signedVersion,
  type VersionFacts,
} from './matrix-facts.queries.ts';
import { matrixChanged, matrixProposed } from './responsibility.events.ts';
import { Signatures } from './signatures.service.ts';

export interface Proposed {
  versionId: Id;
  number: number;
  state: VersionFacts['state'];
  /** Contacts that were mailed a link. */
  invited: { partyId: Id; contactId: Id }[];
}

/** Somebody who answers a proposal, and for which party. */
export interface Answerer {
  partyId: Id;
  id: string;
  name: string;
}

const CURRENT = ['proposed'];
/** What is laid before nobody any more, or never was: its content may be proposed just as it stands. */
const OPEN_AGAIN: readonly VersionFacts['state'][] = ['draft', 'sent_back', 'withdrawn'];

/** Freezes what was drafted, lays it before those who must sign, and takes what comes back. */
@Injectable()
export class MatrixProposalsService {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
    private readonly links: LinksService,
    private readonly signatures: Signatures,
  ) {}

  /**
   * A new immutable version of the draft. Where its content is what both sides signed already (only contacts or notes
   * differ), it takes the signed one's place at once and its new contacts have to confirm.
   */
  async propose(
    integrationId: Id,
    input: ProposeMatrix,
    rowVersion: number,
    by: Principal,
  ): Promise<Result<Proposed, Refusal>> {
    const now = this.clock.now();
    return this.#guarded(by, 'integration', integrationId, async (db) => {
      await db.query('SELECT 1 FROM integration WHERE id = $1 FOR NO KEY UPDATE', [integrationId]);
      const before = await newestVersion(db, integrationId);
      const draft = await findDraft(db, integrationId);
      if ((draft?.rowVersion ?? 0) !== rowVersion)
        throw new Refused(
          refusal('precondition', 'stale-version', 'The draft was changed since you read it. Read it again.'),
        );
      if (!draft && before && !OPEN_AGAIN.includes(before.state))
        throw new Refused(
          refusal('conflict', 'nothing-drafted', 'Nothing was changed since the last version was proposed.'),
        );
      const cells = draft
        ? draft.cells.filter(({ gone }) => !gone)
        : before
          ? await cellsOfVersion(db, before.id)
          : [];
      const missing = missingIn(cells, await cellContext(db, integrationId, now));
      if (missing.length > 0)
        throw new Refused(
          refusal('invalid', 'matrix-incomplete', 'The matrix leaves something open; each gap is listed.', {
            fields: missing,
          }),
        );
      const partyId = await actingParty(db, integrationId, by);
      const authors = draft?.editors ?? (await this.#authorsAnew(db, before, partyId, by));
      return this.lay(db, integrationId, cells, {
        number: (before?.number ?? 0) + 1,
        authors,
        partyId,
        reattestDays: input.reattestDays ?? REATTEST_DAYS,
        terms: await carriedTerms(db, before),
        by,
        now,
        invite: input.invite,
      });
    });
  }

  /** What is proposed just as it stood is still of those who wrote it, beside whoever proposes it now. */
  async #authorsAnew(
    db: Db,
    before: VersionFacts | undefined,
    partyId: Id | null,
    by: Principal,
  ): Promise<Author[]> {
    const wrote = before?.authors ?? [];
    if (wrote.some((one) => one.id === by.id && one.partyId === partyId)) return wrote;
    return [...wrote, { id: by.id, personId: by.personId ?? (await personBehind(db, by.id)), partyId }];
  }

  /** Freezes cells that are as they must be, and lays them before those who must sign. The matrix is the caller's, locked. */
  async lay(
    db: Db,
    integrationId: Id,
    cells: readonly DraftCell[],
    o: Freezing & { invite: boolean },
  ): Promise<Proposed> {
    const { by, now } = o;
    const version = await freezeVersion(db, this.ledger, integrationId, cells, o);
    await db.query('DELETE FROM matrix_draft WHERE integration_id = $1', [integrationId]);
    const signed = await signedVersion(db, integrationId);
    if (signed?.contentHash === version.contentHash)
      return this.#takeOver(db, signed, version, cells, by, now);
    await this.#retireProposals(db, version, now);
    await this.outbox.put(db, matrixProposed, { integrationId, versionId: version.id });
    const invited = o.invite ? await this.signatures.tellAll(db, version, 'attest', now, [o.partyId]) : [];
    return { versionId: version.id, number: version.number, state: 'proposed', invited };
  }

  /** Takes a proposal back before everybody has signed. Only the side that made it, or the operator's people. */
  async withdraw(versionId: Id, reason: string, by: Principal): Promise<Result<void, Refusal>> {
    return this.#guarded(by, 'matrix_version', versionId, async (db) => {
      const version = await this.#current(db, versionId);
      if (by.partyId !== null && by.partyId !== version.proposedByPartyId)
        throw new Refused(
          refusal('forbidden', 'not-your-proposal', 'The other side proposed it: send it back instead.'),
        );
      await this.#end(db, version, 'withdrawn', by, { reason });
    });
  }

  /** Sends a proposal back with what is wrong, cell by cell. */
  async sendBack(
    versionId: Id,
    input: SendBack,
    by: Principal,
    as?: Answerer,
  ): Promise<Result<void, Refusal>> {
    return this.#guarded(by, 'matrix_version', versionId, async (db) => {
      const version = await this.#current(db, versionId);
      const who = as ?? (await this.#answererOf(db, version, by));
      const now = this.clock.now();
      for (const comment of input.comments) {
        await db.query(
          `INSERT INTO matrix_comment (id, matrix_version_id, integration_id, party_id, author_id, author_name, duty, part, credential_id, text, at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
          [
            newId(),
            versionId,
            version.integrationId,
            who.partyId,
            who.id,
            who.name,
            comment.duty,
            comment.part,
            comment.credentialId,
            comment.text,
            iso(now),
          ],
        );
      }
      await this.#end(
        db,
        version,
        'sent_back',
        by,
        { comments: input.comments.map(({ text }) => text).join('\n') },
        who.partyId,
      );
    });
  }

  /** Mails a contact of a party that must sign a link, once more or to somebody else. */
  async invite(versionId: Id, contactId: Id, by: Principal): Promise<Result<{ id: Id }, Refusal>> {
    return this.#guarded(by, 'matrix_version', versionId, async (db) => {
      const version = await this.#current(db, versionId);
      const now = this.clock.now();
      const { missing } = await this.signatures.standing(db, version, now);
      const [contact] = await db.query<{ partyId: Id }[]>(
        `SELECT party_id AS "partyId" FROM contact WHERE id = $1 AND active AND coalesce(email, '') <> '' AND party_id = ANY($2)`,
        [contactId, missing],
      );
      if (!contact) {
        const problem = 'is no contact with a mail address of a party that has still to sign';
        const mend = 'Name one, or give the contact a mail address first.';
        throw new Refused(
          refusal('invalid', 'no-one-to-invite', mend, { fields: [{ field: '/contactId', problem, mend }] }),
        );
      }
      const id = await this.signatures.invite(db, version, { ...contact, contactId }, 'attest', now);
      await this.ledger.append(db, {
        kind: 'matrix.invited',
        subject: { kind: 'matrix_version', id: versionId },
        by,
        at: now,
        facts: { contact: contactId, party: contact.partyId },
      });
      return { id };
    });
  }

  async #answererOf(db: Db, version: VersionFacts, by: Principal): Promise<Answerer> {
    const partyId = await actingParty(db, version.integrationId, by);
    if (partyId === null)
      throw new Refused(
        refusal(
          'forbidden',
          'no-side',
          'You act for no party of this integration, so you cannot answer for one.',
        ),
      );
    const [person] = await db.query<{ name: string }[]>('SELECT name FROM person WHERE id = $1', [
      by.personId ?? null,
    ]);
    return { partyId, id: by.id, name: person?.name ?? 'a token' };
  }

  async #end(
    db: Db,
    version: VersionFacts,
    state: 'withdrawn' | 'sent_back',
    by: Principal,
    committed: Record<string, string>,
    partyId?: Id,
  ): Promise<void> {
    await db.query('UPDATE matrix_version SET state = $2 WHERE id = $1', [version.id, state]);
    await this.links.revokeLinks(db, { kind: 'matrix_version', id: version.id });
    await this.ledger.append(db, {
      kind: `matrix.${state}`,
      subject: { kind: 'matrix_version', id: version.id },
      by,
      at: this.clock.now(),
      facts: {
        integration: version.integrationId,
        number: version.number,
        contentHash: version.contentHash,
        ...(partyId === undefined ? {} : { party: partyId }),
      },
      committed,
    });
    await this.outbox.put(db, matrixChanged, {
      integrationId: version.integrationId,
      versionId: version.id,
    });
  }

  async #current(db: Db, versionId: Id): Promise<VersionFacts> {
    const version = (await findVersion(db, versionId))!;
    await db.query('SELECT 1 FROM integration WHERE id = $1 FOR NO KEY UPDATE', [version.integrationId]);
    const locked = (await findVersion(db, versionId))!;
    if (!CURRENT.includes(locked.state))
      throw new Refused(
        refusal(
          'conflict',
          'not-proposed',
          `This version is ${locked.state.replace('_', ' ')}, not proposed.`,
        ),
      );
    return locked;
  }

  /** The same content under new contacts or notes: the signatures cover it. */
  async #takeOver(
    db: Db,
    signed: VersionFacts,
    version: VersionFacts,
    cells: readonly DraftCell[],
    by: Principal,
    now: Millis,
  ): Promise<Proposed> {
    const fresh = newContacts({ rows: await cellsOfVersion(db, signed.id) }, { rows: cells });
    await this.signatures.enforce(db, version, by, now);
    const contacts = await db.query<{ contactId: Id; partyId: Id; mail: boolean }[]>(
      `SELECT id AS "contactId", party_id AS "partyId", coalesce(email, '') <> '' AS mail FROM contact WHERE id = ANY($1)`,
      [fresh],
    );
    for (const { contactId, partyId, mail } of contacts) {
      await db.query(
        `INSERT INTO contact_confirmation (id, integration_id, party_id, contact_id, asked_at, due_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT ON CONSTRAINT contact_confirmation_once DO UPDATE SET asked_at = excluded.asked_at, due_at = excluded.due_at, confirmed_at = NULL`,
        [newId(), version.integrationId, partyId, contactId, iso(now), iso(now + CONFIRM_WITHIN)],
      );
      if (mail) await this.signatures.invite(db, version, { partyId, contactId }, 'confirm', now);
    }
    await this.ledger.append(db, {
      kind: 'matrix.taken_over',
      subject: { kind: 'matrix_version', id: version.id },
      by,
      at: now,
      facts: {
        integration: version.integrationId,
        number: version.number,
        signed: signed.id,
        contacts: fresh,
      },
    });
    await this.outbox.put(db, matrixChanged, {
      integrationId: version.integrationId,
      versionId: version.id,
    });
    return { versionId: version.id, number: version.number, state: 'countersigned', invited: [] };
  }

  /** Nobody signs an older proposal any more. */
  async #retireProposals(db: Db, version: VersionFacts, now: Millis): Promise<void> {
    const older = await db.query<{ id: Id }[]>(
      `SELECT id FROM matrix_version WHERE integration_id = $1 AND id <> $2 AND state IN ('proposed', 'sent_back')`,
      [version.integrationId, version.id],
    );
    for (const { id } of older) {
      await db.query(`UPDATE matrix_version SET state = 'superseded', valid_until = $2 WHERE id = $1`, [
        id,
        iso(now),
      ]);
      await this.links.revokeLinks(db, { kind: 'matrix_version', id });
    }
  }

  async #guarded<T>(
    by: Principal,
    kind: 'integration' | 'matrix_version',
    id: Id,
    work: (db: Db) => Promise<T>,
  ): Promise<Result<T, Refusal>> {
    try {
      const seen = await this.transactions.run(by, (db) =>
        db.query<unknown[]>(`SELECT 1 FROM ${kind} WHERE id = $1`, [id]),
      );
      if (seen.length === 0) {
        const word = kind === 'integration' ? 'integration' : 'version of a matrix';
        return err(refusal('not_found', `no-${kind.replace('_', '-')}`, `There is no such ${word}.`));
      }
      return ok(await this.transactions.run({ ...by, partyId: null }, work));
    } catch (thrown) {
      if (thrown instanceof Refused) return err(thrown.refusal);
      throw thrown;
    }
  }
}
