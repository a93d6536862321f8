import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MONDAY_TO_FRIDAY } from '../../kernel/calendar.ts';
import { ELAPSED_DAY } from '../../kernel/time.ts';
import { grantsOf } from '../access/permissions.ts';
import {
  accessOf,
  CAUSES,
  clocksOf,
  monthOf,
  needsReasonToKeep,
  stageDue,
  whyNot,
} from './access-review.rules.ts';

const at = (text: string) => Date.parse(text);

describe('the month of a campaign', () => {
  test('is the one on the wall of the operator', () => {
    expect(monthOf(at('2026-11-30T23:30:00Z'), 'UTC')).toBe('2026-11');
    expect(monthOf(at('2026-11-30T23:30:00Z'), 'Europe/Berlin')).toBe('2026-12');
    expect(monthOf(at('2026-12-01T03:30:00Z'), 'America/New_York')).toBe('2026-11');
  });

  test('never goes back', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 4e12 }),
        fc.integer({ min: 0, max: 400 * ELAPSED_DAY }),
        fc.constantFrom('UTC', 'Pacific/Auckland', 'America/St_Johns'),
        (now, later, zone) => monthOf(now, zone) <= monthOf(now + later, zone),
      ),
    );
  });
});

describe('the clocks of a part', () => {
  test('ten business days, until midnight where the reviewer is, over a weekend and a holiday', () => {
    const clocks = clocksOf('monthly', at('2026-11-02T09:00:00Z'), 'Europe/Berlin', MONDAY_TO_FRIDAY);
    expect(new Date(clocks.dueAt).toISOString()).toBe('2026-11-16T22:59:59.999Z');
    const holiday = { ...MONDAY_TO_FRIDAY, holidays: ['2026-11-11'] };
    expect(
      new Date(clocksOf('monthly', at('2026-11-02T09:00:00Z'), 'Europe/Berlin', holiday).dueAt).toISOString(),
    ).toBe('2026-11-17T22:59:59.999Z');
  });

  test('somebody who left on a Friday is looked at by Tuesday', () => {
    const clocks = clocksOf('person_left', at('2026-11-20T16:00:00Z'), 'UTC', MONDAY_TO_FRIDAY);
    expect(new Date(clocks.dueAt).toISOString()).toBe('2026-11-24T23:59:59.999Z');
  });

  test('stand in order, whatever the cause, the start and the zone', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...CAUSES),
        fc.integer({ min: 0, max: 4e12 }),
        fc.constantFrom('UTC', 'Asia/Kathmandu', 'America/Los_Angeles', 'Pacific/Apia'),
        (cause, openedAt, zone) => {
          const clocks = clocksOf(cause, openedAt, zone, MONDAY_TO_FRIDAY);
          expect(openedAt).toBeLessThan(clocks.remindAt);
          expect(clocks.remindAt).toBeLessThan(clocks.escalateAt);
          expect(clocks.escalateAt).toBeLessThan(clocks.dueAt);
        },
      ),
    );
  });
});

describe('what is said when', () => {
  const clocks = { remindAt: 50, escalateAt: 80, dueAt: 100 };
  const silent = { remindedAt: null, escalatedAt: null, missedAt: null, finishedAt: null };

  test.each([
    [49, silent, undefined],
    [50, silent, 'reminded'],
    [60, { ...silent, remindedAt: 50 }, undefined],
    [80, { ...silent, remindedAt: 50 }, 'escalated'],
    [90, { ...silent, escalatedAt: 80 }, undefined],
    [100, { ...silent, escalatedAt: 80 }, undefined],
    [101, { ...silent, escalatedAt: 80 }, 'missed'],
    [101, silent, 'missed'],
    [500, { ...silent, missedAt: 101 }, undefined],
    [500, { ...silent, finishedAt: 99 }, undefined],
  ] as const)('at %i', (now, told, stage) => {
    expect(stageDue({ ...clocks, ...told }, now)).toBe(stage);
  });

  test('however often one looks, each thing is said at most once and the miss is never forgotten', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 30 }), (looks) => {
        let told: { -readonly [K in keyof typeof silent]: number | null } = { ...silent };
        const said: string[] = [];
        for (const now of looks.sort((a, b) => a - b)) {
          const stage = stageDue({ ...clocks, ...told }, now);
          if (!stage) continue;
          said.push(stage);
          told = { ...told, [`${stage}At`]: now };
        }
        expect(new Set(said).size).toBe(said.length);
        expect(said.includes('missed')).toBe(looks.some((now) => now > clocks.dueAt));
      }),
    );
  });
});

