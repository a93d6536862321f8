import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { expectOk } from '../../kernel/result.ts';
import {
  CLOSED,
  needsAnother,
  oldStanding,
  ROTATION_STATES,
  settleByList,
  transition,
  type OldFate,
  type RotationEvent,
  type RotationFacts,
} from './rotation.rules.ts';

const NOW = 1_000_000;
const fresh = (oldFate: OldFate = 'stays'): RotationFacts => ({
  state: 'planned',
  oldFate,
  asked: false,
  hasNew: false,
  validated: false,
  behind: 0,
  overlapUntil: null,
  oldEnd: null,
});
const goes = (facts: RotationFacts, event: RotationEvent, now = NOW) => transition(facts, event, now);

/** The supplier's truth beside the record, moved only by what the rules let through. */
interface World {
  facts: RotationFacts;
  oldLives: boolean;
  newLives: boolean | null;
}

const EVENTS: RotationEvent[] = [
  'create',
  'store',
  'propagate',
  'validate',
  'accept',
  'cut_early',
  'revoke',
  'prove',
  'conclude',
  'roll_back',
  'conclude_roll_back',
  'stop',
  'fail',
];

/** What each event does outside and on record, once the rules let it through. */
function act(world: World, event: RotationEvent, now: number): void {
  const { facts } = world;
  const answer = goes(facts, event, now);
  if (!answer.ok) return;
  facts.state = answer.value;
  switch (event) {
    case 'create':
      facts.asked = true;
      break;
    case 'store':
      facts.hasNew = true;
      world.newLives ??= true;
      if (facts.oldFate === 'dies') world.oldLives = false;
      break;
    case 'validate':
      facts.validated = world.newLives === true;
      break;
    case 'accept':
      facts.overlapUntil ??= now + 100;
      break;
    case 'cut_early':
      facts.overlapUntil = now;
      break;
    case 'revoke':
      world.oldLives = false;
      break;
    case 'conclude_roll_back':
      if (facts.hasNew) world.newLives = false;
      break;
    default:
  }
  // A look that finds the old one dead is what fills in its end.
  if (facts.state === 'revoking' && !world.oldLives) facts.oldEnd = 'proven_dead';
}

test('a good one goes through every state in turn, and the old version ends proven', () => {
  const world: World = { facts: fresh(), oldLives: true, newLives: null };
  const seen: string[] = [];
  for (const event of [
    'create',
    'store',
    'propagate',
    'validate',
    'accept',
    'cut_early',
    'revoke',
    'prove',
    'conclude',
  ] as const) {
    act(world, event, NOW);
    seen.push(world.facts.state);
  }
  expect(seen).toEqual([
    'creating',
    'stored',
    'propagating',
    'validating',
    'overlap',
    'overlap',
    'revoking',
    'proven',
    'done',
  ]);
  expect(oldStanding(world.facts)).toEqual({ word: 'dead', until: null });
});

describe('what is refused', () => {
  test('the old version is not revoked before the new one was seen to work, nor before the overlap is over', () => {
    const ready = { ...fresh(), hasNew: true, state: 'overlap' as const, overlapUntil: NOW };
    expect(goes(ready, 'revoke')).toMatchObject({ ok: false, error: { code: 'not-validated' } });
    const seen = { ...ready, validated: true };
    expect(goes({ ...seen, overlapUntil: NOW + 1 }, 'revoke')).toMatchObject({
      ok: false,
      error: { code: 'overlap' },
    });
    expect(goes({ ...seen, overlapUntil: null }, 'revoke').ok).toBe(false);
    expect(expectOk(goes(seen, 'revoke'))).toBe('revoking');
  });

  test('nothing is validated while a place that nobody answered for holds the old version', () => {
    const facts = { ...fresh(), hasNew: true, state: 'propagating' as const, behind: 2 };
    expect(goes(facts, 'validate')).toMatchObject({
      error: { code: 'places-behind', message: expect.stringContaining('2 places still hold') },
    });
  });

  test('there is no way back once the old version is being revoked, or died as the new one was made', () => {
    expect(goes({ ...fresh(), hasNew: true, validated: true, state: 'revoking' }, 'roll_back')).toMatchObject(
      { error: { code: 'too-late' } },
    );
    const replaced = { ...fresh('dies'), state: 'creating' as const };
    expect(expectOk(goes(replaced, 'roll_back'))).toBe('rolling_back');
    expect(goes({ ...replaced, asked: true }, 'roll_back')).toMatchObject({ error: { code: 'no-way-back' } });
  });

  test('a rotation that is being rolled back goes nowhere else', () => {
    const facts = {
      ...fresh(),
      hasNew: true,
      validated: true,
      overlapUntil: NOW,
      state: 'rolling_back' as const,
    };
    for (const event of ['create', 'store', 'validate', 'accept', 'revoke', 'prove', 'conclude'] as const)
      expect(goes(facts, event).ok).toBe(false);
  });

  test('what has ended stays as it is; saying it again is no mistake', () => {
    for (const state of CLOSED)
      for (const event of EVENTS) {
        const answer = goes({ ...fresh(), state }, event);
        if (answer.ok) expect(answer.value).toBe(state);
      }
    expect(expectOk(goes({ ...fresh(), state: 'done' }, 'conclude'))).toBe('done');
  });
});

