import { describe, expect, test } from '@jest/globals';
import { outcomeOf } from './outcome.rules.ts';
import type { ExposedFact, Facts, NoticeFact } from './outcome.rules.ts';

const exposed = (n: number, more: Partial<ExposedFact> = {}): ExposedFact => ({
  label: `key ${n}`,
  supplier: 'northwind',
  supplierId: `cred_${n}`,
  provable: true,
  verifiedDead: true,
  provenAt: 5_000 + n,
  trulyLive: false,
  ...more,
});
const notice = (n: number, more: Partial<NoticeFact> = {}): NoticeFact => ({
  reference: `NTC-${n}`,
  dueAt: 100_000,
  sentAt: 6_000 + n,
  acknowledgedAt: null,
  timeliness: 'met',
  ...more,
});
const open = exposed(9, {
  supplier: 'halden',
  provable: false,
  verifiedDead: false,
  provenAt: null,
  trulyLive: true,
});
const all = [...Array.from({ length: 9 }, (_, n) => exposed(n)), open];
const kept: Facts = {
  incident: { reference: 'INC-2026-0001', state: 'containing', openedAt: 1_040 },
  leaked: all,
  exposed: all,
  wronglyDead: [],
  locations: { total: 30, cleared: 12 },
  notices: [...Array.from({ length: 6 }, (_, n) => notice(n)), notice(6, { acknowledgedAt: 9_000 })],
  reportedAt: 1_000,
  firstRevocationAt: 1_200,
  ledger: { entries: 400, verified: true },
};

describe('what the demonstration ends with', () => {
  test('is told in numbers, from the first report on', () => {
    expect(outcomeOf(kept)).toEqual({
      broken: [],
      outcome: {
        incident: { reference: 'INC-2026-0001', state: 'containing' },
        credentials: { exposed: 10, verifiedDead: 9, unproven: 1 },
        locations: { total: 30, cleared: 12, unproven: 18 },
        notices: { owed: 7, sentInWindow: 7, acknowledged: 1, missed: 0 },
        milliseconds: {
          reportToIncident: 40,
          reportToFirstRevocation: 200,
          reportToAllProvableDead: 4_008,
          reportToLastNotice: 5_006,
        },
        ledger: { entries: 400, verified: true },
      },
    });
  });

  test('a time that has not come is none', () => {
    const { outcome } = outcomeOf({
      ...kept,
      exposed: [exposed(1), exposed(2, { verifiedDead: false, provenAt: null })],
      notices: [notice(1, { sentAt: null, timeliness: 'open' })],
      firstRevocationAt: null,
    });
    expect(outcome.milliseconds).toEqual({
      reportToIncident: 40,
      reportToFirstRevocation: null,
      reportToAllProvableDead: null,
      reportToLastNotice: null,
    });
  });

  test.each<[string, Partial<Facts>]>([
    ['leaked and is not in the incident', { exposed: all.slice(1) }],
    ['is in the incident and did not leak', { leaked: all.slice(1) }],
    ['is not proven dead', { exposed: [exposed(0, { verifiedDead: false }), ...all.slice(1)] }],
    [
      'nothing can prove it',
      { exposed: [...all.slice(0, 9), { ...open, verifiedDead: true, trulyLive: false }] },
    ],
    ['its supplier accepts it', { exposed: [exposed(0, { trulyLive: true }), ...all.slice(1)] }],
    ['its supplier accepts it', { exposed: [exposed(0, { trulyLive: null }), ...all.slice(1)] }],
    ['no longer accepts it', { wronglyDead: ['Gift card ledger'] }],
    ['was not sent in its window', { notices: [...kept.notices, notice(8, { timeliness: 'missed' })] }],
    ['NTC-8 was not sent', { notices: [...kept.notices, notice(8, { sentAt: null, timeliness: 'open' })] }],
    ['only 5 notices were owed', { notices: kept.notices.slice(2) }],
    ['no notice was acknowledged', { notices: kept.notices.slice(0, 6) }],
    ['nothing is left open', { exposed: all.slice(0, 9), leaked: all.slice(0, 9) }],
    [
      'only 7 credentials are proven dead',
      { exposed: [...all.slice(0, 7), open], leaked: [...all.slice(0, 7), open] },
    ],
    ['the ledger does not verify', { ledger: { entries: 1, verified: false } }],
  ])('is not as promised: %s', (sentence, change) => {
    expect(outcomeOf({ ...kept, ...change }).broken.join('\n')).toContain(sentence);
  });
});
