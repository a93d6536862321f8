import { HOUR, parseInstant, iso, type Millis } from '../../kernel/time.ts';
import { thresholds } from '../agreements/term.rules.ts';
import type { ClockEvent, ClockRule, Threshold } from './clock-rule.schema.ts';
import { dayIn, phaseClock, zoneOf, type ClockFacts, type PhaseClock } from './clock.rules.ts';

/** Shares of the window at which an obligation warns and escalates where its rule does not say, in per cent. */
const WARN = 50;
const ESCALATE = 80;

/** Everything that an obligation's clock was computed from, as it is kept. Instants are ISO 8601, so that people can read them. */
export interface FrozenClock {
  rule: ClockRule;
  phase: string;
  facts: Omit<ClockFacts, 'events' | 'submitted'> & {
    events: Partial<Record<ClockEvent, string>>;
    submitted: Record<string, string>;
  };
  /** Spans in which an authority's word withheld it: its clock stood still. */
  delays?: { from: string; until: string }[];
}

export function freeze(rule: ClockRule, phase: string, facts: ClockFacts): FrozenClock {
  const texts = <K extends string>(times: Readonly<Partial<Record<K, Millis>>>) =>
    Object.fromEntries(
      Object.entries<Millis | undefined>(times).flatMap(([key, at]) =>
        at === undefined ? [] : [[key, iso(at)]],
      ),
    ) as Record<K, string>;
  return { rule, phase, facts: { ...facts, events: texts(facts.events), submitted: texts(facts.submitted) } };
}

/** The clock once more, from what was kept alone: the same answer as when it was computed. */
export function recompute(frozen: FrozenClock): PhaseClock {
  const { rule, facts } = frozen;
  const phase = rule.phases.find((one) => one.phase === frozen.phase);
  if (!phase) throw new Error(`the rule ${rule.version} has no phase ${frozen.phase}`);
  return (frozen.delays ?? []).reduce(
    (clock, { from, until }) =>
      delayed(clock, zoneOf(rule, facts), parseInstant(from)!, parseInstant(until)!),
    phaseClock(rule, phase, thawed(facts)),
  );
}

/** A clock that stood still for a while: what was left of it runs on. One that had run out by then is as it was. */
export function delayed(clock: PhaseClock, zone: string, from: Millis, until: Millis): PhaseClock {
  if (clock.due === null || clock.due < from) return clock;
  const due = clock.due + Math.max(0, until - from);
  return {
    ...clock,
    due,
    dueDate: dayIn(due, zone),
    why: `${clock.why}; withheld from ${iso(from)} until ${iso(until)}`,
  };
}

/** The facts that were kept, with others in place of some of their instants. */
export function thawed(facts: FrozenClock['facts'], more: Partial<ClockFacts> = {}): ClockFacts {
  const millis = <K extends string>(times: Readonly<Partial<Record<K, string>>>) =>
    Object.fromEntries(
      Object.entries<string | undefined>(times).map(([key, text]) => [key, parseInstant(text ?? '')!]),
    ) as Record<K, Millis>;
  return { ...facts, events: millis(facts.events), submitted: millis(facts.submitted), ...more };
}

/** An instant's kind here, as the clocks of laws name what starts them. */
const EVENT_OF: Readonly<Partial<Record<string, readonly ClockEvent[]>>> = {
  suspected: ['suspicion'],
  confirmed: ['awareness'],
  detected: ['discovery'],
  determined: ['determination', 'assessment'],
  classified: ['classification'],
};

/**
 * What has started, of what is known of a case. Awareness is certainty; discovery is when somebody found it, or else when it
 * reached us: the earlier of both, since one should have known it then.
 */
export function eventsOf(
  instants: Readonly<Partial<Record<string, Millis>>>,
): Partial<Record<ClockEvent, Millis>> {
  const events: Partial<Record<ClockEvent, Millis>> = {};
  const found = [instants['detected'], instants['received']].filter((at) => at !== undefined);
  const known = { ...instants, ...(found.length > 0 ? { detected: Math.min(...found) } : {}) };
  for (const [kind, at] of Object.entries(known))
    for (const event of EVENT_OF[kind] ?? []) if (at !== undefined) events[event] = at;
  return events;
}

/** Whether a person has to say so for it to start, with a time: no instant of a case stands for it. */
export function isStartedByHand(event: ClockEvent): boolean {
  return event === 'payment' || event === 'fix' || event === 'facts-known';
}

/**
 * When an obligation's clock has something to say, as its rule says: a share of the window, or so long before its end. Both
 * lie in the window, and escalating is never before warning.
 */
export function clockTimes(
  rule: Pick<ClockRule, 'warn' | 'escalate'>,
  { startAt, due }: Pick<PhaseClock, 'startAt' | 'due'>,
): { warnAt: Millis | null; escalateAt: Millis | null } {
  if (startAt === null || due === null) return { warnAt: null, escalateAt: null };
  const at = (threshold: Threshold) =>
    typeof threshold === 'number'
      ? thresholds(startAt, due, threshold, threshold).warnAt!
      : Math.max(startAt, due - threshold.hoursLeft * HOUR);
  const warnAt = at(rule.warn ?? WARN);
  return { warnAt, escalateAt: Math.max(warnAt, at(rule.escalate ?? ESCALATE)) };
}
