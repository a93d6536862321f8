import { expect, test } from '@jest/globals';
import { conflictingRevokers, governingRevoker, type SharedCredential } from './revokers.rules.ts';

const use = (id: string, partyId: string | null, credentialId: string | null = null) => ({
  integrationId: id,
  integrationName: `Integration ${id}`,
  rows: [
    ...(partyId === null
      ? []
      : [
          {
            duty: 'revocation' as const,
            part: '',
            credentialId,
            accountablePartyId: partyId,
            performingPartyIds: [partyId],
          },
        ]),
    {
      duty: 'storage' as const,
      part: '',
      credentialId: null,
      accountablePartyId: 'x',
      performingPartyIds: ['x'],
    },
  ],
});
const shared = (...uses: SharedCredential['uses']): SharedCredential => ({
  credentialId: 'key',
  name: 'Read key',
  environment: 'production',
  homeIntegrationId: 'home',
  uses,
});

test('different revokers are a conflict that names each, and the row that governs', () => {
  expect(conflictingRevokers(shared(use('home', 'a'), use('other', 'b')))).toMatchObject({
    governingPartyId: 'a',
    named: [
      { integrationId: 'home', partyId: 'a' },
      { integrationId: 'other', partyId: 'b' },
    ],
  });
});

test('an override as in the home matrix ends it', () => {
  const other = use('other', 'b');
  const mended = { ...other, rows: [...other.rows, ...use('other', 'a', 'key').rows] };
  expect(conflictingRevokers(shared(use('home', 'a'), mended))).toBeUndefined();
});

test.each([
  ['one use', shared(use('home', 'a'))],
  ['two that agree', shared(use('home', 'a'), use('other', 'a'))],
  ['one that names nobody: that is a gap', shared(use('home', 'a'), use('other', null))],
])('%s is none', (_, given) => {
  expect(conflictingRevokers(given)).toBeUndefined();
});

test('without a home matrix nobody governs', () => {
  expect(governingRevoker(shared(use('other', 'b')))).toBeNull();
});
