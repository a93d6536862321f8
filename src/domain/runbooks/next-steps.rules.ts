import type { Id } from '../../kernel/ids.ts';
import type { Plan, PlanNode } from './plan.rules.ts';
import type { StepState } from './step.rules.ts';

/** A step that stopped holding others back. */
export interface Closing {
  runId: Id;
  node: number;
  itemKey: string;
  /** Nodes for whose step of the same item it stood in as a fallback. */
  covers: readonly number[];
  /** true: what needs it goes on; false: what needs it is cancelled. */
  passed: boolean;
}

/** Steps of `node` whose item (or, for parents, whose parent) has `key` lose one blocker, or are cancelled. */
export interface Release {
  runId: Id;
  node: number;
  by: 'item' | 'parent';
  key: string;
  passed: boolean;
}

/** How much a node's counters move. */
export interface NodeDelta {
  runId: Id;
  node: number;
  open: number;
  barred: boolean;
}

/**
 * What follows from steps that closed: which single steps are released or cancelled, and how the counters of the nodes
 * move. Reads only the plan, so its cost is that of the closings and not of the run.
 */
export function nextSteps(
  planFor: (runId: Id) => Plan,
  closings: readonly Closing[],
): { releases: Release[]; deltas: NodeDelta[] } {
  const releases: Release[] = [];
  const deltas = new Map<string, NodeDelta>();
  for (const closing of closings) {
    const plan = planFor(closing.runId);
    for (const no of [closing.node, ...closing.covers]) {
      const key = `${closing.runId}:${no}`;
      const delta = deltas.get(key) ?? { runId: closing.runId, node: no, open: 0, barred: false };
      delta.open -= 1;
      delta.barred ||= !closing.passed;
      deltas.set(key, delta);
      // A step that a person added stands in no plan and nothing needs it.
      for (const { node, kind } of plan.nodes[no]?.dependants ?? []) {
        if (kind === 'all') continue; // those wait for the node as a whole
        releases.push({ runId: closing.runId, node, by: kind, key: closing.itemKey, passed: closing.passed });
      }
    }
  }
  return { releases, deltas: [...deltas.values()] };
}

/** The barriers that a closed node opens: each node that needs all of it, once for each such need. */
export function gatesOpenedBy(plan: Plan, no: number): PlanNode[] {
  return (plan.nodes[no]?.dependants ?? [])
    .filter((edge) => edge.kind === 'all')
    .map((edge) => plan.nodes[edge.node]!);
}

/** How a planned row starts. */
export interface FirstState {
  node: number;
  state: Extract<StepState, 'pending' | 'ready' | 'cancelled'>;
  blockers: number;
  /** One of the blockers is the node's barrier. */
  gated: boolean;
}

/**
 * The first states of one item's steps in a group.
 *
 * @param gates    of each node that still has a barrier closed: 'closed', or 'barred' when what it needs has failed
 * @param parents  how the item's parent stands at each needed node: 'open', 'passed' or 'barred'; absent: there is none,
 *                 and nothing to wait for
 */
export function firstStates(
  group: readonly PlanNode[],
  gates: ReadonlyMap<number, 'closed' | 'barred'>,
  parents: ReadonlyMap<number, 'open' | 'passed' | 'barred'>,
): FirstState[] {
  const states = new Map<number, FirstState>();
  const visit = (node: PlanNode): FirstState => {
    const known = states.get(node.no);
    if (known) return known;
    let blockers = 0;
    let barred = gates.get(node.no) === 'barred';
    for (const need of node.needs) {
      if (need.kind === 'item') {
        if (visit(group.find((other) => other.no === need.node)!).state === 'cancelled') barred = true;
        blockers += 1;
      } else if (need.kind === 'parent') {
        const parent = parents.get(need.node);
        if (parent === 'barred') barred = true;
        if (parent === 'open') blockers += 1;
      }
    }
    const gated = gates.get(node.no) === 'closed';
    if (gated) blockers += 1;
    const state = barred ? 'cancelled' : blockers === 0 ? 'ready' : 'pending';
    const first: FirstState = {
      node: node.no,
      state,
      blockers: barred ? 0 : blockers,
      gated: gated && !barred,
    };
    states.set(node.no, first);
    return first;
  };
  return group.map(visit);
}
