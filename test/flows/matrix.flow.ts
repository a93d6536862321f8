import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CountersigningService } from '../../src/domain/responsibility/countersigning.service.ts';
import type { WorkingMatrix, VersionView } from '../../src/domain/responsibility/matrix.schema.ts';
import { OfflineSigning } from '../../src/domain/responsibility/offline-signing.service.ts';
import { SignaturesSweep } from '../../src/domain/responsibility/signatures.sweep.ts';
import { SigningLinks } from '../../src/domain/responsibility/signing-links.service.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { system, type Principal } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { ELAPSED_DAY, MINUTE } from '../../src/kernel/time.ts';
import { Transactions } from '../../src/platform/database/transactions.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { MailServer } from '../support/mail-server.ts';
import { matrixScene, member, person, type MatrixScene } from '../support/matrix-scene.ts';
import { codeIn, linkIn, signByMail, signHere } from '../support/matrix-signing.ts';
import { caller } from '../support/portfolio.ts';

const by = system('test', 'matrix-flow');
const from = { correlationId: 'matrix-flow', ip: '192.0.2.7' };

let t: TestApp;
let mail: MailServer;
let call: ReturnType<typeof caller>;
let links: SigningLinks;
let scenes = 0;

beforeAll(async () => {
  mail = await MailServer.start();
  t = await startApp({ config: { smtpUrl: `smtp://${mail.host}`, outboundAllow: [mail.host] } });
  call = caller(t, await t.token('contract_owner'));
  links = t.app.get(SigningLinks);
}, 60_000);
afterAll(async () => {
  await t.close();
  await mail.close();
});

const address = (ids: MatrixScene) => `/api/v1/integrations/${ids.integration}/matrix`;
const working = async (ids: MatrixScene) => (await call('GET', address(ids))).body as WorkingMatrix;
const version = async (id: Id) => (await call('GET', `/api/v1/matrices/${id}`)).body as VersionView;

async function drafted(): Promise<MatrixScene> {
  const ids = await matrixScene(t, ++scenes);
  const answer = await call('POST', `${address(ids)}/inherit`, {
    body: { template: 'supplier-issues' },
    ifMatch: 0,
  });
  expect(answer.status).toBe(200);
  return ids;
}

async function proposed(ids: MatrixScene, rowVersion = 1): Promise<Id> {
  const answer = await call('POST', `${address(ids)}/propose`, { body: {}, ifMatch: rowVersion });
  expect({ status: answer.status, body: answer.body }).toMatchObject({
    status: 201,
    body: { state: 'proposed' },
  });
  return (answer.body as { versionId: Id }).versionId;
}

async function signInside(versionId: Id, who?: Principal): Promise<Id> {
  return signHere(t, versionId, await version(versionId), who ?? (await person(t, 'Olga', 'contract_owner')));
}

async function signOutside(versionId: Id, scene: number): Promise<string> {
  const to = `nora${scene}@example.test`;
  return (await signByMail(t, mail, to, await version(versionId))).link;
}

async function signOutsideAnew(ids: MatrixScene, versionId: Id): Promise<void> {
  const before = mail.received.length;
  await call('POST', `/api/v1/matrices/${versionId}/invitations`, { body: { contactId: ids.nora } });
  await mail.letter(`nora${scenes}@example.test`, /^Please sign/, before);
  await signOutside(versionId, scenes);
}

async function countersigned(): Promise<{ ids: MatrixScene; versionId: Id }> {
  const ids = await drafted();
  const versionId = await proposed(ids);
  await signOutside(versionId, scenes);
  await signInside(versionId);
  expect((await version(versionId)).state).toBe('countersigned');
  return { ids, versionId };
}

const cell = (ids: MatrixScene, more: object = {}) => ({
  duty: 'revocation',
  accountable: ids.northwind,
  performing: [ids.northwind],
  contactId: ids.piet,
  windowMinutes: 60,
  pathKind: 'connector',
  ...more,
});

