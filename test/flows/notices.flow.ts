import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AcknowledgementService } from '../../src/domain/notices/acknowledgement.service.ts';
import { DeliveryService } from '../../src/domain/notices/delivery.service.ts';
import { NoticePump } from '../../src/domain/notices/notice-pump.service.ts';
import { NoticeClock } from '../../src/domain/notices/notice-clock.ts';
import { findNotice, type NoticeView } from '../../src/domain/notices/notices.queries.ts';
import { NoticesService, type Trigger } from '../../src/domain/notices/notices.service.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { HOUR, MINUTE, SECOND } from '../../src/kernel/time.ts';
import { MaildropSweep } from '../../src/domain/notices/read-maildrop.sweep.ts';
import { Duties } from '../../src/platform/queue/duties.ts';
import { Transactions, type Db } from '../../src/platform/database/transactions.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { acknowledgeLink } from '../support/acknowledge.ts';
import {
  bounceOf as bounce,
  confirmedExposure,
  contactOf,
  noticeScene,
  type NoticeScene,
} from '../support/notice-scene.ts';
import { MailServer } from '../support/mail-server.ts';

const by = system('test', 'correlation-notices');

/** Nothing works in the background: each test says itself when a sweep runs. */
const idle: Duties = { serves: true, works: false };

let t: TestApp;
let mail: MailServer;
let scene: NoticeScene;
let maildir: string;

const run = <T>(work: (db: Db) => Promise<T>) => t.app.get(Transactions).run(by, work);
const deliver = (id: Id) => t.app.get(DeliveryService).deliver(id, by, AbortSignal.timeout(20_000));
const clockSweep = () => t.app.get(NoticeClock).sweep(by);
const read = async (id: Id): Promise<NoticeView> => (await run((db) => findNotice(db, id)))!;

beforeAll(async () => {
  mail = await MailServer.start();
  maildir = await mkdtemp(join(tmpdir(), 'countersign-bounces-'));
  t = await startApp({
    config: {
      smtpUrl: `smtp://${mail.host}`,
      outboundAllow: [mail.host],
      bounceMaildir: maildir,
      mailBounce: 'bounces@mail.operator.example',
    },
    settings: { duties: idle },
  });
  scene = await run((db) => noticeScene(db, t.clock.date()));
});
afterAll(async () => {
  await t.close();
  await mail.close();
  await rm(maildir, { recursive: true, force: true });
});

async function owe(trigger: Trigger['trigger'] = 'confirmed'): Promise<Id> {
  const ids = await run((db) => t.app.get(NoticesService).owe(db, [aTrigger(trigger)], by));
  expect(ids).toHaveLength(1);
  return ids[0]!;
}

const aTrigger = (trigger: Trigger['trigger']) => confirmedExposure(scene, t.clock.now(), { trigger });

