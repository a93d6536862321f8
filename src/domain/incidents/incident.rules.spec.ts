import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  INCIDENT_EVENTS,
  INCIDENT_STATES,
  TRANSITIONS,
  actOn,
  assign,
  isOpen,
  severityOf,
  titleOf,
  transition,
  type Arriving,
} from './incident.rules.ts';

describe('the life of an incident', () => {
  test('goes the way that the product promises', () => {
    const way = (['look', 'contain', 'prove', 'recover', 'close'] as const).reduce(
      (states, event) => [...states, transition(states.at(-1)!, event)!],
      ['reported' as (typeof INCIDENT_STATES)[number]],
    );
    expect(way).toEqual(['reported', 'triage', 'containing', 'contained', 'recovering', 'closed']);
  });

  test('comes back to containing when something lives again, also after it was closed', () => {
    for (const state of ['contained', 'recovering', 'closed'] as const)
      expect(transition(state, 'revive')).toBe('containing');
  });

  test('is never contained by anything but proof, and never leaves dismissed', () => {
    for (const state of INCIDENT_STATES) {
      for (const event of INCIDENT_EVENTS) {
        if (transition(state, event) === 'contained') expect([state, event]).toEqual(['containing', 'prove']);
      }
    }
    expect(TRANSITIONS.dismissed).toEqual({});
    expect(transition('contained', 'dismiss')).toBeUndefined(); // what was real is not dismissed
  });

  test('every state is reached from the first', () => {
    const reached = new Set<string>(['reported']);
    for (const state of reached)
      for (const next of Object.values(TRANSITIONS[state as keyof typeof TRANSITIONS])) reached.add(next);
    expect([...reached].toSorted()).toEqual([...INCIDENT_STATES].toSorted());
  });

  test('exposures join while it is open', () => {
    expect(INCIDENT_STATES.filter(isOpen)).toEqual([
      'reported',
      'triage',
      'containing',
      'contained',
      'recovering',
    ]);
  });
});

describe('a batch of exposures is put into incidents', () => {
  const arriving = (exposureId: string, credentialId: string, place: string | null = null): Arriving => ({
    exposureId,
    credentialIds: [credentialId],
    place,
  });
  const put = (list: Arriving[], byCredential: [string, string][] = [], byPlace: [string, string][] = []) =>
    Object.fromEntries(assign(list, { byCredential: new Map(byCredential), byPlace: new Map(byPlace) }));

  test('what arrives together and is new belongs together', () => {
    expect(put([arriving('a', '1', 'p'), arriving('b', '2', 'q'), arriving('c', '3')])).toEqual({
      a: null,
      b: null,
      c: null,
    });
  });

  test('the credential comes before the place', () => {
    expect(put([arriving('a', '1', 'p')], [['1', 'I1']], [['p', 'I2']])).toEqual({ a: 'I1' });
    expect(put([arriving('a', '1', 'p')], [], [['p', 'I2']])).toEqual({ a: 'I2' });
  });

  test('a place or credential that joins takes its others along, in whatever order they came', () => {
    const list = [arriving('b', '2', 'p'), arriving('c', '2', 'q'), arriving('a', '1', 'p')];
    expect(put(list, [['1', 'I1']])).toEqual({ a: 'I1', b: 'I1', c: 'I1' });
  });

  test('each exposure is in exactly one, and never in a new one while one of its credential is open', () => {
    const exposure = fc.record({
      c: fc.integer({ min: 0, max: 5 }),
      p: fc.option(fc.integer({ min: 0, max: 3 })),
    });
    fc.assert(
      fc.property(
        fc.array(exposure, { maxLength: 20 }),
        fc.array(fc.integer({ min: 0, max: 5 })),
        (list, open) => {
          const items = list.map(({ c, p }, n) => arriving(`e${n}`, `c${c}`, p === null ? null : `p${p}`));
          const byCredential = new Map(open.map((c) => [`c${c}`, `I${c}`]));
          const assigned = assign(items, { byCredential, byPlace: new Map() });
          expect([...assigned.keys()].toSorted()).toEqual(items.map((item) => item.exposureId).toSorted());
          for (const item of items) {
            const known = byCredential.get(item.credentialIds[0]!);
            if (known) expect(assigned.get(item.exposureId)).toBe(known);
          }
          // Two exposures of one credential never part.
          const where = new Map<string, string | null>();
          for (const item of items) {
            const [credential] = item.credentialIds as [string];
            const incident = assigned.get(item.exposureId) ?? null;
            if (where.has(credential)) expect(where.get(credential)).toBe(incident);
            where.set(credential, incident);
          }
        },
      ),
    );
  });
});

test('severity: the worst decides', () => {
  const one = { production: true, riskTier: 2, publiclyLeaked: false, match: 'value' as const };
  expect(severityOf([one])).toBe('high');
  expect(severityOf([one, { ...one, publiclyLeaked: true }])).toBe('critical');
  expect(severityOf([{ ...one, riskTier: 1 }])).toBe('critical');
  expect(severityOf([{ ...one, production: false }])).toBe('medium');
  expect(severityOf([{ ...one, match: 'metadata' }])).toBe('medium');
  expect(severityOf([])).toBe('low');
});

test('a title names the first, the number of the others, and the place', () => {
  expect(titleOf(['Stripe live key'], null)).toBe('Leak of Stripe live key');
  expect(titleOf(['Stripe live key', 'b', 'c'], 'github:octo/repo')).toBe(
    'Leak of Stripe live key and 2 more at github:octo/repo',
  );
});

test('only what happened to a credential stands against a dismissal', () => {
  const one = { label: 'Key 1', revocation: 'none', sent: false, signed: null } as const;
  expect(actOn(one)).toBeNull();
  expect(actOn({ ...one, revocation: 'requested' })).toBeNull(); // a person was asked to
  expect(actOn({ ...one, revocation: 'rejected', sent: true })).toBeNull();
  expect(actOn({ ...one, revocation: 'requested', sent: true })).toContain('was sent');
  expect(actOn({ ...one, revocation: 'accepted', sent: true })).toContain('was revoked at its supplier');
  expect(actOn({ ...one, signed: 'replaced' })).toContain('signed that Key 1 was replaced');
});
