import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { definitionSchema, type Definition } from './definition.schema.ts';
import { cycleIn, gateOf, graphProblems, planOf } from './plan.rules.ts';

const of = (...steps: Record<string, unknown>[]): Definition =>
  definitionSchema.parse({
    id: 'r',
    title: 'R',
    version: 1,
    steps: steps.map((step) => ({ title: 't', uses: 'no-op', ...step })),
  });
const problems = (...steps: Record<string, unknown>[]) =>
  graphProblems(of(...steps)).map((found) => found.problem);

describe('the plan of a runbook', () => {
  test('the same fan-out joins item by item; everything else is a barrier unless it names its parent', () => {
    const plan = planOf(
      of(
        { id: 'a', forEach: 'versions' },
        { id: 'b', forEach: 'versions', needs: ['a'] },
        { id: 'c', forEach: 'locations', needs: [{ step: 'a', by: 'parentKey' }] },
        { id: 'd', forEach: 'versions', needs: [{ step: 'a', all: true }] },
        { id: 'e', needs: ['b', 'c'] },
      ),
    );
    const kinds = (id: string) => plan.byId.get(id)!.needs.map((need) => need.kind);
    expect([kinds('b'), kinds('c'), kinds('d'), kinds('e')]).toEqual([
      ['item'],
      ['parent'],
      ['all'],
      ['all', 'all'],
    ]);
    expect([...plan.groups.values()].map((group) => group.map((node) => node.step.id))).toEqual([
      ['a', 'b'],
      ['c'],
      ['d'],
    ]);
    expect(gateOf(plan.byId.get('e')!)).toBe(2);
    expect(plan.byId.get('c')!.parentFact).toBe('parentKey');
  });

  test('a circle is refused with its members in the order of their needs', () => {
    const [problem] = problems(
      { id: 'a', needs: ['c'] },
      { id: 'b', needs: ['a'] },
      { id: 'c', needs: ['b'] },
    );
    expect(problem).toMatch(/circle/);
    for (const id of ['a', 'b', 'c']) expect(problem).toContain(id);
  });

  test('what cannot start is refused', () => {
    expect(
      problems({ id: 'a', onFailure: { fallback: 'f' } }, { id: 'f' }, { id: 'b', needs: ['f'] }).join(),
    ).toMatch(/"b" can never start/);
    expect(problems({ id: 'a', needs: ['ghost'] }).join()).toMatch(/no step of this runbook/);
    expect(problems({ id: 'a' }, { id: 'a' }).join()).toMatch(/used twice/);
    expect(
      problems({ id: 'a', onFailure: { fallback: 'b' } }, { id: 'b', onFailure: { fallback: 'a' } }).join(),
    ).toMatch(/lead back|ever started/);
    expect(problems({ id: 'a', forEach: 'x', onFailure: { fallback: 'b' } }, { id: 'b' }).join()).toMatch(
      /does not fan out/,
    );
    expect(problems({ id: 'a', forEach: '$steps.z.output.list' }).join()).toMatch(/is no step/);
    expect(problems({ id: 'z' }, { id: 'a', forEach: '$steps.z.output.list' }).join()).toMatch(
      /without needing it/,
    );
  });

  test('two fan-outs that are each other’s parents are refused, although no step needs itself', () => {
    const found = problems(
      { id: 'a', forEach: 'x' },
      { id: 'b', forEach: 'x', needs: ['a', { step: 'c', by: 'p' }] },
      { id: 'c', forEach: 'y', needs: [{ step: 'a', by: 'p' }] },
    );
    expect(found.join()).toMatch(/none can be planned first/);
  });

  test('a cycle is found exactly when there is one', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.array(fc.tuple(fc.nat(11), fc.nat(11)), { maxLength: 30 }),
        (count, pairs) => {
          const edges = (no: number) =>
            pairs.filter(([from, to]) => from === no && to < count).map(([, to]) => to);
          const cycle = cycleIn(count, edges);
          // Kahn's way, as the other opinion.
          const left = new Set(Array.from({ length: count }, (_, i) => i));
          for (let shrank = true; shrank;) {
            shrank = false;
            for (const no of left) {
              if (!edges(no).some((to) => left.has(to))) shrank = left.delete(no) || shrank;
            }
          }
          expect(cycle === undefined).toBe(left.size === 0);
          if (cycle) {
            cycle.forEach((no, i) => expect(edges(no)).toContain(cycle[(i + 1) % cycle.length]));
          }
        },
      ),
    );
  });
});
