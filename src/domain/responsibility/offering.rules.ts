import { createHash } from 'node:crypto';
import { canonicalJson, type CanonicalValue } from '../../kernel/canonical-json.ts';
import type { FieldProblem } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import { HOUR, type Millis } from '../../kernel/time.ts';
import type { DraftContent, SheetTerm, TermSheet } from '../agreements/draft.schema.ts';
import type { DraftCell, WantedCell } from './draft.rules.ts';
import { cellsFromTemplate, type LeftOut } from './inherit.rules.ts';
import { cellKey, materialChanges, type MaterialChange } from './material-changes.rules.ts';
import type { MatrixTemplate } from './matrix-edit.schema.ts';
import { DUTIES, dutyWords, type Duty } from './matrix.rules.ts';
import type { OfferingBody, OfferingRow, Standing } from './offering.schema.ts';

type ContactRole = OfferingRow['contact'];

interface Role {
  id: Id;
  roles: readonly string[];
}

/** A contact as an offering chooses one: by its role, in its own party. */
export interface RoleContact {
  id: Id;
  partyId: Id;
  role: string;
}

export function rowsOfTemplate(template: MatrixTemplate): OfferingRow[] {
  return DUTIES.flatMap((duty) =>
    (template.duties[duty] ?? []).map((row) => ({
      duty,
      part: row.part,
      accountable: row.accountable,
      performing: row.performing,
      contact: row.contact,
      windowMinutes: row.window,
      pathKind: duty === 'revocation' ? row.path : null,
      note: row.note,
    })),
  );
}

/** A matrix that two parties have, said by role. What is for one credential alone is for nobody else. */
export function rowsOfMatrix(
  cells: readonly DraftCell[],
  parties: readonly Role[],
  contacts: ReadonlyMap<Id, ContactRole>,
): { rows: OfferingRow[]; leftOut: LeftOut[] } {
  const roleOf = (id: Id) => {
    const roles = parties.find((party) => party.id === id)?.roles ?? [];
    return (['supplier', 'customer', 'sub_processor'] as const).find((role) => roles.includes(role));
  };
  const rows: OfferingRow[] = [];
  const leftOut: LeftOut[] = [];
  for (const cell of inOrder(cells)) {
    const accountable = roleOf(cell.accountablePartyId);
    const performing = [...new Set(cell.performingPartyIds.map(roleOf).filter((role) => role !== undefined))];
    if (cell.credentialId !== null)
      leftOut.push({ duty: cell.duty, part: cell.part, why: 'it is for one credential alone' });
    else if (accountable !== 'supplier' && accountable !== 'customer')
      leftOut.push({
        duty: cell.duty,
        part: cell.part,
        why: 'whoever is accountable there is neither its supplier nor its customer',
      });
    else
      rows.push({
        duty: cell.duty,
        part: cell.part,
        accountable,
        performing: performing.length > 0 ? performing.sort() : [accountable],
        contact: (cell.contactId === null ? undefined : contacts.get(cell.contactId)) ?? 'security',
        windowMinutes: cell.windowMinutes,
        pathKind: cell.pathKind,
        note: cell.note,
      });
  }
  return { rows, leftOut };
}

function inOrder(cells: readonly DraftCell[]): DraftCell[] {
  return cells.toSorted(
    (a, b) =>
      DUTIES.indexOf(a.duty) - DUTIES.indexOf(b.duty) || (a.part < b.part ? -1 : a.part > b.part ? 1 : 0),
  );
}

/** The terms of an agreement with those who are told by role; somebody without a role is left out. */
export function sheetOf(
  content: DraftContent,
  roleOf: (contactId: Id) => ContactRole | undefined,
): TermSheet {
  const { validFrom: _, terms, ...rest } = content;
  const roles = (ids: readonly Id[]) => [...new Set(ids.map(roleOf).filter((role) => role !== undefined))];
  return {
    ...rest,
    terms: terms.map((term) => {
      const recipients = roles(term.recipients);
      const { rungs, ...said } = term;
      const fallbackRecipients = roles(term.fallbackRecipients).filter((role) => !recipients.includes(role));
      // Of several people of one role the first time counts: a role has one rung.
      const ofRoles = fallbackRecipients.flatMap((role) => {
        const rung = rungs?.find(({ recipient }) => roleOf(recipient) === role);
        return rung ? [{ ...rung, recipient: role }] : [];
      });
      return {
        ...said,
        recipients,
        fallbackRecipients,
        ...(ofRoles.length > 0 ? { rungs: ofRoles } : {}),
      };
    }),
  };
}

/** What no schema of one row can see: a row twice, a path where none belongs. */
export function problemsOfRows(rows: readonly OfferingRow[]): FieldProblem[] {
  const first = new Map<string, number>();
  return rows.flatMap((row, at) => {
    const key = cellKey({ ...row, credentialId: null });
    const known = first.get(key);
    if (known === undefined) first.set(key, at);
    return [
      ...(known === undefined
        ? []
        : [
            {
              field: `/rows/${at}/duty`,
              problem: `is the same row as number ${known + 1}`,
              mend: 'Give each row once, or name its part. One party is accountable for each.',
            },
          ]),
      ...(row.pathKind === null || row.duty === 'revocation'
        ? []
        : [
            {
              field: `/rows/${at}/pathKind`,
              problem: 'belongs to revocation only',
              mend: 'Leave it out for other duties.',
            },
          ]),
    ];
  });
}

