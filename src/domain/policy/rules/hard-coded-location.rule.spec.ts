import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { ARRIVALS, LOCATION_KINDS, PROVABLE } from '../../credentials/credential.schema.ts';
import { hardCodedLocation } from './hard-coded-location.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0]) =>
  hardCodedLocation.find(factsWhere(change), LIMITS, NOW);

describe('hard-coded-location', () => {
  test('says nothing of an integration that has everything', () => {
    expect(hardCodedLocation.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('a job that was given its secret once and for all', () => {
    const [finding, ...more] = find((facts) => {
      Object.assign(facts.credentials[0]!.locations[0]!, {
        kind: 'long_running_job',
        arrivedBy: 'stored',
        provable: 'owner_statement',
      });
    });
    expect(more).toEqual([]);
    expect(finding?.message).toMatch(/^Active location cannot be proved: the long running job /);
  });

  test('only those two kinds, only for good, and only where nobody sees what is in use', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...LOCATION_KINDS),
        fc.constantFrom(...ARRIVALS),
        fc.constantFrom(...PROVABLE),
        (kind, arrivedBy, provable) => {
          const found = find((facts) => {
            Object.assign(facts.credentials[0]!.locations[0]!, { kind, arrivedBy, provable });
          });
          const long = kind === 'legacy_middleware' || kind === 'long_running_job';
          const fetched = ['injected', 'brokered', 'leaked'].includes(arrivedBy);
          const seen = provable === 'fingerprint' || provable === 'store_api';
          expect(found.length).toBe(long && !fetched && !seen ? 1 : 0);
        },
      ),
    );
  });
});
