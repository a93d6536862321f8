import { describe, expect, test } from '@jest/globals';
import { mayDecide, termsOf, verdictOf, type Decision } from './approval.rules.ts';
import { approvalSchema } from './definition.schema.ts';

const approval = { roles: ['contract_owner' as const], fourEyes: true };
const yes = (who: string): Decision => ({ decision: 'approve', who });

describe('approval', () => {
  test('needs one of its roles; an admin may stand in', () => {
    expect(mayDecide(approval, { who: 'a', roles: ['auditor'] }, 'b', [])?.code).toBe('approval-role');
    expect(mayDecide(approval, { who: 'a', roles: ['contract_owner'] }, 'b', [])).toBeUndefined();
    expect(mayDecide(approval, { who: 'a', roles: ['admin'] }, 'b', [])).toBeUndefined();
  });

  test('who requested cannot approve, not even as admin, unless four eyes are not asked for', () => {
    expect(mayDecide(approval, { who: 'b', roles: ['admin'] }, 'b', [])?.code).toBe('approval-own-request');
    expect(
      mayDecide({ ...approval, fourEyes: false }, { who: 'b', roles: ['admin'] }, 'b', []),
    ).toBeUndefined();
  });

  test('one person counts once, a rejection ends it', () => {
    expect(mayDecide(approval, { who: 'a', roles: ['admin'] }, 'b', [yes('a')])?.code).toBe(
      'approval-decided',
    );
    expect(verdictOf(2, [yes('a'), yes('a')])).toBe('open');
    expect(verdictOf(2, [yes('a'), yes('c')])).toBe('approved');
    expect(verdictOf(1, [yes('a'), { decision: 'reject', who: 'c' }])).toBe('rejected');
  });

  test('its terms may come from the item’s agreement', () => {
    const facts = {
      input: {},
      steps: {},
      subject: { kind: 'i', id: '1' },
      run: { id: 'r' },
      item: {
        key: 'k',
        label: 'l',
        subject: { kind: 'v', id: '1' },
        facts: { minutes: '30m', silence: 'act' },
        priority: 0,
      },
    };
    const terms = (within: string, otherwise: string) =>
      termsOf(approvalSchema.parse({ roles: ['admin'], within, otherwise }), facts);
    expect(terms('$item.minutes', '$item.silence')).toEqual({ within: 1_800_000, otherwise: 'act' });
    expect(terms('10m', 'escalate')).toEqual({ within: 600_000, otherwise: 'escalate' });
    expect(terms('$item.none', '$item.none')).toEqual({ within: undefined, otherwise: undefined });
  });
});
