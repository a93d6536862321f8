import type { z } from 'zod';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { JobHandler, type Handler, type JobCall } from '../../platform/queue/handlers.ts';
import { personBehind } from '../access/person-behind.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import type { Author } from './attestation.rules.ts';
import { carriedTerms } from './bound-terms.ts';
import { missingIn, withCells, type DraftCell } from './draft.rules.ts';
import { materialChanges } from './material-changes.rules.ts';
import { MatrixDraftsService } from './matrix-drafts.service.ts';
import {
  cellContext,
  cellsOfVersion,
  declaredNow,
  findDraft,
  newestVersion,
  partiesIn,
  type VersionFacts,
} from './matrix-facts.queries.ts';
import { MatrixProposalsService } from './matrix-proposals.service.ts';
import { shiftRow } from './shift-row.definition.ts';
import { shiftFor } from './shift.rules.ts';
import { Signatures } from './signatures.service.ts';

type Added = z.infer<typeof shiftRow.payload>;

/** What lies before both sides already, or stands on both signatures: a new version takes its place at once. */
const LIES_THERE: readonly VersionFacts['state'][] = ['proposed', 'countersigned', 'expired', 'superseded'];

/**
 * Responsibility follows the copies. Where somebody works on a draft, the row is put into it and people propose; else the
 * new version is laid before both sides at once. Run twice, it finds the row where it belongs and does nothing.
 */
@JobHandler(shiftRow)
export class ShiftRowJob implements Handler<Added> {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly drafts: MatrixDraftsService,
    private readonly proposals: MatrixProposalsService,
    private readonly signatures: Signatures,
  ) {}

  async handle(added: Added, { by }: JobCall): Promise<void> {
    const left = await this.transactions.run(by, (db) => this.#shift(db, added, by));
    if (!left) return;
    // A draft has its own checks and its own record.
    const { accountablePartyId, performingPartyIds, ...cell } = left.shift;
    const wanted = { ...cell, accountable: [accountablePartyId], performing: performingPartyIds };
    const edited = await this.drafts.edit(
      added.integrationId,
      { cells: [wanted], remove: [] },
      left.rowVersion,
      by,
    );
    // Somebody was faster: looked at again, on what they wrote.
    if (!edited.ok) throw new Error(`the draft was not changed: ${edited.error.code}`);
  }

  /** @returns the row, where it has to go into a draft */
  async #shift(
    db: Db,
    added: Added,
    by: Principal,
  ): Promise<{ shift: DraftCell; rowVersion: number } | undefined> {
    const { integrationId } = added;
    const now = this.clock.now();
    await db.query('SELECT 1 FROM integration WHERE id = $1 FOR NO KEY UPDATE', [integrationId]);
    const newest = await newestVersion(db, integrationId);
    const draft = await findDraft(db, integrationId);
    if ((!newest && !draft) || !(await stillThere(db, added.locationId))) return undefined;
    const rows = draft
      ? draft.cells.filter(({ gone }) => !gone)
      : newest
        ? await cellsOfVersion(db, newest.id)
        : [];
    const shift = shiftFor(rows, await copyOf(db, added, now), await contextOf(db, integrationId));
    const after = shift ? withShift(rows, shift) : rows;
    const declared = await declaredNow(db, integrationId);
    const gaps = missingIn(after, await cellContext(db, integrationId, now));
    if (draft || !newest || !LIES_THERE.includes(newest.state) || gaps.length > 0) {
      if (!shift) await this.signatures.fallIfMaterial(db, integrationId, { rows: after, declared }, by, now);
      return shift && { shift, rowVersion: draft?.rowVersion ?? 0 };
    }
    const before = { rows, declared: newest.declared };
    // Another place of a party that keeps copies already, say: nothing that anybody signs is another.
    if (materialChanges(before, { rows: after, declared }).length === 0) return undefined;
    await this.signatures.fallIfMaterial(db, integrationId, { rows: after, declared }, by, now);
    const laid = await this.proposals.lay(db, integrationId, after, {
      number: newest.number + 1,
      authors: [await authorOf(db, added)],
      // Nobody proposed it: both sides are asked.
      partyId: null,
      reattestDays: newest.reattestDays,
      terms: await carriedTerms(db, newest),
      by,
      now,
      invite: true,
    });
    await this.ledger.append(db, {
      kind: 'matrix.row_shifted',
      subject: { kind: 'matrix_version', id: laid.versionId },
      by,
      at: now,
      facts: {
        integration: integrationId,
        location: added.locationId,
        kind: added.kind,
        party: added.partyId,
        ...(shift ? { duty: shift.duty, accountable: shift.accountablePartyId } : {}),
      },
      ...(shift ? { committed: { part: shift.part } } : {}),
    });
    return undefined;
  }
}

function withShift(rows: readonly DraftCell[], shift: DraftCell): DraftCell[] {
  const { accountablePartyId, performingPartyIds, ...cell } = shift;
  return withCells(
    rows,
    [{ ...cell, accountable: [accountablePartyId], performing: performingPartyIds }],
    [],
  );
}

/** A copy that went before anybody looked moves nothing. */
async function stillThere(db: Db, locationId: Id): Promise<boolean> {
  const rows = await db.query<unknown[]>('SELECT 1 FROM location WHERE id = $1 AND retired_at IS NULL', [
    locationId,
  ]);
  return rows.length > 0;
}

async function copyOf(db: Db, added: Added, now: Millis) {
  const [party] = await db.query<{ name: string }[]>('SELECT name FROM party WHERE id = $1', [added.partyId]);
  return { ...added, partyName: party?.name ?? 'another party', day: iso(now).slice(0, 10) };
}

/** Whoever recorded the copy wrote this row, and wrote it for the side that has the copy. */
async function authorOf(db: Db, added: Added): Promise<Author> {
  const id = added.addedBy ?? 'a copy';
  return { id, personId: await personBehind(db, id), partyId: added.partyId };
}

async function contextOf(db: Db, integrationId: Id) {
  const roles = new Map((await partiesIn(db, integrationId)).map((one) => [one.id, one.roles]));
  const contacts = await db.query<{ id: Id; partyId: Id }[]>(
    `SELECT DISTINCT ON (k.party_id) k.id, k.party_id AS "partyId" FROM contact k
      WHERE k.party_id = ANY($1) AND k.active AND (coalesce(k.email, '') <> '' OR coalesce(k.phone, '') <> '')
      ORDER BY k.party_id, array_position(ARRAY['security', 'on_call', 'contract'], k.role), k.ordinal, k.id`,
    [[...roles.keys()]],
  );
  const found = new Map(contacts.map(({ id, partyId }) => [partyId, id]));
  return { roles, contactOf: (partyId: Id) => found.get(partyId) ?? null };
}
