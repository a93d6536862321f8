import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { judgeEntry, type EntrySeen } from './store-look.rules.ts';

const seen = (more: Partial<EntrySeen>): EntrySeen => ({
  holding: [],
  read: 2,
  unread: 0,
  known: true,
  recognised: true,
  ...more,
});

describe('what a store holds', () => {
  test('the value in question, as readers get it or as an earlier version', () => {
    expect(judgeEntry(seen({ holding: [{ name: 'version 3', current: true }] }))).toEqual({
      verdict: 'present',
      why: 'readers of the store get it: version 3',
    });
    const earlier = judgeEntry(seen({ holding: [{ name: 'version 2', current: false }] }));
    expect(earlier).toMatchObject({ verdict: 'present', why: expect.stringContaining('still keeps it') });
  });

  test('gone takes a known fingerprint, the right entry, and every version read', () => {
    expect(judgeEntry(seen({})).verdict).toBe('gone');
    expect(judgeEntry(seen({ read: 0 }))).toMatchObject({ verdict: 'gone' });
    for (const doubt of [{ known: false }, { recognised: false }, { unread: 1 }])
      expect(judgeEntry(seen(doubt)).verdict).toBe('indeterminate');
  });

  test('whatever is held is never said to be gone, and doubt never counts', () => {
    const any = fc.record({
      holding: fc.array(fc.record({ name: fc.string(), current: fc.boolean() }), { maxLength: 3 }),
      read: fc.nat(20),
      unread: fc.nat(3),
      known: fc.boolean(),
      recognised: fc.boolean(),
    });
    fc.assert(
      fc.property(any, (one) => {
        const { verdict } = judgeEntry(one);
        if (one.holding.length > 0) return verdict === 'present';
        return (verdict === 'gone') === (one.known && one.recognised && one.unread === 0);
      }),
    );
  });
});
