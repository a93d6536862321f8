import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { DraftCell } from './draft.rules.ts';
import { withCells } from './draft.rules.ts';
import { cellKey, materialChanges } from './material-changes.rules.ts';
import { DUTIES } from './matrix.rules.ts';
import { partOf, shiftFor, type NewCopy, type ShiftContext } from './shift.rules.ts';

const roles = new Map([
  ['s', ['supplier']],
  ['c', ['customer']],
  ['h', ['sub_processor']],
]);
const context: ShiftContext = { roles, contactOf: (id) => `${id}-desk` };
const copy = (more: Partial<NewCopy> = {}): NewCopy => ({
  credentialId: 'k',
  kind: 'ci_variable',
  arrivedBy: 'injected',
  partyId: 'c',
  partyName: 'Customer',
  day: '2026-11-22',
  ...more,
});
const cell = (more: Partial<DraftCell> = {}): DraftCell => ({
  duty: 'storage',
  part: '',
  credentialId: null,
  accountablePartyId: 's',
  performingPartyIds: ['s'],
  contactId: null,
  windowMinutes: null,
  pathKind: null,
  note: '',
  ...more,
});
const applied = (rows: readonly DraftCell[], shift: DraftCell) => {
  const { accountablePartyId, performingPartyIds, ...rest } = shift;
  return withCells(
    rows,
    [{ ...rest, accountable: [accountablePartyId], performing: performingPartyIds }],
    [],
  );
};

const cells = fc
  .uniqueArray(
    fc.record({
      duty: fc.constantFrom(...DUTIES),
      part: fc.constantFrom('', 'production', partOf(copy())),
      credentialId: fc.constantFrom(null, 'k', 'other'),
      accountablePartyId: fc.constantFrom('s', 'c'),
      performingPartyIds: fc.subarray(['s', 'c', 'h'], { minLength: 1 }),
    }),
    { selector: cellKey, maxLength: 20 },
  )
  .map((all) => all.map((one) => cell(one)));
const copies = fc.record({
  credentialId: fc.constantFrom('k', 'other'),
  kind: fc.constantFrom('ci_variable', 'log', 'browser_storage', 'developer_tool', 'vault'),
  arrivedBy: fc.constantFrom('stored', 'brokered', 'injected', 'cached', 'forwarded', 'leaked'),
  partyId: fc.constantFrom('s', 'c', 'h', 'nobody'),
});

describe('the row of a copy', () => {
  test('moves to the side that added it; the rest of storage stays where it was', () => {
    const rows = [cell(), cell({ duty: 'revocation' })];
    const shift = shiftFor(rows, copy(), context)!;
    expect(shift).toMatchObject({
      duty: 'storage',
      part: 'ci variable at Customer',
      accountablePartyId: 'c',
      performingPartyIds: ['c'],
      contactId: 'c-desk',
      note: 'A copy (ci variable) was added there on 2026-11-22.',
    });
    expect(materialChanges({ rows }, { rows: applied(rows, shift) })).toEqual([
      {
        what: 'part_added',
        duty: 'storage',
        part: 'ci variable at Customer',
        credentialId: null,
        before: null,
        after: 'c',
      },
    ]);
  });

  test('that named another moves', () => {
    const part = partOf(copy());
    const shift = shiftFor([cell({ part, windowMinutes: 30 })], copy(), context)!;
    expect(shift).toMatchObject({
      accountablePartyId: 'c',
      performingPartyIds: ['c', 's'],
      windowMinutes: 30,
    });
  });

  test.each([
    ['whoever keeps it answers already', [cell({ accountablePartyId: 'c', performingPartyIds: ['c'] })], {}],
    [
      'it answers for that credential',
      [cell(), cell({ credentialId: 'k', accountablePartyId: 'c', performingPartyIds: ['c'] })],
      {},
    ],
    ['it leaked', [cell()], { arrivedBy: 'leaked' }],
    ['the party is not in the integration', [cell()], { partyId: 'stranger' }],
    ['the sub-processor performs already', [cell({ performingPartyIds: ['s', 'h'] })], { partyId: 'h' }],
  ])('stays where %s', (_, rows, more) => {
    expect(shiftFor(rows, copy(more), context)).toBeUndefined();
  });

  test('of a sub-processor: it performs, and accountability does not move', () => {
    expect(shiftFor([cell()], copy({ partyId: 'h', partyName: 'Host' }), context)).toMatchObject({
      accountablePartyId: 's',
      performingPartyIds: ['h'],
      contactId: 's-desk',
    });
  });

  test('once moved, it moves no more; whoever has the copy performs; nothing else changes', () => {
    fc.assert(
      fc.property(cells, copies, (rows, given) => {
        const one = copy(given);
        const shift = shiftFor(rows, one, context);
        if (!shift) return;
        expect(one.arrivedBy).not.toBe('leaked');
        expect(shift.performingPartyIds).toContain(one.partyId);
        if (one.partyId !== 'h') expect(shift.accountablePartyId).toBe(one.partyId);
        else expect(['s', 'c']).toContain(shift.accountablePartyId);
        const after = applied(rows, shift);
        expect(shiftFor(after, one, context)).toBeUndefined();
        const others = (of: readonly DraftCell[]) =>
          of
            .filter((row) => cellKey(row) !== cellKey(shift))
            .map(cellKey)
            .sort();
        expect(others(after)).toEqual(others(rows));
        expect(materialChanges({ rows }, { rows: after }).length).toBeGreaterThan(0);
        for (const change of materialChanges({ rows }, { rows: after })) expect(change.part).toBe(shift.part);
      }),
    );
  });

  test('does not depend on the order of the rows', () => {
    fc.assert(
      fc.property(cells, copies, (rows, given) => {
        expect(shiftFor(rows.toReversed(), copy(given), context)).toEqual(
          shiftFor(rows, copy(given), context),
        );
      }),
    );
  });
});