describe('whatever happens, in whatever order, however often', () => {
  const steps = fc.array(fc.tuple(fc.constantFrom(...EVENTS), fc.integer({ min: 0, max: 60 })), {
    maxLength: 60,
  });

  test('never both dead, and the last good version is never revoked while the new one is not seen to work', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<OldFate>('stays', 'dies'),
        steps,
        fc.boolean(),
        (fate, events, newIsBad) => {
          const world: World = { facts: fresh(fate), oldLives: true, newLives: null };
          let now = NOW;
          for (const [event, passes] of events) {
            now += passes;
            const before = { ...world };
            const oldBefore = world.oldLives;
            act(world, event, now);
            if (newIsBad && world.newLives === true && fate === 'stays') world.newLives = false;
            const killed = oldBefore && !world.oldLives;
            if (killed && fate === 'stays') expect(world.facts.validated && before.newLives).toBe(true);
            if (fate === 'stays') expect(world.oldLives || world.newLives === true).toBe(true);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test('an old version never drops out of sight', () => {
    fc.assert(
      fc.property(fc.constantFrom<OldFate>('stays', 'dies'), steps, (fate, events) => {
        const world: World = { facts: fresh(fate), oldLives: true, newLives: null };
        let now = NOW;
        for (const [event, passes] of events) {
          act(world, event, (now += passes));
          const standing = oldStanding(world.facts);
          if (standing.word === 'overlap') expect(standing.until).not.toBeNull();
          if (world.facts.state === 'done') expect(world.facts.oldEnd).not.toBeNull();
          if (standing.word === 'dead') expect(world.oldLives).toBe(false);
          if (['in use', 'left alive'].includes(standing.word)) expect(world.oldLives).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('asking for the same again changes nothing: whoever was killed asks again', () => {
    fc.assert(
      fc.property(steps, fc.constantFrom(...EVENTS), (events, event) => {
        const world: World = { facts: fresh(), oldLives: true, newLives: null };
        for (const [one] of events) act(world, one, NOW);
        const first = goes(world.facts, event);
        if (!first.ok) return;
        const again = goes(
          {
            ...world.facts,
            state: first.value,
            oldEnd: world.facts.oldEnd ?? (event === 'prove' ? 'stated' : null),
          },
          event,
        );
        if (again.ok) expect(again.value).toBe(first.value);
      }),
    );
  });

  test('every state has a standing for people', () => {
    for (const state of ROTATION_STATES) expect(oldStanding({ ...fresh(), state }).word).not.toBe('');
  });
});

describe('a lost answer, by the supplier’s list', () => {
  const asked = { label: 'countersign-1', at: NOW };
  const one = (supplierId: string, label: string | null, createdAt: number | null = NOW) => ({
    supplierId,
    label,
    createdAt,
  });

  test('the label tells; what is on record is no stranger', () => {
    expect(settleByList([one('a', 'other'), one('b', 'countersign-1')], asked, new Set())).toEqual(['b']);
    expect(settleByList([one('b', 'countersign-1')], asked, new Set(['b']))).toEqual([]);
    expect(settleByList([one('a', 'somebody else’s')], asked, new Set())).toEqual([]);
  });

  test('something new without a name leaves it open; something older does not', () => {
    expect(settleByList([one('x', null)], asked, new Set())).toBeNull();
    expect(settleByList([one('x', null, null)], asked, new Set())).toBeNull();
    expect(settleByList([one('x', '', NOW - 3_600_000)], asked, new Set())).toEqual([]);
  });
});

test('a word that only people vouch for is another person’s than whose who entered the version', () => {
  const entered = { seen: false, enteredBy: 'ines' };
  expect(needsAnother(entered, 'ines')).toBe(true);
  expect(needsAnother(entered, 'vera')).toBe(false);
  // What a machine saw does not hang on who says it.
  expect(needsAnother({ ...entered, seen: true }, 'ines')).toBe(false);
  // Nobody knows who entered it: it could be the same hand.
  expect(needsAnother({ seen: false, enteredBy: null }, 'vera')).toBe(true);
});