describe('from a draft to two signatures', () => {
  test('one side signs in the product, the other by link with a code; then it is in force', async () => {
    const ids = await drafted();
    expect((await working(ids)).findings).toEqual([]);
    const versionId = await proposed(ids);
    const view = await version(versionId);
    expect(view.signers.map(({ signed }) => signed)).toEqual([false, false]);
    const nora = `nora${scenes}@example.test`;
    const invitation = await mail.letter(nora, /^Please sign/);
    expect(invitation.text).toContain(view.contentHash);
    await until(
      async () => (await version(versionId)).mails[0]?.mail === 'accepted',
      'the mail is on record',
    );

    // Looking changes nothing, however often: mail scanners look, too.
    const link = linkIn(invitation);
    const shown = expectOk(await links.show(link, 'de', from));
    expect(shown.text).toContain('rechenschaftspflichtig');
    expectOk(await links.show(link, undefined, from));
    expect((await version(versionId)).signatures).toEqual([]);

    await signOutside(versionId, scenes);
    expect(await version(versionId)).toMatchObject({
      state: 'proposed',
      signatures: [
        { way: 'link', strength: 'mailbox', counts: true, signsFor: 'Nora Visser, head of security' },
      ],
    });
    await signInside(versionId);
    expect(await version(versionId)).toMatchObject({ state: 'countersigned', validUntil: null });
    const matrices = (await call('GET', `/api/v1/integrations/${ids.integration}/matrices`)).body;
    expect(matrices.inForce).toMatchObject({ id: versionId, state: 'countersigned', inForce: true });
    const kinds = await t.sql<{ kind: string }>(
      'SELECT kind FROM ledger_entry WHERE subject_id = $1 ORDER BY n',
      [versionId],
    );
    expect(kinds.map(({ kind }) => kind)).toEqual([
      'matrix.proposed',
      'matrix.attested',
      'matrix.attested',
      'matrix.countersigned',
    ]);
  });

  test('one cell is edited: the signatures fall, both sides are told with the difference', async () => {
    const { ids, versionId } = await countersigned();
    const before = mail.received.length;
    const answer = await call('PATCH', address(ids), {
      body: { cells: [cell(ids, { windowMinutes: 2880, performing: [ids.northwind, ids.fjord] })] },
      ifMatch: 0,
    });
    expect(answer).toMatchObject({ status: 200, body: { rowVersion: 1 } });
    expect(answer.body.fell.map(({ what }: { what: string }) => what)).toEqual(['performing', 'window']);
    const view = await version(versionId);
    expect(view).toMatchObject({ state: 'superseded', validUntil: null });
    expect(view.signatures.every(({ counts, why }) => !counts && why?.startsWith('fell'))).toBe(true);
    for (const to of [`nora${scenes}@example.test`, 'ann1@example.test']) {
      const told = await mail.letter(to, /^Changed after signing/, before);
      expect(told.text).toMatch(/revocation: within\s+signed: 1 hour\s+now: {4}2 days/);
    }
    expect((await working(ids)).changes.map(({ words }) => words.what)).toEqual(['performed by', 'within']);
    // For incidents it stays what both agreed to last.
    const matrices = (await call('GET', `/api/v1/integrations/${ids.integration}/matrices`)).body;
    expect(matrices.inForce.id).toBe(versionId);

    const next = await proposed(ids);
    await signOutside(next, scenes);
    await signInside(next);
    expect((await version(versionId)).validUntil).not.toBeNull();
    const diff = (await call('GET', `/api/v1/matrices/${next}/changes/${versionId}`)).body;
    expect(diff.changes).toHaveLength(2);
  });

  test('a new contact person leaves the signatures standing and confirms', async () => {
    const { ids, versionId } = await countersigned();
    const answer = await call('PATCH', address(ids), {
      body: {
        cells: [cell(ids, { performing: [ids.northwind, ids.aurora], contactId: ids.nora, note: 'by day' })],
      },
      ifMatch: 0,
    });
    expect(answer).toMatchObject({ status: 200, body: { fell: [] } });
    const taken = await call('POST', `${address(ids)}/propose`, { body: {}, ifMatch: 1 });
    expect(taken.body).toMatchObject({ state: 'countersigned' });
    expect((await version(taken.body.versionId)).signatures).toHaveLength(2);
    expect((await version(versionId)).state).toBe('superseded');
    await t.sql('UPDATE contact SET active = true WHERE id = $1', [ids.nora]);

    const third = await call('PATCH', address(ids), {
      body: {
        cells: [
          cell(ids, { performing: [ids.northwind, ids.aurora], contactId: await contactOf(ids, 'Ines') }),
        ],
      },
      ifMatch: 0,
    });
    expect(third.status).toBe(200);
    const last = await call('POST', `${address(ids)}/propose`, { body: {}, ifMatch: 1 });
    expect((await version(last.body.versionId)).unconfirmed).toMatchObject([{ contact: { name: 'Ines' } }]);
    // Each version names whom to call as it stood then; the signatures go on standing under the same content.
    const english = async (id: Id) =>
      (await version(id)).texts.find(({ language }) => language === 'en')!.text;
    expect(await english(last.body.versionId)).toContain(`Revocation: Ines of`);
    expect(await english(last.body.versionId)).toContain('by mail (i…@example.test)');
    expect(await english(taken.body.versionId)).toContain('Revocation: Nora Visser of');
    expect(await english(taken.body.versionId)).not.toContain('Ines');
    expect((await version(last.body.versionId)).signatures).toHaveLength(2);
    const link = linkIn(await mail.letter('ines@example.test', /^Are you the contact/), 'mc');
    expect(expectOk(await links.showConfirmation(link, from)).duties).toEqual(['revocation']);
    expectOk(await links.confirm(link, from));
    expect((await version(last.body.versionId)).unconfirmed).toEqual([]);
  });
});

