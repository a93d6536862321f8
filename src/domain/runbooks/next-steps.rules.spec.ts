import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { definitionSchema } from './definition.schema.ts';
import { firstStates, gatesOpenedBy, nextSteps, type Closing } from './next-steps.rules.ts';
import { gateOf, graphProblems, planOf, rootsOf, type Plan } from './plan.rules.ts';

interface Row {
  node: number;
  key: string;
  parent: string | null;
  state: string;
  blockers: number;
  gated: boolean;
}

/**
 * An engine in memory, with the same rules and the same counters as the one on Postgres: whatever order steps finish in,
 * all of them end, and none runs before what it needs.
 */
function execute(
  plan: Plan,
  items: Record<string, { key: string; parent: string | null }[]>,
  pick: () => number,
  fails: (row: Row) => boolean,
) {
  const rows: Row[] = [];
  const nodes = plan.nodes.map((node) => ({
    gate: gateOf(node),
    planned: !node.fan,
    closed: false,
    open: node.fan ? 0 : 1,
    barred: false,
    gateBarred: false,
  }));
  for (const node of plan.nodes) {
    if (!node.fan)
      rows.push({
        node: node.no,
        key: '',
        parent: null,
        state: gateOf(node) ? 'pending' : 'ready',
        blockers: gateOf(node) ? 1 : 0,
        gated: gateOf(node) > 0,
      });
  }
  const ran: Row[] = [];
  const ended = new Map<string, boolean>();
  const end = (row: Row, state: string, passed: boolean) => {
    row.state = state;
    ended.set(`${row.node}:${row.key}`, passed);
    close([{ runId: 'r', node: row.node, itemKey: row.key, covers: [], passed }]);
  };
  const close = (closings: Closing[]) => {
    const { releases, deltas } = nextSteps(() => plan, closings);
    for (const delta of deltas) {
      nodes[delta.node]!.open += delta.open;
      nodes[delta.node]!.barred ||= delta.barred;
    }
    for (const release of releases) {
      for (const row of rows.filter(
        (r) =>
          r.node === release.node &&
          (release.by === 'item' ? r.key : r.parent) === release.key &&
          r.state === 'pending',
      )) {
        if (!release.passed) end(row, 'cancelled', false);
        else if (--row.blockers === 0) row.state = 'ready';
      }
    }
    settleNodes();
  };
  const settleNodes = () => {
    for (const [no, node] of nodes.entries()) {
      if (node.closed || !node.planned || node.open > 0) continue;
      node.closed = true;
      for (const next of gatesOpenedBy(plan, no)) {
        const other = nodes[next.no]!;
        other.gate -= 1;
        other.gateBarred ||= node.barred;
        if (other.gate > 0) continue;
        for (const row of rows.filter((r) => r.node === next.no && r.gated && r.state === 'pending')) {
          row.gated = false;
          if (other.gateBarred) end(row, 'cancelled', false);
          else if (--row.blockers === 0) row.state = 'ready';
        }
      }
    }
  };
  const planPage = (): boolean => {
    for (const group of plan.groups.values()) {
      if (nodes[group[0]!.no]!.planned) continue;
      if (!rootsOf(group).some((root) => nodes[root.no]!.gate === 0)) continue;
      const parentsReady = group.every((node) =>
        node.needs.every((need) => need.kind !== 'parent' || nodes[need.node]!.planned),
      );
      if (!parentsReady) continue;
      for (const item of items[group[0]!.step.forEach!] ?? []) {
        const gates = new Map(
          group.flatMap((n): [number, 'closed' | 'barred'][] => {
            const at = nodes[n.no]!;
            return at.gate > 0 ? [[n.no, 'closed']] : at.gateBarred ? [[n.no, 'barred']] : [];
          }),
        );
        const parents = new Map(
          group
            .flatMap((n) => n.needs.filter((need) => need.kind === 'parent'))
            .flatMap((need): [number, 'open' | 'passed' | 'barred'][] => {
              const parent = rows.find((r) => r.node === need.node && r.key === item.parent);
              if (!parent) return [];
              const passed = ended.get(`${parent.node}:${parent.key}`);
              return [[need.node, passed === undefined ? 'open' : passed ? 'passed' : 'barred']];
            }),
        );
        const cancelled: Row[] = [];
        for (const first of firstStates(group, gates, parents)) {
          const row: Row = {
            node: first.node,
            key: item.key,
            parent: item.parent,
            state: first.state,
            blockers: first.blockers,
            gated: first.gated,
          };
          rows.push(row);
          nodes[first.node]!.open += 1;
          if (first.state === 'cancelled') cancelled.push(row);
        }
        for (const row of cancelled) end(row, 'cancelled', false);
      }
      for (const node of group) nodes[node.no]!.planned = true;
      settleNodes();
      return true;
    }
    return false;
  };
  for (let guard = 0; guard < 10_000; guard++) {
    const ready = rows.filter((row) => row.state === 'ready');
    if (ready.length === 0 || pick() % 3 === 0) {
      if (planPage()) continue;
      if (ready.length === 0) break;
    }
    const row = ready[pick() % ready.length]!;
    ran.push(row);
    if (fails(row)) end(row, 'failed', false);
    else end(row, 'done', true);
  }
  return { rows, nodes, ran };
}

