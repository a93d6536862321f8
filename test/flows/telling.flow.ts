import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AcknowledgementService } from '../../src/domain/notices/acknowledgement.service.ts';
import { AlertDigest } from '../../src/domain/notices/alert-digest.ts';
import { AlertsService } from '../../src/domain/notices/alerts.service.ts';
import { DeliverySweep } from '../../src/domain/notices/deliver-notice.job.ts';
import { NoticeClock } from '../../src/domain/notices/notice-clock.ts';
import { findNotice } from '../../src/domain/notices/notices.queries.ts';
import { DeliveryService } from '../../src/domain/notices/delivery.service.ts';
import { stuckNotices } from '../../src/domain/notices/stuck-notices.service.ts';
import { NoticeTemplates } from '../../src/domain/notices/notice-templates.ts';
import { NoticesService } from '../../src/domain/notices/notices.service.ts';
import { SecondPerson } from '../../src/domain/notices/second-person.ts';
import { Policies } from '../../src/domain/policy/policies.ts';
import { PolicySecondPerson } from '../../src/domain/policy/policy-second-person.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { HOUR, iso, MINUTE } from '../../src/kernel/time.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { acknowledgementCode } from '../support/acknowledge.ts';
import { MailServer } from '../support/mail-server.ts';
import { member } from '../support/matrix-scene.ts';
import { confirmedExposure, contactOf, noticeScene } from '../support/notice-scene.ts';
import type { Answer } from '../support/portfolio.ts';
import { BY, tellingWorld, type Calling, type TellingWorld } from '../support/telling-world.ts';

let t: TellingWorld['t'];
let mail: TellingWorld['mail'];
let chat: TellingWorld['chat'];
let scene: TellingWorld['scene'];
let run: TellingWorld['run'];
let calling: TellingWorld['calling'];
let told: TellingWorld['told'];
let call: Calling;

beforeAll(async () => {
  ({ t, mail, chat, scene, run, calling, told } = await tellingWorld());
  call = calling(await t.token('vendor_risk'));
});
afterAll(async () => {
  await t.close();
  await mail.close();
  await chat.close();
});

describe('whom to call', () => {
  test('is who is on duty and there; a stand-in takes the place of who is away', async () => {
    const night = await run((db) =>
      contactOf(db, scene.partyId, t.clock.date(), { name: 'Night desk', email: 'night@northwind.example' }),
    );
    const order = async () =>
      (
        (await call('GET', `/parties/${scene.partyId}/on-call`)).body as {
          contacts: { name: string; standing: string }[];
        }
      ).contacts.map(({ name, standing }) => `${name}: ${standing}`);
    expect(await order()).toEqual(['Night desk: on_duty', 'Duty desk: on_duty']);
    const wall = new Date(t.clock.now() + 2 * HOUR).getUTCHours();
    const hours = {
      zone: 'Etc/UTC',
      from: `${String(wall).padStart(2, '0')}:00`,
      until: `${String((wall + 1) % 24).padStart(2, '0')}:00`,
    };
    expect((await call('PUT', `/contacts/${night}/hours`, hours)).status).toBe(204);
    expect(await order()).toEqual(['Duty desk: on_duty', 'Night desk: off_duty']);
    const away = { from: iso(t.clock.now()), until: iso(t.clock.now() + HOUR), standInId: night };
    const made = await call('POST', `/contacts/${scene.contactId}/absences`, away);
    expect(made.status).toBe(201);
    expect(await order()).toEqual(['Night desk: stands_in', 'Duty desk: away']);
    const absence = (made.body as { id: string }).id;
    expect((await call('GET', `/contacts/${scene.contactId}/absences`)).body).toEqual({
      absences: [
        { id: absence, from: away.from, until: away.until, standInId: night, standIn: 'Night desk' },
      ],
    });
    expect((await call('GET', `/contacts/${newId()}/absences`)).status).toBe(404);
    expect((await call('DELETE', `/absences/${absence}`)).status).toBe(204);
    expect(await order()).toEqual(['Duty desk: on_duty', 'Night desk: off_duty']);
  });

  test('nobody stands in for themselves, and a way is one that a channel knows', async () => {
    const away = { from: iso(t.clock.now()), until: iso(t.clock.now() + HOUR), standInId: scene.contactId };
    expect((await call('POST', `/contacts/${scene.contactId}/absences`, away)).status).toBe(400);
    expect((await call('PUT', `/contacts/${scene.contactId}/hours`, { zone: '+02:00' })).status).toBe(400);
    for (const [field, mend, hours] of [
      ['/days', /Name a day/, { days: [] }],
      ['/until', /00:00 until 24:00/, { from: '08:00', until: '08:00' }],
      ['/quiet/until', /null for quiet/, { quiet: { from: '00:00', until: '00:00' } }],
      ['/from', /./, { from: '24:00', until: '08:00' }],
    ] as const) {
      const refused = await call('PUT', `/contacts/${scene.contactId}/hours`, { zone: 'Etc/UTC', ...hours });
      expect([refused.status, refused.body]).toMatchObject([
        400,
        { errors: [{ field, mend: expect.stringMatching(mend) }] },
      ]);
    }
    const way = (channel: string, address: string) =>
      call('POST', `/contacts/${scene.contactId}/addresses`, { channel, address });
    expect((await way('pigeon', 'roof')).status).toBe(400);
    expect((await way('mail', 'not an address')).status).toBe(400);
    const made = await way('mail', 'second@northwind.example');
    expect(made.status).toBe(201);
    const id = (made.body as { id: string }).id;
    const listed = async () =>
      ((await call('GET', `/contacts/${scene.contactId}/addresses`)).body as { addresses: object[] })
        .addresses;
    expect(await listed()).toMatchObject([
      { id, channel: 'mail', address: 'second@northwind.example', order: 1, state: 'untried' },
    ]);
    expect((await call('DELETE', `/addresses/${id}`)).status).toBe(204);
    expect(await listed()).toEqual([]);
    expect((await call('DELETE', `/addresses/${id}`)).status).toBe(404);
  });
});

