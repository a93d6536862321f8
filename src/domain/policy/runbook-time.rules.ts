import { MINUTE } from '../../kernel/time.ts';
import { parseDuration, type Definition, type StepDefinition } from '../runbooks/definition.schema.ts';
import type { RunbookFacts } from './facts.schema.ts';
import { longestHours } from './window.rules.ts';

/** Time that people take: elapsed, and in days on which they work. */
interface Effort {
  minutes: number;
  businessDays: number;
  steps: readonly string[];
}

const NONE: Effort = { minutes: 0, businessDays: 0, steps: [] };
const BY_PEOPLE: ReadonlySet<string> = new Set(['manual-task', 'approval', 'await-acknowledgement']);
const SENDS = 'send-notice';
const ADDRESS = /[^\s<>"',;:()]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+/g;

/** Elapsed hours that an effort can need: its business days meet the longest weekend. */
export function worstHours(effort: { minutes: number; businessDays: number }, workingDays = 5): number {
  const days =
    effort.businessDays === 0
      ? 0
      : // Work that begins at once needs no day more, unlike a window, whose first day does not count.
        longestHours({ count: effort.businessDays, unit: 'business-days' }, workingDays) - 24;
  return days + effort.minutes / 60;
}

/**
 * What the gate has to know of a runbook: how long its people take before its notices leave, and to whom it writes by
 * itself. A step of people takes what it says (`takes`), else what it is given (`approval.within`, `dueWithin`); a step of
 * the machine takes no time worth planning with.
 */
export function runbookFacts(definition: Definition): RunbookFacts {
  const senders = definition.steps.filter((step) => step.uses === SENDS);
  const slowest = senders
    .map((step) => ({ sender: step.id, effort: effortBefore(step.id, definition) }))
    .sort((a, b) => worstHours(b.effort) - worstHours(a.effort) || (a.sender < b.sender ? -1 : 1))[0];
  return {
    id: definition.id,
    title: definition.title,
    beforeNotice: slowest
      ? { ...slowest.effort, steps: [...slowest.effort.steps], sender: slowest.sender }
      : null,
    addresses: definition.steps.flatMap((step) =>
      textsOf(step.with)
        .flatMap((text) => text.match(ADDRESS) ?? [])
        .map((address) => ({ step: step.id, address })),
    ),
  };
}

/** The slowest way to a step through what it needs. The graph has no circle: the engine refuses one. */
function effortBefore(stepId: string, definition: Definition): Effort {
  const known = new Map<string, Effort>();
  const before = (id: string, depth: number): Effort => {
    const done = known.get(id);
    const step = definition.steps.find((one) => one.id === id);
    if (done || !step || depth > definition.steps.length) return done ?? NONE;
    const slowest = step.needs
      .map((need) => through(need.step, depth + 1))
      .sort((a, b) => worstHours(b) - worstHours(a))[0];
    known.set(id, slowest ?? NONE);
    return slowest ?? NONE;
  };
  const through = (id: string, depth: number): Effort => {
    const so = before(id, depth);
    const step = definition.steps.find((one) => one.id === id);
    const own = step ? effortOf(step) : undefined;
    return own === undefined
      ? so
      : {
          minutes: so.minutes + own.minutes,
          businessDays: so.businessDays + own.businessDays,
          steps: [...so.steps, id],
        };
  };
  return before(stepId, 0);
}

function effortOf(step: StepDefinition): { minutes: number; businessDays: number } | undefined {
  if (step.takes !== undefined) {
    const days = /^(\d{1,3}) business-days?$/.exec(step.takes)?.[1];
    if (days !== undefined) return { minutes: 0, businessDays: Number(days) };
    return { minutes: (parseDuration(step.takes) ?? 0) / MINUTE, businessDays: 0 };
  }
  if (!BY_PEOPLE.has(step.uses) && !step.approval) return undefined;
  const within =
    step.approval && typeof step.approval.within === 'number' ? step.approval.within : step.dueWithin;
  return within === undefined ? undefined : { minutes: within / MINUTE, businessDays: 0 };
}

function textsOf(value: unknown, depth = 0): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null || depth > 8) return [];
  return Object.values(value).flatMap((inner) => textsOf(inner, depth + 1));
}
