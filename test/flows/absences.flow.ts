import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { ELAPSED_DAY, HOUR, iso } from '../../src/kernel/time.ts';
import { Transactions } from '../../src/platform/database/transactions.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { contactOf } from '../support/notice-scene.ts';
import { caller, type Answer } from '../support/portfolio.ts';

let t: TestApp;
let call: ReturnType<typeof caller>;
let away: Id;
let night: Id;
let day: Id;

beforeAll(async () => {
  t = await startApp({ settings: { duties: { serves: true, works: false } } });
  call = caller(t, await t.token('vendor_risk'));
  const partyId = newId();
  await t.app.get(Transactions).run(system('test', 'absences'), async (db) => {
    await db.query(
      `INSERT INTO party (id, reference, name, created_at, updated_at) VALUES ($1, 'PTY-1', 'Northwind', $2, $2)`,
      [partyId, t.clock.date()],
    );
    const contact = (name: string) =>
      contactOf(db, partyId, t.clock.date(), {
        name,
        email: `${name.toLowerCase()}@northwind.example`,
      });
    [away, night, day] = [await contact('Away'), await contact('Night'), await contact('Day')];
  });
});
afterAll(() => t?.close());

const enter = (from: number, until: number, standInId: Id | null): Promise<Answer> =>
  call('POST', `/api/v1/contacts/${away}/absences`, {
    body: { from: iso(from), until: iso(until), standInId },
  });
const onRecord = async () =>
  ((await call('GET', `/api/v1/contacts/${away}/absences`)).body as { absences: unknown[] }).absences.length;

test('the same absence is on record once, however often and at whatever instant it is entered', async () => {
  const from = t.clock.now() + ELAPSED_DAY;
  const all = await Promise.all(Array.from({ length: 6 }, () => enter(from, from + HOUR, night)));
  expect(all.map(({ status }) => status)).toEqual(Array.from({ length: 6 }, () => 201));
  expect(new Set(all.map(({ body }) => (body as { id: Id }).id)).size).toBe(1);
  expect(await onRecord()).toBe(1);

  // One that touches it, or says the same of an hour more, leaves no doubt who stands in.
  expect((await enter(from + HOUR, from + 2 * HOUR, day)).status).toBe(201);
  expect((await enter(from - HOUR, from + HOUR, night)).status).toBe(201);
  expect(await onRecord()).toBe(3);
});

test('two absences at one time with different people to call are refused, with the times of the other', async () => {
  const from = t.clock.now() + 3 * ELAPSED_DAY;
  expect((await enter(from, from + 4 * HOUR, night)).status).toBe(201);
  const before = await onRecord();
  for (const [begin, end, standIn] of [
    [from, from + 4 * HOUR, day],
    [from, from + 4 * HOUR, null],
    [from + 3 * HOUR, from + 9 * HOUR, day],
  ] as const) {
    const refused = await enter(begin, end, standIn);
    expect(refused).toMatchObject({
      status: 409,
      body: {
        code: 'absence-overlaps',
        detail: expect.stringContaining(iso(from)),
        errors: [
          {
            field: '/from',
            problem: expect.stringContaining(iso(from + 4 * HOUR)),
            mend: expect.stringContaining('Take that one back'),
          },
        ],
      },
    });
  }
  expect(await onRecord()).toBe(before);
});

test('two who stand in for each other, entered at once, do not wait for one another', async () => {
  const from = t.clock.now() + 6 * ELAPSED_DAY;
  const both = await Promise.all(
    Array.from({ length: 8 }, (_, n) => {
      const [who, standInId] = n % 2 === 0 ? [night, day] : [day, night];
      return call('POST', `/api/v1/contacts/${who}/absences`, {
        body: { from: iso(from + n * HOUR), until: iso(from + (n + 1) * HOUR), standInId },
      });
    }),
  );
  expect(both.map(({ status }) => status)).toEqual(both.map(() => 201));
});