describe('a notice that is owed', () => {
  test('is owed once for one cause, with every threshold frozen', async () => {
    const trigger = aTrigger('confirmed');
    const service = t.app.get(NoticesService);
    const [id] = await run((db) => service.owe(db, [trigger], by));
    expect(await run((db) => service.owe(db, [trigger], by))).toEqual([]);
    const notice = await read(id!);
    expect(notice).toMatchObject({
      obligation: 'required',
      dispatch: 'owed',
      timeliness: 'open',
      partyName: 'Northwind',
    });
    expect(notice.dueAt! - notice.startAt).toBe(24 * HOUR);
    expect(notice.warnAt! - notice.startAt).toBe(12 * HOUR);
  });

  test('arrives, is acknowledged by a person through its link, and is met', async () => {
    const id = await owe();
    expect(await deliver(id)).toEqual({ state: 'accepted' });
    const letter = mail.received.at(-1)!;
    expect(letter.to).toEqual(['security@northwind.example']);
    expect(letter.messageId).toBe(`<${(await read(id)).messageId}>`);
    const token = /\/n\/([A-Za-z0-9_-]+)/.exec(letter.text)![1]!;

    const acknowledgements = t.app.get(AcknowledgementService);
    const shown = await acknowledgements.show(token);
    if (!shown.ok) throw new Error(shown.error.message);
    expect(shown.value.notice.text).toContain('Payments <b>bridge</b>');
    // Looking changes nothing: mail scanners look, too.
    expect((await read(id)).receipt).toBe('none');

    const typed = {
      name: 'Ada Example',
      code: /with the code (\d{6})/.exec(letter.text)![1]!,
      textHash: shown.value.notice.textHash,
    };
    const acknowledge = (more: Partial<typeof typed> = {}) =>
      acknowledgements.acknowledge(token, { ...typed, ...more });
    expect(await acknowledge({ textHash: '0'.repeat(64) })).toMatchObject({
      ok: false,
      error: { code: 'text-changed' },
    });
    expect(await acknowledge({ name: ' ' })).toMatchObject({ ok: false, error: { code: 'name-needed' } });
    expect(await acknowledge({ code: '' })).toMatchObject({ ok: false, error: { code: 'code-needed' } });

    expect(await acknowledge()).toEqual({
      ok: true,
      value: { late: false, strength: 'mailbox', enough: true },
    });
    const again = await acknowledge({ name: 'Somebody Else' });
    expect(again).toEqual({ ok: true, value: { late: false, strength: 'mailbox', enough: true } });
    await clockSweep();
    expect(await read(id)).toMatchObject({
      receipt: 'acknowledged',
      timeliness: 'met',
      acknowledgementStrength: 'mailbox',
    });
    const names = await run((db) =>
      db.query(`SELECT typed_name FROM acknowledgement WHERE notice_id = $1`, [id]),
    );
    expect(names).toEqual([{ typed_name: 'Ada Example' }]);
  });

  test('whose mail server is away is tried again under the same id, warned, escalated, and missed for ever', async () => {
    const id = await owe();
    await mail.behave('busy');
    const first = await deliver(id);
    expect(first).toMatchObject({ state: 'waiting', until: t.clock.now() + MINUTE });
    expect(await deliver(id)).toMatchObject({ state: 'waiting', why: 'the next attempt is not due yet' });

    t.clock.advance(12 * HOUR);
    await clockSweep();
    expect(await read(id)).toMatchObject({ timeliness: 'open', warnedAt: t.clock.now(), escalatedAt: null });
    t.clock.advance(8 * HOUR);
    await clockSweep();
    expect((await read(id)).escalatedAt).toBe(t.clock.now());
    t.clock.advance(5 * HOUR);
    await clockSweep();
    expect((await read(id)).timeliness).toBe('missed');

    await mail.behave('accept');
    expect(await deliver(id)).toEqual({ state: 'accepted' });
    await clockSweep();
    // Late is late: what arrives afterwards changes the dispatch and not the judgement.
    expect(await read(id)).toMatchObject({ dispatch: 'accepted', timeliness: 'missed' });
    const alerts = await run((db) =>
      db.query<{ kind: string }[]>(`SELECT kind FROM alert WHERE subject_id = $1 ORDER BY first_at, kind`, [
        id,
      ]),
    );
    expect(alerts.map((one) => one.kind)).toEqual(['notice.warned', 'notice.escalated', 'notice.missed']);
  });

  test('that somebody else is sending is asked for again soon, and is sent once', async () => {
    const id = await owe();
    await mail.behave('hold');
    const before = mail.received.length;
    const first = deliver(id);
    await until(() => mail.received.length > before, 'the message arrives');
    expect(await deliver(id)).toEqual({
      state: 'waiting',
      until: t.clock.now() + SECOND,
      why: 'an attempt is under way',
    });
    await mail.behave('accept');
    expect(await first).toEqual({ state: 'accepted' });
    expect(await deliver(id)).toEqual({ state: 'accepted' });
    expect(mail.received.length).toBe(before + 1);
  });

  test('is sent once by two processes that look at the same moment, though their clocks are far apart', async () => {
    const other = await startApp({ database: t.database, config: t.config, settings: { duties: idle } });
    try {
      // By its own clock every attempt of the first process was given up long ago.
      other.clock.advance(t.clock.now() - other.clock.now() + MINUTE);
      const ids: Id[] = [];
      for (let n = 0; n < 12; n++) ids.push(await owe());
      await mail.behave('hold');
      const mine = () => mail.received.filter(({ messageId }) => ids.some((id) => messageId.includes(id)));
      const [one, two] = [t, other].map(({ app }) => app.get(NoticePump));
      const both = Promise.all([one!.send(by), two!.send(by)]);
      await until(() => mine().length >= ids.length, 'every notice is on its way');
      // Whoever looks now passes by what the other has under way. A round that has some itself ends only with them.
      const later = two!.send(by);
      const again = await Promise.all(
        ids.map((id) => other.app.get(DeliveryService).deliver(id, by, AbortSignal.timeout(20_000))),
      );
      expect(new Set(again.map((result) => 'why' in result && result.why))).toEqual(
        new Set(['an attempt is under way']),
      );
      await mail.behave('accept');
      await Promise.all([both, later]);
      expect(mine()).toHaveLength(ids.length);
      expect(await Promise.all(ids.map(async (id) => (await read(id)).attempts))).toEqual(ids.map(() => 1));
    } finally {
      await other.close();
    }
  });

  test('that every address refused is failed, loudly', async () => {
    const id = await owe();
    await mail.behave('refuse recipient');
    expect(await deliver(id)).toMatchObject({ state: 'waiting' });
    expect(await deliver(id)).toMatchObject({ state: 'failed', why: 'every known address was refused' });
    await mail.behave('accept');
    expect((await read(id)).dispatch).toBe('failed');
  });

  test('whose answer was lost is sent again under the same id, and said to be possibly a double', async () => {
    const id = await owe();
    await mail.behave('hang up after the message');
    expect(await deliver(id)).toMatchObject({ state: 'waiting' });
    await mail.behave('accept');
    t.clock.advance(2 * MINUTE);
    expect(await deliver(id)).toEqual({ state: 'accepted' });
    const mine = mail.received.filter((one) => one.messageId === `<${id}@notices.countersign>`);
    expect(mine).toHaveLength(2);
    const attempts = await run((db) =>
      db.query(`SELECT outcome, possibly_twice FROM notice_attempt WHERE notice_id = $1 ORDER BY number`, [
        id,
      ]),
    );
    expect(attempts).toEqual([
      { outcome: 'unknown', possibly_twice: false },
      { outcome: 'accepted', possibly_twice: true },
    ]);
  });

  test('whose sender died during the attempt is sent by the next one', async () => {
    const id = await owe();
    await run((db) =>
      db.query(
        `WITH n AS (UPDATE notice SET dispatch = 'attempting', attempts = 1, next_attempt_at = $2 WHERE id = $1 RETURNING party_id)
         INSERT INTO notice_attempt (id, notice_id, party_id, number, channel, address, started_at, message_id)
         SELECT $3, $1, party_id, 1, 'mail', 'security@northwind.example', $2, $4 FROM n`,
        [id, t.clock.date(), newId(), `${id}@notices.countersign`],
      ),
    );
    expect(await deliver(id)).toEqual({ state: 'accepted' });
    const attempts = await run((db) =>
      db.query(`SELECT outcome FROM notice_attempt WHERE notice_id = $1 ORDER BY number`, [id]),
    );
    expect(attempts).toEqual([{ outcome: 'unknown' }, { outcome: 'accepted' }]);
  });
});

