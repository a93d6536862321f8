import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { caseAccount, type CaseFacts, type CredentialState, type ToldRole } from './case-account.rules.ts';

const facts: CaseFacts = {
  reference: 'CAS-2026-0007',
  integrationName: 'Payments bridge',
  toldAs: null,
  occurredAt: null,
  knownAt: Date.parse('2026-11-22T08:05:31Z'),
  confirmedAt: null,
  containedAt: null,
  credentials: [
    { reference: 'CRD-2026-0001', label: 'Payments key', environment: 'production', state: 'live' },
  ],
  count: 3,
  dead: 2,
  copies: { total: 4, gone: 1 },
  publiclyLeaked: false,
};

describe('the account of a case', () => {
  test('says what happened, since when it is known, which credentials, how far it is contained and what is asked', () => {
    const { subject, paragraphs } = caseAccount({ ...facts, toldAs: 'NTC-2026-0001' }, 'authority', 'en');
    expect(subject).toBe('How it stands with Payments bridge');
    expect(paragraphs).toEqual([
      'This is about CAS-2026-0007, Payments bridge, of which you were told as NTC-2026-0001.',
      'Credentials of Payments bridge were exposed: somebody who should not have them may. It was first known on 22 November 2026, 08:05 UTC.',
      'The 3 credentials concerned:\n- Payments key (CRD-2026-0001, production): still alive\n- and 2 more',
      'It is not contained yet: 2 of 3 are proven dead. Of 4 known copies, 1 proven gone.',
      'What we ask of you: confirm that this reached you, and name the file under which we complete it.',
    ]);
  });
  test('in the language of the reader, else in English', () => {
    const german = caseAccount({ ...facts, containedAt: facts.knownAt }, 'supplier', 'de-AT').paragraphs;
    expect(german[1]).toContain('Bekannt ist es seit dem 22. November 2026, 08:05 UTC.');
    expect(german[3]).toContain('Es ist eingedämmt seit dem 22. November 2026, 08:05 UTC');
    expect(german[4]).toContain('Widerrufen Sie, was noch wirksam ist');
    expect(caseAccount(facts, null, 'fr')).toEqual(caseAccount(facts, null, 'en'));
  });
  test('says so where nothing is established yet', () => {
    const { paragraphs } = caseAccount(
      { ...facts, knownAt: null, credentials: [], count: 0, dead: 0, copies: { total: 0, gone: 0 } },
      null,
      'en',
    );
    expect(paragraphs[1]).toContain('not on record yet');
    expect(paragraphs[2]).toContain('not established yet');
    expect(paragraphs[3]).toBe('It is not contained yet. No copy is on record.');
  });
});

test('of what is not known it says what that is', () => {
  const credentials = [
    { reference: 'CRD-2026-1', label: 'Key', environment: 'production', state: 'unknown' as const },
  ];
  const said = (language: string) =>
    caseAccount({ ...facts, credentials, count: 1, dead: 0 }, null, language).paragraphs.join(' ');
  expect(said('en')).toContain('(CRD-2026-1, production): whether it still works is not yet known');
  expect(said('de')).toContain('noch nicht bekannt, ob sie noch wirksam sind');
});

test('leaves no hole and no empty paragraph, whatever is known', () => {
  const time = fc.option(fc.integer({ min: 0, max: 4e12 }));
  const states: CredentialState[] = ['dead', 'live', 'revoked', 'unknown'];
  const roles: (ToldRole | null)[] = ['supplier', 'customer', 'sub_processor', 'authority', 'insurer', null];
  fc.assert(
    fc.property(
      fc.record({
        occurredAt: time,
        knownAt: time,
        confirmedAt: time,
        containedAt: time,
        more: fc.nat(1e5),
        dead: fc.nat(50),
        total: fc.nat(9),
        publiclyLeaked: fc.boolean(),
        states: fc.array(fc.constantFrom(...states), { maxLength: 50 }),
      }),
      fc.constantFrom(...roles),
      fc.constantFrom('en', 'de', 'de-CH', 'pt-BR', ''),
      (o, role, language) => {
        const credentials = o.states.map((state, at) => ({
          reference: `CRD-2026-${at}`,
          label: 'Key',
          environment: 'production',
          state,
        }));
        const { subject, paragraphs } = caseAccount(
          {
            ...facts,
            ...o,
            credentials,
            count: credentials.length + o.more,
            copies: { total: o.total, gone: Math.min(1, o.total) },
          },
          role,
          language,
        );
        for (const text of [subject, ...paragraphs]) {
          expect(text.trim()).not.toBe('');
          // A blank line would part a paragraph; a missing fact would read so.
          expect(text).not.toMatch(/undefined|null|NaN|Invalid|\n\s*\n/);
        }
        expect(paragraphs).toHaveLength(5);
        for (const { reference } of credentials) expect(paragraphs[2]).toContain(`${reference},`);
      },
    ),
  );
});
