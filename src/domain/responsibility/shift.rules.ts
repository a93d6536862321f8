import type { Id } from '../../kernel/ids.ts';
import type { DraftCell } from './draft.rules.ts';
import { cellKey } from './material-changes.rules.ts';

/** A copy of a credential that came to be. */
export interface NewCopy {
  credentialId: Id;
  /** What it lies in: `ci_variable`, `log`, … */
  kind: string;
  /** How it got there; what leaked was not put there by anybody's decision. */
  arrivedBy: string;
  /** Who owns the place: the side that added it. */
  partyId: Id;
  partyName: string;
  /** `YYYY-MM-DD`. */
  day: string;
}

export interface ShiftContext {
  /** Of the parties of the integration. */
  roles: ReadonlyMap<Id, readonly string[]>;
  /** Somebody of that party who can be reached; null: nobody. */
  contactOf: (partyId: Id) => Id | null;
}

const MAY_ANSWER: readonly string[] = ['supplier', 'customer'];

/**
 * The row that moves towards the side that added a copy: whoever keeps one answers for it, and performs. Accountability
 * does not move to a sub-processor; there it performs for whoever answered before.
 *
 * @returns undefined where the matrix says it already, for a leak, and for a party that is not in the integration
 */
export function shiftFor(
  rows: readonly DraftCell[],
  copy: NewCopy,
  context: ShiftContext,
): DraftCell | undefined {
  const roles = context.roles.get(copy.partyId);
  if (!roles || copy.arrivedBy === 'leaked') return undefined;
  const part = partOf(copy);
  const nearest = nearestRow(rows, copy.credentialId, part);
  const answers = roles.some((role) => MAY_ANSWER.includes(role));
  const accountable = answers ? copy.partyId : (nearest?.accountablePartyId ?? firstWhoAnswers(context));
  if (accountable === undefined) return undefined;
  if (nearest?.accountablePartyId === accountable && nearest.performingPartyIds.includes(copy.partyId))
    return undefined;
  const own = rows.find((row) => cellKey(row) === cellKey({ duty: 'storage', part, credentialId: null }));
  return {
    duty: 'storage',
    part,
    credentialId: null,
    accountablePartyId: accountable,
    performingPartyIds: [...new Set([...(own?.performingPartyIds ?? []), copy.partyId])].sort(),
    contactId: context.contactOf(accountable) ?? context.contactOf(copy.partyId),
    windowMinutes: own?.windowMinutes ?? null,
    pathKind: null,
    note: `A copy (${copy.kind.replaceAll('_', ' ')}) was added there on ${copy.day}.`,
  };
}

/** "ci variable at Aurora Pay": both sides may keep copies of one kind, and each answers for its own. */
export function partOf({ kind, partyName }: Pick<NewCopy, 'kind' | 'partyName'>): string {
  return `${kind.replaceAll('_', ' ')} at ${partyName}`.replaceAll(/\p{Cc}+/gu, ' ').slice(0, 120);
}

/** Who answers for keeping this credential, as the matrix says it: for it alone, for that part, for the whole. */
function nearestRow(rows: readonly DraftCell[], credentialId: Id, part: string): DraftCell | undefined {
  const storage = rows
    .filter((row) => row.duty === 'storage')
    .sort((a, b) => (a.part < b.part ? -1 : a.part > b.part ? 1 : 0));
  return (
    storage.find((row) => row.credentialId === null && row.part === part) ??
    storage.find((row) => row.credentialId === credentialId) ??
    storage.find((row) => row.credentialId === null && row.part === '')
  );
}

function firstWhoAnswers({ roles }: ShiftContext): Id | undefined {
  for (const role of MAY_ANSWER) for (const [id, of] of roles) if (of.includes(role)) return id;
  return undefined;
}
