import { expect, test } from '@jest/globals';
import { render } from 'preact-render-to-string';
import type { ShownStopper } from '../credentials/stoppers.queries.ts';
import { Board, StillAlive } from './room-credentials.view.tsx';
import type { ExposedCredential } from './room.queries.ts';

const stopper = (pathId: string, label: string, attempt: ShownStopper['attempt']): ShownStopper => ({
  pathId,
  kind: 'connector',
  partyId: 'p',
  label,
  byMachine: true,
  expectedMinutes: 5,
  measured: false,
  lastDrill: null,
  standing: 'untried',
  partyName: 'Supplier AG',
  reach: null,
  drillsKnown: true,
  attempt,
});

test('who gave up is not who to call first, and what is tried now is said', () => {
  const gaveUp = {
    state: 'gave_up' as const,
    reason: 'it is out of tries: the supplier answered 500',
    beganAt: 0,
  };
  const trying = { state: 'trying' as const, reason: '', beganAt: 1 };
  const attempt = { versionId: 'v', credentialId: 'c', kind: 'connector' as const };
  const one = {
    versionId: 'v',
    credentialId: 'c',
    name: 'Till key',
    standing: 'alive',
    copies: [],
    stoppers: [stopper('1', 'First door', gaveUp), stopper('2', 'Second door', trying)],
    attempts: [
      { ...attempt, ...gaveUp, number: 1, pathId: '1', label: 'First door' },
      { ...attempt, ...trying, number: 2, pathId: '2', label: 'Second door' },
    ],
  } as unknown as ExposedCredential;
  const page = render(<StillAlive credentials={[one]} />);
  const [, tried = '', call = ''] = page.split('<td').map((cell) => cell.replace(/<[^>]*>/g, ' '));
  expect(tried.replace(/\s+/g, ' ')).toContain(
    'First door gave up it is out of tries: the supplier answered 500 Second door being tried now',
  );
  expect(call).toContain('Second door');
  expect(call).not.toContain('First door');

  const untouched = { ...one, attempts: [], stoppers: [stopper('1', 'First door', null)] };
  expect(render(<StillAlive credentials={[untouched]} />)).not.toContain('gave up');
});

test('a copy leads to where it is answered for, and a word is not taken for a look', () => {
  const copy = (id: string, method: string) => ({
    id,
    name: `Copy ${id}`,
    kind: 'vault',
    path: '',
    provable: 'store_api',
    verdict: 'gone',
    method,
    partyName: null,
  });
  const one = {
    reference: 'CRD-2026-0001',
    name: 'Till key',
    convergence: null,
    copies: [copy('a', 'owner_statement'), copy('b', 'store_api')],
  } as unknown as ExposedCredential;
  const page = render(<Board credentials={[one]} incident="INC-2026-0007" />);
  const [, signed = '', seen = ''] = page.split('<li');
  expect(signed).toContain('href="/incidents/INC-2026-0007/items/copy/a"');
  expect(signed).toContain('somebody signed for it');
  expect(seen).toContain('by its store');
  expect(seen).not.toContain('signed');
});
