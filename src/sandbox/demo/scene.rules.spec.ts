import { describe, expect, test } from '@jest/globals';
import { linesBetween, movesBecause, stageOf } from './scene.rules.ts';
import type { CredentialRow, Habits, NoticeRow, Scene, StepFact } from './scene.rules.ts';

const NOW = Date.parse('2026-11-22T10:00:00Z');
const row: CredentialRow = {
  versionId: 'v1',
  label: 'Till key',
  supplier: 'Northwind Pay',
  authority: 'revoke_now',
  revocation: 'none',
  liveness: null,
};
const step = (more: Partial<StepFact>): StepFact => ({
  id: 's1',
  runbook: 'emergency-revocation',
  step: 'revoke',
  title: 'Revoke',
  uses: 'revoke-version',
  state: 'done',
  item: { key: 'v1', label: 'Till key', subject: { kind: 'credential_version', id: 'v1' }, facts: {} },
  forWhat: null,
  reason: null,
  owner: { role: 'responder', contactId: null },
  approval: null,
  dueAt: null,
  wakeAt: null,
  finishedAt: null,
  output: null,
  ...more,
});
const notice = (more: Partial<NoticeRow> = {}): NoticeRow => ({
  id: 'n1',
  reference: 'NTC-1',
  integration: { name: 'Tills' },
  party: { name: 'Northwind Pay' },
  contact: 'Aoife',
  dispatch: 'accepted',
  receipt: 'none',
  timeliness: 'open',
  fulfilledBy: 'acknowledged',
  dueAt: null,
  acceptedAt: null,
  acknowledgedAt: null,
  messageId: 'm1',
  ...more,
});
const habits: Habits = {
  approves: true,
  replaces: true,
  clears: new Set(['vault']),
  answering: new Set(['Aoife']),
  gaveUp: new Set(),
  unheard: new Set(),
};

describe('how far a credential is', () => {
  test.each<[string, Partial<CredentialRow>, Partial<StepFact>[]]>([
    ['reported', {}, []],
    ['reported', {}, [{ uses: 'approval', state: 'running' }]],
    ['reported', {}, [{ state: 'running', item: null }]],
    ['revoking', {}, [{ state: 'running' }]],
    ['revoking', {}, [{ state: 'waiting' }]],
    ['revoking', { revocation: 'requested' }, []],
    ['revoked', { revocation: 'accepted' }, [{ uses: 'verify-dead', state: 'running' }]],
    ['revoked', { revocation: 'accepted', liveness: 'indeterminate' }, []],
    ['unproven', { revocation: 'requested' }, [{ state: 'parked', forWhat: 'Write to its desk' }]],
    ['unproven', {}, [{ state: 'failed', reason: 'refused' }]],
    ['unproven', { revocation: 'accepted' }, [{ uses: 'verify-dead', state: 'parked' }]],
    ['approval', {}, [{ uses: 'approval', state: 'parked', approval: {} }]],
    ['replacement', {}, [{ uses: 'manual-task', state: 'parked' }]],
    ['dead', { revocation: 'accepted', liveness: 'dead' }, [{ uses: 'end-sessions', state: 'running' }]],
  ])('%s: %j', (stage, more, steps) => {
    expect(stageOf({ ...row, ...more }, steps.map(step)).stage).toBe(stage);
  });

  test('tells what it waits for, and until when', () => {
    const parked = step({ state: 'parked', forWhat: 'Write to its desk', dueAt: '2026-11-22T11:00:00Z' });
    expect(stageOf(row, [parked])).toEqual({
      stage: 'unproven',
      detail: 'Write to its desk',
      dueAt: NOW + 3_600_000,
    });
  });
});

