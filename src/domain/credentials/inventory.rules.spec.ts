import { describe, expect, test } from '@jest/globals';
import { ELAPSED_DAY } from '../../kernel/time.ts';
import { gapsOf, rotationDueAt, rotationState, type KeptCredential } from './inventory.rules.ts';
import { isBlocking, reuseKind } from './reuse.rules.ts';

const NOW = Date.UTC(2026, 10, 22);
const kept = (over: Partial<KeptCredential> = {}): KeptCredential => ({
  owned: true,
  purpose: 'Sends receipts',
  store: 'vault: payments/mail',
  rotateEveryDays: 90,
  issuedAt: NOW - 30 * ELAPSED_DAY,
  expiresAt: null,
  lastUsedAt: NOW - ELAPSED_DAY,
  ...over,
});

describe('a credential in the inventory', () => {
  test('that says everything has no gap', () => {
    expect(gapsOf(kept(), NOW)).toEqual([]);
  });

  test.each<[string, Partial<KeptCredential>, string[]]>([
    ['nobody owns', { owned: false }, ['no_owner']],
    ['lies nowhere', { store: '' }, ['no_store']],
    ['is for nothing', { purpose: ' ' }, ['no_purpose']],
    ['is never rotated', { rotateEveryDays: null }, ['no_rotation']],
    ['expires by itself', { rotateEveryDays: null, expiresAt: NOW + ELAPSED_DAY }, []],
    ['was to be rotated', { issuedAt: NOW - 90 * ELAPSED_DAY - 1 }, ['rotation_overdue']],
    ['nobody has used for long', { lastUsedAt: NOW - 91 * ELAPSED_DAY }, ['unused']],
    ['nobody was seen to use', { lastUsedAt: null }, ['never_seen_used']],
    [
      'misses several',
      { owned: false, store: '', lastUsedAt: null },
      ['no_owner', 'no_store', 'never_seen_used'],
    ],
  ])('that %s', (_, over, gaps) => {
    expect(gapsOf(kept(over), NOW)).toEqual(gaps);
  });

  test('is rotated by its schedule, from when the version in use was issued', () => {
    expect(rotationDueAt(kept())).toBe(NOW + 60 * ELAPSED_DAY);
    expect(rotationState(kept(), NOW)).toBe('fine');
    expect(rotationState(kept(), NOW + 50 * ELAPSED_DAY)).toBe('soon');
    expect(rotationState(kept(), NOW + 60 * ELAPSED_DAY)).toBe('soon');
    expect(rotationState(kept(), NOW + 60 * ELAPSED_DAY + 1)).toBe('overdue');
    expect(rotationState(kept({ issuedAt: null }), NOW)).toBe('unknown');
  });
});

test('one value in two environments blocks; in two integrations it is told', () => {
  const member = (environment: string, integrationId: string) => ({
    credentialId: environment + integrationId,
    environment,
    integrationId,
  });
  expect(reuseKind([member('production', 'a'), member('staging', 'a')])).toBe('across_environments');
  expect(reuseKind([member('production', 'a'), member('production', 'b')])).toBe('across_integrations');
  expect(reuseKind([member('production', 'a'), member('production', 'a')])).toBe('within_integration');
  expect(isBlocking('across_environments')).toBe(true);
  expect(isBlocking('across_integrations')).toBe(false);
});
