import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  missingIn,
  problemsOfCells,
  sameCell,
  withCells,
  type CellContext,
  type DraftCell,
  type WantedCell,
} from './draft.rules.ts';
import { DUTIES } from './matrix.rules.ts';

const context: CellContext = {
  roles: new Map([
    ['supplier', ['supplier']],
    ['customer', ['customer']],
    ['hosting', ['sub_processor']],
  ]),
  credentials: new Set(['key']),
  contacts: new Map([
    ['nora', { partyId: 'supplier', active: true, reachable: true }],
    ['mute', { partyId: 'supplier', active: true, reachable: false }],
    ['gone', { partyId: 'supplier', active: false, reachable: true }],
    ['ann', { partyId: 'customer', active: true, reachable: true }],
  ]),
  governing: new Map([['key', 'elsewhere']]),
};
const cell = (more: Partial<WantedCell> = {}): WantedCell => ({
  duty: 'revocation',
  part: '',
  credentialId: null,
  accountable: ['supplier'],
  performing: ['supplier'],
  contactId: 'nora',
  windowMinutes: 60,
  pathKind: 'connector',
  note: '',
  ...more,
});
const faults = (...cells: WantedCell[]) => problemsOfCells(cells, context).map(({ field }) => field);

describe('a cell', () => {
  test('with one accountable party, somebody who performs and a contact may stand', () => {
    expect(faults(cell())).toEqual([]);
  });

  test.each<[string, Partial<WantedCell>, string]>([
    ['two accountable parties', { accountable: ['supplier', 'customer'] }, '/cells/0/accountable'],
    ['nobody accountable', { accountable: [] }, '/cells/0/accountable'],
    ['a stranger as accountable', { accountable: ['stranger'] }, '/cells/0/accountable'],
    [
      'a sub-processor as accountable',
      { accountable: ['hosting'], contactId: 'nora' },
      '/cells/0/accountable',
    ],
    ['nobody who performs', { performing: [] }, '/cells/0/performing'],
    ['a stranger who performs', { performing: ['stranger'] }, '/cells/0/performing'],
    ['a contact that cannot be reached', { contactId: 'mute' }, '/cells/0/contactId'],
    ['a contact that has left', { contactId: 'gone' }, '/cells/0/contactId'],
    ['a contact of another party', { contactId: 'ann' }, '/cells/0/contactId'],
    ['a window of zero', { windowMinutes: 0 }, '/cells/0/windowMinutes'],
    ['half a minute', { windowMinutes: 0.5 }, '/cells/0/windowMinutes'],
    ['a path for another duty', { duty: 'storage' }, '/cells/0/pathKind'],
    ['a credential of another integration', { credentialId: 'other' }, '/cells/0/credentialId'],
  ])('with %s may not', (_, more, field) => {
    expect(faults(cell(more))).toContain(field);
  });

  test('a sub-processor may perform', () => {
    expect(faults(cell({ performing: ['hosting'] }))).toEqual([]);
  });

  test('given twice with different accountable parties is one duty with two of them', () => {
    const [problem] = problemsOfCells([cell(), cell({ accountable: ['customer'] })], context);
    expect(problem).toMatchObject({
      field: '/cells/1/accountable',
      problem: 'names 2 accountable parties for revocation',
    });
  });

  test('of a shared credential may name the party that governs it', () => {
    expect(faults(cell({ credentialId: 'key', accountable: ['elsewhere'] }))).toEqual([]);
    expect(faults(cell({ accountable: ['elsewhere'] }))).toEqual(['/cells/0/accountable']);
  });
});

const stored = (more: Partial<WantedCell> = {}): DraftCell => withCells([], [cell(more)], [])[0]!;

test('an empty draft lacks every duty, a full one nothing', () => {
  expect(missingIn([], context)).toHaveLength(DUTIES.length);
  expect(
    missingIn(
      DUTIES.map((duty) => stored({ duty })),
      context,
    ),
  ).toEqual([]);
});

test('an override answers for no whole duty, and a contact that left is missed', () => {
  const full = DUTIES.map((duty) => stored({ duty, credentialId: duty === 'storage' ? 'key' : null }));
  expect(missingIn(full, context).map(({ field }) => field)).toEqual(['/cells/storage']);
  expect(
    missingIn(
      DUTIES.map((duty) => stored({ duty, contactId: 'gone' })),
      context,
    ),
  ).toHaveLength(DUTIES.length);
});

test('putting a cell twice is putting it once; removing it leaves the others', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.constantFrom(...DUTIES)), fc.constantFrom(...DUTIES), (duties, one) => {
      const rows = withCells(
        [],
        duties.map((duty) => cell({ duty })),
        [],
      );
      const wanted = [cell({ duty: one, note: 'new' })];
      const once = withCells(rows, wanted, []);
      expect(withCells(once, wanted, [])).toEqual(once);
      expect(once.find(({ duty }) => duty === one)?.note).toBe('new');
      const without = withCells(once, [], [{ duty: one, part: '', credentialId: null }]);
      expect(without.map(({ duty }) => duty).sort()).toEqual(duties.filter((duty) => duty !== one).sort());
    }),
  );
});

test('a cell differs by its note and contact, too', () => {
  expect(sameCell(stored(), stored())).toBe(true);
  expect(sameCell(stored(), stored({ note: 'x' }))).toBe(false);
  expect(sameCell(stored(), stored({ contactId: null }))).toBe(false);
  expect(sameCell(stored(), undefined)).toBe(false);
});
