import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { generateKeyPairSync, sign } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AcknowledgementFloor } from '../../src/domain/notices/acknowledgement-floor.ts';
import { AcknowledgementService } from '../../src/domain/notices/acknowledgement.service.ts';
import { NoticeClock } from '../../src/domain/notices/notice-clock.ts';
import { findNotice } from '../../src/domain/notices/notices.queries.ts';
import { DeliveryService } from '../../src/domain/notices/delivery.service.ts';
import { NoticeTemplates } from '../../src/domain/notices/notice-templates.ts';
import { NoticesService } from '../../src/domain/notices/notices.service.ts';
import { isDetachedSignature } from '../../src/kernel/detached-signature.ts';
import { PolicyAcknowledgementFloor } from '../../src/domain/policy/policy-acknowledgement-floor.ts';
import { Policies } from '../../src/domain/policy/policies.ts';
import { SigningKeys } from '../../src/domain/responsibility/signing-keys.service.ts';
import { TellOfKeyJob } from '../../src/domain/responsibility/tell-of-key.job.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import type { Principal } from '../../src/kernel/principal.ts';
import { HOUR, iso, MINUTE } from '../../src/kernel/time.ts';
import { AccessService } from '../../src/domain/access/access.service.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { acknowledgementCode } from '../support/acknowledge.ts';
import { member, person } from '../support/matrix-scene.ts';
import { confirmedExposure, noticeScene, type NoticeScene } from '../support/notice-scene.ts';
import { BY, tellingWorld, type Calling, type TellingWorld } from '../support/telling-world.ts';

/** What counts as an answer to a notice, and how strong it is. */

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

test('somebody who is signed in for the recipient acknowledges with the code of the message, and nobody else does', async () => {
  const id = await told();
  const letter = mail.received.at(-1)!;
  const code = /with the code (\d{6})/.exec(letter.text)![1]!;
  const read = (await call('GET', `/notices/${id}`)).body as { text: string; textHash: string };
  expect(letter.text.replaceAll('\r\n', '\n')).toContain(read.text.slice(0, 200));
  const asked = { name: 'Ada Example', code, textHash: read.textHash };
  const ada = await person(t, 'Ada', 'admin');
  const tokenFor = async (partyId: Id | null, userId?: string) =>
    calling(
      expectOk(
        await t.app.get(AccessService).createToken(
          {
            name: newId(),
            role: partyId === null ? 'admin' : 'party_contact',
            partyId,
            expiresAt: t.clock.now() + 100 * HOUR,
            ...(userId === undefined ? {} : { userId }),
          },
          BY,
        ),
      ).value.use((value) => value),
    );
  const at = `/notices/${id}/acknowledgements`;
  expect((await (await tokenFor(null, ada.id))('POST', at, asked)).status).toBe(403);
  expect((await (await tokenFor(scene.partyId))('POST', at, asked)).status).toBe(403);
  const nora = expectOk(
    await t.app
      .get(AccessService)
      .createUser(
        { email: 'nora@northwind.example', name: 'Nora', roles: ['party_contact'], partyId: scene.partyId },
        BY,
      ),
  );
  const hers = await tokenFor(scene.partyId, nora.userId);
  expect((await hers('POST', at, { ...asked, code: '000000' })).status).toBe(400);
  const done = await hers('POST', at, asked);
  // A token says of no second factor: it is another channel than the message, and no more.
  expect([done.status, done.body]).toEqual([201, { late: false, strength: 'second_channel', enough: true }]);
  const after = (await call('GET', `/notices/${id}`)).body as Record<string, unknown>;
  expect(after).toMatchObject({ receipt: 'acknowledged', acknowledgementStrength: 'second_channel' });

  const another = await told();
  const next = (await call('GET', `/notices/${another}`)).body as { textHash: string };
  const signedIn: Principal = {
    kind: 'user',
    id: nora.userId,
    personId: nora.personId,
    roles: ['party_contact'],
    partyId: scene.partyId,
    correlationId: 'test-signed-in',
  };
  const typed = {
    name: 'Ada Example',
    code: acknowledgementCode(mail.received.at(-1)!.text),
    textHash: next.textHash,
  };
  expect(await t.app.get(AcknowledgementService).acknowledgeAs(another, typed, signedIn)).toMatchObject({
    ok: true,
    value: { strength: 'account_mfa' },
  });
});

