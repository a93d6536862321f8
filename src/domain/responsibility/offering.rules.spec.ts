import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { HOUR } from '../../kernel/time.ts';
import type { TermSheet } from '../agreements/draft.schema.ts';
import { DUTIES } from './matrix.rules.ts';
import {
  cellsOfOffering,
  changesOfRows,
  missingDuties,
  nextChaseAt,
  offeringHash,
  problemsOfRows,
  rowsOfMatrix,
  standingOf,
  termsOfOffering,
  type TargetFacts,
} from './offering.rules.ts';
import { ANSWERING, PERFORMING, STANDINGS, type OfferingRow } from './offering.schema.ts';

const row: fc.Arbitrary<OfferingRow> = fc.record({
  duty: fc.constantFrom(...DUTIES),
  part: fc.constantFrom('', 'production', 'EU'),
  accountable: fc.constantFrom(...ANSWERING),
  performing: fc.uniqueArray(fc.constantFrom(...PERFORMING), { minLength: 1 }).map((all) => all.sort()),
  contact: fc.constantFrom('security', 'contract', 'on_call'),
  windowMinutes: fc.option(fc.integer({ min: 1, max: 5000 })),
  pathKind: fc.constant(null),
  note: fc.constantFrom('', 'as agreed'),
});
const rows = fc.uniqueArray(row, { selector: ({ duty, part }) => `${duty} ${part}`, maxLength: 30 });

const parties = [
  { id: 's', roles: ['supplier'] },
  { id: 'c', roles: ['customer'] },
  { id: 'h', roles: ['sub_processor'] },
];
const contacts = parties.flatMap(({ id }) =>
  (['security', 'contract', 'on_call'] as const).map((role) => ({ id: `${id}-${role}`, partyId: id, role })),
);
const roleOf = new Map(contacts.map(({ id, role }) => [id, role]));

const stored = (offered: readonly OfferingRow[]) =>
  cellsOfOffering(offered, parties, contacts).cells.map(({ accountable, performing, ...cell }) => ({
    ...cell,
    accountablePartyId: accountable[0]!,
    performingPartyIds: performing,
  }));

describe('rows', () => {
  test('said by role and filled in for a customer, they say the same when they are read back', () => {
    fc.assert(
      fc.property(rows, (offered) => {
        const { rows: back, leftOut } = rowsOfMatrix(stored(offered), parties, roleOf);
        expect(leftOut).toEqual([]);
        expect(offeringHash({ rows: back, terms: null })).toEqual(
          offeringHash({ rows: offered, terms: null }),
        );
        expect(changesOfRows(offered, back)).toEqual([]);
      }),
    );
  });

  test('every duty is either there or named as missing', () => {
    fc.assert(
      fc.property(rows, (offered) => {
        const missing = missingDuties(offered).map(({ field }) => field.slice('/rows/'.length));
        const there = new Set<string>(offered.map(({ duty }) => duty));
        expect([...missing, ...there].sort()).toEqual([...DUTIES].sort());
        expect(problemsOfRows(offered)).toEqual([]);
        expect(problemsOfRows([...offered, ...offered])).toHaveLength(offered.length);
      }),
    );
  });

  test('the hash does not depend on the order of rows, and on everything that is in them', () => {
    fc.assert(
      fc.property(rows, fc.integer({ min: 5001, max: 9000 }), (offered, minutes) => {
        const hash = (of: readonly OfferingRow[]) =>
          offeringHash({ rows: [...of], terms: null }).toString('hex');
        expect(hash(offered.toReversed())).toBe(hash(offered));
        const [first, ...rest] = offered;
        if (!first) return;
        expect(hash([{ ...first, windowMinutes: minutes }, ...rest])).not.toBe(hash(offered));
        expect(changesOfRows(offered, [{ ...first, windowMinutes: minutes }, ...rest])).toMatchObject([
          { what: 'window', duty: first.duty, after: String(minutes) },
        ]);
      }),
    );
  });

  test('a customer without somebody in the accountable role is left to a person', () => {
    const offered: OfferingRow[] = [
      {
        duty: 'revocation',
        part: '',
        accountable: 'customer',
        performing: ['supplier'],
        contact: 'security',
        windowMinutes: null,
        pathKind: 'contact',
        note: '',
      },
    ];
    const { cells, leftOut } = cellsOfOffering(offered, [parties[0]!], contacts);
    expect(cells).toEqual([]);
    expect(leftOut[0]!.why).toBe('the integration has no parties in the role customer');
    expect(problemsOfRows([{ ...offered[0]!, duty: 'storage' }])[0]!.problem).toBe(
      'belongs to revocation only',
    );
  });

  test('what is for one credential, or answered for by a third, is not offered to others', () => {
    const cell = stored([
      {
        duty: 'storage',
        part: '',
        accountable: 'supplier',
        performing: ['supplier'],
        contact: 'security',
        windowMinutes: null,
        pathKind: null,
        note: '',
      },
    ])[0]!;
    const { rows: back, leftOut } = rowsOfMatrix(
      [
        { ...cell, credentialId: 'k' },
        { ...cell, accountablePartyId: 'h', part: 'EU' },
      ],
      parties,
      roleOf,
    );
    expect(back).toEqual([]);
    expect(leftOut).toHaveLength(2);
  });
});

