import { describe, expect, test } from '@jest/globals';
import {
  afterDeath,
  DEATHS_ALLOWED,
  FINAL,
  mayBecome,
  STEP_STATES,
  statesBefore,
  TRANSITIONS,
} from './step.rules.ts';

describe('the states of a step', () => {
  test('every state is reached from pending, and every state that is not final leads to an end', () => {
    const reached = new Set(['pending']);
    for (let grew = true; grew;) {
      grew = false;
      for (const from of STEP_STATES) {
        if (!reached.has(from)) continue;
        for (const to of TRANSITIONS[from]) {
          if (!reached.has(to)) grew = true;
          reached.add(to);
        }
      }
    }
    expect([...reached].sort()).toEqual([...STEP_STATES].sort());
    for (const state of STEP_STATES) {
      if (!FINAL.has(state))
        expect(TRANSITIONS[state].some((to) => FINAL.has(to) || to === 'ready' || to === 'running')).toBe(
          true,
        );
    }
  });

  test('what is done, skipped or cancelled stays so; only a person opens a failed step again', () => {
    for (const state of ['done', 'skipped', 'cancelled'] as const) expect(TRANSITIONS[state]).toEqual([]);
    expect(TRANSITIONS.failed).toEqual(['ready']);
  });

  test('nothing becomes running but what was ready, so that each call has a claim behind it', () => {
    expect(statesBefore('running')).toEqual(['ready']);
    expect(mayBecome('unknown', 'done')).toBe(true);
    expect(mayBecome('pending', 'done')).toBe(false);
  });

  test('a step that kills its workers is taken over until it is poison, then waits for a person', () => {
    let deaths = 0;
    const states: string[] = [];
    for (let i = 0; i < DEATHS_ALLOWED; i++) {
      const next = afterDeath(deaths);
      deaths = next.deaths;
      states.push(next.state);
    }
    expect(states).toEqual(['ready', 'ready', 'ready', 'ready', 'parked']);
    expect(afterDeath(4).reason).toContain('5 workers died');
  });
});
