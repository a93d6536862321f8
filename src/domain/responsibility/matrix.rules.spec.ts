import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  accountableFor,
  DUTIES,
  gapsOf,
  isShared,
  matrixContent,
  matrixHash,
  partiesHash,
  type MatrixRowFacts,
} from './matrix.rules.ts';

const row = (more: Partial<MatrixRowFacts> = {}): MatrixRowFacts => ({
  duty: 'revocation',
  part: '',
  credentialId: null,
  accountablePartyId: 'a',
  performingPartyIds: ['a'],
  ...more,
});
const rows = fc.uniqueArray(
  fc.record({
    duty: fc.constantFrom(...DUTIES),
    part: fc.constantFrom('', 'production', 'staging', 'EU'),
    credentialId: fc.constantFrom(null, 'c1', 'c2'),
    accountablePartyId: fc.constantFrom('a', 'b', 'c'),
    performingPartyIds: fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { minLength: 1 }),
  }),
  { selector: ({ duty, part, credentialId }) => `${duty} ${part} ${credentialId}`, maxLength: 20 },
);
const hash = (given: readonly MatrixRowFacts[]) =>
  matrixHash({ integrationId: 'i', rows: given }).toString('hex');

describe('the hash of a matrix', () => {
  test('does not depend on the order of rows or performers', () => {
    fc.assert(
      fc.property(rows, fc.integer(), (given, seed) => {
        const shuffled = given
          .map((one, at) => ({ one, order: (at * 7919 + seed) % 101 }))
          .sort((a, b) => a.order - b.order)
          .map(({ one }) => ({ ...one, performingPartyIds: one.performingPartyIds.toReversed() }));
        expect(hash(shuffled)).toBe(hash(given));
      }),
    );
  });

  test('changes with every material thing', () => {
    fc.assert(
      fc.property(
        rows.filter(({ length }) => length > 0),
        fc.constantFrom('accountable', 'performing', 'part', 'gone', 'new'),
        (given, what) => {
          const [first = row(), ...rest] = given;
          const changed: readonly MatrixRowFacts[] = {
            accountable: [{ ...first, accountablePartyId: 'z' }, ...rest],
            performing: [{ ...first, performingPartyIds: [...first.performingPartyIds, 'z'] }, ...rest],
            part: [{ ...first, part: `${first.part} of it` }, ...rest],
            gone: rest,
            new: [...given, row({ part: 'another part' })],
          }[what];
          expect(hash(changed)).not.toBe(hash(given));
        },
      ),
    );
  });

  test('of the parties alone does not see windows, paths and what was declared', () => {
    fc.assert(
      fc.property(rows, (given) => {
        const more = given.map((one) => ({ ...one, windowMinutes: 60, pathKind: 'contact' as const }));
        const declared = { credentialKinds: ['api_key'], storingPartyIds: [], scopes: ['read'] };
        const content = matrixContent({ integrationId: 'i', rows: more, declared });
        expect(partiesHash(content)?.toString('hex')).toBe(hash(given));
      }),
    );
    expect(partiesHash('no content')).toBeUndefined();
  });

  test('is of a text that anybody can recompute', () => {
    expect(matrixContent({ integrationId: 'i', rows: [row({ performingPartyIds: ['b', 'a'] })] })).toBe(
      '{"format":"countersign-matrix-1","integration":"i","rows":[{"accountable":"a","duty":"revocation","part":"","performing":["a","b"]}]}',
    );
  });
});

describe('who is accountable', () => {
  const of = (
    given: readonly MatrixRowFacts[],
    exposed = { credentialId: 'c1', environment: 'production' },
  ) => accountableFor(exposed, { rows: given }).find(({ duty }) => duty === 'revocation');

  test.each<[string, MatrixRowFacts[], object]>([
    ['nobody, where no row stands', [], { partyId: null, because: 'gap' }],
    ['the one of the whole duty', [row()], { partyId: 'a', because: 'whole' }],
    [
      'the one of its environment before the one of the whole',
      [row(), row({ part: 'production', accountablePartyId: 'b' })],
      { partyId: 'b', because: 'part', part: 'production' },
    ],
    [
      'the one of the credential before all',
      [
        row(),
        row({ part: 'production', accountablePartyId: 'b' }),
        row({ credentialId: 'c1', accountablePartyId: 'c' }),
      ],
      { partyId: 'c', because: 'credential' },
    ],
    ['not the one of another credential', [row({ credentialId: 'c2' })], { partyId: null, because: 'gap' }],
    [
      'nobody certain, where only other parts stand and they differ',
      [row({ part: 'day' }), row({ part: 'night', accountablePartyId: 'b' })],
      { partyId: null, because: 'ambiguous', candidates: ['a', 'b'] },
    ],
    [
      'the one on whom all other parts agree',
      [row({ part: 'day' }), row({ part: 'night' })],
      { partyId: 'a', because: 'part' },
    ],
  ])('%s', (_, given, expected) => {
    expect(of(given)).toMatchObject(expected);
  });

  test('is answered once for each duty, and a named party always stands in the matrix', () => {
    fc.assert(
      fc.property(rows, (given) => {
        const found = accountableFor(
          { credentialId: 'c1', environment: 'production', region: 'EU' },
          { rows: given },
        );
        expect(found.map(({ duty }) => duty)).toEqual([...DUTIES]);
        for (const one of found)
          if (one.partyId !== null)
            expect(
              given.some((each) => each.duty === one.duty && each.accountablePartyId === one.partyId),
            ).toBe(true);
      }),
    );
  });
});

test('gaps are the duties without a row for all credentials, and rows without anyone at work', () => {
  expect(gapsOf([])).toHaveLength(DUTIES.length);
  expect(gapsOf(DUTIES.map((duty) => row({ duty })))).toEqual([]);
  expect(
    gapsOf(DUTIES.map((duty) => row({ duty, performingPartyIds: duty === 'storage' ? [] : ['a'] }))),
  ).toMatchObject([{ duty: 'storage' }]);
  expect(
    gapsOf(DUTIES.map((duty) => row({ duty, credentialId: duty === 'storage' ? 'c1' : null }))),
  ).toMatchObject([{ duty: 'storage' }]);
});

test('a duty is shared when its parts have different accountable parties', () => {
  expect(isShared([row({ part: 'EU' }), row({ part: 'US' })], 'revocation')).toBe(false);
  expect(isShared([row({ part: 'EU' }), row({ part: 'US', accountablePartyId: 'b' })], 'revocation')).toBe(
    true,
  );
});
