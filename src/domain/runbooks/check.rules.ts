import type { z } from 'zod';
import type { FieldProblem } from '../../kernel/errors.ts';
import type { Action } from './action.ts';
import type { StepDefinition } from './definition.schema.ts';
import type { Parsed } from './definition.rules.ts';
import { referencesIn } from './facts.rules.ts';
import { graphProblems } from './plan.rules.ts';
import { REQUEST } from './separation.rules.ts';

/** What is installed, as far as a runbook can name it. */
export interface Installed {
  action(name: string): Pick<Action, 'with' | 'waitsFor'> | undefined;
  actionNames(): string[];
  hasSelector(name: string): boolean;
  selectorNames(): string[];
}

/**
 * Whether a runbook can run here: its graph is sound, its actions and selectors are installed, its values fit the actions'
 * schemas, and whatever may wait for long has a deadline and an owner. A draft is checked for its graph alone.
 */
export function checkDefinition(parsed: Parsed, file: string, installed: Installed): FieldProblem[] {
  const { definition, lineOf } = parsed;
  const problems: FieldProblem[] = graphProblems(definition).map((found) => ({
    field: `${file}: step ${found.step}, ${found.key}`,
    problem: found.problem,
    mend: found.mend,
    line: lineOf(found.step, found.key),
  }));
  if (definition.draft) return problems;
  for (const step of definition.steps) {
    for (const [key, problem, mend] of stepProblems(
      step,
      installed,
      new Set(definition.steps.map((s) => s.id)),
    )) {
      problems.push({ field: `${file}: step ${step.id}, ${key}`, problem, mend, line: lineOf(step.id, key) });
    }
  }
  const [acts, apart] = [definition.steps.map(({ act }) => act), (definition.separation ?? []).flat()];
  for (const act of new Set(apart)) {
    if (act === REQUEST || acts.includes(act)) continue;
    problems.push({
      field: `${file}: separation`,
      problem: `keeps "${act}" apart, which no step plays`,
      mend: 'Write the act of a step, or request.',
      line: lineOf(definition.steps[0]!.id),
    });
  }
  for (const { id, act } of definition.steps) {
    if (act === undefined || apart.includes(act)) continue;
    problems.push({
      field: `${file}: step ${id}, act`,
      problem: `plays "${act}", which separation keeps apart from nothing`,
      mend: 'Name it in separation, or remove it.',
      line: lineOf(id, 'act'),
    });
  }
  return problems;
}

type Found = [key: string, problem: string, mend: string];

/** What is wrong with one step, its place in the graph apart. Also used for a step that a person adds to a run. */
export function stepProblems(
  step: Omit<StepDefinition, 'needs' | 'when'> & Partial<StepDefinition>,
  installed: Installed,
  steps: ReadonlySet<string>,
): Found[] {
  const found: Found[] = [];
  const action = installed.action(step.uses);
  if (!action) {
    return [
      [
        'uses',
        `uses the action "${step.uses}", which is not installed`,
        `Use one of: ${installed.actionNames().join(', ')}.`,
      ],
    ];
  }
  if (step.forEach && !step.forEach.startsWith('$') && !installed.hasSelector(step.forEach)) {
    found.push([
      'forEach',
      `fans out over "${step.forEach}", which is no installed selector`,
      `Use one of: ${installed.selectorNames().join(', ')}.`,
    ]);
  }
  const references = referencesIn(step.with);
  for (const issue of withIssues(
    action.with,
    step.with,
    references.map((reference) => reference.at),
  )) {
    found.push([
      'with',
      `with.${issue.path.map(String).join('.')}: ${issue.message}`,
      `Write what the action "${step.uses}" takes.`,
    ]);
  }
  const paths = [
    ...references.map((reference) => reference.path),
    ...(step.when ?? []).map((condition) => condition.fact),
  ];
  for (const path of paths) {
    const [root, name] = path.split('.');
    if (root === 'item' && !step.forEach)
      found.push([
        'with',
        `refers to ${path}, but the step does not fan out`,
        'Add a forEach, or use input or steps.',
      ]);
    if (root === 'steps' && !(step.needs ?? []).some((need) => need.step === name)) {
      const mend = steps.has(name!) ? `Add "${name!}" to needs.` : 'Name a step of this runbook.';
      found.push(['with', `refers to ${path}, but does not need the step "${name!}"`, mend]);
    }
  }
  const waits = action.waitsFor ?? (step.approval ? 'person' : undefined);
  if (waits && !step.owner)
    found.push([
      'owner',
      `waits for ${waitText(waits)} and has no owner`,
      'Add `owner:` with the role that looks after it.',
    ]);
  if (waits && step.dueWithin === undefined && !step.approval) {
    found.push([
      'dueWithin',
      `waits for ${waitText(waits)} and has no deadline`,
      'Add `dueWithin:`, e.g. 4h.',
    ]);
  }
  if (step.uses === 'approval' && !step.approval) {
    found.push([
      'approval',
      'asks for approval without saying whose',
      'Add `approval:` with roles, quorum and within.',
    ]);
  }
  if (step.warnAfter !== undefined && step.dueWithin !== undefined && step.warnAfter >= step.dueWithin) {
    found.push([
      'warnAfter',
      'warns after the step is already overdue',
      'Make warnAfter shorter than dueWithin.',
    ]);
  }
  return found;
}

const waitText = (waits: 'person' | 'time') => (waits === 'person' ? 'a person' : 'something outside');

/** What the action's schema says of `with`, leaving out what only the run will know. */
function withIssues(
  schema: z.ZodType,
  value: unknown,
  references: (string | number)[][],
): z.core.$ZodIssue[] {
  const parsed = schema.safeParse(value);
  if (parsed.success) return [];
  const starts = (path: readonly PropertyKey[], with_: readonly PropertyKey[]) =>
    with_.every((key, i) => path[i] === key);
  return parsed.error.issues.filter(
    (issue) =>
      !references.some(
        (at) => starts(issue.path, at) || (issue.code === 'invalid_union' && starts(at, issue.path)),
      ),
  );
}