test('an endpoint or a stream that the party of the contact does not have is no way to them', async () => {
  const other = await run((db) =>
    noticeScene(db, t.clock.date(), { name: 'Fabrikam', email: 'security@fabrikam.example' }),
  );
  const admin = calling(await t.token('admin'));
  const made = await admin('POST', '/subscriptions', {
    partyId: other.partyId,
    name: 'Theirs',
    url: `${chat.url}/theirs`,
    events: ['case.opened'],
  });
  const { id } = (made.body as { subscription: { id: Id } }).subscription;
  const way = (contactId: Id, channel: string, address: string) =>
    call('POST', `/contacts/${contactId}/addresses`, { channel, address });
  const [foreign, absent, stream, polled] = [
    await way(scene.contactId, 'standard-webhooks', `endpoint:${id}`),
    await way(scene.contactId, 'standard-webhooks', `endpoint:${newId()}`),
    await way(scene.contactId, 'set', `stream:${newId()}`),
    await way(other.contactId, 'set', `stream:${id}`),
  ];
  for (const refused of [foreign, absent, stream, polled])
    expect([refused.status, refused.body]).toMatchObject([400, { errors: [{ field: '/address' }] }]);
  const said = ({ body }: Answer) => ({ ...(body as object), correlationId: null });
  expect(said(foreign)).toEqual(said(absent));
  expect((await way(other.contactId, 'standard-webhooks', `endpoint:${id}`)).status).toBe(201);
});