const graphs = fc
  .array(
    fc.record({
      fan: fc.constantFrom(null, 'x', 'y'),
      needs: fc.array(fc.nat(9), { maxLength: 3 }),
      all: fc.boolean(),
      by: fc.boolean(),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((shapes) =>
    definitionSchema.parse({
      id: 'r',
      title: 'R',
      version: 1,
      steps: shapes.map((shape, i) => ({
        id: `s${i}`,
        title: 't',
        uses: 'no-op',
        ...(shape.fan ? { forEach: shape.fan } : {}),
        needs: [...new Set(shape.needs.map((n) => n % (i || 1)))]
          .filter((n) => n < i)
          .map((n) => {
            const bothFan = shape.fan && shapes[n]!.fan;
            return bothFan && shape.by && shape.fan !== shapes[n]!.fan
              ? { step: `s${n}`, by: 'p' }
              : { step: `s${n}`, all: shape.all };
          }),
      })),
    }),
  )
  .filter((definition) => graphProblems(definition).length === 0);

const items = {
  x: [
    { key: 'x1', parent: 'y1' },
    { key: 'x2', parent: 'y2' },
    { key: 'x3', parent: 'gone' },
  ],
  y: [
    { key: 'y1', parent: 'x1' },
    { key: 'y2', parent: 'x1' },
  ],
};

describe('what follows from steps that closed', () => {
  test('in any graph and any order every step ends, and none runs before what it needs', () => {
    fc.assert(
      fc.property(graphs, fc.infiniteStream(fc.nat(1000)), (definition, stream) => {
        const plan = planOf(definition);
        const { rows, nodes, ran } = execute(
          plan,
          items,
          () => stream.next().value as number,
          () => false,
        );
        expect(nodes.every((node) => node.closed && node.open === 0)).toBe(true);
        expect(rows.every((row) => row.state === 'done')).toBe(true);
        expect(ran.length).toBe(rows.length);
        const at = new Map(ran.map((row, i) => [`${row.node}:${row.key}`, i]));
        for (const row of ran) {
          for (const need of plan.nodes[row.node]!.needs) {
            const before =
              need.kind === 'item'
                ? [row.key]
                : need.kind === 'parent'
                  ? [row.parent ?? '']
                  : rows.filter((r) => r.node === need.node).map((r) => r.key);
            for (const key of before)
              expect(at.get(`${need.node}:${key}`) ?? -1).toBeLessThan(at.get(`${row.node}:${row.key}`)!);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test('where steps fail, only what needs them is cancelled, and still everything ends', () => {
    fc.assert(
      fc.property(graphs, fc.infiniteStream(fc.nat(1000)), fc.nat(7), (definition, stream, bad) => {
        const plan = planOf(definition);
        const { rows, nodes } = execute(
          plan,
          items,
          () => stream.next().value as number,
          (row) => row.node === bad && row.key !== 'x2',
        );
        expect(nodes.every((node) => node.closed && node.open === 0)).toBe(true);
        for (const row of rows) {
          const hurt = (r: Row): boolean => r.state === 'failed' || r.state === 'cancelled';
          const needsHurt = plan.nodes[row.node]!.needs.some((need) =>
            rows.some(
              (r) =>
                r.node === need.node &&
                hurt(r) &&
                (need.kind === 'all' || r.key === (need.kind === 'item' ? row.key : row.parent)),
            ),
          );
          expect(row.state === 'cancelled').toBe(needsHurt);
        }
      }),
      { numRuns: 300 },
    );
  });
});
