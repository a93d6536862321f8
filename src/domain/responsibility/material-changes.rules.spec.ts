import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { materialChanges, newContacts, type MatrixState } from './material-changes.rules.ts';
import { DUTIES, matrixHash, type MatrixRowFacts } from './matrix.rules.ts';

type Row = MatrixState['rows'][number];
const row = (more: Partial<Row> = {}): Row => ({
  duty: 'revocation',
  part: '',
  credentialId: null,
  accountablePartyId: 'supplier',
  performingPartyIds: ['supplier'],
  windowMinutes: 60,
  pathKind: 'connector',
  contactId: 'nora',
  note: '',
  ...more,
});
const declared = { credentialKinds: ['api_key'], storingPartyIds: ['customer'], scopes: ['read'] };
const before: MatrixState = { rows: [row(), row({ duty: 'storage', pathKind: null })], declared };
const edited = (more: Partial<Row>): MatrixState => ({
  rows: [row(more), ...before.rows.slice(1)],
  declared,
});

describe('material is', () => {
  test.each<[string, MatrixState, object]>([
    [
      'another accountable party',
      edited({ accountablePartyId: 'customer' }),
      { what: 'accountable', duty: 'revocation', before: 'supplier', after: 'customer' },
    ],
    [
      'another performing party',
      edited({ performingPartyIds: ['supplier', 'hosting'] }),
      { what: 'performing', before: 'supplier', after: 'hosting supplier' },
    ],
    [
      'a part that comes',
      { rows: [...before.rows, row({ part: 'staging' })], declared },
      { what: 'part_added', duty: 'revocation', part: 'staging' },
    ],
    [
      'a part that goes',
      { rows: before.rows.slice(1), declared },
      { what: 'part_removed', duty: 'revocation', before: 'supplier', after: null },
    ],
    [
      'another kind of revocation path',
      edited({ pathKind: 'contact' }),
      { what: 'path_kind', before: 'connector', after: 'contact' },
    ],
    ['a longer window', edited({ windowMinutes: 120 }), { what: 'window', before: '60', after: '120' }],
    ['a shorter window', edited({ windowMinutes: 30 }), { what: 'window', before: '60', after: '30' }],
    ['no window any more', edited({ windowMinutes: null }), { what: 'window', before: '60', after: null }],
    [
      'an override for one credential',
      { rows: [...before.rows, row({ credentialId: 'c1' })], declared },
      { what: 'part_added', credentialId: 'c1' },
    ],
    [
      'a credential outside of the declared kinds',
      { ...before, declared: { ...declared, credentialKinds: ['api_key', 'password'] } },
      { what: 'credential_kind', duty: null, after: 'password' },
    ],
    [
      'a party that stores a copy',
      { ...before, declared: { ...declared, storingPartyIds: ['customer', 'quartz'] } },
      { what: 'storing_party', after: 'quartz' },
    ],
    [
      'a wider scope',
      { ...before, declared: { ...declared, scopes: ['admin', 'read'] } },
      { what: 'wider_scope', after: 'admin' },
    ],
  ])('%s', (_, after, change) => {
    expect(materialChanges(before, after)).toEqual([expect.objectContaining(change)]);
    expect(matrixHash({ integrationId: 'i', ...after })).not.toEqual(
      matrixHash({ integrationId: 'i', ...before }),
    );
  });
});

describe('immaterial is', () => {
  test.each<[string, MatrixState]>([
    ['a note', edited({ note: 'call at night' })],
    ['another contact person', edited({ contactId: 'piet' })],
    ['no contact', edited({ contactId: null })],
    [
      'the order in which rows and parties stand',
      { rows: [...before.rows].toReversed().map((one) => ({ ...one })), declared },
    ],
    ['a scope that is given up', { ...before, declared: { ...declared, scopes: [] } }],
    ['a kind of credential that is gone', { ...before, declared: { ...declared, credentialKinds: [] } }],
    ['a party that keeps no copy any more', { ...before, declared: { ...declared, storingPartyIds: [] } }],
  ])('%s', (_, after) => {
    expect(materialChanges(before, after)).toEqual([]);
  });

  test('what a version from before anything was declared did not promise', () => {
    expect(materialChanges({ rows: before.rows }, before)).toEqual([]);
  });

  test('but a new contact person is named, so that it confirms', () => {
    expect(newContacts(before, edited({ contactId: 'piet' }))).toEqual(['piet']);
    expect(newContacts(before, edited({ contactId: null }))).toEqual([]);
  });
});

const rows = fc.uniqueArray(
  fc.record({
    duty: fc.constantFrom(...DUTIES),
    part: fc.constantFrom('', 'production'),
    credentialId: fc.constantFrom(null, 'c1'),
    accountablePartyId: fc.constantFrom('a', 'b'),
    performingPartyIds: fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { minLength: 1 }),
    windowMinutes: fc.constantFrom(null, 60, 1440),
    pathKind: fc.constantFrom(null, 'connector' as const, 'contact' as const),
  }),
  { selector: ({ duty, part, credentialId }) => `${duty} ${part} ${credentialId}`, maxLength: 12 },
);

test('rows change materially exactly when their hash does', () => {
  fc.assert(
    fc.property(rows, rows, (one: MatrixRowFacts[], other: MatrixRowFacts[]) => {
      const same = matrixHash({ integrationId: 'i', rows: one }).equals(
        matrixHash({ integrationId: 'i', rows: other }),
      );
      expect(materialChanges({ rows: one }, { rows: other }).length === 0).toBe(same);
    }),
  );
});
