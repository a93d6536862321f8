import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { HOUR, MINUTE } from '../../kernel/time.ts';
import {
  clockEvents,
  fallbackIsDue,
  fallbacksAreIn,
  isFulfilled,
  languageToTell,
  messageIdOf,
  nextAttemptAt,
  nextRecipient,
  nextTryAt,
  timelinessAt,
  type NoticeState,
  type Failure,
  type Recipient,
} from './notice.rules.ts';

const T0 = Date.UTC(2026, 10, 22);

function owed(over: Partial<NoticeState> = {}): NoticeState {
  return {
    startAt: T0,
    dueAt: T0 + 24 * HOUR,
    warnAt: T0 + 12 * HOUR,
    escalateAt: T0 + 19 * HOUR,
    warnedAt: null,
    escalatedAt: null,
    fulfilledBy: 'accepted_by_peer',
    obligation: 'required',
    dispatch: 'owed',
    receipt: 'none',
    timeliness: 'open',
    attempts: 0,
    fulfilledAt: null,
    ...over,
  };
}

describe('the clock of a notice', () => {
  test('says nothing before its thresholds, then warns, escalates and misses, each once', () => {
    expect(clockEvents(owed(), T0 + 11 * HOUR)).toEqual([]);
    expect(clockEvents(owed(), T0 + 12 * HOUR)).toEqual(['warn']);
    expect(clockEvents(owed({ warnedAt: T0 + 12 * HOUR }), T0 + 20 * HOUR)).toEqual(['escalate']);
    expect(clockEvents(owed(), T0 + 25 * HOUR)).toEqual(['warn', 'escalate', 'missed']);
    const decided = owed({ timeliness: 'missed', warnedAt: 1, escalatedAt: 1 });
    expect(clockEvents(decided, T0 + 99 * HOUR)).toEqual([]);
  });

  test('at the due instant it is in time, a millisecond later it is not', () => {
    const dueAt = T0 + 24 * HOUR;
    expect(timelinessAt({ dueAt, fulfilledAt: dueAt }, dueAt)).toBe('met');
    expect(timelinessAt({ dueAt, fulfilledAt: dueAt + 1 }, dueAt + 1)).toBe('missed');
    expect(timelinessAt({ dueAt, fulfilledAt: null }, dueAt)).toBe('open');
    expect(timelinessAt({ dueAt, fulfilledAt: null }, dueAt + 1)).toBe('missed');
  });

  test('a duty without a number is never missed by a clock', () => {
    const open = owed({ dueAt: null, warnAt: null, escalateAt: null });
    expect(clockEvents(open, T0 + 10_000 * HOUR)).toEqual([]);
    expect(clockEvents({ ...open, fulfilledAt: T0 + 5000 * HOUR }, T0 + 5000 * HOUR)).toEqual(['met']);
  });

  test('what is withheld or superseded has no clock', () => {
    for (const obligation of ['not_required', 'superseded', 'withheld'] as const) {
      expect(clockEvents(owed({ obligation }), T0 + 99 * HOUR)).toEqual([]);
    }
  });

  test('whatever happens after the decision, a missed notice never becomes met', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 0, max: 1000 }), (late, more) => {
        const dueAt = T0 + 24 * HOUR;
        expect(timelinessAt({ dueAt, fulfilledAt: dueAt + late }, dueAt + late + more)).toBe('missed');
      }),
    );
  });
});

describe('fulfilment', () => {
  test.each([
    ['accepted_by_peer', 'accepted', 'none', true],
    ['accepted_by_peer', 'accepted', 'bounced', false],
    ['accepted_by_peer', 'attempting', 'none', false],
    ['received', 'accepted', 'none', false],
    ['received', 'accepted', 'delivered', true],
    ['acknowledged', 'accepted', 'delivered', false],
    ['acknowledged', 'accepted', 'acknowledged', true],
  ] as const)('by %s: dispatch %s and receipt %s is %s', (by, dispatch, receipt, expected) => {
    expect(isFulfilled(by, dispatch, receipt)).toBe(expected);
  });
});