test('alerts go out together, the critical ones soon, and none of them twice', async () => {
  await run((db) =>
    db.query(`UPDATE alert SET handled_at = now(), handled_by = 'test' WHERE handled_at IS NULL`),
  );
  await run(async (db) => {
    const operator = newId();
    await db.query(
      `INSERT INTO party (id, reference, name, is_operator, created_at, updated_at) VALUES ($1, 'PTY-OP', 'Brightwater', true, $2, $2)`,
      [operator, t.clock.date()],
    );
    await contactOf(db, operator, t.clock.date(), {
      name: 'Duty officer',
      email: 'duty@brightwater.example',
    });
  });
  const raise = (severity: 'warning' | 'critical', n: number) =>
    run((db) =>
      t.app.get(AlertsService).raise(db, {
        kind: 'test',
        severity,
        message: `Something is odd <${n}>`,
        dedupeKey: `test:${n}`,
        at: t.clock.now(),
      }),
    );
  const digests = () => mail.received.filter((one) => one.to.includes('duty@brightwater.example'));
  const sweep = () => t.app.get(AlertDigest).sweep(BY);
  for (let n = 0; n < 30; n++) await raise('warning', n);
  await sweep();
  expect(digests()).toHaveLength(0);
  t.clock.advance(5 * MINUTE);
  await sweep();
  await sweep();
  expect(digests()).toHaveLength(1);
  expect(digests()[0]!.subject).toBe('Countersign: 30 alerts nobody has looked at');
  expect(digests()[0]!.text).toContain('and 10 more');
  expect(digests()[0]!.html).toContain('Something is odd &lt;0&gt;');
  await raise('critical', 99);
  await sweep();
  expect(digests()).toHaveLength(1);
  t.clock.advance(10 * MINUTE);
  await sweep();
  expect(digests()).toHaveLength(2);
  expect(digests()[1]!.subject).toBe('Countersign: 1 critical of 1 alerts nobody has looked at');

  // Its reader has a language, and the operator a text of its own; times are as that reader writes them.
  await run((db) => db.query(`UPDATE contact SET language = 'de' WHERE email = 'duty@brightwater.example'`));
  const texts = '/notice-templates/versions?category=alert-digest&language=de';
  const owner = calling(await t.token('contract_owner'));
  const source = t.app.get(NoticeTemplates).sourceOf('alert-digest', 'de')!;
  const own = { ...source, subject: 'Unsere Leitstelle: {{ total }}' };
  expect(
    await owner('POST', '/notice-templates', { category: 'alert-digest', language: 'de', source: own }),
  ).toMatchObject({ status: 201, body: { number: 1 } });
  expect((await call('GET', texts)).body).toMatchObject({ versions: [{ subject: own.subject }] });
  await run((db) =>
    t.app.get(AlertsService).raise(db, {
      kind: 'test',
      severity: 'critical',
      message: 'It is late (due 2026-11-22T08:05:31.000Z).',
      dedupeKey: 'test:late',
      at: t.clock.now(),
    }),
  );
  t.clock.advance(10 * MINUTE);
  await sweep();
  expect(digests()).toHaveLength(3);
  expect(digests()[2]!.subject).toBe('Unsere Leitstelle: 1');
  expect(digests()[2]!.text).toContain('It is late (due 22.11.2026, 08:05 Uhr UTC).');
  expect(digests()[2]!.text).toContain('Alle Meldungen, und was zu tun ist');
});

