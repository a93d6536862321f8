import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DeliveryService } from '../../src/domain/notices/delivery.service.ts';
import { findNotice } from '../../src/domain/notices/notices.queries.ts';
import { NoticesService } from '../../src/domain/notices/notices.service.ts';
import type { Id } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { HOUR, MINUTE } from '../../src/kernel/time.ts';
import { Transactions, type Db } from '../../src/platform/database/transactions.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { MailServer } from '../support/mail-server.ts';
import { confirmedExposure, noticeScene, type NoticeScene } from '../support/notice-scene.ts';
import { SignalPeer } from '../support/signal-peer.ts';

const by = system('test', 'correlation-other-ways');
const SECRET_PART = 'T0001/B0001/qrstuvwxyzabcdefgh';

let t: TestApp;
let mail: MailServer;
let slack: SignalPeer;
let scene: NoticeScene;

const run = <T>(work: (db: Db) => Promise<T>) => t.app.get(Transactions).run(by, work);
const deliver = (id: Id) => t.app.get(DeliveryService).deliver(id, by, AbortSignal.timeout(20_000));

beforeAll(async () => {
  mail = await MailServer.start();
  slack = await SignalPeer.start();
  slack.answer(200, {}, 'ok');
  t = await startApp({
    config: { smtpUrl: `smtp://${mail.host}`, outboundAllow: [mail.host, slack.host] },
    settings: { duties: { serves: true, works: false } },
  });
  scene = await run((db) => noticeScene(db, t.clock.date()));
});
afterAll(async () => {
  await t.close();
  await mail.close();
  await slack.close();
});

test('a person calls with a script, and who answered and when is what was told', async () => {
  const now = t.clock.now();
  await run((db) =>
    db.query(`UPDATE contact SET phone = '+31 20 555 01 00' WHERE id = $1`, [scene.contactId]),
  );
  const [id] = await run((db) =>
    t.app.get(NoticesService).owe(db, [confirmedExposure(scene, t.clock.now())], by),
  );
  const authorization = `Bearer ${await t.token('responder')}`;
  const script = await t.app.inject({
    url: `/api/v1/notices/${id}/calls/script`,
    headers: { authorization },
  });
  expect(script.json()).toMatchObject({
    contacts: [{ id: scene.contactId, phone: '+31 20 555 01 00' }],
    script: expect.stringContaining('say the reference back'),
  });
  expect(script.json<{ script: string }>().script).toMatch(/due by \d+ [A-Z][a-z]+ 20\d\d, \d\d:\d\d UTC\./);
  const called = (body: object) =>
    t.app.inject({
      method: 'POST',
      url: `/api/v1/notices/${id}/calls`,
      headers: { authorization, 'content-type': 'application/json' },
      payload: JSON.stringify({ contactId: scene.contactId, ...body }),
    });
  t.clock.advance(30 * MINUTE);
  expect((await called({ at: new Date(now + 10 * MINUTE), answeredBy: null })).statusCode).toBe(204);
  expect((await run((db) => findNotice(db, id!)))!.dispatch).toBe('owed');
  expect((await called({ at: new Date(now + HOUR), answeredBy: 'Ada' })).statusCode).toBe(400);
  expect((await called({ at: new Date(now - 1), answeredBy: 'Ada' })).statusCode).toBe(400);
  const at = now + 20 * MINUTE;
  expect((await called({ at: new Date(at), answeredBy: 'Ada Desk', note: 'will rotate' })).statusCode).toBe(
    204,
  );
  expect((await run((db) => findNotice(db, id!)))!.dispatch).toBe('accepted');
  const [row] = await run((db) =>
    db.query<Record<string, unknown>[]>(
      `SELECT n.fulfilled_at, n.next_attempt_at, a.channel, a.outcome, a.peer_answer, a.started_at FROM notice n
         JOIN notice_attempt a ON a.notice_id = n.id AND a.number = n.attempts WHERE n.id = $1`,
      [id],
    ),
  );
  expect(row).toEqual({
    fulfilled_at: new Date(at),
    next_attempt_at: null,
    channel: 'phone',
    outcome: 'accepted',
    peer_answer: 'answered by Ada Desk: will rotate',
    started_at: new Date(at),
  });
  // Told is told: no mail goes out beside it.
  const before = mail.received.length;
  await deliver(id!);
  expect(mail.received).toHaveLength(before);
});

