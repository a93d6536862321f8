import type { Id } from '../../kernel/ids.ts';
import type { DraftCell, WantedCell } from './draft.rules.ts';
import { cellKey } from './material-changes.rules.ts';
import type { MatrixTemplate, TemplateRow } from './matrix-edit.schema.ts';
import { DUTIES, type Duty } from './matrix.rules.ts';

export interface RoleHolder {
  id: Id;
  roles: readonly string[];
}
export interface Reachable {
  id: Id;
  partyId: Id;
  role: string;
}

/** What could not be taken over, and why. */
export interface LeftOut {
  duty: Duty;
  part: string;
  why: string;
}

/** The cells of a template for the parties of an integration. A role that nobody or several have is left to a person. */
export function cellsFromTemplate(
  template: MatrixTemplate,
  parties: readonly RoleHolder[],
  contacts: readonly Reachable[],
): { cells: WantedCell[]; leftOut: LeftOut[] } {
  const cells: WantedCell[] = [];
  const leftOut: LeftOut[] = [];
  for (const duty of DUTIES) {
    for (const row of template.duties[duty] ?? []) {
      const answers = parties.filter(({ roles }) => roles.includes(row.accountable));
      if (answers.length !== 1) {
        const many = answers.length === 0 ? 'no' : `${answers.length}`;
        leftOut.push({
          duty,
          part: row.part,
          why: `the integration has ${many} parties in the role ${row.accountable}`,
        });
        continue;
      }
      cells.push(cellOf(duty, row, answers[0]!.id, parties, contacts));
    }
  }
  return { cells, leftOut };
}

function cellOf(
  duty: Duty,
  row: TemplateRow,
  accountable: Id,
  parties: readonly RoleHolder[],
  contacts: readonly Reachable[],
): WantedCell {
  const performs = parties
    .filter(({ roles }) => row.performing.some((role) => roles.includes(role)))
    .map(({ id }) => id);
  const theirs = contacts.filter(({ partyId }) => partyId === accountable);
  const contact = theirs.find(({ role }) => role === row.contact) ?? theirs[0];
  return {
    duty,
    part: row.part,
    credentialId: null,
    accountable: [accountable],
    performing: performs.length > 0 ? performs : [accountable],
    contactId: contact?.id ?? null,
    windowMinutes: row.window,
    pathKind: duty === 'revocation' ? row.path : null,
    note: row.note,
  };
}

/** The cells of another integration, for the parties of this one: the same party where it is here, too, else the one in its role. */
export function cellsFromOther(
  rows: readonly DraftCell[],
  otherParties: readonly RoleHolder[],
  parties: readonly RoleHolder[],
  contacts: readonly Reachable[],
): { cells: WantedCell[]; leftOut: LeftOut[] } {
  const cells: WantedCell[] = [];
  const leftOut: LeftOut[] = [];
  const translate = (id: Id): Id | undefined => {
    if (parties.some((party) => party.id === id)) return id;
    const roles = otherParties.find((party) => party.id === id)?.roles ?? [];
    const same = parties.filter((party) => party.roles.some((role) => roles.includes(role)));
    return same.length === 1 ? same[0]!.id : undefined;
  };
  for (const row of rows) {
    // An override is for a credential of that integration.
    if (row.credentialId !== null) continue;
    const accountable = translate(row.accountablePartyId);
    if (accountable === undefined) {
      leftOut.push({
        duty: row.duty,
        part: row.part,
        why: 'no single party here is in the role of the accountable one',
      });
      continue;
    }
    const performing = row.performingPartyIds.map(translate).filter((id) => id !== undefined);
    const contact =
      contacts.find(({ id }) => id === row.contactId) ??
      contacts.find(({ partyId }) => partyId === accountable);
    cells.push({
      ...row,
      accountable: [accountable],
      performing: performing.length > 0 ? [...new Set(performing)] : [accountable],
      contactId: contact?.id ?? null,
    });
  }
  return { cells, leftOut };
}

/** Only the cells that the draft does not have yet. A draft that answers for a duty at all keeps its own parts. */
export function onlyMissing(cells: readonly WantedCell[], rows: readonly DraftCell[]): WantedCell[] {
  const known = new Set(rows.map(cellKey));
  const answered = new Set(rows.filter((row) => row.credentialId === null).map((row) => row.duty));
  return cells.filter((cell) => !known.has(cellKey(cell)) && !answered.has(cell.duty));
}
