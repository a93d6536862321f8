import type { Id } from '../../kernel/ids.ts';

export const INCIDENT_STATES = [
  'reported',
  'triage',
  'containing',
  'contained',
  'recovering',
  'closed',
  'dismissed',
] as const;
export type IncidentState = (typeof INCIDENT_STATES)[number];

/**
 * What may happen to an incident. `look`: a person has to judge before anything is done. `contain`: something is being
 * done. `prove`: everything is proven dead and gone. `revive`: something lives again, or something more was exposed.
 */
export const INCIDENT_EVENTS = ['look', 'contain', 'prove', 'revive', 'recover', 'close', 'dismiss'] as const;
export type IncidentEvent = (typeof INCIDENT_EVENTS)[number];

/** The whole life of an incident. What is not here does not happen. */
export const TRANSITIONS: Readonly<Record<IncidentState, Partial<Record<IncidentEvent, IncidentState>>>> = {
  reported: { look: 'triage', contain: 'containing', dismiss: 'dismissed' },
  triage: { contain: 'containing', dismiss: 'dismissed' },
  containing: { prove: 'contained', close: 'closed', dismiss: 'dismissed' },
  contained: { recover: 'recovering', revive: 'containing', close: 'closed' },
  recovering: { revive: 'containing', close: 'closed' },
  closed: { revive: 'containing' },
  dismissed: {},
};

/** The next state, or undefined where the event does not happen in this one. */
export function transition(state: IncidentState, event: IncidentEvent): IncidentState | undefined {
  return TRANSITIONS[state][event];
}

/** Whether further exposures of the same credential or place still join. */
export function isOpen(state: IncidentState): boolean {
  return state !== 'closed' && state !== 'dismissed';
}

/** What was done about one exposed version, as far as it is on record. */
export interface DoneAbout {
  /** As people call it. */
  label: string;
  revocation: 'none' | 'requested' | 'accepted' | 'rejected';
  /** Whether a revocation left the house. What only waits for a person to do it did not. */
  sent: boolean;
  /** A person signed that they did it. */
  signed: 'revoked' | 'replaced' | null;
}

/** The act that makes a dismissal impossible, in words; null: nothing has happened to the credential. */
export function actOn(one: DoneAbout): string | null {
  if (one.revocation === 'accepted') return `${one.label} was revoked at its supplier`;
  if (one.signed !== null) return `somebody signed that ${one.label} was ${one.signed}`;
  if (one.revocation === 'requested' && one.sent)
    return `the revocation of ${one.label} was sent, and whether it happened is not known`;
  return null;
}

export type Severity = 'low' | 'medium' | 'high' | 'critical';

export interface SeverityFacts {
  production: boolean;
  /** 1 is the riskiest. */
  riskTier: number;
  publiclyLeaked: boolean;
  match: 'value' | 'metadata';
}

/** The worst of what is exposed decides. */
export function severityOf(exposed: readonly SeverityFacts[]): Severity {
  const ranks = exposed.map(({ production, riskTier, publiclyLeaked, match }) => {
    if (match === 'metadata') return publiclyLeaked && production ? 2 : 1;
    if (!production) return publiclyLeaked ? 2 : 1;
    return publiclyLeaked || riskTier === 1 ? 3 : 2;
  });
  return (['low', 'medium', 'high', 'critical'] as const)[Math.max(0, ...ranks)]!;
}

/** An exposure on its way into an incident. */
export interface Arriving {
  exposureId: Id;
  credentialIds: readonly Id[];
  place: string | null;
}

/** Where incidents are open already. */
export interface OpenIncidents {
  byCredential: ReadonlyMap<Id, Id>;
  byPlace: ReadonlyMap<string, Id>;
}

/** The incident that an exposure joins; null: the one that this batch opens. */
export type Assignment = ReadonlyMap<Id, Id | null>;

/**
 * Puts each exposure of a batch into exactly one incident. The same credential comes first, the same place second (also a
 * place that only now joined an incident), and everything left over belongs together: it arrived together.
 */
export function assign(arriving: readonly Arriving[], open: OpenIncidents): Assignment {
  const credentials = new Map(open.byCredential);
  const places = new Map(open.byPlace);
  const assigned = new Map<Id, Id | null>();
  let waiting = arriving;
  for (;;) {
    const left: Arriving[] = [];
    for (const one of waiting) {
      const known = one.credentialIds
        .map((id) => credentials.get(id))
        .find((incident) => incident !== undefined);
      const incident = known ?? (one.place === null ? undefined : places.get(one.place));
      if (incident === undefined) {
        left.push(one);
        continue;
      }
      assigned.set(one.exposureId, incident);
      if (one.place !== null && !places.has(one.place)) places.set(one.place, incident);
      for (const id of one.credentialIds) if (!credentials.has(id)) credentials.set(id, incident);
    }
    if (left.length === waiting.length) break;
    waiting = left;
  }
  for (const one of waiting) assigned.set(one.exposureId, null);
  return assigned;
}

/** "Stripe live key and 11 more" */
export function titleOf(names: readonly string[], place: string | null, order?: string): string {
  const [first = 'a credential', ...rest] = names;
  const what = rest.length === 0 ? first : `${first} and ${rest.length} more`;
  if (order !== undefined) return `${order}: revocation of ${what}`.slice(0, 300);
  return `Leak of ${what}${place === null ? '' : ` at ${place}`}`.slice(0, 300);
}
