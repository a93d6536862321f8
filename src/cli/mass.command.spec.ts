import { describe, expect, test } from '@jest/globals';
import { STANDINGS, type MassDetail } from '../domain/incidents/mass-revocation.schema.ts';
import { massLines } from './mass.command.ts';

const none = Object.fromEntries(STANDINGS.map((standing) => [standing, 0])) as MassDetail['standings'];
const detail: MassDetail = {
  id: 'an id',
  reference: 'MRV-2026-0001',
  state: 'approved',
  selection: {},
  reason: 'The supplier was breached.',
  force: false,
  askedAt: '2026-11-22T00:00:00.000Z',
  approvedAt: '2026-11-22T00:01:00.000Z',
  startedAt: null,
  versions: 3,
  left: 1,
  toStart: 1,
  standings: { ...none, proven_dead: 2, untouched: 1 },
  incidents: [],
  whoBreaks: {
    credentials: 3,
    shared: [],
    decisions: { act: 2, approve: 1, replace_first: 0, person: 0 },
    integrations: [
      {
        id: 'another id',
        reference: 'INT-2026-0001',
        name: 'Shop',
        state: 'live',
        home: true,
        credentials: 3,
        parties: [],
        lastUsedAt: null,
      },
    ],
    locations: [],
    systems: [],
    valueless: {
      versions: 1,
      listed: [{ reference: 'CRD-2026-0007', name: 'Key', version: 2, neededFor: 'revoke_and_probe' }],
    },
    unknown: ['1 credential has no location on record'],
    added: [],
    gone: 0,
  },
};

describe('a mass revocation on a terminal', () => {
  test('says how far it is, what breaks, and for which of them a person is needed', () => {
    expect(massLines(detail)).toEqual([
      'MRV-2026-0001  approved  3 versions of 3 credentials',
      '  2 proven dead',
      '  1 untouched',
      '  1 of them still to start',
      'revoked at once: 2; wait for an approval: 1; for a replacement: 0',
      'breaks INT-2026-0001 Shop (live), by 3 of them',
      'will need a person, as their value is not kept here: 1',
      '  CRD-2026-0007 Key, version 2: to revoke and probe',
      'not known: 1 credential has no location on record',
    ]);
  });

  test('says of a draft what is left of it, and that nobody is waited for where nothing is', () => {
    const draft = { ...detail, state: 'draft' as const, toStart: 0 };
    expect(massLines(draft)).toContain('  1 left to revoke: whoever approves it approves 1');
    const over = massLines({ ...draft, state: 'overtaken', left: 0, standings: { ...none, proven_dead: 3 } });
    expect(over.slice(0, 3)).toEqual([
      'MRV-2026-0001  overtaken  3 versions of 3 credentials',
      '  3 proven dead',
      '  every version is proven dead: nothing is left to do, and nobody has to approve it',
    ]);
  });

  test('says nothing of values where all are at hand', () => {
    const { whoBreaks } = detail;
    const lines = massLines({
      ...detail,
      whoBreaks: { ...whoBreaks, valueless: { versions: 0, listed: [] } },
    });
    expect(lines.join('\n')).not.toContain('person');
  });
});
