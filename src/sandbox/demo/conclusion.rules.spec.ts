import { describe, expect, test } from '@jest/globals';
import { conclusionOf } from './conclusion.rules.ts';
import type { CopyFact, NoticeFacts } from './conclusion.rules.ts';
import type { Outcome } from './outcome.rules.ts';

const outcome: Outcome = {
  incident: { reference: 'INC-2026-0001', state: 'containing' },
  credentials: { exposed: 15, verifiedDead: 13, unproven: 2 },
  locations: { total: 35, cleared: 22, unproven: 13 },
  notices: { owed: 20, sentInWindow: 20, acknowledged: 14, missed: 0 },
  milliseconds: {
    reportToIncident: 90,
    reportToFirstRevocation: 920,
    reportToAllProvableDead: 7_200,
    reportToLastNotice: null,
  },
  ledger: { entries: 1127, verified: true },
};
const times = <T>(count: number, one: T): T[] => Array.from({ length: count }, () => one);
const notice: NoticeFacts = {
  sent: true,
  acknowledged: true,
  toBeAcknowledged: true,
  contact: 'Jonas de Wit',
};
const notices: NoticeFacts[] = [
  ...times(14, notice),
  ...times(4, { ...notice, acknowledged: false, contact: 'Milo Grange' }),
  ...times(2, { ...notice, acknowledged: false, toBeAcknowledged: false }),
];
const copy: CopyFact = { verdict: null, asked: false, alive: false };
const copies: CopyFact[] = [
  ...times(22, { ...copy, verdict: 'gone' }),
  ...times(5, { ...copy, asked: true }),
  ...times(4, { ...copy, alive: true }),
  ...times(4, { ...copy, verdict: 'cannot_be_proven' }),
];

describe('the last words of the demonstration', () => {
  test('every count says of what it is, and what is done and what is not are all of it', () => {
    expect(conclusionOf(outcome, notices, copies)).toEqual([
      'INC-2026-0001 is containing.',
      '15 exposed credentials: 13 proven dead, 2 not proven dead.',
      '20 notices owed: all sent in their window.',
      '20 notices sent: 14 acknowledged, 4 waiting for an acknowledgement by Milo Grange, 2 fulfilled by being sent.',
      '35 copies of the exposed credentials: 22 cleared, 5 waiting for somebody to remove them and sign for it, 4 not asked about before their credential is dead, 4 in places where nothing can show that they are gone.',
      'From the first report: the incident after 0.09 s, the first revocation after 0.92 s, the last death that a machine can prove after 7.20 s, the last notice never.',
      'Ledger: all 1127 entries are verified.',
    ]);
  });

  test.each([
    ['as it was', notices, copies],
    [
      'with what nobody foresaw',
      [...notices, ...times(3, { ...notice, sent: false })],
      [...copies, copy, copy],
    ],
    [
      'when a copy is asked about although its credential lives',
      notices,
      [{ ...copy, asked: true, alive: true }],
    ],
    ['with nothing in it', [], []],
  ])('the parts add up to the whole, %s', (_how, someNotices, someCopies) => {
    const owed = someNotices.length;
    const sentInWindow = someNotices.filter(({ sent }) => sent).length;
    const said = conclusionOf(
      { ...outcome, notices: { ...outcome.notices, owed, sentInWindow } },
      someNotices,
      someCopies,
    );
    const counted = said.filter((sentence) => /^\d+ [^:]+: \d/.test(sentence));
    expect(counted.length).toBeGreaterThan(0);
    for (const sentence of counted) {
      const [total, ...parts] = [...sentence.matchAll(/(?:^|[:,] )(\d+) /g)].map(([, count]) =>
        Number(count),
      );
      expect(parts.reduce((sum, count) => sum + count, 0)).toBe(total);
    }
  });

  test('what was never reached and what does not verify is said', () => {
    const said = conclusionOf({ ...outcome, ledger: { entries: 3, verified: false } }, [], []);
    expect(said.at(-1)).toBe('Ledger: 3 entries, NOT verified.');
    expect(said).toContain('0 copies of the exposed credentials.');
  });
});
