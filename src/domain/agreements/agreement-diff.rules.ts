import type { DraftContent, DraftTerm } from './draft.schema.ts';
import { rungWords } from './ladder.rules.ts';
import { windowWords } from './term.rules.ts';

export interface Change {
  /** What it is about: "review date", "term: confirmed, we tell them". */
  what: string;
  before: string;
  after: string;
}

const NONE = '–';

/** What is different between two versions, in words, field by field and term by term. Empty: they say the same. */
export function changesBetween(
  before: DraftContent,
  after: DraftContent,
  nameOf: (contactId: string) => string = (id) => id,
): Change[] {
  const fields = HEADS.flatMap(({ what, text }) => change(what, text(before), text(after)));
  const terms = pairs(before.terms, after.terms).flatMap(({ name, old, fresh }) => {
    if (!old) return [{ what: name, before: NONE, after: fresh ? summary(fresh) : NONE }];
    if (!fresh) return [{ what: name, before: summary(old), after: NONE }];
    return TERM_FIELDS.flatMap(({ what, text }) =>
      change(`${name}: ${what}`, text(old, nameOf), text(fresh, nameOf)),
    );
  });
  return [...fields, ...terms];
}

const HEADS: readonly { what: string; text: (content: DraftContent) => string }[] = [
  { what: 'in force until', text: (c) => c.validUntil ?? 'open end' },
  { what: 'review date', text: (c) => c.reviewOn ?? NONE },
  { what: 'prevailing language', text: (c) => c.prevailingLanguage },
  { what: 'authority to act', text: authorityWords },
  {
    what: 'drill cadence',
    text: (c) => (c.drillEveryDays === null ? NONE : `every ${c.drillEveryDays} days`),
  },
  {
    what: 'containment steps',
    text: (c) =>
      c.containmentSteps
        .map(({ step, by, authority }) => [step, by ?? '', authority ?? ''].filter(Boolean).join(', '))
        .join('; ') || NONE,
  },
];

export function authorityWords(
  c: Pick<DraftContent, 'authority' | 'approveWithinMinutes' | 'approveOtherwise'>,
): string {
  if (c.authority === 'approve_within')
    return `approve within ${c.approveWithinMinutes ?? '?'} minutes, then ${c.approveOtherwise}`;
  return c.authority.replaceAll('_', ' ');
}

const TERM_FIELDS: readonly {
  what: string;
  text: (term: DraftTerm, nameOf: (contactId: string) => string) => string;
}[] = [
  { what: 'window', text: (t) => windowWords(t) },
  { what: 'starts with', text: (t) => t.startEvent },
  { what: 'warns and escalates at', text: (t) => `${t.warnPercent} % and ${t.escalatePercent} %` },
  { what: 'kept when', text: (t) => t.fulfilledBy },
  { what: 'answered at least by', text: (t) => t.leastStrength ?? 'what the policy says' },
  { what: 'recipients', text: (t, nameOf) => t.recipients.map(nameOf).join(', ') || NONE },
  {
    what: 'fallbacks',
    text: (t, nameOf) =>
      t.fallbackRecipients.map((id) => fallbackWords(t, id, nameOf(id))).join(', ') || NONE,
  },
  { what: 'language', text: (t) => t.language },
  { what: 'rule', text: (t) => t.ruleVersion },
];

/** Who it is, and when they are told where that is agreed. */
export function fallbackWords(term: Pick<DraftTerm, 'rungs'>, id: string, name: string): string {
  const rung = term.rungs?.find(({ recipient }) => recipient === id);
  return rung ? `${name} after ${rungWords(rung)}` : name;
}

function change(what: string, before: string, after: string): Change[] {
  return before === after ? [] : [{ what, before, after }];
}

function summary(term: DraftTerm): string {
  return `${windowWords(term)} from ${term.startEvent}`;
}

/** What a term is called where it has no name. */
export function termName(term: Pick<DraftTerm, 'name' | 'trigger' | 'direction'>): string {
  return `${term.name ?? term.trigger}, ${term.direction === 'to_party' ? 'we tell them' : 'they tell us'}`;
}

/** The same term on both sides: by its name, else by what it is about; several alike in their order. */
function pairs(
  before: readonly DraftTerm[],
  after: readonly DraftTerm[],
): { name: string; old?: DraftTerm; fresh?: DraftTerm }[] {
  const keyed = (terms: readonly DraftTerm[]) => {
    const seen = new Map<string, number>();
    return new Map(
      terms.map((term) => {
        const base = `${term.name ?? ''}|${term.direction}|${term.trigger}|${term.category}`;
        const nth = (seen.get(base) ?? 0) + 1;
        seen.set(base, nth);
        return [`${base}|${nth}`, term] as const;
      }),
    );
  };
  const [old, fresh] = [keyed(before), keyed(after)];
  return [...new Set([...old.keys(), ...fresh.keys()])].map((key) => {
    const [was, is] = [old.get(key), fresh.get(key)];
    return {
      name: `term ${termName((is ?? was)!)}`,
      ...(was ? { old: was } : {}),
      ...(is ? { fresh: is } : {}),
    };
  });
}