/** Duties that an offering says nothing of: nobody could sign it. */
export function missingDuties(rows: readonly OfferingRow[]): FieldProblem[] {
  return DUTIES.filter((duty) => !rows.some((row) => row.duty === duty)).map((duty) => ({
    field: `/rows/${duty}`,
    problem: 'nobody answers for it',
    mend: `Say whether supplier or customer is accountable for ${dutyWords(duty)}, and who performs it.`,
  }));
}

/** The matrix of one customer, from the rows of an offering. */
export function cellsOfOffering(
  rows: readonly OfferingRow[],
  parties: readonly Role[],
  contacts: readonly RoleContact[],
): { cells: WantedCell[]; leftOut: LeftOut[] } {
  const duties: Partial<Record<Duty, MatrixTemplate['duties'][Duty]>> = {};
  for (const { duty, windowMinutes: window, pathKind: path, ...row } of rows)
    duties[duty] = [...(duties[duty] ?? []), { ...row, window, path }];
  return cellsFromTemplate(
    {
      matrix: 'offering',
      title: '',
      version: 1,
      description: '',
      duties: duties as MatrixTemplate['duties'],
    },
    parties,
    contacts,
  );
}

/** The terms of one customer. @param us the supplier @param them the customer */
export function termsOfOffering(
  sheet: TermSheet,
  sides: { us: Id; them: Id },
  contacts: readonly RoleContact[],
): { content: DraftContent; problems: FieldProblem[] } {
  const problems: FieldProblem[] = [];
  const terms = sheet.terms.map((term, at) => {
    const side = term.direction === 'to_party' ? 'them' : 'us';
    const people = (roles: readonly string[]) =>
      roles.flatMap((role) =>
        contacts.filter((one) => one.partyId === sides[side] && one.role === role).map(({ id }) => id),
      );
    const recipients = people(term.recipients);
    for (const role of term.recipients.filter((one) => people([one]).length === 0))
      problems.push({
        field: `/terms/${at}/recipients`,
        problem: `${side === 'them' ? 'the customer' : 'the supplier'} has no reachable contact in the role ${role.replace('_', ' ')}`,
        mend: 'Enter such a contact, then propose again.',
      });
    const { rungs, ...said } = term;
    const ofPeople = (rungs ?? []).flatMap((rung) =>
      people([rung.recipient]).map((recipient) => ({ ...rung, recipient })),
    );
    return {
      ...said,
      recipients,
      fallbackRecipients: people(term.fallbackRecipients),
      ...(ofPeople.length > 0 ? { rungs: ofPeople } : {}),
    };
  });
  return { content: { ...sheet, validFrom: null, terms }, problems };
}

/** SHA-256 of the RFC 8785 text of what is offered; the order of its rows does not count. */
export function offeringHash({ rows, terms }: OfferingBody): Buffer {
  const said = rows.map((row) => canonicalJson({ ...row, performing: [...row.performing].sort() })).sort();
  const text = canonicalJson({
    format: 'countersign-offering-1',
    rows: said,
    terms: terms as unknown as CanonicalValue,
  });
  return createHash('sha256').update(text).digest();
}

/** What is material between two states of the rows; roles stand where parties do. */
export function changesOfRows(
  before: readonly OfferingRow[],
  after: readonly OfferingRow[],
): MaterialChange[] {
  const rows = (of: readonly OfferingRow[]) =>
    of.map((row) => ({
      duty: row.duty,
      part: row.part,
      credentialId: null,
      accountablePartyId: row.accountable,
      performingPartyIds: row.performing,
      windowMinutes: row.windowMinutes,
      pathKind: row.pathKind,
    }));
  return materialChanges({ rows: rows(before) }, { rows: rows(after) });
}

/** A term sheet as an agreement would read, with roles in place of contacts: for a comparison alone. */
export function sheetContent(sheet: TermSheet): DraftContent {
  return { ...sheet, validFrom: null, terms: sheet.terms.map((term: SheetTerm) => ({ ...term })) };
}

/** What decides where a customer stands. */
export interface TargetFacts {
  state: 'queued' | 'proposed' | 'failed';
  /** Of the offering: proposed to this customer last, and the newest there is. */
  proposed: number | null;
  newest: number;
  /** The newest version of the customer's matrix; null: there is none. */
  matrixState: string | null;
  /** Whether its content is what was proposed. */
  same: boolean;
}

/** Where a customer stands, in one word. */
export function standingOf({ state, proposed, newest, matrixState, same }: TargetFacts): Standing {
  if (state !== 'proposed' || proposed === null || matrixState === null)
    return state === 'failed' ? 'failed' : 'queued';
  if (!same) return 'departed';
  switch (matrixState) {
    case 'countersigned':
      return proposed < newest ? 'behind' : 'signed';
    case 'proposed':
      return 'waiting';
    case 'sent_back':
    case 'withdrawn':
      return matrixState;
    default:
      return 'lapsed';
  }
}

/** When somebody may be reminded again; null: at once. */
export function nextChaseAt(lastMailAt: Millis | null, everyHours: number, now: Millis): Millis | null {
  const next = lastMailAt === null ? now : lastMailAt + everyHours * HOUR;
  return next > now ? next : null;
}
