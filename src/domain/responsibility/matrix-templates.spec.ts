import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { templatesFolder } from '../../platform/config/templates.ts';
import { cellsFromOther, cellsFromTemplate, onlyMissing } from './inherit.rules.ts';
import { MatrixTemplates } from './matrix-templates.ts';
import { DUTIES, gapsOf } from './matrix.rules.ts';

const parties = [
  { id: 'northwind', roles: ['supplier'] },
  { id: 'aurora', roles: ['customer'] },
];
const contacts = [
  { id: 'ann', partyId: 'aurora', role: 'security' },
  { id: 'piet', partyId: 'northwind', role: 'on_call' },
];
const facts = (cells: ReturnType<typeof cellsFromTemplate>['cells']) =>
  cells.map((cell) => ({
    ...cell,
    accountablePartyId: cell.accountable[0]!,
    performingPartyIds: cell.performing,
  }));

describe('every template that is shipped', () => {
  const templates = new MatrixTemplates(templatesFolder('matrices'));

  test.each(templates.all().map((one) => [one.matrix, one] as const))(
    '%s answers for every duty, with a contact each',
    (_, template) => {
      const { cells, leftOut } = cellsFromTemplate(template, parties, contacts);
      expect(leftOut).toEqual([]);
      expect(gapsOf(facts(cells))).toEqual([]);
      expect(cells.filter(({ contactId }) => contactId === null)).toEqual([]);
    },
  );

  test('a role that two have is left to a person, with why', () => {
    const two = [...parties, { id: 'quartz', roles: ['supplier'] }];
    const { leftOut } = cellsFromTemplate(templates.get('supplier-issues')!, two, contacts);
    expect(leftOut.map(({ duty }) => duty)).toContain('issuance');
    expect(leftOut[0]!.why).toContain('2 parties in the role supplier');
  });
});

test('a copy names the party that has the same role here', () => {
  const there = [
    { id: 'pigeon', roles: ['supplier'] },
    { id: 'aurora', roles: ['customer'] },
  ];
  const row = {
    duty: 'issuance' as const,
    part: '',
    credentialId: null,
    accountablePartyId: 'pigeon',
    performingPartyIds: ['pigeon', 'aurora'],
    contactId: 'somebody',
    windowMinutes: 5,
    pathKind: null,
    note: '',
  };
  const { cells } = cellsFromOther([row, { ...row, credentialId: 'theirs' }], there, parties, contacts);
  expect(cells).toEqual([
    expect.objectContaining({
      accountable: ['northwind'],
      performing: ['northwind', 'aurora'],
      contactId: 'piet',
    }),
  ]);
});

test('what the draft answers for already is kept', () => {
  const template = new MatrixTemplates(templatesFolder('matrices')).get('supplier-issues')!;
  const { cells } = cellsFromTemplate(template, parties, contacts);
  const mine = facts(cells.filter(({ duty }) => duty === 'monitoring')).slice(0, 1);
  expect(new Set(onlyMissing(cells, mine).map(({ duty }) => duty))).toEqual(
    new Set(DUTIES.filter((duty) => duty !== 'monitoring')),
  );
});

describe('a file that does not fit', () => {
  let folder = '';
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test.each([
    ['a duty that nobody knows', 'duties: { magic: { accountable: customer, performing: [customer] } }'],
    [
      'two accountable roles',
      'duties: { storage: { accountable: [customer, supplier], performing: [customer] } }',
    ],
    [
      'a sub-processor as accountable',
      'duties: { storage: { accountable: sub_processor, performing: [customer] } }',
    ],
    [
      'a window of zero',
      'duties: { storage: { accountable: customer, performing: [customer], window: 0h } }',
    ],
    ['an unknown field', 'duties: {}\nweather: fine'],
  ])('%s stops the start and names the file', (_, text) => {
    folder = mkdtempSync(join(tmpdir(), 'matrices-'));
    writeFileSync(join(folder, 'odd.yaml'), `matrix: odd\ntitle: Odd\nversion: 1\n${text}\n`);
    expect(() => new MatrixTemplates(folder)).toThrow(/odd\.yaml/);
  });
});
