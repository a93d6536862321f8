import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { classify, FAILURE_CLASSES, WIRE_FAILURES, type FailureFacts } from './failure.rules.ts';

const facts = (over: Partial<FailureFacts> = {}): FailureFacts => ({
  at: Date.UTC(2026, 10, 22, 12),
  status: 401,
  failure: null,
  actors: null,
  actorsFailing: null,
  version: null,
  ownAuthentication: null,
  control: null,
  othersOfSupplier: 0,
  ...over,
});
const version = (over: object = {}) => ({
  label: 'Key, version 1',
  named: true,
  dead: false,
  revoked: false,
  live: false,
  ...over,
});
const of = (over: Partial<FailureFacts>) => classify(facts(over)).class;

describe('a failure after a revocation', () => {
  test('is one of authentication where the version that was used is dead or revoked', () => {
    expect(of({ version: version({ dead: true }) })).toBe('authentication');
    expect(of({ status: 403, version: version({ revoked: true }) })).toBe('authentication');
    expect(of({ version: version({ dead: true }), othersOfSupplier: 5 })).toBe('authentication');
    expect(of({})).toBe('authentication');
  });

  test('is the supplier’s where it refuses what must live, or others fail with it', () => {
    expect(of({ version: version({ dead: true }), control: 'dead' })).toBe('supplier');
    expect(of({ ownAuthentication: 'dead' })).toBe('supplier');
    expect(of({ othersOfSupplier: 2 })).toBe('supplier');
    expect(of({ status: 503, othersOfSupplier: 3 })).toBe('supplier');
    expect(of({ status: null, failure: 'timeout', control: 'indeterminate' })).toBe('supplier');
    expect(of({ status: 429, ownAuthentication: 'indeterminate' })).toBe('supplier');
  });

  test('is an outage of ours where the supplier answers us all the same', () => {
    expect(of({ status: null, failure: 'connect', control: 'live' })).toBe('outage');
    expect(of({ status: null, failure: 'dns', ownAuthentication: 'live', othersOfSupplier: 4 })).toBe(
      'outage',
    );
  });

  test('is not proven to be ours by an answer: whoever gave it was reached', () => {
    expect(classify(facts({ status: 503, control: 'live' }))).toEqual({
      class: 'unclear',
      why: expect.stringContaining('the supplier answers, and not well'),
    });
    expect(of({ status: 504, ownAuthentication: 'live', othersOfSupplier: 4 })).toBe('unclear');
    expect(classify(facts({ status: 500 })).why).toContain('answers, and not well');
  });

  test('of which neither status nor failure was said is no claim, whatever else is known', () => {
    for (const known of [
      { control: 'live' as const },
      { control: 'indeterminate' as const },
      { othersOfSupplier: 5 },
    ])
      expect(classify(facts({ status: null, ...known }))).toEqual({
        class: 'unclear',
        why: expect.stringMatching(/^not said/),
      });
  });

  test('is a user’s where one of many fails and the credential lives', () => {
    const one = { actors: 40, actorsFailing: 1 };
    expect(of({ status: 403, version: version({ live: true }), ...one })).toBe('user');
    expect(of({ status: 422, ...one })).toBe('user');
    expect(of({ status: 500, control: 'live', ...one })).toBe('user');
  });

  test('weighs how many of its users fail: what is not accepted is refused to most', () => {
    const told = (actorsFailing: number, actors: number, over: Partial<FailureFacts> = {}) =>
      classify(facts({ actors, actorsFailing, ...over }));
    expect(told(1, 100)).toMatchObject({
      class: 'user',
      why: expect.stringContaining('for 1 of 100, while 99 are accepted'),
    });
    expect(told(5, 100).class).toBe('unclear');
    expect(told(1, 2).class).toBe('unclear');
    expect(told(60, 100)).toMatchObject({
      class: 'authentication',
      why: expect.stringContaining('for 60 of 100'),
    });
    expect(told(100, 100).why).toContain('for all 100');
    for (const ended of [{ dead: true }, { revoked: true }]) {
      // Who names the dead version has used it; who only may have used it has most others against him.
      expect(told(1, 100, { version: version(ended) }).class).toBe('authentication');
      const perhaps = told(1, 100, { version: version({ ...ended, named: false }) });
      expect(perhaps).toMatchObject({ class: 'unclear', why: expect.stringContaining('99 are accepted') });
      expect(told(90, 100, { version: version({ ...ended, named: false }) }).class).toBe('authentication');
    }
  });

  test('is unclear where what is known fits more than one', () => {
    expect(of({ status: 500 })).toBe('unclear');
    expect(of({ status: 403 })).toBe('unclear');
    expect(of({ status: 404, actors: 1, actorsFailing: 1 })).toBe('unclear');
    expect(of({ version: version({ live: true }) })).toBe('unclear');
    expect(of({ status: 200 })).toBe('unclear');
  });

  const anyFacts = fc.record<FailureFacts>({
    at: fc.constant(0),
    status: fc.option(fc.integer({ min: 200, max: 599 })),
    failure: fc.option(fc.constantFrom(...WIRE_FAILURES)),
    actors: fc.option(fc.integer({ min: 0, max: 5 })),
    actorsFailing: fc.option(fc.integer({ min: 0, max: 5 })),
    version: fc.option(
      fc.record({
        label: fc.constant('Key'),
        named: fc.boolean(),
        dead: fc.boolean(),
        revoked: fc.boolean(),
        live: fc.boolean(),
      }),
    ),
    ownAuthentication: fc.option(fc.constantFrom('live' as const, 'dead' as const, 'indeterminate' as const)),
    control: fc.option(fc.constantFrom('live' as const, 'dead' as const, 'indeterminate' as const)),
    othersOfSupplier: fc.integer({ min: 0, max: 4 }),
  });

  test('always has one class and a reason; authentication takes a refusal, and an outage of ours a supplier that answers', () => {
    fc.assert(
      fc.property(anyFacts, (any) => {
        const told = classify(any);
        expect(FAILURE_CLASSES).toContain(told.class);
        expect(told.why).not.toBe('');
        if (told.class === 'authentication') expect([401, 403]).toContain(any.status);
        if (told.class === 'outage') {
          expect([any.control, any.ownAuthentication]).toContain('live');
          expect(any.failure).not.toBeNull();
        }
        if (told.class === 'user') expect(any.actorsFailing).toBe(1);
      }),
    );
  });
});
