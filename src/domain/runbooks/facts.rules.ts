import type { Id } from '../../kernel/ids.ts';
import type { SelectedItem, Subject } from './action.ts';
import type { Condition } from './definition.schema.ts';

/** What a step may refer to. */
export interface Facts {
  item?: SelectedItem;
  input: Readonly<Record<string, unknown>>;
  /** Outputs of finished steps, by step id. */
  steps: Readonly<Record<string, unknown>>;
  subject: Subject;
  run: { id: Id };
}

/** A `$path` text of a definition. A literal text that begins with a dollar is written `$$…`. */
export function isReference(value: unknown): value is string {
  return typeof value === 'string' && value.startsWith('$') && !value.startsWith('$$');
}

/**
 * The value that a path names, or undefined. `item.key`, `item.label` and `item.subject.id` are the item's own; any other
 * `item.x` is its fact x. Own properties only: no path reaches a prototype.
 */
export function lookUp(path: string, facts: Facts): unknown {
  const [root, ...rest] = path.replace(/^\$/, '').split('.');
  switch (root) {
    case 'item': {
      if (!facts.item) return undefined;
      const own = ['key', 'label', 'subject', 'lane', 'priority'].includes(rest[0] ?? '');
      return walk(own ? facts.item : facts.item.facts, rest);
    }
    case 'input':
      return walk(facts.input, rest);
    case 'subject':
      return walk(facts.subject, rest);
    case 'run':
      return walk(facts.run, rest);
    case 'steps': {
      const [step, output, ...inside] = rest;
      return output === 'output' ? walk(walk(facts.steps, [step!]), inside) : undefined;
    }
    default:
      return undefined;
  }
}

function walk(from: unknown, path: readonly string[]): unknown {
  let at = from;
  for (const name of path) {
    if (at === null || typeof at !== 'object' || !Object.hasOwn(at, name)) return undefined;
    at = (at as Record<string, unknown>)[name];
  }
  return at;
}

/** Whether a step runs. All conditions must hold; a fact that is absent equals nothing, and null does not exist. */
export function holds(conditions: readonly Condition[], facts: Facts): boolean {
  return conditions.every((condition) => {
    const value = lookUp(condition.fact, facts);
    if ('exists' in condition) return (value !== undefined && value !== null) === condition.exists;
    if ('equals' in condition) return (value ?? null) === condition.equals;
    return condition.in.some((one) => one === (value ?? null));
  });
}

/**
 * Whether a step will not run whatever the steps before it bring: one of its conditions does not hold, and is not about
 * their outputs.
 */
export function neverHolds(conditions: readonly Condition[], facts: Omit<Facts, 'steps'>): boolean {
  const known = conditions.filter(({ fact }) => !/^\$?steps\./.test(fact));
  return !holds(known, { ...facts, steps: {} });
}

/** Why a step that does not apply is skipped. */
export function skippedBecause(conditions: readonly Condition[]): string {
  return `does not apply: not (${conditionText(conditions)})`;
}

/** The conditions in words, for the reason of a skipped step. */
function conditionText(conditions: readonly Condition[]): string {
  return conditions
    .map((c) => {
      if ('exists' in c) return `${c.fact} ${c.exists ? 'is there' : 'is absent'}`;
      return 'equals' in c
        ? `${c.fact} is ${String(c.equals)}`
        : `${c.fact} is one of ${c.in.map(String).join(', ')}`;
    })
    .join(' and ');
}

/** `with` as the action gets it: references replaced by their values; a reference to nothing leaves its key out. */
export function resolveWith(value: unknown, facts: Facts): unknown {
  if (isReference(value)) return lookUp(value, facts);
  if (typeof value === 'string') return value.startsWith('$$') ? value.slice(1) : value;
  if (Array.isArray(value)) return value.map((one) => resolveWith(one, facts));
  if (value === null || typeof value !== 'object') return value;
  const resolved: Record<string, unknown> = {};
  for (const [key, one] of Object.entries(value)) {
    const inner = resolveWith(one, facts);
    if (inner !== undefined) resolved[key] = inner;
  }
  return resolved;
}

/** Every reference inside a `with`, with the path of keys that leads to it. */
export function referencesIn(
  value: unknown,
  at: (string | number)[] = [],
): { at: (string | number)[]; path: string }[] {
  if (isReference(value)) return [{ at, path: value.slice(1) }];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, one]) =>
    referencesIn(one, [...at, Array.isArray(value) ? Number(key) : key]),
  );
}
