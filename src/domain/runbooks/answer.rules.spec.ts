import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { StepAnswer } from './action.ts';
import { backoff, settledByPerson, settlementOf, understand } from './answer.rules.ts';
import { DEFAULT_RETRY, type StepDefinition } from './definition.schema.ts';
import { FINAL, mayBecome } from './step.rules.ts';

const NOW = 1_800_000_000_000;
const halt = { onFailure: 'halt', owner: 'responder' } as const;
const fresh = { failures: 0, takenOver: false };

const answers: fc.Arbitrary<StepAnswer> = fc.oneof(
  fc.constant<StepAnswer>({ answer: 'done' }),
  fc.record({ answer: fc.constant('waiting' as const), until: fc.double(), forWhat: fc.string() }),
  fc.record({ answer: fc.constant('parked' as const), forWhat: fc.string() }),
  fc.record({ answer: fc.constant('retry' as const), reason: fc.string() }),
  fc.record({ answer: fc.constant('failed' as const), reason: fc.string() }),
  fc.record({ answer: fc.constant('skipped' as const), reason: fc.string() }),
  fc.record({ answer: fc.constant('unknown' as const), reason: fc.string() }),
);
const failures = fc.constantFrom<StepDefinition['onFailure']>('halt', 'continue', { fallback: 'other' });

describe('what an answer makes of a step', () => {
  test('every answer leads to an allowed state that says who or what moves it next', () => {
    fc.assert(
      fc.property(
        answers,
        failures,
        fc.nat(99),
        fc.integer({ min: 1, max: 100 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (answer, onFailure, before, attempts, random) => {
          const policy = { onFailure, retry: { ...DEFAULT_RETRY, attempts } };
          const next = settlementOf(answer, { failures: before, takenOver: false }, policy, NOW, random);
          expect(mayBecome('running', next.state)).toBe(true);
          // Nothing is dropped: it ended and lets others go, or a fallback, an instant or a person moves it.
          if (FINAL.has(next.state)) expect(next.passed === true || next.fallback).toBe(true);
          else if (next.state === 'parked') expect(next.forWhat).not.toBeNull();
          else expect(next.wakeAt).toBeGreaterThanOrEqual(NOW);
          expect(next.failures - before).toBe(
            answer.answer === 'retry' || answer.answer === 'unknown' ? 1 : 0,
          );
        },
      ),
    );
  });

  test('another way: at once, in its lane, with all its tries, and still with a probe first after a lost answer', () => {
    const standing = { failures: 11, takenOver: true };
    const next = settlementOf(
      { answer: 'retry', reason: 'the first way gave up', otherWay: { lane: 'second' } },
      standing,
      { ...halt, retry: { ...DEFAULT_RETRY, attempts: 12 } },
      NOW,
      0.5,
    );
    expect(next).toMatchObject({
      state: 'waiting',
      wakeAt: NOW,
      failures: 0,
      lane: 'second',
      takenOver: true,
      passed: null,
    });
  });

  test('an unknown outcome is asked again with a probe first, and never becomes a failure that others step over', () => {
    const policy = { onFailure: 'continue', retry: { ...DEFAULT_RETRY, attempts: 2 } } as const;
    const first = settlementOf({ answer: 'unknown', reason: 'no response' }, fresh, policy, NOW, 0.5);
    expect(first).toMatchObject({ state: 'unknown', takenOver: true, passed: null, wakeAt: NOW + 1000 });
    const second = settlementOf({ answer: 'unknown', reason: 'no response' }, first, policy, NOW, 0.5);
    expect(second).toMatchObject({ state: 'parked', passed: null });
  });

  test('out of tries: parked, or passed over, or handed to the fallback', () => {
    const last = { failures: 4, takenOver: false };
    const retry: StepAnswer = { answer: 'retry', reason: '503' };
    expect(settlementOf(retry, last, halt, NOW, 0)).toMatchObject({
      state: 'parked',
      ownerRole: 'responder',
      reason: 'out of tries (5): 503',
    });
    expect(settlementOf(retry, last, { onFailure: 'continue' }, NOW, 0)).toMatchObject({
      state: 'failed',
      passed: true,
    });
    expect(settlementOf(retry, last, { onFailure: { fallback: 'x' } }, NOW, 0)).toMatchObject({
      state: 'failed',
      passed: null,
      fallback: true,
    });
  });

  test('the supplier’s retry-after is honoured when it is longer than our own patience', () => {
    const next = settlementOf({ answer: 'retry', reason: '429', after: 90_000 }, fresh, halt, NOW, 0.5);
    expect(next).toMatchObject({ state: 'waiting', wakeAt: NOW + 90_000, failures: 1 });
  });

  test('back-off doubles, is capped, and stays within its jitter', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (n, random) => {
          const plain = Math.min(DEFAULT_RETRY.maxBackoff, 1000 * 2 ** (n - 1));
          const got = backoff(DEFAULT_RETRY, n, random);
          expect(got).toBeGreaterThanOrEqual(Math.floor(plain * 0.8));
          expect(got).toBeLessThanOrEqual(Math.ceil(plain * 1.2));
        },
      ),
    );
  });

  test('whatever an action says that is not in the vocabulary leaves the outcome unknown', () => {
    fc.assert(
      fc.property(fc.anything(), (said) => {
        fc.pre(typeof said !== 'object' || said === null || !('answer' in said));
        expect(understand(said).answer).toBe('unknown');
      }),
    );
    expect(understand({ answer: 'done' })).toEqual({ answer: 'done' });
    expect(understand({ answer: 'waiting', until: 'soon', forWhat: 'x' }).answer).toBe('unknown');
  });

  test('a person’s “failed” stops what depends on it, their “skipped” lets it go on', () => {
    expect(settledByPerson({ answer: 'failed', reason: 'no' }, fresh, halt).passed).toBe(false);
    expect(settledByPerson({ answer: 'failed', reason: 'no' }, fresh, { onFailure: 'continue' }).passed).toBe(
      true,
    );
    expect(settledByPerson({ answer: 'skipped', reason: 'done by hand' }, fresh, halt)).toMatchObject({
      state: 'skipped',
      passed: true,
    });
  });
});