describe('trying again', () => {
  test('waits 1, 5, 15, 30, then 60 minutes', () => {
    expect([1, 2, 3, 4, 5, 9].map((n) => (nextAttemptAt(n, T0, { dueAt: null }) - T0) / MINUTE)).toEqual([
      1, 5, 15, 30, 60, 60,
    ]);
  });

  test('does not sleep through the end of the window', () => {
    const dueAt = T0 + 10 * MINUTE;
    expect(nextAttemptAt(5, T0 + 6 * MINUTE, { dueAt })).toBe(T0 + 9 * MINUTE);
    expect(nextAttemptAt(5, T0 + 20 * MINUTE, { dueAt })).toBe(T0 + 80 * MINUTE);
  });

  test('waits as long as the peer asks for, and a minute at the least', () => {
    expect(nextAttemptAt(1, T0, { dueAt: null }, 7 * MINUTE)).toBe(T0 + 7 * MINUTE);
    expect(nextAttemptAt(4, T0, { dueAt: null }, 1000)).toBe(T0 + MINUTE);
  });

  test('always lies ahead', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 50 }),
        fc.option(fc.integer({ min: -HOUR, max: 100 * HOUR })),
        (n, due) => {
          const times = { dueAt: due === null ? null : T0 + due };
          expect(nextAttemptAt(n, T0, times)).toBeGreaterThanOrEqual(T0 + MINUTE);
        },
      ),
    );
  });
});

