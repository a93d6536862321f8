import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { cellsForGaps, cellsInBulk } from './bulk.rules.ts';
import { sameCell, withCells, type DraftCell } from './draft.rules.ts';
import { DUTIES, type Duty } from './matrix.rules.ts';

const row = (duty: Duty, more: Partial<DraftCell> = {}): DraftCell => ({
  duty,
  part: '',
  credentialId: null,
  accountablePartyId: 'northwind',
  performingPartyIds: ['northwind'],
  contactId: 'nora',
  windowMinutes: 60,
  pathKind: null,
  note: 'by hand',
  ...more,
});
const name = (duty: Duty, more: object = {}) => ({ duty, part: '', credentialId: null, ...more });

describe('the same set on many cells', () => {
  test('changes what is said and nothing else', () => {
    const rows = [row('storage'), row('revocation', { part: 'eu', pathKind: 'connector' })];
    const cells = cellsInBulk(rows, [name('storage'), name('revocation', { part: 'eu' })], {
      accountable: 'aurora',
    });
    expect(cells).toEqual([
      expect.objectContaining({ duty: 'storage', accountable: ['aurora'], performing: ['northwind'] }),
      expect.objectContaining({
        part: 'eu',
        accountable: ['aurora'],
        pathKind: 'connector',
        note: 'by hand',
      }),
    ]);
    expect(cells.map(({ contactId, windowMinutes }) => [contactId, windowMinutes])).toEqual([
      ['nora', 60],
      ['nora', 60],
    ]);
  });

  test('adds performers beside those there are, or puts them in their place', () => {
    const rows = [row('storage')];
    const performing = (beside: boolean) =>
      cellsInBulk(rows, [name('storage')], { performing: { parties: ['fjord'], beside } })[0]!.performing;
    expect(performing(true)).toEqual(['northwind', 'fjord']);
    expect(performing(false)).toEqual(['fjord']);
  });

  test('takes a window away, which is not the same as leaving it', () => {
    const window = (windowMinutes: number | null | undefined) =>
      cellsInBulk([row('storage')], [name('storage')], { windowMinutes })[0]!.windowMinutes;
    expect([window(null), window(undefined), window(30)]).toEqual([null, 60, 30]);
  });

  test('a duty that nobody answers for is performed by whom it is given to; without one it names nobody', () => {
    expect(cellsInBulk([], [name('recovery')], { accountable: 'aurora' })).toMatchObject([
      { accountable: ['aurora'], performing: ['aurora'] },
    ]);
    expect(cellsInBulk([], [name('recovery')], { windowMinutes: 30 })).toMatchObject([{ accountable: [] }]);
  });

  test('a change that says nothing changes no row, and no row that was not chosen is touched', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.constantFrom(...DUTIES), { minLength: 1 }),
        fc.uniqueArray(fc.constantFrom(...DUTIES)),
        fc.option(fc.constantFrom('aurora', 'fjord'), { nil: undefined }),
        (have, chosen, accountable) => {
          const rows = have.map((duty) => row(duty));
          const names = chosen.filter((duty) => have.includes(duty)).map((duty) => name(duty));
          const after = withCells(rows, cellsInBulk(rows, names, { accountable }), []);
          for (const before of rows) {
            const now = after.find(({ duty }) => duty === before.duty);
            const touched = accountable !== undefined && chosen.includes(before.duty);
            expect(sameCell(before, now)).toBe(!touched);
          }
        },
      ),
    );
  });
});

describe('gaps given to somebody', () => {
  const parties = [
    { id: 'northwind', roles: ['supplier'] },
    { id: 'aurora', roles: ['customer'] },
    { id: 'fjord', roles: ['sub_processor'] },
  ];
  const contacts = [
    { id: 'nora', partyId: 'northwind', role: 'contract' },
    { id: 'piet', partyId: 'northwind', role: 'on_call' },
  ];
  const fill = (
    to: Parameters<typeof cellsForGaps>[1],
    rows: DraftCell[] = [],
    over = parties,
    contact = 'on_call',
  ) => cellsForGaps(['rotation', 'issuance'], to, contact, rows, over, contacts);

  test('by role: the one party that has it here, with its contact in the role asked for, in the order of duties', () => {
    expect(fill({ role: 'supplier' })).toMatchObject({
      cells: [
        { duty: 'issuance', accountable: ['northwind'], performing: ['northwind'], contactId: 'piet' },
        { duty: 'rotation', accountable: ['northwind'] },
      ],
      leftOut: [],
    });
    expect(fill({ role: 'supplier' }, [], parties, 'security').cells[0]!.contactId).toBe('nora');
  });

  test('where two have the role, or none has, a person decides', () => {
    const two = [...parties, { id: 'zephyr', roles: ['supplier'] }];
    expect(fill({ role: 'supplier' }, [], two)).toMatchObject({
      cells: [],
      leftOut: [
        { duty: 'issuance', why: 'the integration has 2 parties in the role supplier' },
        { duty: 'rotation', why: 'the integration has 2 parties in the role supplier' },
      ],
    });
    expect(fill({ role: 'customer' }, [], parties.slice(0, 1)).leftOut[0]!.why).toMatch(/no party/);
  });

  test('a sub-processor never answers, and a stranger neither', () => {
    expect(fill({ partyId: 'fjord' }).cells).toEqual([]);
    expect(fill({ partyId: 'stranger' }).leftOut).toHaveLength(2);
  });

  test('what the draft answers for already stays as it is', () => {
    expect(fill({ partyId: 'aurora' }, [row('rotation')])).toMatchObject({
      cells: [{ duty: 'issuance', accountable: ['aurora'], contactId: null }],
      leftOut: [{ duty: 'rotation', why: 'the draft names somebody already' }],
    });
  });
});