describe('the text of a notice', () => {
  const texts = '/notice-templates';
  const shipped = async (language = 'en') => {
    const asked = await call('GET', `${texts}/versions?category=exposure&language=${language}`);
    expect(asked.body).toEqual({ versions: [] });
    return t.app.get(NoticeTemplates).sourceOf('exposure', language)!;
  };
  let owner: Calling;
  beforeAll(async () => {
    owner = calling(await t.token('contract_owner'));
  });

  test('that an operator wrote goes out, and what was sent before keeps its own', async () => {
    const source = await shipped();
    const before = await told();
    const mine = { ...source, subject: 'Ours {{ reference }}', text: `Good day.\n${source.text}` };
    const save = (more: object) => owner('POST', texts, { category: 'exposure', source: mine, ...more });
    expect((await call('POST', texts, { category: 'exposure', source: mine })).status).toBe(403);
    expect((await save({ source: { ...mine, text: 'No link at all.' } })).body).toMatchObject({
      code: 'bad-template',
      errors: [{ field: 'text' }, { field: 'text' }],
    });
    expect((await save({ category: 'nothing' })).status).toBe(404);
    expect((await save({ note: 'Says good day' })).body).toMatchObject({ number: 1 });
    const preview = await owner('POST', `${texts}/preview`, { category: 'exposure', source: mine });
    expect(preview.body).toMatchObject({ about: expect.stringMatching(/^NTC-/) });
    expect(preview.body.text).toContain('Payments <b>bridge</b>');

    const id = await told();
    expect(mail.received.at(-1)!.subject).toMatch(/^Ours NTC-/);
    expect(mail.received.at(-1)!.text).toMatch(/^Good day\./);
    const read = async (one: Id) => (await call('GET', `/notices/${one}`)).body as { text: string };
    expect((await read(id)).text).toMatch(/^Good day\./);
    expect((await read(before)).text).toMatch(/^To the security contact/);

    expect((await save({ source: null })).body).toMatchObject({ number: 2 });
    expect((await read(id)).text).toMatch(/^Good day\./);
    await told();
    expect(mail.received.at(-1)!.text).toMatch(/^To the security contact/);
  });

  test('is in the language of its reader, and in the one that was agreed where they never said one', async () => {
    const languages = async (contact: string | null, term: string) => {
      const [row] = await run(async (db) => {
        const other = await noticeScene(db, t.clock.date(), {
          name: `Reads ${contact ?? 'nothing'}, agreed ${term}`,
          languages: { contact, term },
        });
        await t.app.get(NoticesService).owe(db, [confirmedExposure(other, t.clock.now())], BY);
        return db.query(`SELECT language FROM notice WHERE party_id = $1`, [other.partyId]);
      });
      return row.language;
    };
    expect(await languages('de', 'en')).toBe('de');
    expect(await languages('en', 'de')).toBe('en');
    expect(await languages(null, 'de')).toBe('de');
    expect(await languages(null, 'en')).toBe('en');
  });

  test('is for its kind of recipient before it is for anybody, and in the language that was agreed', async () => {
    const source = await shipped('de');
    const inGerman = async () => {
      const [id] = await run((db) =>
        t.app.get(NoticesService).owe(db, [confirmedExposure(scene, t.clock.now())], BY),
      );
      await run((db) => db.query(`UPDATE notice SET language = 'de-AT' WHERE id = $1`, [id]));
      await t.app.get(DeliveryService).deliver(id!, BY, AbortSignal.timeout(20_000));
      return mail.received.at(-1)!;
    };
    expect((await inGerman()).text).toMatch(/^An den Sicherheitskontakt/);
    const save = (recipient: string, word: string) =>
      owner('POST', texts, {
        category: 'exposure',
        language: 'de',
        recipient,
        source: { ...source, text: `${word}\n${source.text}` },
      });
    expect((await save('any', 'An alle.')).body).toMatchObject({ number: 1 });
    await save('authority', 'An das Amt.');
    expect((await inGerman()).text).toMatch(/^An alle\./);
    await run((db) =>
      db.query(
        `INSERT INTO integration_party (integration_id, party_id, party_name, role) VALUES ($1, $2, 'Northwind', 'authority')`,
        [scene.integrationId, scene.partyId],
      ),
    );
    expect((await inGerman()).text).toMatch(/^An das Amt\./);
  });

  test('is in the language of whoever is told instead, in the message, on the page and in the answer', async () => {
    const other = await run(async (db) => {
      const made = await noticeScene(db, t.clock.date(), {
        name: 'Two languages',
        email: 'gone@two.example',
        languages: { contact: 'en', term: 'en' },
      });
      await contactOf(db, made.partyId, t.clock.date(), {
        name: 'Karla',
        email: 'karla@two.example',
        language: 'de',
      });
      return made;
    });
    const source = t.app.get(NoticeTemplates).sourceOf('exposure', 'de')!;
    const save = (word: string) =>
      owner('POST', texts, {
        category: 'exposure',
        language: 'de',
        source: { ...source, text: `${word}\n${source.text}` },
      });
    await save('Guten Tag.');
    await mail.behave('refuse recipient', 'gone@two.example');
    const [id] = await run((db) =>
      t.app.get(NoticesService).owe(db, [confirmedExposure(other, t.clock.now())], BY),
    );
    const deliver = () => t.app.get(DeliveryService).deliver(id!, BY, AbortSignal.timeout(20_000));
    expect(await deliver()).toMatchObject({ state: 'waiting' });
    t.clock.advance(1000);
    // Written after the first attempt: it is for the next notice.
    await save('Guten Abend.');
    expect(await deliver()).toMatchObject({ state: 'accepted' });
    const sent = mail.received.at(-1)!;
    expect(sent.to).toContain('karla@two.example');
    expect(sent.text).toMatch(/^Guten Tag\.\r?\nAn den Sicherheitskontakt/);
    expect(sent.subject).toContain('offengelegt');

    const service = t.app.get(AcknowledgementService);
    const token = /\/n\/([A-Za-z0-9_-]+)/.exec(sent.text)![1]!;
    const { notice } = expectOk(await service.show(token));
    expect(notice).toMatchObject({ language: 'de', subject: sent.subject });
    expect(notice.text).toMatch(/^Guten Tag\.\nAn den Sicherheitskontakt/);
    const door = await t.app.inject({ url: `/n/${token}` });
    const cookie = String(door.headers['set-cookie']).split(';')[0]!;
    const page = await t.app.inject({ url: door.headers.location!, headers: { cookie } });
    expect(page.body).toMatch(/<html [^>]*lang="de"/);
    expect(page.body).toContain('An den Sicherheitskontakt');
    const typed = { name: 'Karla Example', code: acknowledgementCode(sent.text), textHash: notice.textHash };
    expectOk(await service.acknowledge(token, typed));
    const hashes = await run((db) =>
      db.query<{ kind: string; hash: string }[]>(
        `SELECT kind, body::json->'facts'->>'textHash' AS hash FROM ledger_entry
          WHERE subject_id = $1 AND kind IN ('notice.attempt_failed', 'notice.accepted_by_peer', 'notice.acknowledged') ORDER BY kind`,
        [id],
      ),
    );
    const [inGerman, acknowledged, inEnglish] = hashes.map(({ hash }) => hash);
    expect([inGerman, acknowledged]).toEqual([notice.textHash, notice.textHash]);
    expect(inEnglish).not.toBe(inGerman);
    // Whom it was for still finds it in theirs.
    expect((await call('GET', `/notices/${id}`)).body).toMatchObject({
      text: expect.stringMatching(/^To the security contact/),
    });
  });
});

