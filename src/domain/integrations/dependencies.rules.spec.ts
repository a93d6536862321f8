import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { circlesIn } from './dependencies.rules.ts';

const edge = fc.tuple(fc.integer({ min: 0, max: 7 }), fc.integer({ min: 0, max: 7 }));

describe('circles', () => {
  test('each one is a way along the edges from a node back to itself', () => {
    fc.assert(
      fc.property(fc.array(edge, { maxLength: 20 }), (edges) => {
        for (const [node, { way, size }] of circlesIn(edges)) {
          const circle = way ?? [];
          expect(circle.length).toBeLessThanOrEqual(size);
          expect(circle[0]).toBe(node);
          for (const [at, from] of circle.entries()) {
            const to = circle[(at + 1) % circle.length];
            expect(edges.some(([a, b]) => a === from && b === to)).toBe(true);
          }
        }
      }),
    );
  });

  test('all are found: a node is named exactly when it can reach itself', () => {
    fc.assert(
      fc.property(fc.array(edge, { maxLength: 20 }), (edges) => {
        const reaches = (start: number) => {
          const seen = new Set<number>();
          const queue = [start];
          while (queue.length > 0) {
            const node = queue.pop();
            for (const [from, to] of edges) {
              if (from !== node || seen.has(to)) continue;
              if (to === start) return true;
              seen.add(to);
              queue.push(to);
            }
          }
          return false;
        };
        const found = circlesIn(edges);
        for (let node = 0; node <= 7; node++)
          expect({ node, found: found.has(node) }).toEqual({ node, found: reaches(node) });
      }),
    );
  });

  test('a chain as long as a portfolio is no circle, and none is too deep', () => {
    const chain = Array.from({ length: 100_000 }, (_, at) => [at, at + 1] as const);
    expect(circlesIn(chain).size).toBe(0);
    const knot = circlesIn([...chain, [100_000, 0] as const]);
    expect(knot.size).toBe(100_001);
    expect(knot.get(0)).toEqual({ size: 100_001, way: null });
  });
});
