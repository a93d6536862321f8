import { refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { CELL_FIELDS, nameOf, type CellField, type DraftCell } from './draft.rules.ts';
import { cellKey } from './material-changes.rules.ts';
import { partiesIn, type StoredDraft } from './matrix-facts.queries.ts';
import { windowWords } from './matrix-text.rules.ts';
import type { Duty } from './matrix.rules.ts';

interface Edited {
  duty: Duty;
  part: string;
  credential?: Id;
  /** Absent from entries that are older than the draft's knowledge of it. */
  changed?: CellField[];
}

interface Names {
  parties: ReadonlyMap<Id, string>;
  contacts: ReadonlyMap<Id, string>;
}

/**
 * What changed since the caller read the draft: each cell, and what it says now of that which was changed. The ledger
 * knows what each edit changed; a cell says only in which version it last did.
 */
export async function staleDraft(
  db: Db,
  integrationId: Id,
  draft: StoredDraft,
  since: number,
): Promise<Refusal> {
  const cells = draft.cells.filter(({ changedIn }) => changedIn > since);
  const edits = await db.query<{ cells: Edited[] }[]>(
    `SELECT e.body::jsonb #> '{facts,cells}' AS cells FROM ledger_entry e
      WHERE e.subject_id = $1 AND e.kind = 'matrix.edited' AND e.at >= $2 AND (e.body::jsonb #>> '{facts,rowVersion}')::int > $3
      ORDER BY e.n`,
    [integrationId, draft.createdAt.toISOString(), since],
  );
  const changed = new Map<string, Set<CellField>>();
  for (const { duty, part, credential, changed: fields } of edits.flatMap((edit) => edit.cells)) {
    const key = cellKey({ duty, part, credentialId: credential ?? null });
    changed.set(key, new Set([...(changed.get(key) ?? []), ...(fields ?? CELL_FIELDS)]));
  }
  const names: Names = {
    parties: new Map((await partiesIn(db, integrationId)).map(({ id, name }) => [id, name])),
    contacts: await contactsOf(db, cells),
  };
  const fields = cells.map((cell) => {
    const now = CELL_FIELDS.filter((field) => changed.get(cellKey(cell))?.has(field) ?? true).map((field) =>
      saidNow(field, cell, names),
    );
    return {
      field: `/cells/${cell.duty}${cell.part ? `/${cell.part}` : ''}${cell.credentialId ? `/${cell.credentialId}` : ''}`,
      problem: cell.gone
        ? `${nameOf(cell)} was removed since you read it`
        : `${nameOf(cell)} was changed since you read it: ${now.join('; ')}`,
      mend: 'Read the draft again and decide anew.',
    };
  });
  return refusal(
    'precondition',
    'stale-version',
    'Somebody changed the draft since you read it. What changed is listed; read it again and decide anew.',
    { fields },
  );
}

/** A contact by its role and its party: whoever edits needs no name of a person to see that it is another one. */
async function contactsOf(db: Db, cells: readonly DraftCell[]): Promise<Map<Id, string>> {
  const rows = await db.query<{ id: Id; role: string; party: string }[]>(
    `SELECT k.id, k.role, p.name AS party FROM contact k JOIN party p ON p.id = k.party_id WHERE k.id = ANY($1::uuid[])`,
    [cells.map(({ contactId }) => contactId).filter((id) => id !== null)],
  );
  return new Map(
    rows.map(({ id, role, party }) => [id, `the ${role.replaceAll('_', ' ')} contact of ${party}`]),
  );
}

function saidNow(field: CellField, cell: DraftCell, { parties, contacts }: Names): string {
  const party = (id: Id) => parties.get(id) ?? 'another party';
  switch (field) {
    case 'accountable':
      return `accountable is now ${party(cell.accountablePartyId)}`;
    case 'performing':
      return `performed now by ${cell.performingPartyIds.map(party).join(', ')}`;
    case 'contact':
      return cell.contactId === null
        ? 'it has no contact now'
        : `its contact is now ${contacts.get(cell.contactId) ?? 'another one'}`;
    case 'window':
      return cell.windowMinutes === null
        ? 'it has no window now'
        : `its window is now ${windowWords(cell.windowMinutes)}`;
    case 'path':
      return cell.pathKind === null
        ? 'it has no path now'
        : `it is now done ${cell.pathKind === 'connector' ? 'by a connector' : 'by asking a contact'}`;
    case 'note':
      return cell.note === '' ? 'it has no note now' : 'its note is another one now';
  }
}