test('what has not arrived stands in one queue, and is tried again once its contact is mended', async () => {
  const made = await run((db) =>
    noticeScene(db, t.clock.date(), { name: 'Fourth Coffee', email: 'gone@fourth.example' }),
  );
  await mail.behave('refuse recipient', 'gone@fourth.example');
  const [id] = await run((db) =>
    t.app.get(NoticesService).owe(db, [confirmedExposure(made, t.clock.now())], BY),
  );
  const deliver = () => t.app.get(DeliveryService).deliver(id!, BY, AbortSignal.timeout(20_000));
  await deliver();
  expect(await deliver()).toMatchObject({ state: 'failed' });
  const queue = () => run((db) => stuckNotices(db, t.clock.now(), 100));
  expect((await queue()).filter((one) => one.id === id)).toMatchObject([
    { how: 'failed', partyName: 'Fourth Coffee', attempts: 1 },
  ]);
  const responder = calling(await t.token('responder'));
  expect(await responder('POST', `/notices/${id}/retry`)).toMatchObject({
    status: 409,
    body: { code: 'nobody-left' },
  });
  await run((db) =>
    db.query(`UPDATE contact SET email = 'here@fourth.example' WHERE id = $1`, [made.contactId]),
  );
  expect((await call('POST', `/notices/${id}/retry`)).status).toBe(403);
  expect((await responder('POST', `/notices/${id}/retry`)).status).toBe(204);
  expect(await deliver()).toEqual({ state: 'accepted' });
  expect((await responder('POST', `/notices/${id}/retry`)).status).toBe(409);
  expect((await queue()).some((one) => one.id === id)).toBe(false);
  expect(mail.received.at(-1)!.to).toEqual(['here@fourth.example']);
});