describe('terms', () => {
  const sheet: TermSheet = {
    validUntil: null,
    reviewOn: null,
    prevailingLanguage: 'en',
    authority: 'revoke_now',
    approveWithinMinutes: null,
    approveOtherwise: 'escalate',
    containmentSteps: [],
    drillEveryDays: null,
    terms: [
      {
        name: null,
        direction: 'to_party',
        trigger: 'confirmed',
        startEvent: 'confirmed',
        window: { count: 24, unit: 'elapsed-hours' },
        zone: 'UTC',
        calendar: null,
        warnPercent: 50,
        escalatePercent: 80,
        recipients: ['security', 'contract'],
        fallbackRecipients: ['on_call'],
        fulfilledBy: 'dispatched',
        language: 'en',
        category: 'exposure',
        ruleVersion: '1',
      },
    ],
  };

  test('name the contacts of the side that is told', () => {
    const sides = { us: 's', them: 'c' };
    const { content, problems } = termsOfOffering(sheet, sides, contacts);
    expect(problems).toEqual([]);
    expect(content.terms[0]).toMatchObject({
      recipients: ['c-security', 'c-contract'],
      fallbackRecipients: ['c-on_call'],
    });
    const other = { ...sheet, terms: [{ ...sheet.terms[0]!, direction: 'from_party' as const }] };
    expect(termsOfOffering(other, sides, contacts).content.terms[0]!.recipients).toEqual([
      's-security',
      's-contract',
    ]);
  });

  test('a role that nobody has is a problem of that customer; a fallback may be missing', () => {
    const some = contacts.filter(({ id }) => id !== 'c-contract' && id !== 'c-on_call');
    const { problems } = termsOfOffering(sheet, { us: 's', them: 'c' }, some);
    expect(problems).toMatchObject([{ field: '/terms/0/recipients' }]);
    expect(problems[0]!.problem).toContain('in the role contract');
  });
});

describe('where a customer stands', () => {
  const facts: TargetFacts = {
    state: 'proposed',
    proposed: 2,
    newest: 2,
    matrixState: 'countersigned',
    same: true,
  };
  test.each([
    ['signed', {}],
    ['behind', { newest: 3 }],
    ['waiting', { matrixState: 'proposed' }],
    ['waiting', { matrixState: 'proposed', newest: 3 }],
    ['sent_back', { matrixState: 'sent_back' }],
    ['withdrawn', { matrixState: 'withdrawn' }],
    ['lapsed', { matrixState: 'expired' }],
    ['lapsed', { matrixState: 'superseded' }],
    ['departed', { same: false }],
    ['queued', { state: 'queued' as const }],
    ['failed', { state: 'failed' as const }],
  ] as const)('%s', (word, more) => {
    expect(standingOf({ ...facts, ...more })).toBe(word);
  });

  test('signed is said of nobody whose newest matrix is not countersigned, and always one word is', () => {
    fc.assert(
      fc.property(
        fc.record({
          state: fc.constantFrom('queued' as const, 'proposed' as const, 'failed' as const),
          proposed: fc.option(fc.integer({ min: 1, max: 4 })),
          newest: fc.constant(4),
          matrixState: fc.option(
            fc.constantFrom(
              'draft',
              'proposed',
              'countersigned',
              'withdrawn',
              'expired',
              'superseded',
              'sent_back',
            ),
          ),
          same: fc.boolean(),
        }),
        (given) => {
          const word = standingOf(given);
          expect(STANDINGS).toContain(word);
          if (word === 'signed')
            expect(given).toMatchObject({
              state: 'proposed',
              proposed: 4,
              matrixState: 'countersigned',
              same: true,
            });
        },
      ),
    );
  });

  test('nobody is reminded before the interval is over', () => {
    fc.assert(
      fc.property(fc.integer({ min: 24, max: 2160 }), fc.nat(5_000), (every, hours) => {
        const now = 10_000 * HOUR;
        const next = nextChaseAt(now - hours * HOUR, every, now);
        expect(next === null).toBe(hours >= every);
        if (next !== null) expect(next - (now - hours * HOUR)).toBe(every * HOUR);
      }),
    );
    expect(nextChaseAt(null, 72, 0)).toBeNull();
  });
});