test('a form of another site answers nothing, whatever it proves', async () => {
  const id = await told();
  const { text } = mail.received.at(-1)!;
  const token = /\/n\/([A-Za-z0-9_-]+)/.exec(text)![1]!;
  const door = await t.app.inject({ url: `/n/${token}` });
  const path = door.headers.location!;
  const cookie = String(door.headers['set-cookie']).split(';')[0]!;
  const page = await t.app.inject({ url: path, headers: { cookie } });
  const hidden = (name: string) => new RegExp(`name="${name}" value="([^"]+)"`).exec(page.body)![1]!;
  const typed = {
    name: 'Ada Example',
    code: /with the code (\d{6})/.exec(text)![1]!,
    proof: hidden('proof'),
    text_hash: hidden('text_hash'),
  };
  const answer = async (headers: Record<string, string>) =>
    (
      await t.app.inject({
        method: 'POST',
        url: path,
        headers: {
          host: 'us.example',
          cookie,
          'content-type': 'application/x-www-form-urlencoded',
          ...headers,
        },
        payload: new URLSearchParams(typed).toString(),
      })
    ).statusCode;
  for (const headers of [
    { origin: 'https://evil.example' },
    { origin: 'https://us.example.evil.example' },
    { origin: 'https://us.example:444' },
    { origin: 'no address' },
    { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'cross-site' },
    { origin: 'null', 'sec-fetch-site': 'same-site' },
  ] as Record<string, string>[])
    expect([headers, await answer(headers)]).toEqual([headers, 403]);
  const receipt = async () => ((await call('GET', `/notices/${id}`)).body as { receipt: string }).receipt;
  expect(await receipt()).not.toBe('acknowledged');
  // Our own page tells nobody where it is.
  expect(await answer({ origin: 'null', 'sec-fetch-site': 'same-origin' })).toBe(303);
  expect(await receipt()).toBe('acknowledged');
});

