import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Action, SelectedItem, StepAnswer, StepContext } from '../../src/domain/runbooks/action.ts';
import { answerSchema } from '../../src/domain/runbooks/answer.rules.ts';
import { Actions } from '../../src/domain/runbooks/catalogue.ts';
import { newId } from '../../src/kernel/ids.ts';
import { HOUR } from '../../src/kernel/time.ts';
import { actionClasses } from '../../src/plugins/actions/registry.ts';
import { startApp, type TestApp } from '../support/app.ts';

/**
 * What every action owes the engine, whatever it does: one word of the closed vocabulary, the same for the same state of
 * the world, however often and by whomever it is asked; no exception, no secret, no endless call. What an action does to
 * the world is its own suite's matter.
 */

/** Values that each action takes. An action without a line here fails the suite. */
const SAMPLES: Record<string, { with: () => Record<string, unknown>; item?: () => SelectedItem }> = {
  'ask-gate': { with: () => ({}) },
  'await-findings-gone': { with: () => ({ rules: ['no-owner'] }) },
  'await-live': { with: () => ({}) },
  'await-scope-review': { with: () => ({}) },
  compensate: { with: () => ({ tiers: [4], control: 'Looked at every month', for: '90d' }) },
  'drill-unproven': { with: () => ({}) },
  'simulate-issuance': { with: () => ({ credentialId: newId() }), item: () => about('credential') },
  approval: { with: () => ({ question: 'Revoke it now?' }) },
  'await-acknowledgement': { with: () => ({}), item: () => about('notice') },
  'call-out': { with: () => ({ drillId: newId(), within: '1d' }) },
  'check-location': {
    with: () => ({ locationId: newId(), versionId: newId() }),
    item: () => about('location'),
  },
  'clear-away': { with: () => ({ versionId: newId() }), item: () => about('credential-version') },
  'conclude-drill': { with: () => ({ drillId: newId(), within: '1d' }) },
  'end-sessions': { with: () => ({ versionId: newId() }), item: () => about('credential-version') },
  escalate: { with: () => ({ message: 'Nobody answers' }) },
  'manual-task': { with: () => ({ what: 'Issue a replacement' }) },
  'no-op': { with: () => ({ note: 'nothing' }) },
  'make-canary': { with: () => ({ drillId: newId() }) },
  'validate-canary': { with: () => ({ drillId: newId() }) },
  'withdraw-canary': { with: () => ({ drillId: newId() }) },
  'prove-canary-dead': { with: () => ({ drillId: newId() }) },
  'retire-integration': { with: () => ({}) },
  'revoke-canary': { with: () => ({ drillId: newId() }) },
  'revoke-version': { with: () => ({ versionId: newId() }), item: () => about('credential-version') },
  'send-notice': { with: () => ({}), item: () => about('notice') },
  'tell-parties': { with: () => ({ that: 'ends' }) },
  'verify-dead': { with: () => ({ versionId: newId() }), item: () => about('credential-version') },
  'conclude-roll-back': { with: () => ({ rotationId: newId() }) },
  'conclude-rotation': { with: () => ({ rotationId: newId() }) },
  'create-version': {
    with: () => ({ rotationId: newId(), by: 'machine', old: 'stays', says: 'Both work for a while.' }),
  },
  'hold-overlap': { with: () => ({ rotationId: newId(), for: '1d', most: '2d' }) },
  'place-version': {
    with: () => ({ rotationId: newId(), locationId: newId() }),
    item: () => about('location'),
  },
  'revoke-old': { with: () => ({ rotationId: newId() }), item: () => about('credential-version') },
  'validate-version': { with: () => ({ rotationId: newId(), before: 'overlap' }) },
  'withdraw-version': { with: () => ({ rotationId: newId() }) },
  wait: { with: () => ({ for: '1h' }) },
};

const CANARY = 'canary-5f2c9e1a7b';
const about = (kind: string): SelectedItem => ({
  key: newId(),
  label: 'Something',
  subject: { kind, id: newId() },
  facts: {},
  priority: 500,
});

let world: TestApp;
let actions: Actions;
beforeAll(async () => {
  world = await startApp();
  actions = world.app.get(Actions);
});
afterAll(() => world.close());

const names = actionClasses.map((one) => one.name);

function contextOf(action: Action, more: Partial<StepContext<unknown>> = {}): StepContext<unknown> {
  const sample = SAMPLES[action.name]!;
  const stepId = newId();
  return {
    stepId,
    runId: newId(),
    subject: { kind: 'incident', id: newId() },
    ...(sample.item ? { item: sample.item() } : {}),
    with: action.with.parse(sample.with()),
    attempt: 1,
    tries: { failed: 0, left: 4 },
    since: world.clock.now(),
    idempotencyKey: `${stepId}:1`,
    takenOver: false,
    outputs: {},
    correlationId: 'contract-correlation',
    now: () => world.clock.now(),
    turn: (call) => call(),
    signal: new AbortController().signal,
    ...more,
  };
}

test('every registered action is spoken for here, and no other', () => {
  expect(Object.keys(SAMPLES).sort()).toEqual(actions.names());
  expect(actions.names()).toHaveLength(names.length);
});

describe.each(Object.keys(SAMPLES))('%s', (name) => {
  const action = () => actions.get(name)!;

  test('says what it is and how long it may take', () => {
    const { title, timeout, lease, waitsFor } = action();
    expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(title.length).toBeGreaterThan(3);
    expect(timeout).toBeGreaterThan(0);
    expect(timeout).toBeLessThanOrEqual(HOUR);
    expect(['short', 'call']).toContain(lease);
    expect([undefined, 'person', 'time']).toContain(waitsFor);
  });

  test('knows its own values: a sample fits, a stranger does not', () => {
    expect(action().with.safeParse(SAMPLES[name]!.with()).success).toBe(true);
    expect(action().with.safeParse({ ...SAMPLES[name]!.with(), surprise: CANARY }).success).toBe(false);
    expect(action().with.safeParse(null).success).toBe(false);
  });

  test('answers in the closed vocabulary, and the same when asked again, also by somebody who took over', async () => {
    const context = contextOf(action());
    const answers: StepAnswer[] = [];
    for (const more of [{}, { attempt: 2 }, { attempt: 3, takenOver: true }]) {
      const { signal: _, ...rest } = context;
      const answer = await action().run({ ...rest, ...more, signal: new AbortController().signal });
      expect(answerSchema.safeParse(answer)).toMatchObject({ success: true });
      answers.push(answer);
    }
    expect(new Set(answers.map((answer) => answer.answer)).size).toBe(1);
    if (action().waitsFor === 'person') expect(['parked', 'skipped']).toContain(answers[0]!.answer);
    if (answers[0]!.answer === 'waiting') expect(answers[0]!.until).toBeGreaterThan(world.clock.now());
  });

  test('comes to an end when its signal has been given', async () => {
    const signal = AbortSignal.abort(new Error('the lease on this step was lost'));
    const ended = action()
      .run(contextOf(action(), { signal }))
      .then(
        () => 'ended',
        () => 'ended',
      );
    expect(
      await Promise.race([ended, new Promise((resolve) => setTimeout(() => resolve('hangs'), 5000).unref())]),
    ).toBe('ended');
  });

  test('repeats nothing of what it was given to people or log that it need not', async () => {
    const context = contextOf(action(), { outputs: { earlier: { token: CANARY } } });
    const answer = await action().run(context);
    expect(JSON.stringify(answer)).not.toContain(CANARY);
    expect(world.log.text).not.toContain(CANARY);
  });
});
