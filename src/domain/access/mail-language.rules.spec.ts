import { expect, test } from '@jest/globals';
import { mailLanguageOf } from './mail-language.rules.ts';

test.each([
  ['de-AT,de;q=0.9,en;q=0.8', 'de'],
  ['en-GB,en;q=0.9,de;q=0.1', 'en'],
  ['en;q=0.5, de;q=0.8', 'de'],
  ['fr-CH, fr;q=0.9, de;q=0.7, *;q=0.5', 'de'],
  ['de;q=0, en', 'en'],
  ['DE', 'de'],
  ['fr, it', null],
  ['*', null],
  ['de;q=x', null],
  ['', null],
  [undefined, null],
])('%s asks for %s', (accepted, language) => {
  expect(mailLanguageOf(accepted)).toBe(language);
});
