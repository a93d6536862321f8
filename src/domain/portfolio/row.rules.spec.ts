import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { KINDS } from './portfolio.schema.ts';
import { checkRow } from './row.rules.ts';

const problemsOf = (kind: string, value: unknown) => {
  const checked = checkRow({ line: 7, kind, value });
  return checked.ok ? [] : checked.bad.problems;
};

describe('a row', () => {
  test('of whatever form is judged and never thrown at', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.constantFrom(...KINDS), fc.string()),
        fc.anything({ withNullPrototype: true }),
        (kind, value) => {
          const checked = checkRow({ line: 1, kind, value });
          if (checked.ok) return;
          expect(checked.bad.problems.length).toBeGreaterThan(0);
          for (const { problem, mend } of checked.bad.problems)
            expect([problem === '', mend === '']).toEqual([false, false]);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('never has its values repeated in a problem', () => {
    const canary = 'cs-canary-7f3a';
    fc.assert(
      fc.property(
        fc.constantFrom(...KINDS),
        fc.constantFrom(
          'key',
          'name',
          'role',
          'email',
          'zone',
          'integration',
          'number',
          'sha256',
          'baseUrl',
          'value',
          'secret',
          'duty',
        ),
        (kind, field) => {
          const said = JSON.stringify(
            problemsOf(kind, { [field]: canary }).map(({ problem, mend }) => [problem, mend]),
          );
          expect(said).not.toContain(canary);
        },
      ),
    );
  });

  test.each([
    'value',
    'secret',
    'Password',
    'api_key',
    'apiKey',
    'client_secret',
    'token',
    'auth',
    'privateKey',
  ])('with a member %s is refused, however deep it stands', (member) => {
    expect(problemsOf('credentialVersion', { credential: 'c', [member]: 'x' })).toMatchObject([
      { field: `/${member}` },
    ]);
    expect(problemsOf('integration', { key: 'i', name: 'I', matrix: [{ [member]: 'x' }] })).toMatchObject([
      { field: `/matrix/0/${member}` },
    ]);
    expect(
      problemsOf('connection', { key: 'n', party: 'p', name: 'N', preset: 'x', [member]: { a: 'b' } })[0]
        ?.mend,
    ).toContain('/secrets');
  });

  test('may be written short where that says enough', () => {
    const short = checkRow({
      line: 1,
      kind: 'integration',
      value: { key: 'i', name: 'I', parties: ['acme=supplier', 'a=b=customer'] },
    });
    const long = checkRow({
      line: 1,
      kind: 'integration',
      value: {
        key: 'i',
        name: 'I',
        parties: [
          { party: 'acme', role: 'supplier' },
          { party: 'a=b', role: 'customer' },
        ],
      },
    });
    expect(short).toEqual(long);
    expect(problemsOf('integration', { key: 'i', name: 'I', parties: ['acme=boss'] })).toMatchObject([
      { field: '/parties/0' },
    ]);
    expect(
      problemsOf('integration', { key: 'i', name: 'I', parties: [{ party: 'acme', role: 'boss' }] }),
    ).toMatchObject([{ field: '/parties/0/role' }]);
  });

  test.each([
    [
      'an authority that waits must say how long',
      'agreement',
      { key: 'a', party: 'p', title: 'A', authority: 'approve_within' },
      '/approveWithinMinutes',
    ],
    [
      'a path leads to one thing',
      'credential',
      {
        key: 'c',
        integration: 'i',
        name: 'C',
        type: 'k',
        issuer: 'a',
        verifier: 'a',
        paths: [{ connection: 'n', contact: 'p' }],
      },
      '/paths/0/connection',
    ],
    [
      'thresholds are in order',
      'term',
      {
        key: 't',
        agreement: 'a',
        direction: 'to_party',
        trigger: 'confirmed',
        startEvent: 'confirmed',
        warnPercent: 90,
        escalatePercent: 50,
      },
      '/escalatePercent',
    ],
    [
      'a window is a number and a unit',
      'term',
      {
        key: 't',
        agreement: 'a',
        direction: 'to_party',
        trigger: 'confirmed',
        startEvent: 'confirmed',
        window: '3 days',
      },
      '/window',
    ],
    [
      'a mail address splits no list',
      'contact',
      { key: 'k', party: 'p', name: 'N', role: 'security', email: 'a@x.example,b@evil.example' },
      '/email',
    ],
    ['a name is one line', 'party', { key: 'p', name: 'A\r\nBcc: x' }, '/name'],
    ['a number for a key wants quotation marks', 'party', { key: 7, name: 'A' }, '/key'],
    ['an edge begins at one thing', 'edge', { system: 's' }, '/credential'],
  ])('%s', (_, kind, value, field) => {
    expect(problemsOf(kind, value)).toMatchObject([{ field }]);
  });

  test('keeps instants in one spelling', () => {
    const checked = checkRow({
      line: 1,
      kind: 'credentialVersion',
      value: { credential: 'c', issuedAt: '2026-01-01T02:00:00+02:00' },
    });
    expect(checked.ok && checked.row.value).toMatchObject({
      issuedAt: '2026-01-01T00:00:00.000Z',
      number: 1,
    });
  });
});