test('a chat carries the notice that mail cannot, inside the window, and its address is never in the open', async () => {
  const headers = {
    authorization: `Bearer ${await t.token('vendor_risk')}`,
    'content-type': 'application/json',
  };
  const added = await t.app.inject({
    method: 'POST',
    url: `/api/v1/contacts/${scene.contactId}/addresses`,
    headers,
    payload: JSON.stringify({ channel: 'slack', address: `${slack.url}/services/${SECRET_PART}` }),
  });
  expect(added.statusCode).toBe(201);
  const foreign = { channel: 'slack', address: `${slack.url}/elsewhere` };
  const refused = await t.app.inject({
    method: 'POST',
    url: `/api/v1/contacts/${scene.contactId}/addresses`,
    headers,
    payload: JSON.stringify(foreign),
  });
  expect(refused.statusCode).toBe(400);

  const [id] = await run((db) =>
    t.app.get(NoticesService).owe(db, [confirmedExposure(scene, t.clock.now())], by),
  );
  await mail.behave('busy');
  expect(await deliver(id!)).toMatchObject({ state: 'waiting' });
  expect(slack.taken()).toEqual([]);
  let state = 'waiting';
  for (let n = 0; n < 40 && state === 'waiting'; n++) {
    t.clock.advance(45 * MINUTE);
    ({ state } = await deliver(id!));
  }
  expect(state).toBe('accepted');
  const [one, ...rest] = slack.taken();
  expect(rest).toEqual([]);
  expect(one!.path).toBe(`/services/${SECRET_PART}`);
  expect(one!.body).toContain('/n/');
  const notice = (await run((db) => findNotice(db, id!)))!;
  expect(notice).toMatchObject({ dispatch: 'accepted' });
  expect(t.clock.now() - notice.startAt).toBeLessThan(24 * HOUR);
  const tried = await run((db) =>
    db.query<{ channel: string; outcome: string; address: string }[]>(
      `SELECT channel, outcome, address FROM notice_attempt WHERE notice_id = $1 ORDER BY number`,
      [id],
    ),
  );
  expect(tried.at(-1)).toMatchObject({ channel: 'slack', outcome: 'accepted' });
  expect(tried.filter(({ outcome }) => outcome === 'accepted')).toHaveLength(1);

  for (const table of [
    'notice_attempt',
    'address_of_record',
    'ledger_entry',
    'ledger_detail',
    'outbox',
    'alert',
  ]) {
    const found = await run((db) =>
      db.query<unknown[]>(`SELECT FROM ${table} r WHERE r::text LIKE '%qrstuvwxyz%'`),
    );
    expect({ table, rows: found.length }).toEqual({ table, rows: 0 });
  }
  expect(t.log.text).not.toContain('qrstuvwxyz');

  const listed = await t.app.inject({ url: `/api/v1/contacts/${scene.contactId}/addresses`, headers });
  expect(listed.json()).toMatchObject({ addresses: [{ channel: 'slack', state: 'taken', order: 1 }] });
  expect(listed.body).not.toContain('qrstuvwxyz');

  const ended = await t.app.inject({
    method: 'DELETE',
    url: `/api/v1/addresses/${added.json<{ id: string }>().id}`,
    headers: { authorization: headers.authorization },
  });
  expect(ended.statusCode).toBe(204);
});

test('an endpoint whose circuit is open is left alone, and the duty is told by another way in time', async () => {
  const headers = { authorization: `Bearer ${await t.token('admin')}`, 'content-type': 'application/json' };
  const post = (url: string, body: object) =>
    t.app.inject({ method: 'POST', url, headers, payload: JSON.stringify(body) });
  const hub = { partyId: scene.partyId, name: 'Hub', url: `${slack.url}/hub`, events: ['case.opened'] };
  const made = await post('/api/v1/subscriptions', hub);
  expect(made.statusCode).toBe(201);
  const endpoint = made.json<{ subscription: { id: Id } }>().subscription.id;
  const addresses = [
    { channel: 'standard-webhooks', address: `endpoint:${endpoint}` },
    { channel: 'slack', address: `${slack.url}/services/${SECRET_PART}` },
  ];
  await run((db) => db.query(`UPDATE contact SET email = NULL WHERE id = $1`, [scene.contactId]));
  for (const one of addresses) {
    t.clock.advance(MINUTE);
    expect((await post(`/api/v1/contacts/${scene.contactId}/addresses`, one)).statusCode).toBe(201);
  }
  // What it answers to notices counts as what it answers to signals: the third failure opens the circuit.
  slack.answerWith((request, answer) => answer.writeHead(request.path === '/hub' ? 500 : 200).end('ok'));
  const [id] = await run((db) =>
    t.app.get(NoticesService).owe(db, [confirmedExposure(scene, t.clock.now())], by),
  );
  for (let n = 0; n < 3; n++) {
    expect(await deliver(id!)).toMatchObject({ state: 'waiting' });
    t.clock.advance(HOUR);
  }
  const standing = async () =>
    (await t.app.inject({ url: `/api/v1/subscriptions/${endpoint}`, headers })).json<{ circuit: string }>();
  expect(await standing()).toMatchObject({ circuit: 'open' });
  await run((db) =>
    db.query(`UPDATE subscription SET held_until = $2 WHERE id = $1`, [
      endpoint,
      new Date(t.clock.now() + 30 * HOUR),
    ]),
  );
  slack.taken();
  let state = 'waiting';
  for (let n = 0; n < 40 && state === 'waiting'; n++) {
    ({ state } = await deliver(id!));
    if (state === 'waiting') t.clock.advance(30 * MINUTE);
  }
  expect(state).toBe('accepted');
  // Nothing went to the endpoint meanwhile, and the record says why.
  expect(slack.taken().map(({ path }) => path)).toEqual([`/services/${SECRET_PART}`]);
  const notice = (await run((db) => findNotice(db, id!)))!;
  expect(t.clock.now() - notice.startAt).toBeLessThan(24 * HOUR);
  const tried = await run((db) =>
    db.query<{ channel: string; peer_answer: string }[]>(
      `SELECT channel, peer_answer FROM notice_attempt WHERE notice_id = $1 ORDER BY number`,
      [id],
    ),
  );
  expect(tried.at(-1)!.channel).toBe('slack');
  expect(tried.at(-2)!.peer_answer).toMatch(/^nothing was sent: the endpoint fails/);
});
