import type { FieldProblem } from '../../kernel/errors.ts';
import { iso, parseInstant, type Millis } from '../../kernel/time.ts';
import type { DraftContent, EditDraft } from './draft.schema.ts';

/** What a draft may name. */
export interface Known {
  partyName: string;
  /** Of the contacts that it names, those that exist. */
  contacts: ReadonlyMap<string, { active: boolean; side: 'us' | 'them' | 'other' }>;
  /** Keys. */
  calendars: readonly string[];
}

/** What no schema of one field can see: calendars and contacts that are not there, a name that two terms have, an approval without its time. */
export function wrongIn(content: DraftContent, known: Known): FieldProblem[] {
  const wrong: FieldProblem[] = [];
  if (content.authority === 'approve_within' && content.approveWithinMinutes === null) {
    wrong.push({
      field: '/approveWithinMinutes',
      problem: 'must say how many minutes, as the authority is approve_within',
      mend: 'Give minutes, or another authority.',
    });
  }
  const named = new Map<string, number>();
  content.terms.forEach((term, at) => {
    // Both sides may owe the same: a name tells terms of one direction apart.
    const name = term.name === null ? null : `${term.direction} ${plain(term.name)}`;
    const first = name === null ? undefined : named.get(name);
    if (first !== undefined)
      wrong.push({
        field: `/terms/${at}/name`,
        problem: `is the name of term ${first + 1} already`,
        mend: 'Give each term a name of its own, or none.',
      });
    else if (name !== null) named.set(name, at);
    if (term.calendar !== null && !known.calendars.includes(term.calendar)) {
      const some = known.calendars.slice(0, 5).join(', ');
      wrong.push({
        field: `/terms/${at}/calendar`,
        problem: 'is no calendar that is known here',
        mend: some
          ? `Give one of: ${some}; or none, for Monday to Friday.`
          : 'Import the calendar first, or give none, for Monday to Friday.',
      });
    }
    const wanted = term.direction === 'to_party' ? 'them' : 'us';
    for (const [list, ids] of [
      ['recipients', term.recipients],
      ['fallbackRecipients', term.fallbackRecipients],
    ] as const) {
      ids.forEach((id, index) => {
        const contact = known.contacts.get(id);
        if (contact?.active && contact.side === wanted && ids.indexOf(id) === index) return;
        wrong.push({
          field: `/terms/${at}/${list}/${index}`,
          problem:
            ids.indexOf(id) !== index
              ? 'is named twice'
              : !contact
                ? 'is no contact'
                : !contact.active
                  ? 'is no longer active'
                  : `is no contact of ${wanted === 'them' ? known.partyName : 'the operator'}`,
          mend: `Give an active contact of ${wanted === 'them' ? known.partyName : 'the operator'}, once: ${
            wanted === 'them' ? 'we tell them' : 'they tell us'
          }.`,
        });
      });
    }
  });
  return wrong;
}

/** Names that people cannot tell apart are one name. */
const plain = (name: string) => name.trim().normalize('NFKC').toLowerCase();

/**
 * Whether a version may hold from `validFrom`. A further version never begins in the past: which one was in force when
 * something was noticed would be another one afterwards.
 */
export function whenHeld(
  validFrom: Millis,
  validUntil: string | null,
  further: boolean,
  now: Millis,
): FieldProblem[] {
  const wrong: FieldProblem[] = [];
  if (further && validFrom < now) {
    wrong.push({
      field: '/validFrom',
      problem: 'lies in the past, where an earlier version was in force',
      mend: `Give an instant after ${iso(now)}, or none: it then holds from its publication.`,
    });
  }
  const until = validUntil === null ? undefined : parseInstant(validUntil);
  if (until !== undefined && until <= Math.max(validFrom, further ? now : validFrom)) {
    wrong.push({
      field: '/validUntil',
      problem: 'is not after the instant from which it holds',
      mend: 'Give a later instant, or none for an open end.',
    });
  }
  return wrong;
}

/** For somebody whose edit came too late: which of the fields that they meant to write are others by now. */
export function staleFields(stored: DraftContent, edit: EditDraft): FieldProblem[] {
  return (Object.keys(edit) as (keyof DraftContent)[])
    .filter((field) => JSON.stringify(stored[field]) !== JSON.stringify(edit[field]))
    .map((field) => ({
      field: `/${field}`,
      problem: `stands as ${shown(stored[field])} now`,
      mend: 'Take the new state as the base of your edit.',
    }));
}

function shown(value: unknown): string {
  if (value === null) return 'empty';
  return Array.isArray(value) ? `a list of ${value.length}` : String(value as string | number);
}