describe('what still moves', () => {
  const why = (more: Partial<StepFact>, of: Partial<Habits> = {}, notices = [notice()]) =>
    movesBecause(step(more), new Map(notices.map((one) => [one.id, one])), { ...habits, ...of }, NOW);
  const awaiting = {
    uses: 'await-acknowledgement',
    state: 'parked',
    item: { key: 'n1', label: 'NTC-1', subject: { kind: 'notice', id: 'n1' }, facts: {} },
  };
  const copy = (kind: string) => ({
    uses: 'check-location',
    state: 'parked',
    item: { key: 'l1', label: 'Vault', subject: { kind: 'location', id: 'l1' }, facts: { kind } },
  });
  const approval = { uses: 'approval', state: 'parked', approval: {} };
  const replacing = { uses: 'manual-task', state: 'parked', title: 'Put a replacement in place' };

  test.each<[string, string | null]>([
    ['done', null],
    ['failed', null],
    ['skipped', null],
    ['cancelled', null],
    ['pending', null],
    ['ready', 'ready'],
    ['running', 'running'],
    ['unknown', 'unknown'],
    ['parked', null],
  ])('a step that is %s', (state, expected) => expect(why({ state })).toBe(expected));

  test('waiting for time, when the time is soon', () => {
    expect(why({ state: 'waiting', wakeAt: '2026-11-22T10:01:00Z' })).not.toBeNull();
    expect(why({ state: 'waiting', wakeAt: '2026-11-23T10:01:00Z' })).toBeNull();
  });

  test('what somebody will do, as long as somebody does', () => {
    expect(why(approval)).not.toBeNull();
    expect(why(approval, { approves: false })).toBeNull();
    expect(why(approval, { gaveUp: new Set(['s1']) })).toBeNull();
    expect(why(replacing)).not.toBeNull();
    expect(why(replacing, { replaces: false })).toBeNull();
    expect(why(copy('vault'))).not.toBeNull();
    expect(why(copy('laptop'))).toBeNull();
  });

  test('an acknowledgement by somebody who reads their mail', () => {
    expect(why(awaiting)).not.toBeNull();
    expect(why(awaiting, { answering: new Set() })).toBeNull();
    expect(why(awaiting, { unheard: new Set(['n1']) })).toBeNull();
    expect(why(awaiting, {}, [notice({ contact: null })])).toBeNull();
    expect(why(awaiting, {}, [])).not.toBeNull();
    // Given, and the step has not heard of it yet: it will at once.
    expect(why(awaiting, {}, [notice({ receipt: 'acknowledged' })])).not.toBeNull();
  });
});

describe('what is told between two looks', () => {
  const scene = (more: Partial<Scene> = {}): Scene => ({
    incident: null,
    credentials: [],
    notices: [],
    deeds: [],
    copies: { total: 0, cleared: 0 },
    ...more,
  });
  const shown = (stage: 'reported' | 'revoked' | 'dead') => [
    {
      label: 'Till key',
      supplier: 'Northwind Pay',
      authority: 'revoke_now',
      stage,
      detail: 'refused',
      dueAt: null,
    },
  ];

  test('nothing when nothing changed', () => {
    const same = scene({
      incident: { reference: 'INC-1', state: 'containing' },
      credentials: shown('dead'),
      notices: [notice()],
    });
    expect(linesBetween(same, same)).toEqual([]);
  });

  test('each change once', () => {
    const before = scene({ credentials: shown('revoked'), notices: [notice({ dispatch: 'owed' })] });
    const after = scene({
      incident: { reference: 'INC-1', state: 'containing' },
      credentials: shown('dead'),
      notices: [notice({ receipt: 'acknowledged' })],
      deeds: [
        { at: NOW, person: 'ada@b.example', kind: 'approved', about: 's1', detail: 'Till key' },
        { at: NOW, person: 'ada@b.example', kind: 'read', about: 'm1', detail: 'a mail' },
      ],
    });
    expect(linesBetween(before, after).map((line) => line.kind)).toEqual([
      'incident',
      'dead',
      'mail',
      'acknowledged',
      'person',
    ]);
    expect(linesBetween(scene({ credentials: shown('reported') }), after)[1]?.text).toContain('revoked, and');
  });
});