describe('how strong an answer must be', () => {
  const acknowledgements = () => t.app.get(AcknowledgementService);
  let folder: string;
  let made: NoticeScene;
  let floor: { mockRestore(): void };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'countersign-policies-'));
    await cp(new URL('../../templates/policies/', import.meta.url), folder, { recursive: true });
    const baseline = await readFile(join(folder, 'baseline.yaml'), 'utf8');
    await writeFile(
      join(folder, 'baseline.yaml'),
      baseline.replace('acknowledgementStrength: mailbox', 'acknowledgementStrength: second_channel'),
    );
    const ours = new PolicyAcknowledgementFloor(new Policies(folder));
    floor = jest
      .spyOn(t.app.get(AcknowledgementFloor), 'least')
      .mockImplementation((db, ids) => ours.least(db, ids));
    made = await run((db) =>
      noticeScene(db, t.clock.date(), {
        name: 'Lucerne',
        email: 'security@lucerne.example',
        fulfilledBy: 'acknowledged',
      }),
    );
    const way = { channel: 'slack', address: `${chat.url}/services/T2/B2/abcdefghijklmnopqrst` };
    expect((await call('POST', `/contacts/${made.contactId}/addresses`, way)).status).toBe(201);
  });
  afterAll(async () => {
    floor.mockRestore();
    await rm(folder, { recursive: true });
  });

  /** A notice that reached its contact by mail: its id, and what the mail gave them. */
  async function reached() {
    const [id] = await run((db) =>
      t.app.get(NoticesService).owe(db, [confirmedExposure(made, t.clock.now())], BY),
    );
    await t.app.get(DeliveryService).deliver(id!, BY, AbortSignal.timeout(20_000));
    const { text } = mail.received.findLast(({ to }) => to.includes('security@lucerne.example'))!;
    const token = /\/n\/([A-Za-z0-9_-]+)/.exec(text)![1]!;
    const { notice } = expectOk(await acknowledgements().show(token));
    expect(notice.id).toBe(id);
    const typed = { name: 'Ada Example', code: acknowledgementCode(text), textHash: notice.textHash };
    return { id: id!, token, typed };
  }
  /** The newest of those that a person there reads: eight digits on a line of their own. */
  const secondCodeSent = () => /\\n(\d{8})\\n/.exec(chat.taken().at(-1)!.body)![1]!;
  const read = async (id: Id) => (await run((db) => findNotice(db, id)))!;
  const facts = async (id: Id, kind: string) => {
    const rows = await run((db) =>
      db.query<{ body: { facts: Record<string, unknown> } }[]>(
        `SELECT body::json AS body FROM ledger_entry WHERE subject_id = $1 AND kind = $2`,
        [id, kind],
      ),
    );
    return rows.map(({ body }) => body.facts);
  };

  test('the code of one mailbox is on record and leaves the duty open; a code by a second channel ends it', async () => {
    const { id, token, typed } = await reached();
    const weak = { ok: true, value: { late: false, strength: 'mailbox', enough: false } };
    expect(await acknowledgements().acknowledge(token, typed)).toEqual(weak);
    expect(await acknowledgements().acknowledge(token, typed)).toEqual(weak);
    await t.app.get(NoticeClock).sweep(BY);
    expect(await read(id)).toMatchObject({
      receipt: 'delivered',
      timeliness: 'open',
      fulfilledAt: null,
      leastStrength: 'second_channel',
      acknowledgementStrength: null,
      weakerAcknowledgement: 'mailbox',
    });
    expect(await facts(id, 'notice.acknowledged_too_weakly')).toHaveLength(1);
    expect(expectOk(await acknowledgements().show(token)).notice).toMatchObject({
      acknowledged: null,
      weaker: { strength: 'mailbox', name: 'Ada Example' },
    });

    // The message came by mail: mail is no second channel to them.
    expect(await acknowledgements().sendCode(token, 'mail')).toMatchObject({
      ok: false,
      error: { code: 'no-second-channel' },
    });
    chat.taken();
    expect(await acknowledgements().sendCode(token, 'slack')).toEqual({
      ok: true,
      value: { channel: 'Slack' },
    });
    const secondCode = secondCodeSent();
    const wrong = String((Number(secondCode) + 1) % 100_000_000).padStart(8, '0');
    expect(await acknowledgements().acknowledge(token, { ...typed, secondCode: wrong })).toMatchObject({
      ok: false,
      error: { fields: [{ field: 'secondCode' }] },
    });
    expect(await acknowledgements().acknowledge(token, { ...typed, secondCode })).toEqual({
      ok: true,
      value: { late: false, strength: 'second_channel', enough: true },
    });
    await t.app.get(NoticeClock).sweep(BY);
    expect(await read(id)).toMatchObject({
      receipt: 'acknowledged',
      timeliness: 'met',
      acknowledgementStrength: 'second_channel',
      weakerAcknowledgement: null,
    });
    expect(await facts(id, 'notice.acknowledged')).toMatchObject([
      { strength: 'second_channel', channel: 'slack', leastStrength: 'second_channel' },
    ]);
    // Good once: it answers nothing else.
    const another = await reached();
    expect(
      await acknowledgements().acknowledge(another.token, { ...another.typed, secondCode }),
    ).toMatchObject({
      ok: false,
    });
  });

  test('of what the agreement and the policy ask for, the stronger is frozen on the notice', async () => {
    const frozen = [];
    for (const leastStrength of [null, 'mailbox', 'detached_signature']) {
      const other = await run((db) =>
        noticeScene(db, t.clock.date(), { name: 'Trey', email: 'security@trey.example', leastStrength }),
      );
      const [id] = await run((db) =>
        t.app.get(NoticesService).owe(db, [confirmedExposure(other, t.clock.now())], BY),
      );
      frozen.push((await read(id!)).leastStrength);
      await t.app.get(DeliveryService).deliver(id!, BY, AbortSignal.timeout(20_000));
    }
    expect(frozen).toEqual(['second_channel', 'second_channel', 'detached_signature']);
  });

  test('a code is sent in the words that the operator has for this kind of recipient', async () => {
    await run((db) => member(db, made.integrationId, made.partyId, 'supplier'));
    const source = t.app.get(NoticeTemplates).sourceOf('acknowledgement-code', 'en')!;
    const owner = calling(await t.token('contract_owner'));
    for (const recipient of ['any', 'supplier'])
      expect(
        await owner('POST', '/notice-templates', {
          category: 'acknowledgement-code',
          language: 'en',
          recipient,
          source: { ...source, text: `To ${recipient}:\n\n{{ code }}\n\nIt is good once.\n` },
        }),
      ).toMatchObject({ status: 201 });
    const { token } = await reached();
    expect(await acknowledgements().sendCode(token, 'slack')).toMatchObject({ ok: true });
    expect(chat.taken().at(-1)!.body).toContain('To supplier:');
  });

  test('codes end: after five wrong ones, after a quarter of an hour, and no sixth is sent in an hour', async () => {
    const { token, typed } = await reached();
    const ask = () => acknowledgements().sendCode(token, 'slack');
    const code = secondCodeSent;
    const give = (secondCode: string) => acknowledgements().acknowledge(token, { ...typed, secondCode });
    expectOk(await ask());
    for (let n = 0; n < 5; n++) expect((await give('not this')).ok).toBe(false);
    expect((await give(code())).ok).toBe(false);
    expectOk(await ask());
    t.clock.advance(15 * MINUTE + 1);
    expect((await give(code())).ok).toBe(false);
    for (let n = 0; n < 3; n++) expectOk(await ask());
    expect(await ask()).toMatchObject({ ok: false, error: { kind: 'too_many' } });
    expect(expectOk(await give(code())).strength).toBe('second_channel');
  });

  test('a code that is read back by phone makes the call an acknowledgement', async () => {
    const { id, typed } = await reached();
    await run((db) =>
      db.query(`UPDATE contact SET phone = '+41 41 000 00 00' WHERE id = $1`, [made.contactId]),
    );
    const called = (code: string, answeredBy: string | null = 'Ines at the desk') =>
      call('POST', `/notices/${id}/calls`, {
        contactId: made.contactId,
        at: iso(t.clock.now()),
        answeredBy,
        code,
        nextAction: 'We rotate the key tonight.',
      });
    const wrong = String((Number(typed.code) + 1) % 1_000_000).padStart(6, '0');
    const refused = await called(wrong);
    expect([refused.status, refused.body]).toMatchObject([400, { errors: [{ field: '/code' }] }]);
    expect((await called(typed.code, null)).status).toBe(400);
    expect((await called(typed.code)).status).toBe(204);
    expect(await read(id)).toMatchObject({
      receipt: 'acknowledged',
      acknowledgementStrength: 'second_channel',
    });
    const [row] = await run((db) =>
      db.query(
        `SELECT channel, typed_name, user_id, recorded_by IS NOT NULL AS recorded, next_action FROM acknowledgement WHERE notice_id = $1`,
        [id],
      ),
    );
    expect(row).toEqual({
      channel: 'phone',
      typed_name: 'Ines at the desk',
      user_id: null,
      recorded: true,
      next_action: 'We rotate the key tonight.',
    });
  });

  test('a signature with a key of the recipient is the strongest, and verifies from the ledger alone', async () => {
    const pair = generateKeyPairSync('ed25519');
    const publicKey = String(pair.publicKey.export({ type: 'spki', format: 'pem' }));
    const early = await reached();
    const signed = (document: string) =>
      sign(null, Buffer.from(document), pair.privateKey).toString('base64');
    t.clock.advance(1000);
    const path = `/contacts/${made.contactId}/signing-keys`;
    // Whoever sends the notice makes no key that would answer it.
    expect((await calling(await t.token('admin'))('POST', path, { publicKey })).status).toBe(403);
    const own = calling(await t.token('party_contact', made.partyId));
    const registered = await own('POST', path, { publicKey });
    expect(registered.status).toBe(201);
    // A key that came after the notice answers nothing: whoever registers one could answer for another.
    const tooLate = signed(expectOk(await acknowledgements().document(early.token)));
    expect(
      await acknowledgements().acknowledge(early.token, { ...early.typed, signature: tooLate }),
    ).toMatchObject({ ok: false, error: { fields: [{ field: 'signature' }] } });

    t.clock.advance(1000);
    const { id, token, typed } = await reached();
    const document = expectOk(await acknowledgements().document(token));
    expect(JSON.parse(document)).toMatchObject({ noticeId: id, textHash: typed.textHash });
    const give = (signature: string) => acknowledgements().acknowledge(token, { ...typed, signature });
    expect(await give(tooLate)).toMatchObject({ ok: false, error: { code: 'signature-refused' } });
    // One that somebody else registered for them is none.
    const { id: keyId } = registered.body as { id: Id };
    const registeredBy = (hand: string) =>
      run((db) => db.query(`UPDATE signing_key SET registered_by = $2 WHERE id = $1`, [keyId, hand]));
    const [theirs] = await run((db) =>
      db.query<[{ hand: string }]>(`SELECT registered_by AS hand FROM signing_key WHERE id = $1`, [keyId]),
    );
    await registeredBy((await person(t, 'Vera', 'admin')).id);
    expect(await give(signed(document))).toMatchObject({ ok: false, error: { code: 'signature-refused' } });
    expect(expectOk(await acknowledgements().show(token)).ways.hasKey).toBe(false);
    await registeredBy(theirs.hand);
    expect(expectOk(await acknowledgements().show(token)).ways.hasKey).toBe(true);
    expect(await give(signed(document))).toEqual({
      ok: true,
      value: { late: false, strength: 'detached_signature', enough: true },
    });
    const [entry] = await facts(id, 'notice.acknowledged');
    expect(isDetachedSignature(publicKey, document, String(entry!['signature']))).toBe(true);
    const [row] = await run((db) =>
      db.query(`SELECT signing_key_id, signature FROM acknowledgement WHERE notice_id = $1`, [id]),
    );
    expect(row).toEqual({
      signing_key_id: (registered.body as { id: string }).id,
      signature: entry!['signature'],
    });
  });

  test('a contact hears of every key that was registered for them, by whom, and what to do if it is not theirs', async () => {
    const colleague = await person(t, 'Tom-Weber', 'party_contact', made.partyId);
    const key = async () => {
      const { publicKey } = generateKeyPairSync('ed25519');
      return expectOk(
        await t.app
          .get(SigningKeys)
          .register(made.contactId, String(publicKey.export({ type: 'spki', format: 'pem' })), colleague),
      );
    };
    const tell = async (keyId: Id) => {
      const owed = await run((db) =>
        db.query<{ payload: { keyId: string } }[]>(
          `SELECT payload FROM outbox WHERE job = 'responsibility.tell-of-key' AND payload->>'keyId' = $1`,
          [keyId],
        ),
      );
      expect(owed).toHaveLength(1);
      const before = mail.received.length;
      const call = { by: BY, attempt: 1, signal: AbortSignal.timeout(20_000) };
      await t.app.get(TellOfKeyJob).handle(owed[0]!.payload, call);
      return mail.received.slice(before);
    };
    const one = await key();
    const [sent, ...more] = await tell(one.id);
    expect(more).toEqual([]);
    expect(sent).toMatchObject({
      to: ['security@lucerne.example'],
      subject: 'A signing key was registered for you',
    });
    for (const said of ['Tom-Weber', one.fingerprint, '/signing-keys', 'If this is not a key of yours'])
      expect(sent!.text).toContain(said);

    await run((db) => db.query(`UPDATE contact SET language = 'de' WHERE id = $1`, [made.contactId]));
    const two = await key();
    const [inGerman] = await tell(two.id);
    expect(inGerman!.subject).toBe('Für Sie wurde ein Signaturschlüssel hinterlegt');
    expect(inGerman!.text).toContain(two.fingerprint);
    await run((db) => db.query(`UPDATE contact SET language = NULL WHERE id = $1`, [made.contactId]));

    // Retired before the mail left: it signs nothing, and there is nothing to tell.
    const three = await key();
    expectOk(await t.app.get(SigningKeys).retire(three.id, colleague));
    expect(await tell(three.id)).toEqual([]);

    // Refused by its server, it is for the operator to ask by another way.
    const four = await key();
    await mail.behave('refuse recipient', 'security@lucerne.example');
    expect(await tell(four.id)).toEqual([]);
    await mail.behave('accept', 'security@lucerne.example');
    const alerts = await run((db) =>
      db.query(`SELECT subject_id FROM alert WHERE dedupe_key = $1`, [`signing_key.mail-refused:${four.id}`]),
    );
    expect(alerts).toEqual([{ subject_id: made.contactId }]);
  });
});
