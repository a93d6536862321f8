import { expect, test } from '@jest/globals';
import { alertWords } from './alert-words.rules.ts';

test.each([
  ['late (due 2026-11-22T08:05:31.000Z): owed', 'en', 'late (due 22 November 2026, 08:05 UTC): owed'],
  ['late (due 2026-11-02T08:05:31Z)', 'de-AT', 'late (due 02.11.2026, 08:05 Uhr UTC)'],
  [
    'from 2026-11-22T08:05Z until 2026-12-01T00:00:00.000Z.',
    'en',
    'from 22 November 2026, 08:05 UTC until 1 December 2026, 00:00 UTC.',
  ],
  [
    'no instant: 2026-11-22, CVE-2026-1000, 2026-13-45T99:99:99Z',
    'en',
    'no instant: 2026-11-22, CVE-2026-1000, 2026-13-45T99:99:99Z',
  ],
  [
    'in no zone that is told: 2026-11-22T08:05:31+01:00',
    'en',
    'in no zone that is told: 2026-11-22T08:05:31+01:00',
  ],
])('%s, in %s', (message, language, words) => {
  expect(alertWords(message, language)).toBe(words);
});