test('what is owed to one party is seen by no other', async () => {
  const id = await owe();
  const as = (party: Id) =>
    t.app.get(Transactions).run({ ...by, partyId: party }, (db) => findNotice(db, id));
  expect((await as(scene.partyId))?.id).toBe(id);
  expect(await as(newId())).toBeUndefined();
});

describe('a notice that nobody has read yet', () => {
  /** A party of its own, told by `fulfilledBy`, and what is owed to it. */
  async function owedTo(
    name: string,
    fulfilledBy = 'accepted_by_peer',
  ): Promise<NoticeScene & { noticeId: Id; to(person: string): string }> {
    const to = (person: string) => `${person}@${name}.example`;
    const made = await run((db) =>
      noticeScene(db, t.clock.date(), { name, email: to('security'), fulfilledBy }),
    );
    const [noticeId] = await run((db) =>
      t.app.get(NoticesService).owe(db, [confirmedExposure(made, t.clock.now())], by),
    );
    return { ...made, noticeId: noticeId!, to };
  }
  const another = (partyId: Id, name: string, email: string, ordinal = 1) =>
    run((db) => contactOf(db, partyId, t.clock.date(), { name, email, ordinal }));
  const receivedBy = (address: string) => mail.received.filter((one) => one.to.includes(address));
  const attempts = (id: Id) =>
    run((db) =>
      db.query<{ address: string; outcome: string }[]>(
        `SELECT address, outcome FROM notice_attempt WHERE notice_id = $1 ORDER BY number`,
        [id],
      ),
    );

  test('is told to somebody else once half of the window is gone, and to nobody twice', async () => {
    const { noticeId, partyId, to } = await owedTo('fabrikam');
    await another(partyId, 'Night desk', to('night'));
    await mail.behave('busy', to('security'));
    for (let left = 60; left > 0; left--) {
      const now = await deliver(noticeId);
      if (now.state !== 'waiting') break;
      t.clock.advance(now.until - t.clock.now());
    }
    const told = await read(noticeId);
    expect(told).toMatchObject({ dispatch: 'accepted', timeliness: 'open' });
    expect(told.acceptedAt).toBe(told.startAt + 12 * HOUR);
    const tried = await attempts(noticeId);
    expect(tried.at(-1)).toEqual({ address: to('night'), outcome: 'accepted' });
    expect(tried.slice(0, -1).every((one) => one.address === to('security') && one.outcome === 'retry')).toBe(
      true,
    );
    await mail.behave('accept', to('security'));
    t.clock.advance(HOUR);
    expect(await deliver(noticeId)).toEqual({ state: 'accepted' });
    expect([receivedBy(to('night')).length, receivedBy(to('security')).length]).toEqual([1, 0]);
    await clockSweep();
    expect((await read(noticeId)).timeliness).toBe('met');
  });

  test('waits for the morning of its recipient, and not past its warning', async () => {
    const { noticeId, partyId, contactId, to } = await owedTo('tailspin');
    await run((db) =>
      db.query(
        `INSERT INTO contact_hours (contact_id, party_id, zone, quiet_from, quiet_until, updated_at) VALUES ($1, $2, 'UTC', '00:00', '00:00', $3)`,
        [contactId, partyId, t.clock.date()],
      ),
    );
    const { warnAt } = await read(noticeId);
    expect(await deliver(noticeId)).toMatchObject({ state: 'waiting', until: warnAt });
    t.clock.advance(warnAt! - t.clock.now());
    expect(await deliver(noticeId)).toEqual({ state: 'accepted' });
    expect(receivedBy(to('security'))).toHaveLength(1);
  });

  test('acknowledged without a next action, is told again; with one, it stands', async () => {
    const { noticeId, to } = await owedTo('wingtip');
    await deliver(noticeId);
    const first = receivedBy(to('security'))[0]!;
    await acknowledgeLink(t, first.text, 'Ada Example');
    await clockSweep();
    t.clock.advance(4 * HOUR);
    await clockSweep();
    expect(await read(noticeId)).toMatchObject({ dispatch: 'owed', receipt: 'delivered', timeliness: 'met' });
    expect(await deliver(noticeId)).toEqual({ state: 'accepted' });
    const second = receivedBy(to('security'))[1]!;
    expect(second.messageId).toBe(`<${noticeId}.2@notices.countersign>`);
    expect(second.subject).toBe(first.subject);

    await acknowledgeLink(t, second.text, 'Ada Example');
    const token = /\/n\/([A-Za-z0-9_-]+)/.exec(second.text)![1]!;
    const acknowledgements = t.app.get(AcknowledgementService);
    expect(await acknowledgements.sayNext(token, ' ')).toMatchObject({ ok: false });
    expect(await acknowledgements.sayNext(token, 'We rotate the key tonight.')).toMatchObject({ ok: true });
    t.clock.advance(24 * HOUR);
    await clockSweep();
    expect(await read(noticeId)).toMatchObject({ dispatch: 'accepted', receipt: 'acknowledged' });
  });

  test('where an answer was promised and none comes, is told along the ladder', async () => {
    const { noticeId, partyId, to } = await owedTo('contoso', 'acknowledged');
    await another(partyId, 'First', to('first'), 1);
    await another(partyId, 'Second', to('second'), 2);
    await deliver(noticeId);
    for (const rung of ['first', 'second'] as const) {
      const { warnAt, escalateAt } = await read(noticeId);
      t.clock.advance((rung === 'first' ? warnAt! : escalateAt!) - t.clock.now());
      await clockSweep();
      expect(await deliver(noticeId)).toEqual({ state: 'accepted' });
      expect(receivedBy(to(rung))).toHaveLength(1);
    }
    expect(receivedBy(to('security'))).toHaveLength(1);
    const wentTo = await run((db) =>
      db.query(
        `SELECT e.level, c.name FROM escalation e JOIN contact c ON c.id = e.contact_id WHERE e.subject_id = $1 ORDER BY e.at`,
        [noticeId],
      ),
    );
    expect(wentTo).toEqual([
      { level: 'warn', name: 'First' },
      { level: 'escalate', name: 'Second' },
    ]);
    await acknowledgeLink(t, receivedBy(to('second'))[0]!.text, 'Second Person');
    await clockSweep();
    expect(await read(noticeId)).toMatchObject({ timeliness: 'met', receipt: 'acknowledged' });
  });

  test('climbs the ladder of its agreement by minutes: each rung is told when its time has come', async () => {
    const laddered = await run((db) =>
      noticeScene(db, t.clock.date(), { fulfilledBy: 'acknowledged', email: 'first@ladder.example' }),
    );
    const { termId } = await run(async (db) => {
      const [term] = await db.query<{ termId: Id }[]>(
        `SELECT id AS "termId" FROM term WHERE agreement_version_id = $1`,
        [laddered.agreementVersionId],
      );
      for (const [ordinal, name, minutes, percent] of [
        [1, 'second', 15, null],
        [2, 'third', null, 10],
      ] as const)
        await db.query(
          `INSERT INTO term_recipient (term_id, contact_id, party_id, ordinal, fallback, after_minutes, after_percent)
           VALUES ($1, $2, $3, $4, true, $5, $6)`,
          [
            term!.termId,
            await contactOf(db, laddered.partyId, t.clock.date(), {
              name,
              email: `${name}@ladder.example`,
              role: 'contract',
              ordinal,
            }),
            laddered.partyId,
            ordinal,
            minutes,
            percent,
          ],
        );
      return term!;
    });
    expect(termId).toBeDefined();
    const owed = async () => {
      const [id] = await run((db) =>
        t.app.get(NoticesService).owe(db, [confirmedExposure(laddered, t.clock.now())], by),
      );
      return id!;
    };
    const told = (from: number) => mail.received.slice(from).flatMap(({ to: whom }) => whom);

    // Its peer took it and nobody answers.
    let before = mail.received.length;
    const id = await owed();
    await deliver(id);
    for (const [wait, whom] of [
      [14 * MINUTE, ['first@ladder.example']],
      [MINUTE, ['first@ladder.example', 'second@ladder.example']],
      [2 * HOUR, ['first@ladder.example', 'second@ladder.example']],
      [10 * MINUTE, ['first@ladder.example', 'second@ladder.example', 'third@ladder.example']],
    ] as const) {
      t.clock.advance(wait);
      await clockSweep();
      await clockSweep();
      await deliver(id);
      expect(told(before)).toEqual(whom);
    }

    // Its server is away: the next rung is tried at its time, though the wait between two tries is longer.
    before = mail.received.length;
    await mail.behave('busy', 'first@ladder.example');
    const away = await owed();
    const start = t.clock.now();
    expect(await deliver(away)).toMatchObject({ state: 'waiting', until: start + MINUTE });
    for (const minutes of [1, 5]) {
      t.clock.advance(minutes * MINUTE);
      await deliver(away);
    }
    expect(await deliver(away)).toMatchObject({ state: 'waiting', until: start + 15 * MINUTE });
    t.clock.advance(9 * MINUTE);
    expect(await deliver(away)).toEqual({ state: 'accepted' });
    expect(told(before)).toEqual(['second@ladder.example']);
    await mail.behave('accept', 'first@ladder.example');
  });

  test('that bounces within its window is open again, and goes to somebody else at once', async () => {
    const { noticeId, partyId, to } = await owedTo('adatum');
    await another(partyId, 'Night desk', to('night'));
    await deliver(noticeId);
    await clockSweep();
    const { messageId } = await read(noticeId);
    expect(await read(noticeId)).toMatchObject({ timeliness: 'met' });
    const token = await t.token('responder');
    const hand = async (payload: string) =>
      (
        await t.app.inject({
          method: 'POST',
          url: '/api/v1/bounces',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'message/rfc822' },
          payload,
        })
      ).json<{ is: string; reference: string | null }>();
    expect(await hand('Subject: I am on holiday\r\n\r\nBack on Monday.')).toMatchObject({ is: 'no-report' });
    expect(await hand(bounce('nothing@of.ours', to('security')))).toMatchObject({ is: 'unknown' });
    expect(await hand(bounce(messageId, to('security')))).toMatchObject({ is: 'bounced' });
    expect(await hand(bounce(messageId, to('security')))).toMatchObject({ is: 'unknown' });
    expect(await read(noticeId)).toMatchObject({
      timeliness: 'open',
      receipt: 'bounced',
      dispatch: 'attempting',
      fulfilledAt: null,
    });
    expect(await deliver(noticeId)).toEqual({ state: 'accepted' });
    await clockSweep();
    expect(await read(noticeId)).toMatchObject({ timeliness: 'met', receipt: 'none', attempts: 2 });
    expect([receivedBy(to('security')).length, receivedBy(to('night')).length]).toEqual([1, 1]);
    // A report of the first address that comes again, or of a stranger, says nothing of the second.
    for (const address of [to('security'), 'other@evil.example'])
      expect(await hand(bounce(messageId, address))).toMatchObject({ is: 'unknown' });
    expect(await read(noticeId)).toMatchObject({ timeliness: 'met', receipt: 'none' });
  });

  test('that comes back to its own return path needs nothing readable for it', async () => {
    const { noticeId, partyId, to } = await owedTo('margie');
    await another(partyId, 'Night desk', to('night'));
    await deliver(noticeId);
    const { from, raw } = receivedBy(to('security'))[0]!;
    expect(from).toMatch(/^bounces\+[a-z2-7]{42}@mail\.operator\.example$/);
    expect(raw).not.toContain(from);
    await mkdir(join(maildir, 'new'), { recursive: true });
    const take = async (name: string, lines: string[]) => {
      await writeFile(join(maildir, 'new', name), lines.join('\r\n'));
      await t.app.get(MaildropSweep).sweep(by);
      return (await read(noticeId)).receipt;
    };
    const words = ['', 'Your message could not be delivered: 550 5.1.1 no such user'];
    // Nobody makes a path of their own, and a note of absence is no bounce.
    const forged = from.replace(/\+(.)/, (_all, first: string) => `+${first === 'a' ? 'b' : 'a'}`);
    const server = 'From: Mail Delivery System <MAILER-DAEMON@mx.northwind.example>';
    expect(await take('1', [server, `To: ${forged}`, 'Subject: Undelivered', ...words])).toBe('none');
    const person = `From: Nora <${to('security')}>`;
    expect(await take('2', [person, `To: ${from}`, 'Subject: Out of office', '', 'Back on Monday.'])).toBe(
      'none',
    );
    const read1 = 'Content-Type: multipart/report; report-type=disposition-notification; boundary=b';
    expect(await take('3', [person, `To: ${from}`, read1, '', '--b', '', 'read', '--b--'])).toBe('none');
    expect(
      await take('4', [
        server,
        `Delivered-To: ${from.toUpperCase()}`,
        'To: undisclosed',
        'Subject: Undelivered',
        ...words,
      ]),
    ).toBe('bounced');
    expect(await deliver(noticeId)).toEqual({ state: 'accepted' });
    expect(receivedBy(to('night'))).toHaveLength(1);
    const [attempt] = await run((db) =>
      db.query(`SELECT bounce FROM notice_attempt WHERE notice_id = $1 AND bounced_at IS NOT NULL`, [
        noticeId,
      ]),
    );
    expect(attempt).toMatchObject({ bounce: expect.stringMatching(/^5\.1\.1 .*no such user/) });

    // What told nothing waits for a person.
    expect(await readdir(join(maildir, 'cur'))).toEqual(['1:2,', '2:2,', '3:2,']);
    await rm(join(maildir, 'cur'), { recursive: true });

    // The same by the webhook, where only the envelope says where it came to.
    const night = receivedBy(to('night'))[0]!;
    const handed = await t.app.inject({
      method: 'POST',
      url: `/api/v1/bounces?to=${night.from}`,
      headers: { authorization: `Bearer ${await t.token('responder')}`, 'content-type': 'message/rfc822' },
      payload: [server, 'Subject: failure notice', ...words].join('\r\n'),
    });
    expect(handed.json()).toMatchObject({ is: 'bounced', reference: (await read(noticeId)).reference });
  });

  test('that bounces after its window keeps its decision, and is told all the same', async () => {
    const { noticeId, partyId, to } = await owedTo('litware');
    await another(partyId, 'Night desk', to('night'));
    await deliver(noticeId);
    await clockSweep();
    t.clock.advance(25 * HOUR);
    await mkdir(join(maildir, 'new'), { recursive: true });
    const { messageId } = await read(noticeId);
    await writeFile(join(maildir, 'new', '1.bounce'), bounce(messageId, to('security'), '4.4.7'));
    await writeFile(join(maildir, 'new', '2.person'), 'Subject: Re: NTC\r\n\r\nWho is this?');
    await t.app.get(MaildropSweep).sweep(by);
    expect(await readdir(join(maildir, 'new'))).toEqual([]);
    expect(await readdir(join(maildir, 'cur'))).toEqual(['2.person:2,']);
    expect(await read(noticeId)).toMatchObject({ timeliness: 'met', receipt: 'bounced' });
    expect(await deliver(noticeId)).toEqual({ state: 'accepted' });
    expect(receivedBy(to('night'))).toHaveLength(1);
  });
});
