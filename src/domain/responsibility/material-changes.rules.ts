import type { Id } from '../../kernel/ids.ts';
import { DUTIES, type Declared, type Duty, type MatrixRowFacts } from './matrix.rules.ts';

/** What a version says that parties sign, and beside it what they do not sign. */
export interface MatrixState {
  rows: readonly (MatrixRowFacts & { contactId?: Id | null; note?: string })[];
  declared?: Declared | null;
  /** SHA-256 of the terms signed with it; absent: nobody asks about them. */
  terms?: string | null;
}

export const MATERIAL = [
  'accountable',
  'performing',
  'part_added',
  'part_removed',
  'path_kind',
  'window',
  'credential_kind',
  'storing_party',
  'wider_scope',
  'terms',
] as const;
export type MaterialKind = (typeof MATERIAL)[number];

/** One thing that signatures do not cover. Before and after are ids, words or minutes; null: there was, or is, none. */
export interface MaterialChange {
  what: MaterialKind;
  /** Null for what concerns the integration as a whole. */
  duty: Duty | null;
  part: string;
  credentialId: Id | null;
  before: string | null;
  after: string | null;
}

/**
 * What changed so that nobody has signed it, duty by duty in their order. A contact, a note and a title are immaterial. What
 * was declared may become less without a signature, and never more.
 */
export function materialChanges(before: MatrixState, after: MatrixState): MaterialChange[] {
  const changes: MaterialChange[] = [];
  const old = byCell(before.rows);
  const now = byCell(after.rows);
  for (const cell of [...new Set([...old.keys(), ...now.keys()])].sort(byDuty(old, now))) {
    const [was, is] = [old.get(cell), now.get(cell)];
    const one = (was ?? is)!;
    const at = { duty: one.duty, part: one.part, credentialId: one.credentialId };
    const changed = (what: MaterialKind, from: string | null, to: string | null) => {
      if (from !== to) changes.push({ what, ...at, before: from, after: to });
    };
    if (!was) changed('part_added', null, is!.accountablePartyId);
    else if (!is) changed('part_removed', was.accountablePartyId, null);
    else {
      changed('accountable', was.accountablePartyId, is.accountablePartyId);
      changed('performing', listed(was.performingPartyIds), listed(is.performingPartyIds));
      changed('path_kind', was.pathKind ?? null, is.pathKind ?? null);
      changed('window', minutes(was), minutes(is));
    }
  }
  const whole = { duty: null, part: '', credentialId: null, before: null };
  for (const [what, from, to] of [
    ['credential_kind', before.declared?.credentialKinds, after.declared?.credentialKinds],
    ['storing_party', before.declared?.storingPartyIds, after.declared?.storingPartyIds],
    ['wider_scope', before.declared?.scopes, after.declared?.scopes],
  ] as const) {
    // A version from before anything was declared promised nothing that could be widened.
    if (!from) continue;
    for (const item of to ?? []) if (!from.includes(item)) changes.push({ ...whole, what, after: item });
  }
  if (before.terms !== undefined && after.terms !== undefined && before.terms !== after.terms)
    changes.push({ ...whole, what: 'terms', before: before.terms, after: after.terms });
  return changes;
}

/** Contacts that stand in a row now and did not before: signatures stand, and each has to confirm. */
export function newContacts(before: MatrixState, after: MatrixState): Id[] {
  const known = new Set(before.rows.map((row) => row.contactId ?? null));
  const found = after.rows.map((row) => row.contactId ?? null).filter((id) => id !== null && !known.has(id));
  return [...new Set(found)].filter((id) => id !== null);
}

/** Names a cell: its duty, its part, and the credential that it is an override for. */
export function cellKey(cell: { duty: string; part: string; credentialId: Id | null }): string {
  return `${cell.duty}\u0000${cell.part}\u0000${cell.credentialId ?? ''}`;
}

function byCell<T extends MatrixRowFacts>(rows: readonly T[]): Map<string, T> {
  return new Map(rows.map((row) => [cellKey(row), row]));
}

function byDuty(old: ReadonlyMap<string, MatrixRowFacts>, now: ReadonlyMap<string, MatrixRowFacts>) {
  const place = (cell: string) => DUTIES.indexOf((now.get(cell) ?? old.get(cell))!.duty);
  return (a: string, b: string) => place(a) - place(b) || (a < b ? -1 : a > b ? 1 : 0);
}

function listed(ids: readonly Id[]): string {
  return [...new Set(ids)].sort().join(' ');
}

function minutes(row: MatrixRowFacts): string | null {
  return row.windowMinutes ? String(row.windowMinutes) : null;
}
