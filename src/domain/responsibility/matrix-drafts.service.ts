import { Injectable } from '@nestjs/common';
import { Refused, refusal, type FieldProblem, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { personBehind } from '../access/person-behind.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import type { Author } from './attestation.rules.ts';
import { cellsForGaps, cellsInBulk, type Answering, type BulkChange, type CellName } from './bulk.rules.ts';
import {
  fieldsChanged,
  problemsOfCells,
  sameCell,
  withCells,
  type CellField,
  type DraftCell,
  type WantedCell,
} from './draft.rules.ts';
import { cellsFromOther, cellsFromTemplate, onlyMissing, type LeftOut } from './inherit.rules.ts';
import { cellKey, type MaterialChange } from './material-changes.rules.ts';
import type { EditMatrix, InheritMatrix } from './matrix-edit.schema.ts';
import {
  actingParty,
  cellContext,
  cellsOfVersion,
  declaredNow,
  findDraft,
  newestVersion,
  partiesIn,
  type StoredDraft,
} from './matrix-facts.queries.ts';
import { MatrixTemplates } from './matrix-templates.ts';
import type { Duty } from './matrix.rules.ts';
import { Signatures } from './signatures.service.ts';
import { staleDraft } from './stale-draft.queries.ts';

export interface EditedDraft {
  rowVersion: number;
  /** What of this edit fell the signatures; empty when none stood or nothing material changed. */
  fell: MaterialChange[];
  leftOut: LeftOut[];
}

/** The one draft of an integration's matrix. Each cell knows in which version of the draft it last changed. */
@Injectable()
export class MatrixDraftsService {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly templates: MatrixTemplates,
    private readonly signatures: Signatures,
  ) {}

  /** Sets and removes cells, all or none. @param rowVersion of the draft as the caller read it; 0 before the first edit */
  edit(
    integrationId: Id,
    edit: EditMatrix,
    rowVersion: number,
    by: Principal,
  ): Promise<Result<EditedDraft, Refusal>> {
    return this.#change(integrationId, rowVersion, by, async () => ({ ...edit, leftOut: [] }));
  }

  /** Sets the same of many cells, all or none; what the change does not name stays as each cell has it. */
  editMany(
    integrationId: Id,
    chosen: readonly CellName[],
    change: BulkChange,
    rowVersion: number,
    by: Principal,
  ): Promise<Result<EditedDraft, Refusal>> {
    return this.#change(integrationId, rowVersion, by, async (_db, rows) => ({
      cells: cellsInBulk(rows, chosen, change),
      remove: [],
      leftOut: [],
    }));
  }

  /** Names who answers for duties that the draft answers for nowhere. @param contactRole whom to name of theirs; null: nobody */
  fillGaps(
    integrationId: Id,
    asked: { duties: readonly Duty[]; accountable: Answering; contactRole: string | null },
    rowVersion: number,
    by: Principal,
  ): Promise<Result<EditedDraft, Refusal>> {
    return this.#change(integrationId, rowVersion, by, async (db, rows) => {
      const { duties, accountable, contactRole } = asked;
      const parties = await partiesIn(db, integrationId);
      const contacts = await reachableContacts(db, integrationId);
      return { ...cellsForGaps(duties, accountable, contactRole, rows, parties, contacts), remove: [] };
    });
  }

  /** Takes over the cells of a template, or of another integration that the caller may see. */
  inherit(
    integrationId: Id,
    from: InheritMatrix,
    rowVersion: number,
    by: Principal,
  ): Promise<Result<EditedDraft, Refusal>> {
    return this.#change(
      integrationId,
      rowVersion,
      by,
      async (db, rows) => {
        const parties = await partiesIn(db, integrationId);
        const contacts = await reachableContacts(db, integrationId);
        const taken =
          from.template === undefined
            ? await this.#ofOther(db, from.fromIntegrationId!, parties, contacts)
            : this.#ofTemplate(from.template, parties, contacts);
        const cells = from.replace ? taken.cells : onlyMissing(taken.cells, rows);
        return { cells, remove: [], leftOut: taken.leftOut };
      },
      from.fromIntegrationId,
    );
  }

  /** Forgets what was drafted and not proposed. */
  async discard(integrationId: Id, rowVersion: number, by: Principal): Promise<Result<void, Refusal>> {
    return this.#guarded(integrationId, by, async (db, now) => {
      const draft = await findDraft(db, integrationId);
      if (!draft) throw new Refused(refusal('not_found', 'no-draft', 'Nothing has been drafted.'));
      if (draft.rowVersion !== rowVersion)
        throw new Refused(await staleDraft(db, integrationId, draft, rowVersion));
      await db.query('DELETE FROM matrix_draft WHERE integration_id = $1', [integrationId]);
      await this.ledger.append(db, {
        kind: 'matrix.draft_discarded',
        subject: { kind: 'integration', id: integrationId },
        by,
        at: now,
        facts: { rowVersion },
      });
    });
  }

  #ofTemplate(
    key: string,
    parties: Parameters<typeof cellsFromTemplate>[1],
    contacts: Parameters<typeof cellsFromTemplate>[2],
  ) {
    const template = this.templates.get(key);
    if (!template) {
      const known = this.templates.all().map(({ matrix }) => matrix);
      const field = {
        field: '/template',
        problem: 'is no template',
        mend: `Name one of: ${known.join(', ')}.`,
      };
      throw new Refused(
        refusal('invalid', 'no-such-template', 'There is no such template.', { fields: [field] }),
      );
    }
    return cellsFromTemplate(template, parties, contacts);
  }

  async #ofOther(
    db: Db,
    otherId: Id,
    parties: Parameters<typeof cellsFromTemplate>[1],
    contacts: Parameters<typeof cellsFromTemplate>[2],
  ) {
    const version = await newestVersion(db, otherId);
    if (!version) {
      const field = {
        field: '/fromIntegrationId',
        problem: 'has no matrix',
        mend: 'Name another integration.',
      };
      throw new Refused(
        refusal('invalid', 'nothing-to-copy', 'That integration has no matrix.', { fields: [field] }),
      );
    }
    return cellsFromOther(
      await cellsOfVersion(db, version.id),
      await partiesIn(db, otherId),
      parties,
      contacts,
    );
  }

  #change(
    integrationId: Id,
    rowVersion: number,
    by: Principal,
    wanted: (
      db: Db,
      rows: readonly DraftCell[],
    ) => Promise<{ cells: readonly WantedCell[]; remove: readonly CellName[]; leftOut: LeftOut[] }>,
    alsoSees?: Id,
  ): Promise<Result<EditedDraft, Refusal>> {
    return this.#guarded(
      integrationId,
      by,
      async (db, now) => {
        const draft = (await findDraft(db, integrationId)) ?? (await this.#begun(db, integrationId));
        if (draft.rowVersion !== rowVersion)
          throw new Refused(await staleDraft(db, integrationId, draft, rowVersion));
        const before = draft.cells.filter(({ gone }) => !gone);
        const { cells, remove, leftOut } = await wanted(db, before);
        refuseProblems(problemsOfCells(cells, await cellContext(db, integrationId, now)));
        refuseProblems(unknownIn(before, remove));
        const after = withCells(before, cells, remove);
        const changed = changedCells(before, after);
        if (changed.length === 0) return { rowVersion, fell: [], leftOut };
        await this.#write(db, integrationId, draft, changed, by, now);
        const fell = await this.signatures.fallIfMaterial(
          db,
          integrationId,
          { rows: after, declared: await declaredNow(db, integrationId) },
          by,
          now,
        );
        return { rowVersion: rowVersion + 1, fell, leftOut };
      },
      alsoSees,
    );
  }

  /** A draft that nobody has written yet is the newest version as it stands, at version 0. */
  async #begun(db: Db, integrationId: Id): Promise<StoredDraft> {
    const version = await newestVersion(db, integrationId);
    const cells = version ? await cellsOfVersion(db, version.id) : [];
    return {
      rowVersion: 0,
      basedOnId: version?.id ?? null,
      editors: [],
      createdAt: new Date(0),
      updatedAt: new Date(0),
      cells: cells.map((cell) => ({ ...cell, changedIn: 0, gone: false })),
    };
  }

  async #write(
    db: Db,
    integrationId: Id,
    draft: StoredDraft,
    changed: readonly ChangedCell[],
    by: Principal,
    now: Millis,
  ): Promise<void> {
    const editor: Author = {
      id: by.id,
      personId: by.personId ?? (await personBehind(db, by.id)),
      partyId: await actingParty(db, integrationId, by),
    };
    const editors = draft.editors.some((one) => one.id === editor.id && one.partyId === editor.partyId)
      ? draft.editors
      : [...draft.editors, editor];
    await db.query(
      `INSERT INTO matrix_draft (integration_id, based_on_id, editors, created_at, updated_at, row_version) VALUES ($1, $2, $3, $4, $4, 1)
       ON CONFLICT (integration_id) DO UPDATE SET editors = excluded.editors, updated_at = excluded.updated_at, row_version = matrix_draft.row_version + 1`,
      [integrationId, draft.basedOnId, JSON.stringify(editors), iso(now)],
    );
    const next = draft.rowVersion + 1;
    const first = draft.rowVersion === 0 ? draft.cells.map((cell) => ({ cell, gone: false, in: 0 })) : [];
    const keys = new Set(changed.map(({ cell }) => cellKey(cell)));
    const rows = [
      ...first.filter(({ cell }) => !keys.has(cellKey(cell))),
      ...changed.map((one) => ({ ...one, in: next })),
    ].map(({ cell, gone, in: changedIn }) => ({
      id: newId(),
      duty: cell.duty,
      part: cell.part,
      credential_id: cell.credentialId,
      accountable_party_id: cell.accountablePartyId,
      performing: cell.performingPartyIds,
      contact_id: cell.contactId,
      window_minutes: cell.windowMinutes,
      path_kind: cell.pathKind,
      note: cell.note,
      changed_in: changedIn,
      gone,
    }));
    await db.query(
      `INSERT INTO matrix_draft_row (id, integration_id, duty, part, credential_id, accountable_party_id, performing, contact_id,
                                     window_minutes, path_kind, note, changed_in, changed_by, gone)
       SELECT r.id, $1, r.duty, r.part, r.credential_id, r.accountable_party_id, r.performing, r.contact_id,
              r.window_minutes, r.path_kind, r.note, r.changed_in, $3, r.gone
         FROM jsonb_to_recordset($2::jsonb) AS r(id uuid, duty text, part text, credential_id uuid, accountable_party_id uuid, performing uuid[],
              contact_id uuid, window_minutes int, path_kind text, note text, changed_in int, gone boolean)
       ON CONFLICT ON CONSTRAINT matrix_draft_row_once DO UPDATE SET
         accountable_party_id = excluded.accountable_party_id, performing = excluded.performing, contact_id = excluded.contact_id,
         window_minutes = excluded.window_minutes, path_kind = excluded.path_kind, note = excluded.note,
         changed_in = excluded.changed_in, changed_by = excluded.changed_by, gone = excluded.gone`,
      [integrationId, JSON.stringify(rows), by.id],
    );
    await this.ledger.append(db, {
      kind: 'matrix.edited',
      subject: { kind: 'integration', id: integrationId },
      by,
      at: now,
      facts: {
        rowVersion: next,
        cells: changed.map(({ cell, gone, fields }) => ({
          duty: cell.duty,
          part: cell.part,
          ...(cell.credentialId === null ? {} : { credential: cell.credentialId }),
          ...(gone ? { removed: true } : { accountable: cell.accountablePartyId, changed: fields }),
        })),
      },
    });
  }

  /** One edit of an integration at a time, by somebody who sees it; refusals roll back. */
  async #guarded<T>(
    integrationId: Id,
    by: Principal,
    work: (db: Db, now: Millis) => Promise<T>,
    alsoSees?: Id,
  ): Promise<Result<T, Refusal>> {
    const now = this.clock.now();
    try {
      const asked = [integrationId, ...(alsoSees === undefined ? [] : [alsoSees])];
      const seen = await this.transactions.run(by, (db) =>
        db.query<unknown[]>('SELECT 1 FROM integration WHERE id = ANY($1)', [asked]),
      );
      if (seen.length < new Set(asked).size)
        return err(refusal('not_found', 'no-integration', 'There is no such integration.'));
      // The contacts and versions of both sides are judged, so the work itself sees what the installation sees.
      const value = await this.transactions.run({ ...by, partyId: null }, async (db) => {
        await db.query('SELECT 1 FROM integration WHERE id = $1 FOR NO KEY UPDATE', [integrationId]);
        return work(db, now);
      });
      return ok(value);
    } catch (thrown) {
      if (thrown instanceof Refused) return err(thrown.refusal);
      throw thrown;
    }
  }
}

