import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  endingOf,
  isSame,
  keyOfWay,
  nextWay,
  wayInUse,
  type Attempt,
  type Candidate,
  type Way,
} from './ways.rules.ts';

const connector = (id: string): Way => ({ kind: 'connector', connectionId: id, contactId: null, label: id });
const contact = (id: string): Way => ({ kind: 'contact', connectionId: null, contactId: id, label: id });
const machine = (id: string, obstacle: string | null = null): Candidate => ({
  way: connector(id),
  by: 'machine',
  obstacle,
});
const attempt = (way: Way, number: number, state: Attempt['state']): Attempt => ({
  number,
  connectionId: way.connectionId,
  contactId: way.contactId,
  state,
  reason: '',
  beganAt: 0,
});

describe('when a way is given up', () => {
  const answer = (
    outcome: Parameters<typeof endingOf>[0]['outcome'],
    failures = 0,
  ): Parameters<typeof endingOf>[0] => ({
    outcome,
    ownAuthenticationFailures: failures,
    ownAuthenticationRefused: failures > 0,
  });

  test('at once when the supplier will not; after two refusals of our own authentication; when its tries are over', () => {
    expect(endingOf(answer('rejected'), 5)).toBe('refused');
    expect(endingOf(answer('rejected', 1), 5)).toBeNull();
    expect(endingOf(answer('rejected', 2), 5)).toBe('own_authentication');
    expect(endingOf(answer('unknown'), 1)).toBeNull();
    expect(endingOf(answer('unknown'), 0)).toBe('out_of_tries');
    expect(endingOf(answer('retry'), 0)).toBe('out_of_tries');
  });

  test('never when the supplier said yes, or a person has it in hand', () => {
    for (const outcome of ['accepted', 'gone', 'manual'] as const)
      for (const left of [0, 1, 11]) expect(endingOf(answer(outcome), left)).toBeNull();
  });
});

describe('the next way', () => {
  test('machines in the order to call, then instructions, then people, then nobody', () => {
    const candidates: Candidate[] = [
      { way: contact('ann'), by: 'contact', obstacle: null },
      machine('a'),
      { way: connector('desk'), by: 'instructions', obstacle: null },
      machine('blind', 'its value is not at hand'),
      machine('b'),
    ];
    const attempts: Attempt[] = [];
    const order: string[] = [];
    for (let next = nextWay(candidates, attempts); next; next = nextWay(candidates, attempts)) {
      order.push(next.way.label);
      attempts.push(attempt(next.way, order.length, 'gave_up'));
    }
    expect(order).toEqual(['a', 'b', 'desk', 'ann']);
  });

  const candidates = fc.uniqueArray(
    fc.record({
      id: fc.integer({ min: 0, max: 30 }),
      by: fc.constantFrom('machine' as const, 'instructions' as const, 'contact' as const),
      obstacle: fc.constantFrom(null, 'not at hand'),
    }),
    { selector: (one) => one.id },
  );

  test('whatever there is: each usable way once, none twice, no person while a machine is left, and an end', () => {
    fc.assert(
      fc.property(candidates, (drawn) => {
        const all = drawn.map(({ id, by, obstacle }): Candidate => ({
          way: by === 'contact' ? contact(`${id}`) : connector(`${id}`),
          by,
          obstacle,
        }));
        const attempts: Attempt[] = [];
        const taken: Candidate[] = [];
        for (let next = nextWay(all, attempts); next; next = nextWay(all, attempts)) {
          expect(taken).not.toContain(next);
          taken.push(next);
          attempts.push(attempt(next.way, taken.length, 'gave_up'));
          expect(taken.length).toBeLessThanOrEqual(all.length);
        }
        const usable = all.filter((one) => one.by !== 'machine' || one.obstacle === null);
        expect(new Set(taken)).toEqual(new Set(usable));
        const lastMachine = taken.findLastIndex((one) => one.by === 'machine');
        expect(taken.slice(0, lastMachine + 1).every((one) => one.by === 'machine')).toBe(true);
        // Within one kind, the order to call.
        for (const by of ['machine', 'instructions', 'contact'])
          expect(taken.filter((one) => one.by === by)).toEqual(usable.filter((one) => one.by === by));
      }),
    );
  });
});

describe('the way in use', () => {
  const [a, b, ann] = [connector('a'), connector('b'), contact('ann')];

  test('is the first machine, until it gave up and another is tried', () => {
    expect(wayInUse([ann, a, b], [])).toBe(a);
    expect(wayInUse([ann, a, b], [attempt(a, 1, 'gave_up'), attempt(b, 2, 'trying')])).toBe(b);
    expect(wayInUse([ann, a], [attempt(a, 1, 'gave_up'), attempt(ann, 2, 'asked')])).toBe(ann);
    expect(wayInUse([ann], [])).toBe(ann);
    expect(wayInUse([], [])).toBeNull();
  });

  test('every way is asked under a key of its own, the same each time', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.integer({ min: 1, max: 9 }), (family, count) => {
        const keys = Array.from({ length: count }, (_, at) =>
          keyOfWay(
            family,
            at === 0
              ? []
              : [
                  ...Array.from({ length: at }, (__, n) => attempt(connector(`${n}`), n + 1, 'gave_up')),
                  attempt(connector(`${at}`), at + 1, 'trying'),
                ],
          ),
        );
        expect(keys[0]).toBe(family);
        expect(new Set(keys).size).toBe(count);
      }),
    );
  });

  test('ways are told apart by what they go through', () => {
    expect(isSame(a, connector('a'))).toBe(true);
    expect(isSame(connector('x'), contact('x'))).toBe(false);
  });
});
