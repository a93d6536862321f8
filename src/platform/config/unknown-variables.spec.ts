import { expect, test } from '@jest/globals';
import { unknownVariables } from './unknown-variables.ts';

test.each([
  ['COUNTERSIGN_PROT', 'COUNTERSIGN_PORT'],
  ['COUNTERSIGN_SMTP', 'COUNTERSIGN_SMTP_URL'],
  ['COUNTERSIGN_PUBLICURL', 'COUNTERSIGN_PUBLIC_URL'],
  ['COUNTERSIGN_LOGLEVEL', 'COUNTERSIGN_LOG_LEVEL'],
])('%s was meant to be %s', (name, nearest) => {
  expect(unknownVariables({ [name]: 'x' })).toEqual([{ name, nearest }]);
});

test('what is like nothing is named without a guess', () => {
  expect(unknownVariables({ COUNTERSIGN_FLUX_CAPACITOR: '1' })).toEqual([
    { name: 'COUNTERSIGN_FLUX_CAPACITOR' },
  ]);
});

test('what is read, and what is not ours, is no mistake', () => {
  expect(
    unknownVariables({ COUNTERSIGN_PORT: '1', COUNTERSIGN_SECRET_GITHUB: 's', PATH: '/', DATABASE_URI: 'x' }),
  ).toEqual([]);
});