function refuseProblems(fields: FieldProblem[]): void {
  if (fields.length > 0)
    throw new Refused(refusal('invalid', 'matrix-cells', 'The cells are not as they must be.', { fields }));
}

function unknownIn(rows: readonly DraftCell[], remove: readonly CellName[]): FieldProblem[] {
  const known = new Set(rows.map(cellKey));
  return remove.flatMap((cell, at) =>
    known.has(cellKey(cell))
      ? []
      : [
          {
            field: `/remove/${at}`,
            problem: 'is no cell of the draft',
            mend: 'Leave it out, or read the draft again.',
          },
        ],
  );
}

interface ChangedCell {
  cell: DraftCell;
  gone: boolean;
  fields: CellField[];
}

function changedCells(before: readonly DraftCell[], after: readonly DraftCell[]): ChangedCell[] {
  const old = new Map(before.map((cell) => [cellKey(cell), cell]));
  const now = new Set(after.map(cellKey));
  return [
    ...after
      .filter((cell) => !sameCell(old.get(cellKey(cell)), cell))
      .map((cell) => ({ cell, gone: false, fields: fieldsChanged(old.get(cellKey(cell)), cell) })),
    ...before.filter((cell) => !now.has(cellKey(cell))).map((cell) => ({ cell, gone: true, fields: [] })),
  ];
}

async function reachableContacts(
  db: Db,
  integrationId: Id,
): Promise<{ id: Id; partyId: Id; role: string }[]> {
  return db.query(
    `SELECT k.id, k.party_id AS "partyId", k.role FROM contact k
      WHERE k.active AND (coalesce(k.email, '') <> '' OR coalesce(k.phone, '') <> '')
        AND k.party_id IN (SELECT party_id FROM integration_party WHERE integration_id = $1)
      ORDER BY k.ordinal, k.name, k.id`,
    [integrationId],
  );
}