describe('the page behind a link', () => {
  /** The page that a link opens, by the cookie that it leaves. */
  async function opened(
    path: string,
  ): Promise<(query?: string) => Promise<{ status: number; html: string }>> {
    const door = await t.app.inject({ url: path });
    const cookie = String(door.headers['set-cookie']).split(';')[0]!;
    return async (query = '') => {
      const { statusCode, body } = await t.app.inject({
        url: `${door.headers.location!}${query}`,
        headers: { cookie },
      });
      return { status: statusCode, html: body };
    };
  }

  test('speaks the language of its reader, as the mail does that brought it', async () => {
    const ids = await drafted();
    await t.sql(`UPDATE contact SET language = 'de-CH' WHERE id = $1`, [ids.nora]);
    const versionId = await proposed(ids);
    const { contentHash } = await version(versionId);
    const invited = () => mail.received.findLast((one) => one.text.includes(contentHash));
    await until(() => invited() !== undefined, 'the invitation');
    expect(invited()!.text).toContain('Ihnen liegt eine Zuständigkeitsmatrix zur Unterschrift vor');
    const page = await opened(`/m/${linkIn(invited()!)}`);
    const german = (await page()).html;
    expect(german).toContain('<html lang="de">');
    expect(german).toContain('Worum Sie gebeten werden');
    expect(german).toContain('Pflicht für Pflicht');
    expect(german).toContain('>Widerruf</option>');
    expect(german).not.toMatch(/What you are asked|Mail me a code|Your name and position/);
    const english = (await page('?language=en')).html;
    expect(english).toContain('<html lang="en">');
    expect(english).toContain('What you are asked to do');
    expect(english).not.toContain('Worum Sie gebeten werden');
  });

  test('that opens nothing is in the language that the browser asks for', async () => {
    for (const [accepted, language, word] of [
      ['de-AT, en;q=0.5', 'de', 'Dieser Link ist keiner von unseren.'],
      ['fr', 'en', 'This link is not one of ours.'],
    ])
      for (const [url, cookie] of [
        ['/sign-matrix', 'cs_matrix'],
        ['/confirm-contact', 'cs_contact'],
      ]) {
        const answer = await t.app.inject({
          url: url!,
          headers: { cookie: `${cookie}=${'x'.repeat(43)}`, 'accept-language': accepted! },
        });
        expect(answer.statusCode).toBe(404);
        expect(answer.body).toContain(`<html lang="${language}">`);
        expect(answer.body).toContain(word);
      }
  });

  test('to confirm a contact does so, too', async () => {
    const { ids } = await countersigned();
    const greta = await contactOf(ids, 'Greta');
    await t.sql(`UPDATE contact SET language = 'de' WHERE id = $1`, [greta]);
    const cells = [cell(ids, { performing: [ids.northwind, ids.aurora], contactId: greta })];
    expect((await call('PATCH', address(ids), { body: { cells }, ifMatch: 0 })).body).toMatchObject({
      fell: [],
    });
    const taken = await call('POST', `${address(ids)}/propose`, { body: {}, ifMatch: 1 });
    expect(taken.body).toMatchObject({ state: 'countersigned' });
    const mailed = await mail.letter('greta@example.test', /./);
    expect(mailed.text).toMatch(/^- Widerruf\r?$/m);
    const { html } = await (await opened(`/mc/${linkIn(mailed, 'mc')}`))();
    expect(html).toContain('<html lang="de">');
    expect(html).toContain('<li>Widerruf</li>');
    expect(html).toContain('Ich bin der Kontakt');
    expect(html).not.toContain('I am the contact');
  });
});

describe('what was declared', () => {
  test('grown wider by hand, nobody has signed it; grown smaller, everybody has', async () => {
    const { ids, versionId } = await countersigned();
    const staff = caller(t, await t.token('vendor_risk'));
    const path = `/api/v1/credentials/${ids.credential}`;
    const set = async (...names: string[]) => {
      const scopes = names.map((name) => ({ name, justification: 'Needed' }));
      const ifMatch = (await staff('GET', path)).body.rowVersion as number;
      expect((await staff('PUT', `${path}/scopes`, { body: { scopes }, ifMatch })).status).toBe(200);
    };
    await set('ledger.read');
    await until(async () => (await version(versionId)).state === 'superseded', 'the signatures to fall');
    const [fell] = await t.sql<{ because: { what: string; after: string }[] }>(
      'SELECT fell_because AS because FROM matrix_version WHERE id = $1',
      [versionId],
    );
    expect(fell!.because).toMatchObject([{ what: 'wider_scope', after: 'ledger.read' }]);
    await set();
  });
});

async function contactOf(ids: MatrixScene, name: string): Promise<Id> {
  const id = newId();
  await t.sql(
    `INSERT INTO contact (id, party_id, name, role, email, created_at, updated_at) VALUES ($1, $2, $3, 'security', $4, $5, $5)`,
    [id, ids.northwind, name, `${name.toLowerCase()}@example.test`, t.clock.date()],
  );
  return id;
}

