import type { Id } from '../../kernel/ids.ts';
import type { DraftCell, WantedCell } from './draft.rules.ts';
import type { LeftOut, Reachable, RoleHolder } from './inherit.rules.ts';
import { cellKey } from './material-changes.rules.ts';
import { DUTIES, type Duty } from './matrix.rules.ts';

/** What is set on many cells at once; what is absent stays as each cell has it. */
export interface BulkChange {
  accountable?: Id | undefined;
  /** `beside`: who performs already stays. */
  performing?: { parties: readonly Id[]; beside: boolean } | undefined;
  contactId?: Id | undefined;
  /** Null: no window is agreed. */
  windowMinutes?: number | null | undefined;
}

export interface CellName {
  duty: Duty;
  part: string;
  credentialId: Id | null;
}

/**
 * The chosen cells as the change wants them. A duty that nobody answers for yet is performed by whoever is made accountable,
 * unless the change says otherwise; without anybody accountable the cell is refused where it is judged.
 */
export function cellsInBulk(
  rows: readonly DraftCell[],
  chosen: readonly CellName[],
  change: BulkChange,
): WantedCell[] {
  const known = new Map(rows.map((row) => [cellKey(row), row]));
  return chosen.map((name) => {
    const row = known.get(cellKey(name));
    const accountable = change.accountable ?? row?.accountablePartyId;
    const performs = row?.performingPartyIds ?? (accountable === undefined ? [] : [accountable]);
    const { performing } = change;
    return {
      duty: name.duty,
      part: name.part,
      credentialId: name.credentialId,
      accountable: accountable === undefined ? [] : [accountable],
      performing: !performing
        ? performs
        : performing.beside
          ? [...new Set([...(row ? performs : []), ...performing.parties])]
          : performing.parties,
      contactId: change.contactId ?? row?.contactId ?? null,
      windowMinutes: change.windowMinutes === undefined ? (row?.windowMinutes ?? null) : change.windowMinutes,
      pathKind: row?.pathKind ?? null,
      note: row?.note ?? '',
    };
  });
}

/** Who shall answer: one party by name, or in each integration the one party that has a role in it. */
export type Answering = { partyId: Id } | { role: 'supplier' | 'customer' };

/**
 * Cells for duties that nobody answers for. What the draft answers for already is left as it is, and where it is not clear
 * who is meant, a person decides.
 *
 * @param contactRole whom of the party to name; null: nobody yet
 */
export function cellsForGaps(
  duties: readonly Duty[],
  to: Answering,
  contactRole: string | null,
  rows: readonly DraftCell[],
  parties: readonly RoleHolder[],
  contacts: readonly Reachable[],
): { cells: WantedCell[]; leftOut: LeftOut[] } {
  const answered = new Set(rows.filter((row) => row.credentialId === null).map((row) => row.duty));
  const wanted = DUTIES.filter((duty) => duties.includes(duty));
  const open = wanted.filter((duty) => !answered.has(duty));
  const leftOut: LeftOut[] = wanted
    .filter((duty) => answered.has(duty))
    .map((duty) => ({ duty, part: '', why: 'the draft names somebody already' }));
  const meant = parties.filter(({ id, roles }) =>
    'role' in to
      ? roles.includes(to.role)
      : id === to.partyId && roles.some((role) => role === 'supplier' || role === 'customer'),
  );
  const [party] = meant;
  if (!party || meant.length > 1) {
    const why =
      'role' in to
        ? `the integration has ${meant.length === 0 ? 'no party' : `${meant.length} parties`} in the role ${to.role}`
        : 'the party is neither supplier nor customer of the integration';
    return { cells: [], leftOut: [...leftOut, ...open.map((duty) => ({ duty, part: '', why }))] };
  }
  const theirs = contacts.filter(({ partyId }) => partyId === party.id);
  const contact =
    contactRole === null ? undefined : (theirs.find((one) => one.role === contactRole) ?? theirs[0]);
  return {
    cells: open.map((duty) => ({
      duty,
      part: '',
      credentialId: null,
      accountable: [party.id],
      performing: [party.id],
      contactId: contact?.id ?? null,
      windowMinutes: null,
      pathKind: null,
      note: '',
    })),
    leftOut,
  };
}
