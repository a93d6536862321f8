import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { makeAtTheHost } from '../../src/cli/token-create.command.ts';
import { AccessService } from '../../src/domain/access/access.service.ts';
import { AccountsService } from '../../src/domain/access/accounts.service.ts';
import { TellOfTokenJob } from '../../src/domain/notices/tell-of-token.job.ts';
import { TokenMadeJob } from '../../src/domain/notices/token-made.job.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { HOUR, iso } from '../../src/kernel/time.ts';
import { MailServer } from '../support/mail-server.ts';
import { person } from '../support/matrix-scene.ts';
import { contactOf, noticeScene, type NoticeScene } from '../support/notice-scene.ts';
import { BY, tellingWorld, type TellingWorld } from '../support/telling-world.ts';

/** A token that somebody else made is told to whom it acts for, and is never more than a machine's. */

let world: TellingWorld;
let t: TellingWorld['t'];
let mail: MailServer;
let run: TellingWorld['run'];
let made: NoticeScene;
/** An administrator of the operator, by a token of their own. */
let admin: string;

beforeAll(async () => {
  world = await tellingWorld();
  ({ t, mail, run } = world);
  made = await run((db) =>
    noticeScene(db, t.clock.date(), { email: 'security@lucerne.example', name: 'Lucerne' }),
  );
  const vera = await person(t, 'Vera', 'admin');
  admin = expectOk(
    await t.app
      .get(AccessService)
      .createToken({ name: 'own', role: 'admin', userId: vera.id, expiresAt: later() }, vera),
  ).value.use((value) => value);
});
afterAll(async () => {
  await t.close();
  await mail.close();
  await world.chat.close();
});

const later = () => t.clock.now() + 1000 * HOUR;
const job = { by: BY, attempt: 1, signal: AbortSignal.timeout(60_000) };

/** Does what the outbox holds about a token, and says which mails came of it. */
async function told(tokenId: Id) {
  const rows = (name: string) =>
    run((db) =>
      db.query<{ payload: never }[]>(
        `SELECT payload FROM outbox WHERE job = $1 AND payload->>'tokenId' = $2 ORDER BY id`,
        [name, tokenId],
      ),
    );
  const before = mail.received.length;
  for (const { payload } of await rows('notices.token-made'))
    await t.app.get(TokenMadeJob).handle(payload, job);
  for (const { payload } of await rows('notices.tell-of-token'))
    await t.app.get(TellOfTokenJob).handle(payload, job);
  return mail.received.slice(before);
}
const atHost = async (input: { userId?: Id; partyId?: Id }) =>
  expectOk(
    await makeAtTheHost(
      t.app,
      {
        name: 'stand-in',
        role: input.partyId === undefined ? 'admin' : 'party_contact',
        expiresAt: later(),
        ...input,
      },
      system('cli', 'tokens-told'),
    ),
  );
const mint = (body: object) =>
  world.calling(admin)('POST', '/tokens', {
    role: 'party_contact',
    partyId: made.partyId,
    expiresAt: iso(later()),
    ...body,
  });

test('a token that acts as a person and was made at the host is mailed to them, in their language, without its value', async () => {
  const omar = await person(t, 'Omar', 'admin');
  const english = await atHost({ userId: omar.id });
  const [sent, ...more] = await told(english.id);
  expect(more).toEqual([]);
  expect(sent).toMatchObject({
    to: [expect.stringContaining('omar')],
    subject: 'An access token was made that acts as you',
  });
  for (const said of ['Omar', english.id, 'terminal of the host', 'If you did not ask for it'])
    expect(sent!.text).toContain(said);
  const value = english.value.use((text) => text);
  for (const secret of [value, value.slice(-12)]) expect(sent!.raw).not.toContain(secret);

  await run((db) => t.app.get(AccountsService).speak(db, omar.id, 'de', BY));
  const german = await atHost({ userId: omar.id });
  expect((await told(german.id)).map(({ subject }) => subject)).toEqual([
    'Ein Zugriffstoken handelt in Ihrem Namen',
  ]);

  // Revoked before the mail left: nobody acts with it.
  const gone = await atHost({ userId: omar.id });
  await run((db) => t.app.get(AccountsService).revokeToken(db, gone.id, BY));
  expect(await told(gone.id)).toEqual([]);

  // Refused by its server, it is for the operator to ask by another way.
  const refused = await atHost({ userId: omar.id });
  const [{ email }] = await run((db) =>
    db.query<[{ email: string }]>(`SELECT email FROM user_account WHERE id = $1`, [omar.id]),
  );
  await mail.behave('refuse recipient', email);
  expect(await told(refused.id)).toEqual([]);
  await mail.behave('accept', email);
  const alerts = await run((db) =>
    db.query(`SELECT subject_id FROM alert WHERE kind = 'access.token-mail-refused'`),
  );
  expect(alerts).toEqual([{ subject_id: omar.id }]);
});

