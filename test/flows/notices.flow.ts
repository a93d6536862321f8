import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AcknowledgementService } from '../../src/domain/notices/acknowledgement.service.ts';
import { DeliveryService } from '../../src/domain/notices/delivery.service.ts';
import { NoticeClock } from '../../src/domain/notices/notice-clock.ts';
import { findNotice, type NoticeView } from '../../src/domain/notices/notices.queries.ts';
import { NoticesService, type Trigger } from '../../src/domain/notices/notices.service.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { HOUR, MINUTE, SECOND } from '../../src/kernel/time.ts';
import { Duties } from '../../src/platform/queue/duties.ts';
import { Transactions, type Db } from '../../src/platform/database/transactions.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { MailServer } from '../support/mail-server.ts';

const by = system('test', 'correlation-notices');

/** Nothing works in the background: each test says itself when a sweep runs. */
const idle: Duties = { serves: true, works: false };

let t: TestApp;
let mail: MailServer;
let agreementVersionId: Id;
let integrationId: Id;
let partyId: Id;

const run = <T>(work: (db: Db) => Promise<T>) => t.app.get(Transactions).run(by, work);
const deliver = (id: Id) => t.app.get(DeliveryService).deliver(id, by, AbortSignal.timeout(20_000));
const clockSweep = () => t.app.get(NoticeClock).sweep(by);
const read = async (id: Id): Promise<NoticeView> => (await run((db) => findNotice(db, id)))!;

beforeAll(async () => {
  mail = await MailServer.start();
  t = await startApp({
    config: { smtpUrl: `smtp://${mail.host}`, outboundAllow: [mail.host] },
    settings: { duties: idle },
  });
  ({ agreementVersionId, integrationId, partyId } = await run(anAgreement));
});
afterAll(async () => {
  await t.close();
  await mail.close();
});

async function owe(trigger: Trigger['trigger'] = 'confirmed'): Promise<Id> {
  const ids = await run((db) => t.app.get(NoticesService).owe(db, [aTrigger(trigger)], by));
  expect(ids).toHaveLength(1);
  return ids[0]!;
}

function aTrigger(trigger: Trigger['trigger'], subjectId = newId()): Trigger {
  return {
    integrationId,
    agreementVersionId,
    subject: { kind: 'case', id: subjectId },
    trigger,
    instants: { confirmed: t.clock.now() },
    facts: {
      caseReference: 'CAS-2026-0007',
      integrationName: 'Payments <b>bridge</b>',
      fromParty: 'Brightwater',
      awareAt: new Date(t.clock.now()).toISOString(),
      credentials: [{ label: 'Payments key', environment: 'production', state: 'live' }],
      copies: 3,
      reason: 'Found in a public repository.',
    },
    correlationId: by.correlationId,
  };
}

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

    const wrongText = await acknowledgements.acknowledge(token, 'Ada Example', '0'.repeat(64));
    expect(wrongText).toMatchObject({ ok: false, error: { code: 'text-changed' } });
    const noName = await acknowledgements.acknowledge(token, ' ', shown.value.notice.textHash);
    expect(noName).toMatchObject({ ok: false, error: { code: 'name-needed' } });

    const done = await acknowledgements.acknowledge(token, 'Ada Example', shown.value.notice.textHash);
    expect(done).toEqual({ ok: true, value: { late: false } });
    const again = await acknowledgements.acknowledge(token, 'Somebody Else', shown.value.notice.textHash);
    expect(again).toEqual({ ok: true, value: { late: false } });
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
         INSERT INTO notice_attempt (id, notice_id, party_id, number, channel, address, started_at)
         SELECT $3, $1, party_id, 1, 'mail', 'security@northwind.example', $2 FROM n`,
        [id, t.clock.date(), newId()],
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
  expect((await as(partyId))?.id).toBe(id);
  expect(await as(newId())).toBeUndefined();
});

async function anAgreement(db: Db): Promise<{ agreementVersionId: Id; integrationId: Id; partyId: Id }> {
  const ids = {
    party: newId(),
    contact: newId(),
    agreement: newId(),
    version: newId(),
    term: newId(),
    integration: newId(),
  };
  const now = t.clock.date();
  await db.query(
    `INSERT INTO party (id, reference, name, created_at, updated_at) VALUES ($1, 'PTY-1', 'Northwind', $2, $2)`,
    [ids.party, now],
  );
  await db.query(
    `INSERT INTO contact (id, party_id, name, role, email, created_at, updated_at) VALUES ($1, $2, 'Duty desk', 'security', 'security@northwind.example', $3, $3)`,
    [ids.contact, ids.party, now],
  );
  await db.query(
    `INSERT INTO agreement (id, reference, party_id, title, created_at, updated_at) VALUES ($1, 'AGR-1', $2, 'Master', $3, $3)`,
    [ids.agreement, ids.party, now],
  );
  await db.query(
    `INSERT INTO agreement_version (id, agreement_id, party_id, number, valid_from, authority, content_hash, created_at)
     VALUES ($1, $2, $3, 1, $4, 'revoke_now', '\\x00', $4)`,
    [ids.version, ids.agreement, ids.party, now],
  );
  await db.query(
    `INSERT INTO term (id, agreement_version_id, party_id, direction, trigger, start_event, window_count, window_unit, valid_from)
     VALUES ($1, $2, $3, 'to_party', 'confirmed', 'confirmed', 24, 'elapsed-hours', $4)`,
    [ids.term, ids.version, ids.party, now],
  );
  await db.query(
    `INSERT INTO term_recipient (term_id, contact_id, party_id, ordinal) VALUES ($1, $2, $3, 0)`,
    [ids.term, ids.contact, ids.party],
  );
  await db.query(
    `INSERT INTO integration (id, reference, name, created_at, updated_at) VALUES ($1, 'INT-1', 'Payments', $2, $2)`,
    [ids.integration, now],
  );
  return { agreementVersionId: ids.version, integrationId: ids.integration, partyId: ids.party };
}
