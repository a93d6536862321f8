import { describe, expect, test } from '@jest/globals';
import { connectorPresets } from '../../suppliers/connector-presets.ts';
import {
  CREDENTIALS,
  INTEGRATIONS,
  LEAKS,
  PLACES,
  SHARED,
  SUPPLIERS,
  leakOf,
  locationsOf,
} from './catalogue.ts';
import { portfolioDocument } from './document.ts';

type Row = Record<string, unknown>;

const document = portfolioDocument({
  versions: CREDENTIALS.map((one) => ({
    credential: one.key,
    number: 1,
    supplierId: `id of ${one.key}`,
    sha256: 'a'.repeat(64),
    issuedAt: '2026-11-22T00:00:00Z',
  })),
  presets: connectorPresets(
    SUPPLIERS.map((key) => ({ key, title: key, asked: 'api' as const, baseUrl: 'http://127.0.0.1:1' })),
  ),
}) as Record<string, Row[]>;
const keys = (collection: string): Set<unknown> => new Set(document[collection]?.map((row) => row['key']));

describe('the portfolio', () => {
  test('has 4 suppliers, 25 integrations, 60 credentials of which three integrations share one, 140 locations', () => {
    expect(document['parties']?.length).toBe(1 + 4);
    expect([keys('integrations').size, INTEGRATIONS.length]).toEqual([25, 25]);
    expect([keys('credentials').size, document['credentialVersions']?.length]).toEqual([60, 60]);
    expect(keys('locations').size).toBe(140);
    const shared = document['credentials']?.filter((row) => row['uses'] !== undefined) ?? [];
    expect(shared.map((row) => row['key'])).toEqual([SHARED]);
    expect(shared[0]?.['uses']).toHaveLength(2);
  });

  test('has copies in every kind of place', () => {
    expect(new Set(locationsOf().map((one) => one.place.type))).toEqual(
      new Set(PLACES.map((one) => one.type)),
    );
    expect(PLACES).toHaveLength(15);
  });

  test('refers to nothing that is not there', () => {
    const [parties, contacts, integrations] = ['parties', 'contacts', 'integrations'].map(keys);
    const dangling = [
      ...(document['integrations'] ?? []).filter((row) => !keys('agreements').has(row['agreement'])),
      ...(document['credentials'] ?? []).filter(
        (row) => !integrations?.has(row['integration']) || !keys('connections').has(row['connection']),
      ),
      ...(document['locations'] ?? []).filter(
        (row) => !parties?.has(row['party']) || !contacts?.has(row['owner']),
      ),
      ...(document['edges'] ?? []).filter((row) => !keys('systems').has(row['system'])),
      ...(document['connections'] ?? []).filter((row) => !keys('connectorPresets').has(row['preset'])),
    ];
    expect(dangling).toEqual([]);
    expect(document['edges']?.length).toBeGreaterThan(20);
  });
});

describe('a leak', () => {
  test('touches every supplier, needs every authority, and shares nothing with any other', () => {
    const leaks = Array.from({ length: 2 * LEAKS + 1 }, (_, n) => leakOf(n + 1));
    for (const leak of leaks) {
      expect(new Set(leak.map((one) => one.supplier))).toEqual(new Set(SUPPLIERS));
      expect(new Set(leak.map((one) => one.authority)).size).toBe(3);
      expect(leak.filter((one) => one.supplier !== 'halden').length).toBe(13);
    }
    const every = leaks.flat().map((one) => one.key);
    expect(new Set(every).size).toBe(every.length);
    expect(leakOf(1).map((one) => one.key)).toContain(SHARED);
  });
});
