import type { FieldProblem } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import { cellKey } from './material-changes.rules.ts';
import { DUTIES, dutyWords, type Duty, type MatrixRowFacts, type PathKind } from './matrix.rules.ts';

/** One cell of a draft, as it is stored. */
export interface DraftCell extends MatrixRowFacts {
  contactId: Id | null;
  windowMinutes: number | null;
  pathKind: PathKind | null;
  note: string;
}

/** A cell as somebody wants it. More than one accountable party can be said, so that it can be refused with a mend. */
export interface WantedCell {
  duty: Duty;
  part: string;
  credentialId: Id | null;
  accountable: readonly Id[];
  performing: readonly Id[];
  contactId: Id | null;
  windowMinutes: number | null;
  pathKind: PathKind | null;
  note: string;
}

/** What decides whether a cell may stand. */
export interface CellContext {
  /** The parties of the integration with their roles in it. */
  roles: ReadonlyMap<Id, readonly string[]>;
  credentials: ReadonlySet<Id>;
  contacts: ReadonlyMap<Id, { partyId: Id; active: boolean; reachable: boolean }>;
  /** Parties that answer for a shared credential elsewhere, so that its governing row may stand here, too. */
  governing: ReadonlyMap<Id, Id>;
}

const MAY_ANSWER: readonly string[] = ['supplier', 'customer'];

/** What is wrong with cells that somebody wants, each at the place where it stands in the list. */
export function problemsOfCells(wanted: readonly WantedCell[], context: CellContext): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const first = new Map<string, number>();
  wanted.forEach((cell, at) => {
    const say = (field: string, problem: string, mend: string) =>
      problems.push({ field: `/cells/${at}/${field}`, problem, mend });
    const key = cellKey(cell);
    const known = first.get(key);
    first.set(key, known ?? at);
    const accountable = [
      ...new Set([...(known === undefined ? [] : wanted[known]!.accountable), ...cell.accountable]),
    ];
    if (accountable.length > 1)
      say(
        'accountable',
        `names ${accountable.length} accountable parties for ${nameOf(cell)}`,
        'Name one party as accountable. Make the others performing, or split the duty into named parts.',
      );
    else if (known !== undefined)
      say('duty', `is the same cell as number ${known + 1}`, 'Give each cell once, or name its part.');
    problemsOfParties(cell, context, say);
    problemsOfDetails(cell, context, say);
  });
  return problems;
}

type Say = (field: string, problem: string, mend: string) => void;

function problemsOfParties(cell: WantedCell, context: CellContext, say: Say): void {
  if (cell.accountable.length === 0)
    say('accountable', 'nobody is accountable', `Name the party that answers for ${nameOf(cell)}.`);
  for (const id of cell.accountable) {
    const roles = context.roles.get(id);
    const governs = cell.credentialId !== null && context.governing.get(cell.credentialId) === id;
    if (!roles && !governs)
      say('accountable', 'is no party of this integration', 'Name a party that is in the integration.');
    else if (roles && !governs && !roles.some((role) => MAY_ANSWER.includes(role)))
      say(
        'accountable',
        'is only a sub-processor, an authority or an insurer here: those may perform, accountability does not move',
        'Name the supplier or the customer as accountable, and this party as performing.',
      );
  }
  if (cell.performing.length === 0)
    say('performing', 'nobody performs it', `Name at least one party that performs ${nameOf(cell)}.`);
  for (const id of cell.performing) {
    if (!context.roles.has(id) && !cell.accountable.includes(id))
      say('performing', 'is no party of this integration', 'Name parties that are in the integration.');
  }
}

function problemsOfDetails(cell: WantedCell, context: CellContext, say: Say): void {
  if (cell.credentialId !== null && !context.credentials.has(cell.credentialId))
    say('credentialId', 'is no credential of this integration', 'Name one that the integration uses.');
  if (cell.contactId !== null) {
    const contact = context.contacts.get(cell.contactId);
    if (!contact?.active)
      say('contactId', 'is no active contact', 'Name an active contact of a party of this row.');
    else if (![...cell.accountable, ...cell.performing].includes(contact.partyId))
      say(
        'contactId',
        'is a contact of another party',
        'Name a contact of the accountable or of a performing party.',
      );
    else if (!contact.reachable)
      say('contactId', 'cannot be reached', 'Give the contact a mail address or a phone number first.');
  }
  if (cell.windowMinutes !== null && !(Number.isSafeInteger(cell.windowMinutes) && cell.windowMinutes > 0))
    say('windowMinutes', 'is no window', 'Give a whole number of minutes above zero, or none.');
  if (cell.pathKind !== null && cell.duty !== 'revocation')
    say('pathKind', 'belongs to revocation only', 'Leave it out for other duties.');
}

/** "revocation (part production)". */
export function nameOf(cell: { duty: Duty; part: string; credentialId: Id | null }): string {
  return `${dutyWords(cell.duty)}${cell.part ? ` (part ${cell.part})` : ''}${cell.credentialId ? ' of one credential' : ''}`;
}

/** What a draft still lacks before it may be proposed. */
export function missingIn(rows: readonly DraftCell[], context: CellContext): FieldProblem[] {
  const problems: FieldProblem[] = [];
  for (const duty of DUTIES) {
    if (!rows.some((row) => row.duty === duty && row.credentialId === null))
      problems.push({
        field: `/cells/${duty}`,
        problem: 'nobody answers for it',
        mend: `Name the party accountable for ${dutyWords(duty)} and who performs it.`,
      });
  }
  for (const row of rows) {
    const contact = row.contactId === null ? undefined : context.contacts.get(row.contactId);
    if (!contact?.active || !contact.reachable)
      problems.push({
        field: `/cells/${row.duty}${row.part ? `/${row.part}` : ''}`,
        problem: contact ? 'its contact cannot be reached' : 'it has no contact',
        mend: `Name a contact for ${nameOf(row)} with a mail address or a phone number.`,
      });
  }
  return problems;
}

/** The draft with the wanted cells in place and the removed ones gone. */
export function withCells(
  rows: readonly DraftCell[],
  wanted: readonly WantedCell[],
  removed: readonly { duty: Duty; part: string; credentialId: Id | null }[],
): DraftCell[] {
  const cells = new Map(rows.map((row) => [cellKey(row), row]));
  for (const cell of removed) cells.delete(cellKey(cell));
  for (const { accountable, performing, ...cell } of wanted) {
    cells.set(cellKey(cell), {
      ...cell,
      accountablePartyId: accountable[0]!,
      performingPartyIds: [...new Set(performing)].sort(),
    });
  }
  return [...cells.values()];
}

const SAID = {
  accountable: (cell: DraftCell) => cell.accountablePartyId,
  performing: (cell: DraftCell) => [...cell.performingPartyIds].sort().join(' '),
  contact: (cell: DraftCell) => cell.contactId,
  window: (cell: DraftCell) => cell.windowMinutes,
  path: (cell: DraftCell) => cell.pathKind,
  note: (cell: DraftCell) => cell.note || null,
} as const;
/** What a cell says. */
export type CellField = keyof typeof SAID;
export const CELL_FIELDS = Object.keys(SAID) as CellField[];

/** What a cell says otherwise than before; of a new cell, whatever it says. */
export function fieldsChanged(before: DraftCell | undefined, after: DraftCell): CellField[] {
  return CELL_FIELDS.filter((field) => SAID[field](after) !== (before ? SAID[field](before) : null));
}

/** Whether two cells say the same, contact and note included. */
export function sameCell(a: DraftCell | undefined, b: DraftCell | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && fieldsChanged(a, b).length === 0);
}
