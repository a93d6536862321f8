import { describe, expect, test } from '@jest/globals';
import { changesBetween } from './agreement-diff.rules.ts';
import { staleFields, whenHeld, wrongIn, type Known } from './draft.rules.ts';
import { draftContentSchema, editDraftSchema, type DraftContent } from './draft.schema.ts';

const NOW = Date.parse('2026-11-22T06:00:00Z');
const ANN = '01890000-0000-7000-8000-000000000001';
const OURS = '01890000-0000-7000-8000-000000000002';
const GONE = '01890000-0000-7000-8000-000000000003';

const term = {
  direction: 'to_party',
  trigger: 'confirmed',
  startEvent: 'confirmed',
  window: { count: 24, unit: 'elapsed-hours' },
};

function draft(over: object = {}): DraftContent {
  return draftContentSchema.parse({
    validFrom: null,
    validUntil: null,
    reviewOn: '2027-06-01',
    prevailingLanguage: 'en',
    authority: 'approve_within',
    approveWithinMinutes: 60,
    approveOtherwise: 'escalate',
    containmentSteps: ['Revoke the leaked version'],
    drillEveryDays: 90,
    terms: [term],
    ...over,
  });
}

const known: Known = {
  partyName: 'Paylane',
  contacts: new Map([
    [ANN, { active: true, side: 'them' }],
    [OURS, { active: true, side: 'us' }],
    [GONE, { active: false, side: 'them' }],
  ]),
  calendars: ['de-office'],
};

describe('a draft', () => {
  const refused = (over: object) =>
    editDraftSchema
      .safeParse({ terms: [{ ...term, ...over }] })
      .error?.issues.map(({ path }) => path.join('/'));

  test.each([
    ['a window of zero', { window: { count: 0, unit: 'elapsed-hours' } }, 'terms/0/window/count'],
    ['half an hour', { window: { count: 0.5, unit: 'elapsed-hours' } }, 'terms/0/window/count'],
    ['an unknown unit', { window: { count: 1, unit: 'weeks' } }, 'terms/0/window/unit'],
    ['an unknown zone', { zone: 'Europe/Atlantis' }, 'terms/0/zone'],
    ['an offset for a zone', { zone: '+02:00' }, 'terms/0/zone'],
    ['escalating before warning', { warnPercent: 80, escalatePercent: 50 }, 'terms/0/escalatePercent'],
    ['a calendar for hours', { calendar: 'de-office' }, 'terms/0/calendar'],
    [
      'a fallback that is told anyway',
      { recipients: [ANN], fallbackRecipients: [ANN] },
      'terms/0/fallbackRecipients',
    ],
  ])('with %s is refused at its field', (_, over, field) => {
    expect(refused(over)).toEqual([field]);
  });

  test('may only name calendars that are known', () => {
    const window = { count: 2, unit: 'business-days' };
    expect(wrongIn(draft({ terms: [{ ...term, window, calendar: 'de-office' }] }), known)).toEqual([]);
    expect(wrongIn(draft({ terms: [term, { ...term, window, calendar: 'moon' }] }), known)).toEqual([
      {
        field: '/terms/1/calendar',
        problem: 'is no calendar that is known here',
        mend: 'Give one of: de-office; or none, for Monday to Friday.',
      },
    ]);
  });

  test('names each term once, or not at all', () => {
    const names = (...of: (string | null)[]) =>
      wrongIn(draft({ terms: of.map((name) => ({ ...term, name })) }), known);
    expect(names('first word', 'second word', null, null)).toEqual([]);
    const both = (['to_party', 'from_party'] as const).map((direction) => ({
      ...term,
      direction,
      name: 'first word',
    }));
    expect(wrongIn(draft({ terms: both }), known).filter(({ field }) => field.endsWith('/name'))).toEqual([]);
    expect(names('first word', null, 'First word ')).toEqual([
      {
        field: '/terms/2/name',
        problem: 'is the name of term 1 already',
        mend: 'Give each term a name of its own, or none.',
      },
    ]);
  });

  test('names active contacts of whoever is told, each once', () => {
    const told = (over: object) =>
      wrongIn(draft({ terms: [{ ...term, ...over }] }), known).map(({ field, problem }) => [field, problem]);
    expect(told({ recipients: [ANN] })).toEqual([]);
    expect(told({ direction: 'from_party', recipients: [OURS] })).toEqual([]);
    expect(told({ recipients: [OURS] })).toEqual([['/terms/0/recipients/0', 'is no contact of Paylane']]);
    expect(told({ recipients: [ANN, ANN] })).toEqual([['/terms/0/recipients/1', 'is named twice']]);
    expect(told({ fallbackRecipients: [GONE] })).toEqual([
      ['/terms/0/fallbackRecipients/0', 'is no longer active'],
    ]);
    expect(told({ direction: 'from_party', recipients: [ANN] })).toEqual([
      ['/terms/0/recipients/0', 'is no contact of the operator'],
    ]);
  });

  test('a further version never begins in the past; the first one may', () => {
    expect(whenHeld(NOW - 1, null, true, NOW).map(({ field }) => field)).toEqual(['/validFrom']);
    expect(whenHeld(NOW - 1, null, false, NOW)).toEqual([]);
    expect(whenHeld(NOW, '2026-11-22T06:00:00.000Z', false, NOW).map(({ field }) => field)).toEqual([
      '/validUntil',
    ]);
    expect(whenHeld(NOW, '2026-11-22T06:00:01.000Z', true, NOW)).toEqual([]);
  });

  test('a late edit is told what became another since', () => {
    const stored = draft({ reviewOn: '2027-01-01', drillEveryDays: null });
    expect(
      staleFields(stored, { reviewOn: '2028-01-01', prevailingLanguage: 'en', drillEveryDays: 30 }),
    ).toMatchObject([
      { field: '/reviewOn', problem: 'stands as 2027-01-01 now' },
      { field: '/drillEveryDays', problem: 'stands as empty now' },
    ]);
  });
});

describe('two versions', () => {
  test('that say the same have no difference', () => {
    expect(changesBetween(draft(), draft())).toEqual([]);
  });

  test('are compared field by field and term by term, with people by name', () => {
    const before = draft({ terms: [{ ...term, recipients: [ANN] }] });
    const after = draft({
      authority: 'revoke_now',
      approveWithinMinutes: null,
      drillEveryDays: null,
      terms: [
        { ...term, window: { count: 12, unit: 'elapsed-hours' } },
        { ...term, direction: 'from_party', window: null },
      ],
    });
    expect(changesBetween(before, after, () => 'Ann')).toEqual([
      { what: 'authority to act', before: 'approve within 60 minutes, then escalate', after: 'revoke now' },
      { what: 'drill cadence', before: 'every 90 days', after: '–' },
      { what: 'term confirmed, we tell them: window', before: '24 hours', after: '12 hours' },
      { what: 'term confirmed, we tell them: recipients', before: 'Ann', after: '–' },
      { what: 'term confirmed, they tell us', before: '–', after: 'without undue delay from confirmed' },
    ]);
  });
});