describe('what a role lets somebody do', () => {
  test('an auditor sees, an engineer rotates, a responder revokes, a contact of a party only sees', () => {
    expect(accessOf(grantsOf('auditor'))).toEqual(['view']);
    expect(accessOf(grantsOf('integration_engineer'))).toEqual(['view', 'rotate', 'revoke']);
    expect(accessOf(grantsOf('responder'))).toEqual(['view', 'revoke']);
    expect(accessOf(grantsOf('party_contact'))).toEqual(['view']);
    expect(accessOf(grantsOf('admin'))).toEqual(['view', 'rotate', 'revoke']);
    expect(accessOf(['self:read'])).toEqual([]);
  });
});

describe('who may decide', () => {
  const item = { personId: 'ann', decided: false };
  const part = { reviewerPersonId: 'bob', reasonToKeep: false };
  const keep = { decision: 'keep', reason: '' } as const;
  const by = (personId?: string) => ({ personId });

  test('the reviewer, and nobody about themselves', () => {
    expect(whyNot(item, part, keep, by('bob'))).toBeUndefined();
    expect(whyNot(item, part, keep, by('ann'))).toBe('own-access');
    expect(whyNot(item, part, keep, by('carl'))).toBe('not-the-reviewer');
    expect(whyNot(item, part, keep, by())).toBe('no-person');
  });

  test('the reviewer’s own access is for anybody else', () => {
    const own = { ...item, personId: 'bob' };
    expect(whyNot(own, part, keep, by('bob'))).toBe('own-access');
    expect(whyNot(own, part, keep, by('carl'))).toBeUndefined();
  });

  test('where no reviewer is known, anybody but the one whose access it is', () => {
    const nobody = { ...part, reviewerPersonId: null };
    expect(whyNot(item, nobody, keep, by('carl'))).toBeUndefined();
    expect(whyNot(item, nobody, keep, by('ann'))).toBe('own-access');
  });

  test('once', () => {
    expect(whyNot({ ...item, decided: true }, part, keep, by('bob'))).toBe('already-decided');
  });

  test('with a reason for every removal, and for keeping where the risk is high', () => {
    const remove = { decision: 'remove', reason: '  ' } as const;
    expect(whyNot(item, part, remove, by('bob'))).toBe('reason-missing');
    expect(whyNot(item, part, { ...remove, reason: 'left' }, by('bob'))).toBeUndefined();
    expect(whyNot(item, { ...part, reasonToKeep: true }, keep, by('bob'))).toBe('reason-missing');
    expect([1, 2, 3, 4, null].map((tier) => needsReasonToKeep(tier, 'monthly'))).toEqual([
      true,
      false,
      false,
      false,
      true,
    ]);
    expect(needsReasonToKeep(4, 'person_left')).toBe(true);
  });

  test('no combination lets somebody decide about their own access', () => {
    const people = fc.constantFrom('ann', 'bob', 'carl');
    fc.assert(
      fc.property(
        people,
        fc.option(people),
        fc.boolean(),
        fc.constantFrom('keep', 'remove'),
        (who, reviewer, reasonToKeep, decision) =>
          whyNot(
            { personId: who, decided: false },
            { reviewerPersonId: reviewer, reasonToKeep },
            { decision, reason: 'a reason' },
            { personId: who },
          ) === 'own-access',
      ),
    );
  });
});