describe('whom to write to', () => {
  const at = (contactId: string, more: Partial<Recipient> = {}): Recipient => ({
    contactId,
    channel: 'mail',
    address: `${contactId}@x.example`,
    fallback: false,
    refused: false,
    tries: 0,
    taken: 0,
    ...more,
  });
  const next = (list: Recipient[], fallbacksToo = false, now = 0) =>
    nextRecipient(list, fallbacksToo, now)?.contactId;

  test('primaries first; fallbacks when half of the window is gone or every primary was refused', () => {
    const list = [at('a', { tries: 3 }), at('b', { fallback: true })];
    expect(next(list)).toBe('a');
    expect(next(list, true)).toBe('b');
    expect(next([at('a', { refused: true }), at('b', { fallback: true })])).toBe('b');
    expect(next([at('a', { refused: true })], true)).toBeUndefined();
  });

  test('who was told and did not answer comes after who was not', () => {
    const list = [at('a', { taken: 1 }), at('b', { fallback: true, tries: 2 }), at('c', { fallback: true })];
    expect(next(list, true)).toBe('c');
    expect(next([at('a', { taken: 2 }), at('b', { taken: 1 })], true)).toBe('b');
  });

  test('a rung of the ladder is told when its time has come, and not before with the others', () => {
    const rung = at('b', { fallback: true, opensAt: 100 });
    const list = [at('a', { tries: 1 }), rung, at('c', { fallback: true })];
    expect(next(list, false, 99)).toBe('a');
    expect(next(list, false, 100)).toBe('b');
    expect(next([at('a', { tries: 1 }), rung], true, 99)).toBe('a');
    expect(next(list, true, 99)).toBe('c');
    // Every primary was refused: those without a time of their own are in at once, and at last whoever there is.
    expect(next([at('a', { refused: true }), rung, at('c', { fallback: true })], false, 0)).toBe('c');
    expect(next([at('a', { refused: true }), rung], false, 0)).toBe('b');
  });

  test('told once more, a ladder with times is climbed by them; one without is told to all', () => {
    const notice = { startAt: 0, dueAt: 1000, dispatch: 'owed', receipt: 'none', told: 2 } as const;
    const rung = at('b', { fallback: true, opensAt: 100 });
    expect(fallbacksAreIn(notice, [at('a'), at('c', { fallback: true })], 1)).toBe(true);
    expect(fallbacksAreIn(notice, [at('a'), rung], 499)).toBe(false);
    expect(fallbacksAreIn(notice, [at('a'), rung], 500)).toBe(true);
    expect(fallbacksAreIn({ ...notice, dueAt: null }, [at('a'), rung], 500)).toBe(false);
  });

  test('whoever is told next is of those whose turn has come, as long as there is one', () => {
    const person = fc.record({
      fallback: fc.boolean(),
      refused: fc.boolean(),
      opensAt: fc.option(fc.nat(200), { nil: undefined }),
      tries: fc.nat(3),
      taken: fc.nat(3),
    });
    fc.assert(
      fc.property(fc.array(person, { maxLength: 6 }), fc.boolean(), fc.nat(200), (people, too, now) => {
        const list = people.map(({ opensAt, ...one }, n) =>
          at(`p${n}`, { ...one, ...(one.fallback && opensAt !== undefined ? { opensAt } : {}) }),
        );
        const chosen = nextRecipient(list, too, now);
        const usable = list.filter(({ refused }) => !refused);
        if (usable.length === 0) return expect(chosen).toBeUndefined();
        expect(chosen!.refused).toBe(false);
        const early = (one: Recipient) => one.opensAt !== undefined && one.opensAt > now;
        if (early(chosen!)) expect(usable.every(early)).toBe(true);
        if (usable.some(({ fallback }) => !fallback) && !too)
          expect(chosen!.fallback && chosen!.opensAt === undefined).toBe(false);
      }),
    );
  });

  describe('after a failure', () => {
    const window = { startAt: T0, dueAt: T0 + 2 * HOUR };
    const busy = { refused: false };
    const retried = (
      list: Recipient[],
      now: number,
      o: {
        failure?: Failure;
        fallbacksToo?: boolean;
        times?: { startAt: number; dueAt: number | null };
      } = {},
    ) => nextTryAt(list, list[0]!, o.failure ?? busy, o.fallbacksToo ?? false, o.times ?? window, now) - T0;

    test('another address that was not asked yet is asked at once, and whoever shares the one that failed is not', () => {
      expect(retried([at('a'), at('b')], T0)).toBe(0);
      expect(retried([at('a'), at('b', { address: 'a@x.example' })], T0)).toBe(MINUTE);
      // Of two that were both asked just now, none is asked again for the other's refusal.
      const list = [at('a'), at('b', { tries: 1, lastAt: T0 - 2000 })];
      expect(retried(list, T0, { failure: { refused: true } })).toBe(MINUTE);
      // Nobody is left: that is told at once.
      expect(retried([at('a')], T0, { failure: { refused: true } })).toBe(0);
    });

    test('half of the window and a rung are kept where they bring somebody, and no reason to ask the only one again', () => {
      const now = T0 + 59 * MINUTE;
      const tried = at('a', { tries: 4 });
      expect(retried([tried, at('b', { fallback: true })], now)).toBe(HOUR);
      expect(retried([tried, at('b', { fallback: true, opensAt: now + 1000 })], now)).toBe(
        59 * MINUTE + 1000,
      );
      for (const nobody of [
        [],
        [at('b', { fallback: true, refused: true })],
        [at('b', { fallback: true, address: 'a@x.example', tries: 4 })],
        [at('b', { fallback: true, taken: 9, opensAt: now + 1000 })],
      ])
        expect(retried([tried, ...nobody], now)).toBe(2 * HOUR - MINUTE);
      const endless = { startAt: T0, dueAt: null };
      expect(retried([tried, at('b', { fallback: true })], T0 + 20 * MINUTE, { times: endless })).toBe(
        30 * MINUTE,
      );
    });

    test('told once more, who took it and never answered is not asked over and over before who did not', () => {
      const list = [at('a', { tries: 0 }), at('b', { taken: 1 })];
      const first = nextRecipient(list, true, T0)!;
      expect(first.contactId).toBe('a');
      expect(retried(list, T0, { fallbacksToo: true })).toBe(0);
      expect(next([at('a', { tries: 1, lastAt: T0 }), list[1]!], true, T0)).toBe('b');
    });

    test('no address is asked twice within a minute, and no window passes unasked', () => {
      const person = fc.record({
        address: fc.nat(3),
        fallback: fc.boolean(),
        rung: fc.option(fc.nat(240), { nil: undefined }),
        refuses: fc.boolean(),
        taken: fc.nat(2),
      });
      const history = fc.record({
        people: fc.array(person, { minLength: 1, maxLength: 5 }),
        window: fc.option(fc.integer({ min: 3, max: 600 })),
        asks: fc.option(fc.nat(90), { nil: undefined }),
        takes: fc.nat(15),
      });
      fc.assert(
        fc.property(history, ({ people, window: minutes, asks, takes }) => {
          const times = { startAt: T0, dueAt: minutes === null ? null : T0 + minutes * MINUTE };
          const refusing = new Set(people.filter((one) => one.refuses).map(({ address }) => address));
          const asked = new Map<string, number[]>();
          const refused = new Set<string>();
          const list = (): Recipient[] =>
            people.map((one, n) => {
              const address = `${one.address}@x.example`;
              const past = asked.get(address) ?? [];
              return at(`p${n}`, {
                address,
                fallback: one.fallback,
                ...(one.fallback && one.rung !== undefined ? { opensAt: T0 + one.rung * MINUTE } : {}),
                refused: refused.has(address),
                tries: past.length,
                ...(past.length > 0 ? { lastAt: past.at(-1)! } : {}),
                // What an address took earlier is known of the address, whoever it belongs to.
                taken: people.find(({ address: same }) => same === one.address)!.taken,
              });
            });
          let now = T0;
          for (let turn = 0; turn < 60; turn++) {
            const notice = { ...times, told: 1, dispatch: 'attempting', receipt: 'none' } as const;
            const all = list();
            const too = fallbacksAreIn(notice, all, now);
            const chosen = nextRecipient(all, too, now);
            if (!chosen) return;
            const past = asked.get(chosen.address) ?? [];
            if (past.length > 0) expect(now - past.at(-1)!).toBeGreaterThanOrEqual(MINUTE);
            const ended = now + takes * 1000;
            asked.set(chosen.address, [...past, ended]);
            const refuses = refusing.has(Number(chosen.address[0]));
            if (refuses) refused.add(chosen.address);
            const after = asks === undefined ? undefined : asks * MINUTE;
            now = nextTryAt(all, chosen, { refused: refuses, after }, too, times, ended);
            expect(now).toBeGreaterThanOrEqual(ended);
            if (times.dueAt === null || now < times.dueAt) continue;
            if (people.every(({ address }) => refusing.has(address))) return;
            // The last minute of the window, and what an attempt takes.
            const last = Math.max(...[...asked.values()].flat().filter((one) => one < times.dueAt! + 16_000));
            return expect(last).toBeGreaterThanOrEqual(times.dueAt - MINUTE);
          }
        }),
      );
    });
  });

  test('each reads it in their own language, and what has no term in the one that it was written in', () => {
    const notice = { contactId: 'a', termId: 't', language: 'en' };
    expect(languageToTell(notice, { contactId: 'b', language: 'de' })).toBe('de');
    expect(languageToTell(notice, { contactId: 'b', language: null })).toBe('en');
    // Frozen when it was owed, whatever they read now.
    expect(languageToTell(notice, { contactId: 'a', language: 'de' })).toBe('en');
    expect(languageToTell({ ...notice, termId: null }, { contactId: 'b', language: 'de' })).toBe('en');
  });

  test('every telling has an id of its own, and every attempt of it the same', () => {
    expect(messageIdOf('abc@notices.countersign', 1)).toBe('abc@notices.countersign');
    expect(messageIdOf('abc@notices.countersign', 3)).toBe('abc.3@notices.countersign');
  });

  test('half of the window counts only while nobody was reached', () => {
    expect(fallbackIsDue(owed(), T0 + 12 * HOUR)).toBe(true);
    expect(fallbackIsDue(owed(), T0 + 11 * HOUR)).toBe(false);
    // Without a number there is no half of it: half an hour.
    expect(fallbackIsDue(owed({ dueAt: null }), T0 + 29 * MINUTE)).toBe(false);
    expect(fallbackIsDue(owed({ dueAt: null }), T0 + 30 * MINUTE)).toBe(true);
    expect(fallbackIsDue(owed({ dispatch: 'accepted' }), T0 + 13 * HOUR)).toBe(false);
    expect(fallbackIsDue(owed({ dispatch: 'accepted', receipt: 'bounced' }), T0 + 13 * HOUR)).toBe(true);
  });
});
