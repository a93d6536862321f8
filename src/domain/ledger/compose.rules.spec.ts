import { expect, test } from '@jest/globals';
import { newId } from '../../kernel/ids.ts';
import { commitment, readEntry, type LedgerEntry } from '../../kernel/ledger-entry.ts';
import { leafHash } from '../../kernel/merkle.ts';
import { system, type Principal } from '../../kernel/principal.ts';
import { Secret } from '../../kernel/secret.ts';
import { composeEntries, type LedgerInput } from './compose.rules.ts';

const by = system('engine', 'c-1');
const input = (more: Partial<LedgerInput> = {}): LedgerInput => ({
  kind: 'credential.added',
  subject: { kind: 'credential', id: newId() },
  by,
  at: 5,
  ...more,
});

test('an entry carries ids and commitments, its details the texts', () => {
  const person: Principal = {
    ...by,
    kind: 'link',
    id: newId(),
    personId: newId(),
    partyId: newId(),
    ip: '192.0.2.7',
  };
  const [entry] = composeEntries([
    input({ by: person, facts: { state: 'live' }, committed: { reason: 'Because.' } }),
  ]);
  const { body, details, leafHash: hash } = entry!;
  expect(hash).toBe(leafHash(body));
  expect(body).not.toMatch(/Because|192\.0/);
  expect(details.map(({ field, text }) => [field, text])).toEqual([
    ['reason', 'Because.'],
    ['by.ip', '192.0.2.7'],
  ]);
  const read = readEntry(body) as LedgerEntry;
  expect(read.by).toEqual({
    kind: 'link',
    id: person.id,
    person: person.personId,
    party: person.partyId,
    correlation: 'c-1',
  });
  for (const { field, salt, text } of details) {
    expect(salt).toHaveLength(32);
    expect(read.committed[field]).toBe(commitment(salt, text));
  }
});

test('the same text is committed to differently each time', () => {
  const [one, two] = composeEntries([
    input({ committed: { reason: 'x' } }),
    input({ committed: { reason: 'x' } }),
  ]);
  expect((readEntry(one!.body) as LedgerEntry).committed).not.toEqual(
    (readEntry(two!.body) as LedgerEntry).committed,
  );
});

test('a secret, an odd field or an odd kind cannot be put on record', () => {
  expect(() => composeEntries([input({ facts: { token: Secret.of('hunter2') as never } })])).toThrow(
    '/token: an instance of a class',
  );
  expect(() => composeEntries([input({ committed: { 'Odd field': 'x' } })])).toThrow(
    'a committed field named',
  );
  expect(() => composeEntries([input({ kind: 'Odd' })])).toThrow('of kind Odd');
  expect(composeEntries([])).toEqual([]);
});
