import type { Definition, StepDefinition } from './definition.schema.ts';

/**
 * A definition as the engine walks it: numbered nodes with edges in both directions. Three kinds of edges:
 *
 * - `item`: both fan out over the same thing; B's item needs the item of A with the same key;
 * - `parent`: B's item names, in one of its facts, the key of the item of A that it needs;
 * - `all`: a barrier; B needs every item of A.
 *
 * Nodes that are joined by `item` edges are one group: their items are planned together, page by page.
 */
export type EdgeKind = 'item' | 'parent' | 'all';

export interface PlanNode {
  no: number;
  step: StepDefinition;
  /** Fans out: one step row for each item. */
  fan: boolean;
  /** Runs only when another step calls for it, as fallback or as compensation. */
  onDemand: boolean;
  /** Number of the first node of its group. */
  group: number;
  needs: { node: number; kind: EdgeKind }[];
  dependants: { node: number; kind: EdgeKind }[];
  /** Which item fact names the parent. */
  parentFact?: string;
  fallback?: number;
  compensate?: number;
}

export interface Plan {
  nodes: PlanNode[];
  byId: ReadonlyMap<string, PlanNode>;
  /** Group number → its nodes, roots first. */
  groups: ReadonlyMap<number, PlanNode[]>;
}

/** What is wrong with a graph: which step, and how to mend it. */
export interface GraphProblem {
  step: string;
  key: 'id' | 'needs' | 'onFailure' | 'compensate' | 'forEach';
  problem: string;
  mend: string;
}

/** The plan of a definition. Meaningful only when `graphProblems` finds nothing. */
export function planOf(definition: Definition): Plan {
  const byId = new Map<string, PlanNode>();
  const nodes = definition.steps.map((step, no): PlanNode => {
    const node: PlanNode = {
      no,
      step,
      fan: step.forEach !== undefined,
      onDemand: false,
      group: no,
      needs: [],
      dependants: [],
    };
    byId.set(step.id, node);
    return node;
  });
  for (const node of nodes) {
    for (const need of node.step.needs) {
      const needed = byId.get(need.step);
      if (!needed) continue;
      const kind: EdgeKind = need.by
        ? 'parent'
        : isItemWise(needed.step, node.step) && !need.all
          ? 'item'
          : 'all';
      node.needs.push({ node: needed.no, kind });
      needed.dependants.push({ node: node.no, kind });
      if (need.by) node.parentFact = need.by;
    }
    const { onFailure, compensate } = node.step;
    if (typeof onFailure === 'object') {
      const fallback = byId.get(onFailure.fallback);
      if (fallback) [node.fallback, fallback.onDemand] = [fallback.no, true];
    }
    const undo = compensate === undefined ? undefined : byId.get(compensate);
    if (undo) [node.compensate, undo.onDemand] = [undo.no, true];
  }
  return { nodes, byId, groups: groupsOf(nodes) };
}

function isItemWise(a: StepDefinition, b: StepDefinition): boolean {
  return a.forEach !== undefined && a.forEach === b.forEach;
}

/** Joins nodes along item edges; a group's number is that of its first node. */
function groupsOf(nodes: PlanNode[]): Map<number, PlanNode[]> {
  const leader = nodes.map((node) => node.no);
  const find = (no: number): number => (leader[no] === no ? no : (leader[no] = find(leader[no]!)));
  for (const node of nodes) {
    for (const need of node.needs) {
      if (need.kind !== 'item') continue;
      const [a, b] = [find(need.node), find(node.no)];
      leader[Math.max(a, b)] = Math.min(a, b);
    }
  }
  const groups = new Map<number, PlanNode[]>();
  for (const node of nodes) {
    node.group = find(node.no);
    if (!node.fan || node.onDemand) continue;
    const group = groups.get(node.group) ?? [];
    group.push(node);
    groups.set(node.group, group);
  }
  return groups;
}

/** How many barriers a node waits for. Its rows carry one blocker for all of them together. */
export function gateOf(node: PlanNode): number {
  return node.needs.filter((need) => need.kind === 'all').length;
}

/** The nodes of a group that no item of the group itself holds back. */
export function rootsOf(group: readonly PlanNode[]): PlanNode[] {
  return group.filter((node) => !node.needs.some((need) => need.kind === 'item'));
}

