import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { HOUR } from '../../kernel/time.ts';
import { DOWNSTREAM_BASES, DOWNSTREAM_KINDS, kindsReached, timeFor, whyReached } from './downstream.rules.ts';

const kinds = (systemKind: string, scope = '') => kindsReached({ systemKind, basis: 'entitled', scope });

describe('what has to be looked for in a system that was reached', () => {
  test.each([
    ['database', 'ledger:read', ['reads']],
    ['database', 'payments.write', ['reads', 'bad_writes']],
    ['database', '', ['reads', 'bad_writes']],
    ['service', 'orders.read', ['reads', 'rate_limit_exhaustion']],
    ['event_bus', 'publish', ['reads', 'bad_writes', 'webhook_floods']],
    ['service', 'webhooks:manage', ['reads', 'bad_writes', 'rate_limit_exhaustion', 'webhook_floods']],
    ['pipeline', '', ['reads', 'bad_writes', 'poisoned_workflows']],
    ['service', 'actions:write', ['reads', 'bad_writes', 'rate_limit_exhaustion', 'poisoned_workflows']],
    ['service', 'read write', ['reads', 'bad_writes', 'rate_limit_exhaustion']],
    ['database', 'spread', ['reads', 'bad_writes']],
  ])('a %s with scope "%s"', (systemKind, scope, expected) => {
    expect(kinds(systemKind, scope)).toEqual(expected);
  });

  test('never nothing, each once, and always reads; a scope that is not known rules nothing out', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.string(),
        fc.constantFrom(...DOWNSTREAM_BASES),
        (systemKind, scope, basis) => {
          const found = kindsReached({ systemKind, scope, basis });
          expect(found[0]).toBe('reads');
          expect(new Set(found).size).toBe(found.length);
          const unknown = kindsReached({ systemKind, scope: '', basis });
          expect(unknown).toContain('bad_writes');
          expect(DOWNSTREAM_KINDS).toEqual(expect.arrayContaining(found));
        },
      ),
    );
  });

  test('what was seen comes before what may be', () => {
    expect(timeFor('observed')).toBe(24 * HOUR);
    expect(timeFor('entitled')).toBe(72 * HOUR);
    expect(whyReached({ systemKind: 'api', basis: 'observed', scope: 'x' })).toBe(
      'the credential was seen to be used there: x',
    );
  });
});