describe('a notice that somebody writes', () => {
  beforeAll(() => run((db) => member(db, scene.integrationId, scene.partyId, 'customer')));

  test('what somebody writes for one occasion is prefilled, edited by them, approved by somebody else, sent and logged', async () => {
    const writer = calling(await t.token('responder'));
    const other = calling(await t.token('responder'));
    const at = '/written-notices';
    const asked = { integrationId: scene.integrationId, contactId: scene.contactId };
    expect((await writer('POST', at, { ...asked, contactId: newId() })).status).toBe(400);
    const drafted = await writer('POST', at, asked);
    expect(drafted.body).toMatchObject({
      state: 'drafted',
      subject: 'How it stands with Payments',
      rowVersion: 1,
    });
    const { id } = drafted.body as { id: Id };
    const text = 'The old key is dead.\n\nThe new one <b>is</b> in use.';
    const edit = (who: Calling, version: number) =>
      who('PATCH', `${at}/${id}`, { subject: 'All is well', text }, version);
    expect((await edit(other, 1)).status).toBe(403);
    expect((await edit(writer, 1)).body).toMatchObject({ rowVersion: 2, subject: 'All is well' });
    const decide = (who: Calling, rowVersion: number, send = true) =>
      who('POST', `${at}/${id}/decide`, { send, rowVersion });
    expect((await decide(writer, 2)).status).toBe(403);
    expect((await decide(other, 1)).status).toBe(412);
    const sent = await decide(other, 2);
    expect(sent.body).toMatchObject({ state: 'sent', notice: expect.stringMatching(/^NTC-/) });
    expect((await decide(other, 3)).status).toBe(409);
    await t.app.get(DeliverySweep).sweep(BY);
    const letter = mail.received.find((one) => one.subject.endsWith(': All is well'))!;
    expect(letter.text).toContain('The old key is dead.');
    expect(letter.html).toContain('The new one &lt;b&gt;is&lt;/b&gt; in use.');
    const kinds = await run((db) =>
      db.query<{ kind: string }[]>(`SELECT kind FROM ledger_entry WHERE subject_id = $1 ORDER BY at, kind`, [
        id,
      ]),
    );
    expect(kinds.map(({ kind }) => kind)).toEqual(['written_notice.drafted', 'written_notice.sent']);
  });

  test.each([
    ['second-person', 403, 403],
    ['second-person-for-duties', 403, 200],
    ['alone', 200, 200],
  ])(
    'a policy that says %s answers its writer %i about a case and %i about an integration',
    async (said, aboutCase, aboutIntegration) => {
      const folder = await mkdtemp(join(tmpdir(), 'countersign-policies-'));
      await cp(new URL('../../templates/policies/', import.meta.url), folder, { recursive: true });
      const baseline = await readFile(join(folder, 'baseline.yaml'), 'utf8');
      await writeFile(
        join(folder, 'baseline.yaml'),
        baseline.replace('writtenNotices: second-person', `writtenNotices: ${said}`),
      );
      const ours = new PolicySecondPerson(new Policies(folder));
      const spy = jest
        .spyOn(t.app.get(SecondPerson), 'needed')
        .mockImplementation((db, id, about) => ours.needed(db, id, about));
      try {
        const writer = calling(await t.token('responder'));
        for (const [caseId, status] of [
          [newId(), aboutCase],
          [null, aboutIntegration],
        ] as const) {
          const drafted = await writer('POST', '/written-notices', {
            integrationId: scene.integrationId,
            contactId: scene.contactId,
            caseId,
          });
          const { id } = drafted.body as { id: Id };
          const sent = await writer('POST', `/written-notices/${id}/decide`, { send: true, rowVersion: 1 });
          expect(sent.status).toBe(status);
          const [row] = await run((db) =>
            db.query<{ state: string; alone: boolean }[]>(
              `SELECT state, alone FROM written_notice WHERE id = $1`,
              [id],
            ),
          );
          expect(row).toEqual(
            status === 200 ? { state: 'sent', alone: true } : { state: 'drafted', alone: false },
          );
          // What was sent goes out here, and not into the mailbox of another test.
          await t.app.get(DeliverySweep).sweep(BY);
        }
      } finally {
        spy.mockRestore();
        await rm(folder, { recursive: true });
      }
    },
  );
});

