import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MINUTE } from '../../kernel/time.ts';
import { mayAct, type Authority, type AuthorityFacts } from './authority.rules.ts';

const now = 1_000 * MINUTE;
const base: AuthorityFacts = {
  authority: { kind: 'revoke_now' },
  match: 'value',
  sourceTrust: 'act',
  approvals: [],
  replaced: false,
  askedAt: now,
};
const within = (minutes: number, otherwise: 'act' | 'escalate'): Authority => ({
  kind: 'approve_within',
  minutes,
  otherwise,
});
const yes = { decision: 'approved' as const, at: now };
const no = { decision: 'rejected' as const, at: now };

describe('may the revoke go out', () => {
  test.each<[string, Partial<AuthorityFacts>, string]>([
    ['value, agreed', {}, 'act'],
    ['metadata', { match: 'metadata' }, 'person'],
    ['metadata, approved', { match: 'metadata', approvals: [yes] }, 'act'],
    ['metadata, rejected', { match: 'metadata', approvals: [no] }, 'person'],
    ['approved, then rejected', { approvals: [{ ...yes, at: now - 1 }, no] }, 'person'],
    ['rejected, then approved', { approvals: [{ ...no, at: now - 1 }, yes] }, 'act'],
    ['an approval from the future', { match: 'metadata', approvals: [{ ...yes, at: now + 1 }] }, 'person'],
    ['source asks first', { sourceTrust: 'approve' }, 'approve'],
    ['source asks first, approved', { sourceTrust: 'approve', approvals: [yes] }, 'act'],
    ['source only informs', { sourceTrust: 'inform' }, 'person'],
    ['source only informs, approved', { sourceTrust: 'inform', approvals: [yes] }, 'act'],
    ['replace first', { authority: { kind: 'replace_first' } }, 'replace_first'],
    ['replace first, replaced', { authority: { kind: 'replace_first' }, replaced: true }, 'act'],
    [
      'replace first, approved only',
      { authority: { kind: 'replace_first' }, approvals: [yes] },
      'replace_first',
    ],
    ['asked, time left', { authority: within(30, 'act'), askedAt: now - 29 * MINUTE }, 'approve'],
    ['asked, time over, act', { authority: within(30, 'act'), askedAt: now - 30 * MINUTE }, 'act'],
    [
      'asked, time over, act, weak source',
      { authority: within(30, 'act'), askedAt: now - 30 * MINUTE, sourceTrust: 'approve' },
      'person',
    ],
    [
      'asked, time over, escalate',
      { authority: within(30, 'escalate'), askedAt: now - 30 * MINUTE },
      'person',
    ],
    [
      'asked, approved in time',
      { authority: within(30, 'escalate'), askedAt: now - MINUTE, approvals: [yes] },
      'act',
    ],
  ])('%s', (_name, more, expected) => {
    expect(mayAct({ ...base, ...more }, now).may).toBe(expected);
  });

  test('a wait says until when', () => {
    expect(mayAct({ ...base, authority: within(30, 'act') }, now)).toMatchObject({
      may: 'approve',
      until: now + 30 * MINUTE,
    });
  });

  const anything = fc.record<AuthorityFacts>({
    authority: fc.oneof(
      fc.constant<Authority>({ kind: 'revoke_now' }),
      fc.constant<Authority>({ kind: 'replace_first' }),
      fc.record({
        kind: fc.constant('approve_within' as const),
        minutes: fc.integer({ min: 1, max: 100 }),
        otherwise: fc.constantFrom('act' as const, 'escalate' as const),
      }),
    ),
    match: fc.constantFrom('value', 'metadata'),
    sourceTrust: fc.constantFrom('act', 'approve', 'inform'),
    approvals: fc.array(
      fc.record({
        decision: fc.constantFrom('approved' as const, 'rejected' as const),
        at: fc.integer({ min: now - 100, max: now + 100 }),
      }),
      { maxLength: 3 },
    ),
    replaced: fc.boolean(),
    askedAt: fc.integer({ min: now - 200 * MINUTE, max: now }),
  });

  test('nothing acts unattended on metadata, or on the word of a source that may not', () => {
    fc.assert(
      fc.property(anything, (facts) => {
        const unattended = !facts.approvals.some((one) => one.decision === 'approved' && one.at <= now);
        if (mayAct(facts, now).may !== 'act') return;
        if (unattended) expect([facts.match, facts.sourceTrust]).toEqual(['value', 'act']);
        if (facts.authority.kind === 'replace_first') expect(facts.replaced).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
