import { describe, expect, test } from '@jest/globals';
import type { DraftContent } from './draft.schema.ts';
import { termSheetText } from './term-sheet-text.rules.ts';

const names = { us: 'Aurora', them: 'Customer', contact: (id: string) => `Ms ${id}` };
const content: DraftContent = {
  validFrom: null,
  validUntil: null,
  reviewOn: '2027-01-01',
  prevailingLanguage: 'en',
  authority: 'approve_within',
  approveWithinMinutes: 30,
  approveOtherwise: 'act',
  containmentSteps: [{ step: 'Block the address', by: 'them', authority: 'revoke_now' }],
  drillEveryDays: 90,
  terms: [
    {
      name: null,
      direction: 'from_party',
      trigger: 'suspected',
      startEvent: 'detected',
      window: { count: 2, unit: 'business-days' },
      zone: 'Europe/Berlin',
      calendar: null,
      warnPercent: 50,
      escalatePercent: 80,
      recipients: ['a'],
      fallbackRecipients: ['b'],
      fulfilledBy: 'acknowledged',
      language: 'en',
      category: 'exposure',
      ruleVersion: '1',
    },
  ],
};

describe('the text of a term sheet', () => {
  test('says who tells whom by when, in English', () => {
    const text = termSheetText(content, names, 'en');
    expect(text).toContain('Customer tells Aurora, when: suspected');
    expect(text).toContain(
      'within 2 business days (time zone Europe/Berlin, Monday to Friday), counted from: detected',
    );
    expect(text).toContain('told: Ms a; else Ms b');
    expect(text).toContain('somebody approves first within 30 minutes, else it is done');
    expect(text).toContain('Block the address; Customer; the credential is revoked at once');
  });

  test('and in German', () => {
    const text = termSheetText(content, names, 'de');
    expect(text).toContain('Customer gibt Aurora Bescheid, wenn: ein Verdacht besteht');
    expect(text).toContain('innerhalb von 2 Arbeitstagen');
  });

  test.each([
    ['window', { terms: [{ ...content.terms[0]!, window: { count: 3, unit: 'business-days' as const } }] }],
    ['strength of answers', { terms: [{ ...content.terms[0]!, leastStrength: 'second_channel' as const }] }],
    ['recipient', { terms: [{ ...content.terms[0]!, recipients: ['c'] }] }],
    ['authority', { authority: 'revoke_now' as const }],
    ['drills', { drillEveryDays: 30 }],
    ['review', { reviewOn: '2028-01-01' }],
    ['end', { validUntil: '2030-01-01T00:00:00.000Z' }],
  ])('another %s is another text: its hash is signed', (_, more) => {
    for (const language of ['en', 'de'] as const)
      expect(termSheetText({ ...content, ...more }, names, language)).not.toBe(
        termSheetText(content, names, language),
      );
  });
});