/** Every way in which a graph makes no sense. Each names the step and the mend. */
export function graphProblems(definition: Definition): GraphProblem[] {
  const problems: GraphProblem[] = [];
  const ids = definition.steps.map((step) => step.id);
  definition.steps.forEach((step, index) => {
    if (ids.indexOf(step.id) !== index) {
      problems.push({
        step: step.id,
        key: 'id',
        problem: `step id "${step.id}" is used twice`,
        mend: 'Give one of them another id.',
      });
    }
    problems.push(...needProblems(step, definition));
  });
  if (problems.length > 0) return problems;

  const plan = planOf(definition);
  const cycle = cycleIn(plan.nodes.length, (no) => plan.nodes[no]!.needs.map((need) => need.node));
  if (cycle) {
    const names = cycle.map((no) => ids[no]!);
    return [
      {
        step: names[0]!,
        key: 'needs',
        problem: `steps need each other in a circle: ${names.join(' → ')} → ${names[0]!}`,
        mend: `Remove one of these needs.`,
      },
    ];
  }
  for (const node of plan.nodes) problems.push(...onDemandProblems(node, plan));
  if (plan.nodes.every((node) => node.onDemand)) {
    problems.push({
      step: ids[0]!,
      key: 'needs',
      problem: 'no step is ever started',
      mend: 'Leave at least one step that is no fallback or compensation.',
    });
  }
  const unreachable = unreachableOf(plan);
  for (const node of unreachable) {
    problems.push({
      step: node.step.id,
      key: 'needs',
      problem: `step "${node.step.id}" can never start: it needs a step that runs only as fallback or compensation`,
      mend: 'Need the step that has the fallback instead; it counts as finished when its fallback is.',
    });
  }
  problems.push(...planningProblems(plan));
  return problems;
}

function needProblems(step: StepDefinition, definition: Definition): GraphProblem[] {
  const problems: GraphProblem[] = [];
  const add = (key: GraphProblem['key'], problem: string, mend: string) =>
    problems.push({ step: step.id, key, problem, mend });
  const of = (id: string) => definition.steps.find((other) => other.id === id);
  const seen = new Set<string>();
  for (const need of step.needs) {
    const needed = of(need.step);
    if (!needed)
      add(
        'needs',
        `needs "${need.step}", which is no step of this runbook`,
        `Name one of: ${definition.steps.map((s) => s.id).join(', ')}.`,
      );
    if (need.step === step.id) add('needs', `needs itself`, 'Remove that need.');
    if (seen.has(need.step)) add('needs', `needs "${need.step}" twice`, 'Name it once.');
    seen.add(need.step);
    if (need.by && needed && (!step.forEach || !needed.forEach)) {
      add(
        'needs',
        `needs "${need.step}" by ${need.by}, but one of them does not fan out`,
        'Give both a forEach, or drop `by`.',
      );
    }
  }
  const facts = new Set(step.needs.flatMap((need) => (need.by ? [need.by] : [])));
  if (facts.size > 1)
    add('needs', `names its parents by two facts: ${[...facts].join(', ')}`, 'Use one fact for all parents.');
  const { onFailure, compensate } = step;
  for (const [key, id] of [
    ['onFailure', typeof onFailure === 'object' ? onFailure.fallback : undefined],
    ['compensate', compensate],
  ] as const) {
    if (id === undefined) continue;
    const other = of(id);
    if (!other)
      add(
        key,
        `names "${id}", which is no step of this runbook`,
        `Name one of: ${definition.steps.map((s) => s.id).join(', ')}.`,
      );
    else if (other.forEach !== undefined && other.forEach !== step.forEach) {
      add(key, `"${id}" fans out over something else`, 'Give both the same forEach, or none to the other.');
    } else if (other.forEach === undefined && step.forEach !== undefined) {
      add(key, `"${id}" does not fan out, but this step does`, `Give "${id}" the same forEach.`);
    }
  }
  if (step.forEach?.startsWith('$')) {
    const [, root, from] = /^\$(\w+)\.([a-z0-9-]+)/.exec(step.forEach) ?? [];
    const source = root === 'steps' ? of(from!) : undefined;
    if (root !== 'steps')
      add(
        'forEach',
        `fans out over ${step.forEach}`,
        'Name a selector, or the output of an earlier step: $steps.<id>.output.<list>.',
      );
    else if (!source)
      add('forEach', `fans out over the output of "${from}", which is no step`, 'Name an earlier step.');
    else if (source.forEach)
      add(
        'forEach',
        `fans out over the output of "${from}", which itself fans out`,
        'Name a step without forEach.',
      );
    else if (!reaches(step, from!, definition))
      add('forEach', `fans out over the output of "${from}" without needing it`, `Add "${from}" to needs.`);
  }
  return problems;
}