describe('other ways to sign', () => {
  const pair = () => generateKeyPairSync('ed25519');
  const pem = (key: ReturnType<typeof pair>['publicKey']) =>
    key.export({ type: 'spki', format: 'pem' }) as string;

  test('a detached signature over the document, with a key registered before', async () => {
    const ids = await drafted();
    const admin = caller(t, await t.token('admin'));
    const { publicKey, privateKey } = pair();
    const own = caller(t, await t.token('party_contact', ids.northwind));
    const other = await admin('POST', `/api/v1/contacts/${ids.nora}/signing-keys`, {
      body: { publicKey: pem(publicKey) },
    });
    expect([other.status, other.body.code]).toEqual([403, 'not-their-side']);
    const registered = await own('POST', `/api/v1/contacts/${ids.nora}/signing-keys`, {
      body: { publicKey: pem(publicKey) },
    });
    expect(registered.status).toBe(201);
    t.clock.advance(MINUTE);
    const versionId = await proposed(ids);
    const signsFor = 'Nora Visser, head of security';
    const document = await t.app.inject({
      url: `/api/v1/matrices/${versionId}/documents/${ids.nora}?signsFor=${encodeURIComponent(signsFor)}`,
      headers: { authorization: `Bearer ${await t.token('contract_owner')}` },
    });
    const body = (signature: Buffer) => ({
      keyId: registered.body.id,
      signsFor,
      language: 'en',
      signature: signature.toString('base64'),
    });
    const tampered = sign(null, Buffer.from(`${document.body} `), privateKey);
    const refused = await call('POST', `/api/v1/matrices/${versionId}/attestations`, {
      body: body(tampered),
    });
    expect(refused).toMatchObject({
      status: 400,
      body: { code: 'signature-refused', errors: [{ field: '/signature' }] },
    });
    const good = sign(null, document.rawPayload, privateKey);
    const done = await call('POST', `/api/v1/matrices/${versionId}/attestations`, { body: body(good) });
    expect(done).toMatchObject({ status: 201, body: { strength: 'detached_signature', state: 'proposed' } });

    const late = pair();
    const second = await own('POST', `/api/v1/contacts/${ids.nora}/signing-keys`, {
      body: { publicKey: pem(late.publicKey) },
    });
    const tooLate = await call('POST', `/api/v1/matrices/${versionId}/attestations`, {
      body: { ...body(sign(null, document.rawPayload, late.privateKey)), keyId: second.body.id },
    });
    expect(tooLate).toMatchObject({ status: 409, body: { code: 'key-too-late' } });
  });

  test('a key that somebody else registered earlier counts once the contact’s own side registers it, too', async () => {
    const ids = await drafted();
    const { publicKey, privateKey } = pair();
    const vera = await person(t, 'Vera', 'admin');
    const keyId = newId();
    await t.sql(
      `INSERT INTO signing_key (id, party_id, contact_id, public_key, fingerprint, registered_by, registered_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [
        keyId,
        ids.northwind,
        ids.nora,
        pem(publicKey),
        createHash('sha256')
          .update(publicKey.export({ type: 'spki', format: 'der' }))
          .digest(),
        vera.id,
        t.clock.date(),
      ],
    );
    t.clock.advance(MINUTE);
    const versionId = await proposed(ids);
    const signed = async (version: Id) => {
      const document = await t.app.inject({
        url: `/api/v1/matrices/${version}/documents/${ids.nora}?signsFor=Nora`,
        headers: { authorization: `Bearer ${await t.token('contract_owner')}` },
      });
      const signature = sign(null, document.rawPayload, privateKey).toString('base64');
      return call('POST', `/api/v1/matrices/${version}/attestations`, {
        body: { keyId, signsFor: 'Nora', language: 'en', signature },
      });
    };
    expect(await signed(versionId)).toMatchObject({ status: 409, body: { code: 'key-of-others' } });

    const own = caller(t, await t.token('party_contact', ids.northwind));
    const path = `/api/v1/contacts/${ids.nora}/signing-keys`;
    const counts = async () =>
      (await own('GET', path)).body.keys.map((one: { id: string; counts: boolean }) => [one.id, one.counts]);
    expect(await counts()).toEqual([[keyId, false]]);
    const register = () => own('POST', path, { body: { publicKey: pem(publicKey) } });
    expect(await register()).toMatchObject({ status: 201, body: { id: keyId, counts: true } });
    expect(await counts()).toEqual([[keyId, true]]);
    expect(await register()).toMatchObject({ status: 409, body: { code: 'key-known' } });
    // From then on, and not for what was proposed before.
    expect(await signed(versionId)).toMatchObject({ status: 409, body: { code: 'key-too-late' } });
    const entries = await t.sql(
      `SELECT kind FROM ledger_entry WHERE subject_id = $1 AND kind LIKE 'signing_key.%'`,
      [ids.nora],
    );
    expect(entries).toEqual([{ kind: 'signing_key.confirmed' }]);
  });

  test('scanned paper counts once a second person has confirmed it', async () => {
    const ids = await drafted();
    const versionId = await proposed(ids);
    await signInside(versionId);
    const first = await person(t, 'Uma', 'contract_owner');
    const offline = t.app.get(OfflineSigning);
    const input = { contactId: ids.nora, signsFor: 'Nora Visser, head of security', language: 'en' };
    expect(await offline.attestOnPaper(versionId, input, Buffer.from('a poem'), first)).toMatchObject({
      ok: false,
      error: { code: 'not-a-scan' },
    });
    const scan = Buffer.from('%PDF-1.7\n…');
    const { attestationId } = expectOk(await offline.attestOnPaper(versionId, input, scan, first));
    expect((await version(versionId)).state).toBe('proposed');
    expect(await offline.confirmPaper(attestationId, first)).toMatchObject({
      ok: false,
      error: { code: 'second-person' },
    });
    expectOk(await offline.confirmPaper(attestationId, await person(t, 'Viktor', 'contract_owner')));
    expect((await version(versionId)).state).toBe('countersigned');
  });

  test('a code to one’s own mailbox makes an account two factors', async () => {
    const ids = await drafted();
    const versionId = await proposed(ids);
    const olga = await person(t, 'Olga', 'contract_owner');
    const service = t.app.get(CountersigningService);
    const before = mail.received.length;
    expectOk(await service.sendCode(versionId, olga));
    await until(() => mail.received.length > before, 'the code');
    const code = codeIn(mail.received.slice(before).find(({ subject }) => subject.startsWith('Your code'))!);
    const view = await version(versionId);
    const input = {
      signsFor: 'Olga',
      contentHash: view.contentHash,
      textHash: view.texts[0]!.textHash,
      language: 'en',
      code,
    };
    expect(expectOk(await service.attest(versionId, input, olga)).strength).toBe('account_mfa');
  });
});

describe('what is refused', () => {
  test('two people edit at once: 412, with what changed', async () => {
    const ids = await drafted();
    expect((await call('PATCH', address(ids), { body: { cells: [cell(ids)] } })).status).toBe(428);
    expect((await call('PATCH', address(ids), { body: { cells: [cell(ids)] }, ifMatch: 1 })).status).toBe(
      200,
    );
    const removed = await call('PATCH', address(ids), {
      body: { remove: [{ duty: 'monitoring', part: 'use at the supplier' }] },
      ifMatch: 2,
    });
    expect(removed.status).toBe(200);
    const stale = await call('PATCH', address(ids), {
      body: { cells: [cell(ids, { note: 'mine' })] },
      ifMatch: 1,
    });
    expect(stale.status).toBe(412);
    expect(stale.body.errors.map(({ field }: { field: string }) => field).sort()).toEqual([
      '/cells/monitoring/use at the supplier',
      '/cells/revocation',
    ]);
    expect(
      stale.body.errors.every(({ problem }: { problem: string }) => problem.includes('since you read it')),
    ).toBe(true);
  });

  test('what is told to whoever comes late is what changed, and no more', async () => {
    const ids = await drafted();
    const row = (await working(ids)).rows.find(({ duty, part }) => duty === 'rotation' && part === '')!;
    const stands = {
      duty: 'rotation',
      accountable: row.accountable.id,
      performing: row.performing.map(({ id }) => id),
      contactId: row.contact?.id ?? null,
      windowMinutes: row.windowMinutes,
      note: row.note,
    };
    const save = (more: object, ifMatch: number) =>
      call('PATCH', address(ids), { body: { cells: [{ ...stands, ...more }] }, ifMatch });
    const late = async (since: number) =>
      (await save({ note: 'late' }, since)).body.errors[0].problem as string;
    const said = 'rotation was changed since you read it: ';
    expect((await save({ windowMinutes: 35 }, 1)).status).toBe(200);
    expect(await late(1)).toBe(`${said}its window is now 35 minutes`);
    const contactId = row.accountable.id === ids.aurora ? ids.ann : ids.piet;
    expect((await save({ windowMinutes: 35, contactId: null }, 2)).status).toBe(200);
    expect((await save({ windowMinutes: null, contactId, note: 'by night' }, 3)).status).toBe(200);
    expect(await late(1)).toMatch(
      new RegExp(
        `^${said}its contact is now the \\w+ contact of [^;]+; it has no window now; its note is another one now$`,
      ),
    );
    expect(await late(2)).not.toContain('accountable');
    const both = [row.accountable.id, ids.fjord];
    expect(
      (await save({ windowMinutes: null, contactId, note: 'by night', performing: both }, 4)).status,
    ).toBe(200);
    expect(await late(4)).toMatch(new RegExp(`^${said}performed now by [^;]+, [^;]+$`));
  });

  test('two accountable parties, a sub-processor who answers, nobody who performs', async () => {
    const ids = await drafted();
    const refused = async (more: object) => {
      const answer = await call('PATCH', address(ids), { body: { cells: [cell(ids, more)] }, ifMatch: 1 });
      return [answer.status, answer.body.errors?.[0]?.field, answer.body.errors?.[0]?.mend];
    };
    expect(await refused({ accountable: [ids.northwind, ids.aurora] })).toEqual([
      400,
      '/cells/0/accountable',
      expect.stringContaining('Name one party as accountable'),
    ]);
    expect((await refused({ accountable: ids.fjord, contactId: null }))[1]).toBe('/cells/0/accountable');
    expect((await refused({ performing: [] }))[1]).toBe('/cells/0/performing');
    expect((await refused({ windowMinutes: 0 }))[1]).toBe('/cells/0/windowMinutes');
    expect((await refused({ credentialId: newId() }))[1]).toBe('/cells/0/credentialId');
    expect((await working(ids)).rowVersion).toBe(1);
  });

  test('a matrix with a gap is not proposed, and each gap is named', async () => {
    const ids = await matrixScene(t, ++scenes);
    await call('PATCH', address(ids), { body: { cells: [cell(ids)] }, ifMatch: 0 });
    const answer = await call('POST', `${address(ids)}/propose`, { body: {}, ifMatch: 1 });
    expect(answer).toMatchObject({ status: 400, body: { code: 'matrix-incomplete' } });
    expect(answer.body.errors).toHaveLength(11);
  });

  test('a version that is no longer current, a link that is used, forwarded or run out', async () => {
    const ids = await drafted();
    const nora = `nora${scenes}@example.test`;
    const old = await proposed(ids);
    const oldLink = linkIn(await mail.letter(nora, /^Please sign/));
    const oldView = await version(old);
    await call('PATCH', address(ids), { body: { cells: [cell(ids, { windowMinutes: 30 })] }, ifMatch: 0 });
    const before = mail.received.length;
    const versionId = await proposed(ids);
    expect(await links.show(oldLink, undefined, from)).toMatchObject({
      ok: false,
      error: { code: 'not-current' },
    });
    const olga = await person(t, 'Olga', 'contract_owner');
    const input = {
      signsFor: 'Olga',
      contentHash: oldView.contentHash,
      textHash: oldView.texts[0]!.textHash,
      language: 'en',
    };
    const service = t.app.get(CountersigningService);
    expect(await service.attest(old, input, olga)).toMatchObject({
      ok: false,
      error: { kind: 'conflict', code: 'not-current' },
    });
    expect(await service.attest(versionId, input, olga)).toMatchObject({
      ok: false,
      error: { code: 'text-changed' },
    });

    // Forwarded: whoever holds the link but not the mailbox guesses, and the code ends.
    const link = linkIn(await mail.letter(nora, /^Please sign/, before));
    const shown = expectOk(await links.show(link, undefined, from));
    const { contentHash } = await version(versionId);
    const guess = (code: string) =>
      links.attest(
        link,
        { signsFor: 'Mallory', language: 'en', contentHash, textHash: shown.textHash, code },
        from,
      );
    expect(await guess('00000000')).toMatchObject({
      ok: false,
      error: { code: 'code-refused', message: expect.stringContaining('was never asked for') },
    });
    expectOk(await links.sendCode(link, 'sign', from));
    const sent = codeIn(await mail.letter(nora, /^Your code/));
    for (let n = 0; n < 5; n++) expect((await guess(sent === '00000000' ? '1' : '00000000')).ok).toBe(false);
    expect(await guess(sent)).toMatchObject({
      ok: false,
      error: { code: 'code-refused', message: expect.stringContaining('has ended') },
    });

    await signOutside(versionId, scenes);
    expect(await guess('12345678')).toMatchObject({ ok: false, error: { code: 'link-used' } });
    expect(await links.sendCode(link, 'sign', from)).toMatchObject({
      ok: false,
      error: { code: 'link-used' },
    });
    t.clock.advance(15 * ELAPSED_DAY);
    expect(await links.show(link, undefined, from)).toMatchObject({
      ok: false,
      error: { code: 'link-expired' },
    });
    expect(await links.show('x'.repeat(43), undefined, from)).toMatchObject({
      ok: false,
      error: { code: 'no-such-link' },
    });
  });

  test('the author of an edit cannot attest for the other side, nor anybody without a side', async () => {
    const ids = await matrixScene(t, ++scenes);
    const author = await person(t, 'Nora', 'party_contact', ids.northwind);
    await t.sql('UPDATE contact SET person_id = $2 WHERE id = $1', [ids.ann, author.personId]);
    const theirs = caller(t, await t.token('party_contact', ids.northwind));
    expect(
      (await theirs('POST', `${address(ids)}/inherit`, { body: { template: 'supplier-issues' }, ifMatch: 0 }))
        .status,
    ).toBe(200);
    await t.sql(`UPDATE matrix_draft SET editors = $2 WHERE integration_id = $1`, [
      ids.integration,
      JSON.stringify([{ id: author.id, personId: author.personId, partyId: ids.northwind }]),
    ]);
    const before = mail.received.length;
    const answer = await theirs('POST', `${address(ids)}/propose`, { body: {}, ifMatch: 1 });
    expect(answer.status).toBe(201);
    const link = linkIn(await mail.letter('ann1@example.test', /^Please sign/, before));
    const shown = expectOk(await links.show(link, undefined, from));
    const view = await version(answer.body.versionId);
    const signed = await links.attest(
      link,
      {
        signsFor: 'Nora',
        language: 'en',
        contentHash: view.contentHash,
        textHash: shown.textHash,
        code: '1',
      },
      from,
    );
    expect(signed).toMatchObject({ ok: false, error: { code: 'author-signs' } });
    const stranger = await person(t, 'Sven', 'party_contact', (await matrixScene(t, ++scenes)).northwind);
    const input = {
      signsFor: 'Sven',
      contentHash: view.contentHash,
      textHash: shown.textHash,
      language: 'en',
    };
    expect(await t.app.get(CountersigningService).attest(view.id, input, stranger)).toMatchObject({
      ok: false,
      error: { kind: 'not_found' },
    });
  });
});

describe('what a proposal goes through', () => {
  test('it is sent back with comments on cells, and proposed anew', async () => {
    const ids = await drafted();
    const versionId = await proposed(ids);
    const link = linkIn(await mail.letter(`nora${scenes}@example.test`, /^Please sign/));
    const comments = [
      { duty: 'revocation' as const, part: '', credentialId: null, text: 'We need two hours.' },
    ];
    // Whoever the link was passed on to has no code, and cannot speak for her.
    expect(await links.sendBack(link, { comments, code: '00000000' }, from)).toMatchObject({ ok: false });
    expect(await version(versionId)).toMatchObject({ state: 'proposed' });
    const before = mail.received.length;
    expectOk(await links.sendCode(link, 'send_back', from));
    const code = codeIn(await mail.letter(`nora${scenes}@example.test`, /^Your code/, before));
    expectOk(await links.sendBack(link, { comments, code }, from));
    expect(await version(versionId)).toMatchObject({
      state: 'sent_back',
      comments: [{ author: 'Nora Visser', duty: 'revocation', text: 'We need two hours.' }],
    });
    await call('PATCH', address(ids), { body: { cells: [cell(ids, { windowMinutes: 120 })] }, ifMatch: 0 });
    await proposed(ids);
  });

  test('an invitation is mailed again, and withdrawn: its links end, by the side that proposed alone', async () => {
    const ids = await drafted();
    const versionId = await proposed(ids);
    const nora = `nora${scenes}@example.test`;
    const first = linkIn(await mail.letter(nora, /^Please sign/));
    const before = mail.received.length;
    expect(
      (await call('POST', `/api/v1/matrices/${versionId}/invitations`, { body: { contactId: ids.nora } }))
        .status,
    ).toBe(201);
    const second = linkIn(await mail.letter(nora, /^Please sign.*reminder/, before));
    const { mails } = await version(versionId);
    expect(mails.map(({ contactId, withdrawn }) => ({ contactId, withdrawn }))).toEqual([
      { contactId: ids.nora, withdrawn: false },
      { contactId: ids.nora, withdrawn: false },
    ]);
    const withdraw = (who = call) => who('POST', `/api/v1/invitations/${mails[0]!.id}/withdraw`);
    const theirs = caller(t, await t.token('party_contact', ids.northwind));
    expect(await withdraw(theirs)).toMatchObject({ status: 403, body: { code: 'not-your-invitation' } });
    expect((await withdraw()).status).toBe(204);
    expect((await withdraw()).status).toBe(409);
    for (const link of [first, second])
      expect(await links.show(link, undefined, from)).toMatchObject({
        ok: false,
        error: { code: 'not-current' },
      });
    expect((await version(versionId)).mails.every(({ withdrawn }) => withdrawn)).toBe(true);
    // Invited once more, a new link opens it.
    await signOutsideAnew(ids, versionId);
    expect((await version(versionId)).signatures).toHaveLength(1);
  });

  test('a key that was retired signs nothing more', async () => {
    const ids = await drafted();
    const pair = generateKeyPairSync('ed25519');
    const publicKey = pair.publicKey.export({ type: 'spki', format: 'pem' });
    const own = caller(t, await t.token('party_contact', ids.northwind));
    const key = await own('POST', `/api/v1/contacts/${ids.nora}/signing-keys`, { body: { publicKey } });
    const strangers = caller(t, await t.token('party_contact', ids.fjord));
    expect((await strangers('POST', `/api/v1/signing-keys/${key.body.id}/retire`)).status).toBe(404);
    t.clock.advance(MINUTE);
    const versionId = await proposed(ids);
    expect((await call('POST', `/api/v1/signing-keys/${key.body.id}/retire`)).status).toBe(204);
    expect((await call('POST', `/api/v1/signing-keys/${key.body.id}/retire`)).status).toBe(409);
    const document = await t.app.inject({
      url: `/api/v1/matrices/${versionId}/documents/${ids.nora}?signsFor=Nora`,
      headers: { authorization: `Bearer ${await t.token('contract_owner')}` },
    });
    const signature = sign(null, document.rawPayload, pair.privateKey).toString('base64');
    const answer = await call('POST', `/api/v1/matrices/${versionId}/attestations`, {
      body: { keyId: key.body.id, signsFor: 'Nora', language: 'en', signature },
    });
    expect(answer).toMatchObject({ status: 400, body: { code: 'no-such-key' } });
  });

  test('a signature is withdrawn: both are told, and nothing is countersigned', async () => {
    const ids = await drafted();
    const versionId = await proposed(ids);
    await signOutside(versionId, scenes);
    const attestationId = await signInside(versionId);
    const before = mail.received.length;
    const answer = await call('POST', `/api/v1/attestations/${attestationId}/withdraw`, {
      body: { reason: 'Merger.' },
    });
    expect(answer.status).toBe(204);
    expect((await version(versionId)).state).toBe('withdrawn');
    await mail.letter(`nora${scenes}@example.test`, /^A signature was withdrawn/, before);
    const theirs = (await version(versionId)).signatures.find(({ way }) => way === 'link')!;
    expect(
      (await call('POST', `/api/v1/attestations/${theirs.id}/withdraw`, { body: { reason: 'x' } })).status,
    ).toBe(404);
  });

  test('signatures run out; both sides are asked a month before, and sign anew', async () => {
    const { versionId } = await countersigned();
    const scene = scenes;
    t.clock.advance(340 * ELAPSED_DAY);
    call = caller(t, await t.token('contract_owner'));
    const before = mail.received.length;
    await t.app.get(SignaturesSweep).sweep(by);
    await mail.letter(`nora${scene}@example.test`, /^Please sign anew/, before);
    t.clock.advance(30 * ELAPSED_DAY);
    await t.app.get(SignaturesSweep).sweep(by);
    expect((await version(versionId)).state).toBe('expired');
    await until(
      async () =>
        mail.received
          .slice(before)
          .filter(({ to, subject }) => to[0] === `nora${scene}@example.test` && /anew/.test(subject))
          .length >= 2,
      'asked again',
    );
    await signOutside(versionId, scene);
    await signInside(versionId);
    expect((await version(versionId)).state).toBe('countersigned');
  });
});

describe('more than one integration', () => {
  test('a chain that is slower than its promise, and a shared credential with two revokers, are found', async () => {
    const ids = await drafted();
    const other = await drafted();
    await t.sql(
      `INSERT INTO integration_dependency (id, integration_id, party_id, depends_on_integration_id, depth) VALUES ($1, $2, $3, $4, 1)`,
      [newId(), ids.integration, ids.northwind, other.integration],
    );
    await t.sql(
      `INSERT INTO credential_use (credential_id, integration_id, label, since) VALUES ($1, $2, 'Ledger key', $3)`,
      [ids.credential, other.integration, t.clock.date()],
    );
    await t.app.get(Transactions).run(by, (db) => member(db, other.integration, ids.northwind, 'supplier'));
    await call('PATCH', address(other), {
      body: {
        cells: [
          cell(other, {
            windowMinutes: 600,
            accountable: other.aurora,
            performing: [other.aurora],
            contactId: other.ann,
          }),
        ],
      },
      ifMatch: 1,
    });
    const theirs = await proposed(other, 2);
    await t.sql(`UPDATE matrix_version SET valid_from = $2 WHERE id = $1`, [theirs, t.clock.date()]);
    const { findings } = await working(ids);
    expect(findings.map(({ code }) => code)).toEqual(['chain_window', 'conflicting_revokers']);
    expect(findings[0]!.message).toMatch(
      /Revocation is promised within 1 hour, but .* needs 10 hours: Billing export/,
    );
    expect(findings[1]!.severity).toBe('blocking');
    // The row that governs is put into the other matrix as an override, and the conflict ends.
    await call('PATCH', address(ids), { body: { cells: [cell(ids)] }, ifMatch: 1 });
    const mended = await call('PATCH', address(other), {
      body: { cells: [cell(ids, { credentialId: ids.credential, contactId: null })] },
      ifMatch: 0,
    });
    expect(mended.status).toBe(200);
  });

  test('a matrix is copied for the parties of another integration', async () => {
    const source = await drafted();
    await proposed(source);
    const ids = await matrixScene(t, ++scenes);
    const answer = await call('POST', `${address(ids)}/inherit`, {
      body: { fromIntegrationId: source.integration },
      ifMatch: 0,
    });
    expect(answer).toMatchObject({ status: 200, body: { leftOut: [] } });
    const { rows, findings } = await working(ids);
    expect(findings).toEqual([]);
    expect(rows.find(({ duty }) => duty === 'issuance')?.accountable.name).toBe(`Northwind Cloud ${scenes}`);
  });

  test('a party sees its own matrices and nothing of the others', async () => {
    const ids = await drafted();
    const versionId = await proposed(ids);
    const others = caller(t, await t.token('party_contact', (await matrixScene(t, ++scenes)).northwind));
    expect((await others('GET', address(ids))).status).toBe(404);
    expect((await others('GET', `/api/v1/matrices/${versionId}`)).status).toBe(404);
    expect((await others('PATCH', address(ids), { body: { cells: [cell(ids)] }, ifMatch: 0 })).status).toBe(
      404,
    );
    const own = caller(t, await t.token('party_contact', ids.northwind));
    expect((await own('GET', `/api/v1/matrices/${versionId}`)).status).toBe(200);
    const list = (await own('GET', '/api/v1/matrices?duty=issuance')).body;
    expect(list.integrations.map(({ id }: { id: Id }) => id)).toEqual([ids.integration]);
    expect(list.integrations[0].accountable.issuance).toEqual([expect.stringContaining('Northwind')]);
    const gaps = (await call('GET', '/api/v1/matrices?gap=true&limit=200')).body.integrations;
    expect(gaps.some(({ id }: { id: Id }) => id === ids.integration)).toBe(false);
    expect(gaps.length).toBeGreaterThan(0);
  });
});
