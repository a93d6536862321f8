import { expect, test } from '@jest/globals';
import { parseCanonicalJson } from '../../kernel/canonical-json.ts';
import { matrixText, offlineDocument, textHash, windowWords } from './matrix-text.rules.ts';

const matrix = {
  rows: [
    {
      duty: 'revocation' as const,
      part: 'staging',
      credentialId: 'key',
      accountablePartyId: 'n',
      performingPartyIds: ['n', 'f'],
      windowMinutes: 90,
      pathKind: 'connector' as const,
    },
  ],
  declared: { credentialKinds: ['api_key'], storingPartyIds: ['n'], scopes: [] },
};
const names = {
  reference: 'INT-2026-0001',
  party: (id: string) => ({ n: 'Northwind', f: 'Fjord' })[id] ?? id,
  credential: () => 'Write key',
};

test('says in words what the hash says in ids', () => {
  const text = matrixText(matrix, names, 'en');
  expect(text).toContain('Responsibility matrix of integration INT-2026-0001');
  expect(text).toContain(
    'part "staging", only for the credential "Write key": accountable: Northwind; performed by: Fjord, Northwind; within 90 minutes; revoked by machine',
  );
  expect(text).toContain('kinds of credentials: api key');
  expect(text).toContain('scopes: none');
});

test('is another text, with another hash, in another language', () => {
  const german = matrixText(matrix, names, 'de');
  expect(german).toContain('rechenschaftspflichtig: Northwind');
  expect(textHash(german)).not.toEqual(textHash(matrixText(matrix, names, 'en')));
});

test.each([
  [1, '1 minute'],
  [90, '90 minutes'],
  [60, '1 hour'],
  [2880, '2 days'],
])('%d minutes are %s', (minutes, said) => {
  expect(windowWords(minutes)).toBe(said);
});

test('a document to sign elsewhere has one spelling', () => {
  const document = {
    matrixVersionId: 'v',
    integrationId: 'i',
    contentHash: '00',
    textHash: '11',
    language: 'en',
    partyId: 'p',
    contactId: 'c',
    signsFor: 'Nora Visser, head of security',
    text: 'Text\n',
  };
  expect(parseCanonicalJson(offlineDocument(document))).toEqual({
    format: 'countersign-attestation-1',
    ...document,
  });
});