test('a notice whose duty has no number waits half an hour for a dead mailbox, and takes another way', async () => {
  const made = await run((db) =>
    noticeScene(db, t.clock.date(), { name: 'Adatum', email: 'security@adatum.example' }),
  );
  await run((db) => member(db, made.integrationId, made.partyId, 'supplier'));
  const way = { channel: 'slack', address: `${chat.url}/services/T3/B3/abcdefghijklmnopqrst` };
  expect((await call('POST', `/contacts/${made.contactId}/addresses`, way)).status).toBe(201);
  const writer = calling(await t.token('responder'));
  const drafted = await writer('POST', '/written-notices', {
    integrationId: made.integrationId,
    contactId: made.contactId,
  });
  expect(drafted.status).toBe(201);
  const { id: writtenId } = drafted.body as { id: Id };
  const second = calling(await t.token('responder'));
  const sent = await second('POST', `/written-notices/${writtenId}/decide`, { send: true, rowVersion: 1 });
  expect(sent.status).toBe(200);
  const [{ id }] = await run((db) =>
    db.query<[{ id: Id }]>(`SELECT notice_id AS id FROM written_notice WHERE id = $1`, [writtenId]),
  );
  const read = async () => (await run((db) => findNotice(db, id)))!;
  const { startAt, dueAt } = await read();
  expect(dueAt).toBeNull();
  const port = Number(mail.host.split(':')[1]);
  const before = chat.taken().length;
  await mail.behave('down');
  const deliver = () => t.app.get(DeliveryService).deliver(id, BY, AbortSignal.timeout(20_000));
  for (let tries = 0; (await deliver()).state !== 'accepted' && tries < 20; tries++)
    t.clock.advance(Math.max(MINUTE, (await read()).nextAttemptAt! - t.clock.now()));
  mail = await MailServer.start(port);
  expect(await read()).toMatchObject({ dispatch: 'accepted', acceptedAt: startAt + 30 * MINUTE });
  expect(chat.taken()).toHaveLength(before + 1);
});

test('the mail server is down for half of the window: the other channel carries it, once, and every try is on record', async () => {
  const made = await run((db) =>
    noticeScene(db, t.clock.date(), { name: 'Proseware', email: 'security@proseware.example' }),
  );
  const way = { channel: 'slack', address: `${chat.url}/services/T1/B1/abcdefghijklmnopqrst` };
  expect((await call('POST', `/contacts/${made.contactId}/addresses`, way)).status).toBe(201);
  const [id] = await run((db) =>
    t.app.get(NoticesService).owe(db, [confirmedExposure(made, t.clock.now())], BY),
  );
  const port = Number(mail.host.split(':')[1]);
  await mail.behave('down');
  const sweep = () => t.app.get(DeliverySweep).sweep(BY);
  const read = async () => (await run((db) => findNotice(db, id!)))!;
  const { startAt, dueAt } = await read();
  const half = startAt + (dueAt! - startAt) / 2;
  await sweep();
  for (let tries = 0; (await read()).dispatch !== 'accepted' && tries < 60; tries++) {
    t.clock.advance(Math.max(MINUTE, (await read()).nextAttemptAt! - t.clock.now()));
    await sweep();
  }
  expect((await read()).acceptedAt).toBe(half);
  mail = await MailServer.start(port);
  t.clock.advance(HOUR);
  await sweep();
  await t.app.get(NoticeClock).sweep(BY);
  expect(await read()).toMatchObject({ dispatch: 'accepted', timeliness: 'met' });
  expect([chat.taken().length, mail.received.length]).toEqual([1, 0]);

  const tried = await run((db) =>
    db.query<{ channel: string; outcome: string; said: boolean; ended: boolean }[]>(
      `SELECT channel, outcome, peer_answer <> '' AS said, ended_at IS NOT NULL AS ended FROM notice_attempt WHERE notice_id = $1 ORDER BY number`,
      [id],
    ),
  );
  expect(tried.every(({ said, ended }) => said && ended)).toBe(true);
  expect(tried.slice(0, -1).every(({ channel, outcome }) => channel === 'mail' && outcome === 'retry')).toBe(
    true,
  );
  expect(tried.at(-1)).toMatchObject({ channel: 'slack', outcome: 'accepted' });
  const entries = await run((db) =>
    db.query<{ kind: string; n: number }[]>(
      `SELECT kind, count(*)::int AS n FROM ledger_entry WHERE subject_id = $1 AND kind IN ('notice.attempt_failed', 'notice.accepted_by_peer') GROUP BY kind ORDER BY kind`,
      [id],
    ),
  );
  expect(entries).toEqual([
    { kind: 'notice.accepted_by_peer', n: 1 },
    { kind: 'notice.attempt_failed', n: tried.length - 1 },
  ]);
});
