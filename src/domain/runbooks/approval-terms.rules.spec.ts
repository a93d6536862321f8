import { describe, expect, test } from '@jest/globals';
import type { Principal } from '../../kernel/principal.ts';
import { whyNotDecide, type ApprovalTerms } from './approval-terms.rules.ts';

const person = (personId: string, ...roles: Principal['roles']): Principal => ({
  kind: 'user',
  id: `account of ${personId}`,
  personId,
  roles: roles.length > 0 ? roles : ['responder'],
  partyId: null,
  correlationId: 'test',
});
const terms = (own: Partial<ApprovalTerms> = {}): ApprovalTerms => ({
  roles: ['responder'],
  fourEyes: true,
  requestedBy: 'rita',
  decisions: [],
  runbook: { title: 'Onboard', separation: [['request', 'approve', 'operate']] },
  act: 'approve',
  parts: [],
  ...own,
});

describe('who may decide', () => {
  test.each<[string, Partial<ApprovalTerms>, Principal, string | undefined]>([
    ['a second person', {}, person('omar'), undefined],
    ['who asked for it', {}, person('rita'), 'approval-own-request'],
    [
      'who asked, where that is allowed but kept apart',
      { fourEyes: false },
      person('rita'),
      'separation-of-duties',
    ],
    [
      'who asked, where nothing stands against it',
      { fourEyes: false, runbook: { title: 'Own' } },
      person('rita'),
      undefined,
    ],
    [
      'who has another part',
      { parts: [{ act: 'operate', who: 'omar' }] },
      person('omar'),
      'separation-of-duties',
    ],
    [
      'who has decided',
      { decisions: [{ decision: 'approve', who: 'omar' }] },
      person('omar'),
      'approval-decided',
    ],
    ['a role that is not asked', {}, person('omar', 'auditor'), 'approval-role'],
    ['an admin, for any role', {}, person('omar', 'admin'), undefined],
    [
      'nobody’s token',
      {},
      { ...person('omar'), kind: 'token', personId: undefined } as never,
      'person-needed',
    ],
  ])('%s', (_, own, by, code) => {
    expect(whyNotDecide(terms(own), by)?.code).toBe(code);
  });
});
