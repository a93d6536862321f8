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
      contactId: 'nora',
    },
  ],
  declared: { credentialKinds: ['api_key'], storingPartyIds: ['n'], scopes: [] },
};
const names = {
  reference: 'INT-2026-0001',
  party: (id: string) => ({ n: 'Northwind', f: 'Fjord' })[id] ?? id,
  credential: () => 'Write key',
  contact: (id: string) =>
    id === 'nora'
      ? {
          name: 'Nora Visser',
          partyId: 'n',
          email: 'nora@northwind.example',
          phone: '+31 20 555 01 42',
          channels: ['pager', 'pager'],
        }
      : undefined,
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

test('names whom to call for each duty and how, with addresses only hinted at', () => {
  const text = matrixText(matrix, names, 'en');
  expect(text).toContain(
    'Revocation, part "staging", only for the credential "Write key": Nora Visser of Northwind, by mail (n…@northwind.example), by telephone (ends in 42), by pager\n',
  );
  expect(text).not.toContain('nora@');
  expect(text).not.toContain('555');
  expect(matrixText(matrix, names, 'de')).toContain('Nora Visser (Northwind), per E-Mail');
});

test('says where nobody is named, and who cannot be reached', () => {
  const row = matrix.rows[0]!;
  expect(matrixText({ rows: [{ ...row, contactId: null }] }, names, 'en')).toContain('nobody is named');
  const unreachable = {
    ...names,
    contact: () => ({ name: 'Nora Visser', partyId: 'n', email: null, phone: null, channels: [] }),
  };
  expect(matrixText(matrix, unreachable, 'en')).toContain('Nora Visser of Northwind, cannot be reached');
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
