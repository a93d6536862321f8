import { expect, test } from '@jest/globals';
import type { FindingView } from '../../domain/policy/gate.schema.ts';
import { RULES, ruleTitle } from '../../domain/policy/rules/registry.ts';
import { MENDS, mendOf, type MendPlaces } from './mend.ts';

const places: MendPlaces = {
  integration: 'INT-2026-0001',
  credentials: new Map([['c1', 'CRD-2026-0001']]),
  agreement: 'AGR-2026-0001',
};
const finding = (rule: string, kind: FindingView['subject']['kind'], id: string): FindingView => ({
  rule,
  severity: 'high',
  subject: { kind, id, name: 'Checkout' },
  message: 'm',
  mend: 'm',
  frameworks: [],
  exception: null,
});

test('every rule has a title for people, and a rule of the operator the words of its name', () => {
  for (const { name, title } of RULES) expect(ruleTitle(name)).toBe(title);
  expect(ruleTitle('no-secrets-on-fridays')).toBe('no secrets on fridays');
});

test('every rule of the gate leads to a page, and no other rule is named', () => {
  expect(Object.keys(MENDS).sort()).toEqual(RULES.map(({ name }) => name).sort());
});

test('what is about a credential leads to that credential', () => {
  expect(mendOf(places, finding('no-stop-path', 'credential', 'c1'))).toEqual({
    word: 'Set the ways to revoke it',
    path: '/credentials/CRD-2026-0001/paths',
  });
  expect(mendOf(places, finding('stop-path-each-side', 'credential', 'c1/customer'))?.path).toBe(
    '/credentials/CRD-2026-0001/paths',
  );
  expect(mendOf(places, finding('no-stop-path', 'credential', 'elsewhere'))).toBeUndefined();
});

test('a missing agreement is chosen, one that says too little is opened', () => {
  expect(mendOf(places, finding('no-agreement', 'integration', 'i'))?.path).toBe(
    '/integrations/INT-2026-0001/edit',
  );
  expect(mendOf(places, finding('no-agreement', 'agreement', 'a'))?.path).toBe('/agreements/AGR-2026-0001');
  expect(mendOf({ ...places, agreement: null }, finding('review-due', 'agreement', 'a'))).toBeUndefined();
});