/** Whether `step` needs `id`, directly or through others. Cycles are somebody else's report. */
function reaches(
  step: StepDefinition,
  id: string,
  definition: Definition,
  seen = new Set<string>(),
): boolean {
  if (seen.has(step.id)) return false;
  seen.add(step.id);
  return step.needs.some((need) => {
    if (need.step === id) return true;
    const next = definition.steps.find((other) => other.id === need.step);
    return next !== undefined && reaches(next, id, definition, seen);
  });
}

function onDemandProblems(node: PlanNode, plan: Plan): GraphProblem[] {
  const problems: GraphProblem[] = [];
  if (node.onDemand && node.needs.length > 0) {
    problems.push({
      step: node.step.id,
      key: 'needs',
      problem: `"${node.step.id}" runs only as fallback or compensation and has needs of its own`,
      mend: 'Remove its needs.',
    });
  }
  const seen = new Set([node.no]);
  for (let next = node.fallback; next !== undefined; next = plan.nodes[next]!.fallback) {
    if (seen.has(next)) {
      problems.push({
        step: node.step.id,
        key: 'onFailure',
        problem: 'its fallbacks lead back to it',
        mend: 'Let the last fallback halt or continue.',
      });
      break;
    }
    seen.add(next);
  }
  return problems;
}

/** Nodes that need, directly or through others, a node that starts only on demand. */
function unreachableOf(plan: Plan): PlanNode[] {
  return plan.nodes.filter((node) => node.needs.some((need) => plan.nodes[need.node]!.onDemand));
}

/**
 * A group's items are planned once its barriers are open and the items that it names as parents are planned. Where that
 * waits for the group's own steps, the run would stand still for ever although no step needs itself.
 */
function planningProblems(plan: Plan): GraphProblem[] {
  const count = plan.nodes.length;
  const planned = (node: PlanNode) => count + node.group; // vertices: 0… a node is finished, count… a group is planned
  const cycle = cycleIn(2 * count, (vertex) => {
    if (vertex < count) {
      const node = plan.nodes[vertex]!;
      return [...(node.fan ? [planned(node)] : []), ...node.needs.map((need) => need.node)];
    }
    const group = plan.groups.get(vertex - count) ?? [];
    const roots = rootsOf(group);
    const barriers = roots.some((root) => gateOf(root) === 0)
      ? []
      : roots.flatMap((root) => root.needs.filter((need) => need.kind === 'all'));
    const parents = group.flatMap((node) => node.needs.filter((need) => need.kind === 'parent'));
    return [...barriers.map((need) => need.node), ...parents.map((need) => planned(plan.nodes[need.node]!))];
  });
  if (!cycle) return [];
  const names = [...new Set(cycle.map((vertex) => plan.nodes[vertex % count]!.step.id))];
  return [
    {
      step: names[0]!,
      key: 'needs',
      problem: `the fan-outs of ${names.join(', ')} wait for each other's items, so none can be planned first`,
      mend: 'Replace one `by` with `all: true`, or give one of these steps a fan-out of its own.',
    },
  ];
}

/** One cycle of a graph along its edges, from its lowest node, or undefined. Iterative: runbooks come from outside. */
export function cycleIn(count: number, edges: (no: number) => number[]): number[] | undefined {
  const state = new Uint8Array(count); // 0 new, 1 on the path, 2 finished
  for (let start = 0; start < count; start++) {
    if (state[start] !== 0) continue;
    const path: { no: number; left: number[] }[] = [{ no: start, left: [...edges(start)] }];
    state[start] = 1;
    while (path.length > 0) {
      const top = path.at(-1)!;
      const next = top.left.pop();
      if (next === undefined) {
        state[top.no] = 2;
        path.pop();
      } else if (state[next] === 1) {
        const from = path.findIndex((entry) => entry.no === next);
        const ring = path.slice(from).map((entry) => entry.no);
        const first = ring.indexOf(Math.min(...ring));
        return [...ring.slice(first), ...ring.slice(0, first)];
      } else if (state[next] === 0) {
        state[next] = 1;
        path.push({ no: next, left: [...edges(next)] });
      }
    }
  }
  return undefined;
}