test('a token of a party that the operator made is told to its security contacts, and is in the ledger', async () => {
  await run(async (db) => {
    await contactOf(db, made.partyId, t.clock.date(), {
      name: 'Second desk',
      email: 'second@lucerne.example',
    });
    await db.query(`UPDATE contact SET role = 'security' WHERE party_id = $1`, [made.partyId]);
    await contactOf(db, made.partyId, t.clock.date(), {
      name: 'Contracts',
      email: 'contracts@lucerne.example',
    });
    await db.query(`UPDATE contact SET role = 'contract' WHERE email = 'contracts@lucerne.example'`);
  });
  const answer = await mint({ name: 'Signal receiver' });
  expect(answer.status).toBe(201);
  const { id, value } = answer.body as { id: Id; value: string };
  const mails = await told(id);
  expect(mails.flatMap(({ to }) => to).toSorted()).toEqual([
    'second@lucerne.example',
    'security@lucerne.example',
  ]);
  for (const one of mails) {
    expect(one.subject).toBe('An access token was made for Lucerne');
    for (const said of ['Signal receiver', id, 'Vera']) expect(one.text).toContain(said);
    expect(one.raw).not.toContain(value);
  }
  const entries = await run((db) =>
    db.query(
      `SELECT body::json->'facts'->>'party' AS party FROM ledger_entry WHERE kind = 'token.created' AND subject_id = $1`,
      [id],
    ),
  );
  expect(entries).toEqual([{ party: made.partyId }]);

  const host = await atHost({ partyId: made.partyId });
  expect(await told(host.id)).toHaveLength(2);
  // What somebody of the party makes for themselves tells nobody.
  const paula = await person(t, 'Paula', 'party_contact', made.partyId);
  const own = expectOk(
    await run((db) =>
      t.app.get(AccessService).makeToken(
        db,
        {
          name: 'mine',
          role: 'party_contact',
          partyId: made.partyId,
          userId: paula.id,
          expiresAt: later(),
        },
        paula,
      ),
    ),
  );
  expect(await told(own.id)).toEqual([]);

  // A party without a security contact: the operator is to tell it by another way.
  await run((db) => db.query(`UPDATE contact SET active = false WHERE party_id = $1`, [made.partyId]));
  const untold = await mint({ name: 'Another receiver' });
  expect(await told((untold.body as { id: Id }).id)).toEqual([]);
  expect(
    await run((db) => db.query(`SELECT subject_id FROM alert WHERE kind = 'access.token-untold'`)),
  ).toEqual([{ subject_id: made.partyId }]);
  await run((db) => db.query(`UPDATE contact SET active = true WHERE party_id = $1`, [made.partyId]));
});

test('such a token has a name of its own, acts as nobody, and makes no key that counts', async () => {
  const pia = await person(t, 'Pia Keller', 'party_contact', made.partyId);
  for (const name of ['Duty desk', 'duty DESK', 'security@lucerne.example', 'Pia Keller'])
    expect(await mint({ name })).toMatchObject({
      status: 400,
      body: {
        code: 'a-persons-name',
        errors: [{ field: '/name', mend: expect.stringContaining('/profile') }],
      },
    });
  expect(await mint({ name: 'receiver', userId: pia.id })).toMatchObject({
    status: 403,
    body: { code: 'anothers-token' },
  });
  const { body } = await mint({ name: 'Key holder' });
  const machine = world.calling((body as { value: string }).value);
  const sign = await machine('POST', '/statements', {
    kind: 'revoked',
    subjectKind: 'credential_version',
    subjectId: newId(),
    signsFor: 'Pia Keller',
    text: 'It is revoked.',
  });
  expect(sign).toMatchObject({ status: 403, body: { code: 'person-needed' } });
  // A key that the operator's own hand registered for the party waits until somebody of the party confirms it.
  const { publicKey } = generateKeyPairSync('ed25519');
  const key = await machine('POST', `/contacts/${made.contactId}/signing-keys`, {
    publicKey: String(publicKey.export({ type: 'spki', format: 'pem' })),
  });
  expect(key.status).toBe(201);
  const { body: listed } = await world.calling(admin)('GET', `/contacts/${made.contactId}/signing-keys`);
  expect((listed as { keys: { counts: boolean }[] }).keys.map(({ counts }) => counts)).toEqual([false]);
});
