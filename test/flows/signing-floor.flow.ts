import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { GateService } from '../../src/domain/policy/gate.service.ts';
import { CountersigningService } from '../../src/domain/responsibility/countersigning.service.ts';
import { OfflineSigning } from '../../src/domain/responsibility/offline-signing.service.ts';
import { SigningLinks } from '../../src/domain/responsibility/signing-links.service.ts';
import type { Id } from '../../src/kernel/ids.ts';
import { system, type Principal, type Role } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { Transactions } from '../../src/platform/database/transactions.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { AccessService } from '../../src/domain/access/access.service.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { ELAPSED_DAY } from '../../src/kernel/time.ts';
import { ConsoleSession } from '../support/console-session.ts';
import { MailServer } from '../support/mail-server.ts';
import { matrixScene, person, type MatrixScene } from '../support/matrix-scene.ts';
import { codeIn, linkIn } from '../support/matrix-signing.ts';
import { caller } from '../support/portfolio.ts';

const by = system('test', 'signing-floor');
const from = { correlationId: 'signing-floor', ip: '192.0.2.7' };

let t: TestApp;
let mail: MailServer;
let call: ReturnType<typeof caller>;
let scenes = 0;

beforeAll(async () => {
  mail = await MailServer.start();
  t = await startApp({ config: { smtpUrl: `smtp://${mail.host}`, outboundAllow: [mail.host] } });
  call = caller(t, await t.token('contract_owner'));
}, 60_000);
afterAll(async () => {
  await t.close();
  await mail.close();
});

async function tier(ids: MatrixScene, riskTier: number): Promise<void> {
  await t.sql('UPDATE integration SET risk_tier = $2 WHERE id = $1', [ids.integration, riskTier]);
}

async function proposed(riskTier: number, by = call): Promise<{ ids: MatrixScene; versionId: Id }> {
  const ids = await matrixScene(t, ++scenes);
  await tier(ids, riskTier);
  const url = `/api/v1/integrations/${ids.integration}/matrix`;
  await by('POST', `${url}/inherit`, { body: { template: 'supplier-issues' }, ifMatch: 0 });
  const answer = await by('POST', `${url}/propose`, { body: {}, ifMatch: 1 });
  expect(answer.status).toBe(201);
  return { ids, versionId: answer.body.versionId };
}

async function said(versionId: Id) {
  const { body } = await call('GET', `/api/v1/matrices/${versionId}`);
  const { textHash } = body.texts[0];
  return { body, input: { signsFor: 'Olga', contentHash: body.contentHash, textHash, language: 'en' } };
}

const gateOf = async (ids: MatrixScene) => {
  const looked = await t.app
    .get(Transactions)
    .run(by, (db) => t.app.get(GateService).look(db, ids.integration));
  return looked!.evaluation.findings.map(({ rule }) => rule);
};

test('the high tier takes no link with a code: it says so beforehand, sends no code, and names the ways that are enough', async () => {
  const { versionId } = await proposed(1);
  const { body, input } = await said(versionId);
  expect(body).toMatchObject({ leastStrength: 'second_channel' });
  expect(body.waysToSign).toHaveLength(3);
  const nora = `nora${scenes}@example.test`;
  const link = linkIn(await mail.letter(nora, /^Please sign/));
  const links = t.app.get(SigningLinks);
  const shown = expectOk(await links.show(link, 'en', from));
  expect(shown.strongerWays).toEqual(['second_channel', 'account_mfa', 'detached_signature']);
  const before = mail.received.length;
  const refused = { ok: false, error: { kind: 'forbidden', code: 'signature-too-weak' } };
  expect(await links.sendCode(link, 'sign', from)).toMatchObject(refused);
  const outside = await links.attest(link, { ...input, textHash: shown.textHash, code: '12345678' }, from);
  expect(outside).toMatchObject(refused);
  if (!outside.ok)
    for (const way of body.waysToSign as string[]) expect(outside.error.fields![0]!.mend).toContain(way);
  expect(mail.received.slice(before)).toEqual([]);

  const olga = await person(t, 'Olga', 'contract_owner');
  const service = t.app.get(CountersigningService);
  expect(await service.attest(versionId, input, olga)).toMatchObject(refused);
  expect((await said(versionId)).body.signatures).toEqual([]);
  // With a code from the mailbox of the account it is two factors; it is written in the language of whoever has the account.
  await t.sql(`UPDATE user_account SET language = 'de' WHERE id = $1`, [olga.id]);
  const [account] = await t.sql<{ email: string }>('SELECT email FROM user_account WHERE id = $1', [olga.id]);
  expectOk(await service.sendCode(versionId, olga));
  const code = codeIn(await mail.letter(account!.email, /^Ihr Code/));
  expect(expectOk(await service.attest(versionId, { ...input, code }, olga)).strength).toBe('account_mfa');
});

test('a tier that asks for nothing takes the link; raised later, the gate finds it weak and a stronger signature is taken', async () => {
  const { ids, versionId } = await proposed(2);
  const { body, input } = await said(versionId);
  expect(body).toMatchObject({ leastStrength: 'mailbox' });
  const olga = await person(t, 'Olga', 'contract_owner');
  const service = t.app.get(CountersigningService);
  expectOk(await service.attest(versionId, input, olga));
  expect(await service.attest(versionId, input, olga)).toMatchObject({
    ok: false,
    error: { code: 'already-signed' },
  });
  expect(await gateOf(ids)).not.toContain('weak-signature');
  await tier(ids, 1);
  expect(await gateOf(ids)).toContain('weak-signature');
  expectOk(await service.sendCode(versionId, olga));
  const [account] = await t.sql<{ email: string }>('SELECT email FROM user_account WHERE id = $1', [olga.id]);
  const code = codeIn(await mail.letter(account!.email, /^Your code/));
  expectOk(await service.attest(versionId, { ...input, code }, olga));
  expect(await gateOf(ids)).not.toContain('weak-signature');
});

/** Somebody who signs in to the console. */
async function account(name: string, role: Role, partyId: Id | null = null) {
  const access = t.app.get(AccessService);
  const password = 'correct horse battery staple';
  const email = `${name.toLowerCase()}@paper.example`;
  const made = await access.createUser(
    { email, name, roles: [role], partyId, password: Secret.of(password) },
    by,
  );
  const principal = (await access.principalOfUser(expectOk(made).userId, from)) as Principal;
  return { principal, session: await ConsoleSession.signIn(t, email, password) };
}

test('who may confirm a paper finds the button for it, and nobody else', async () => {
  const BUTTON = 'I have seen the paper: it is signed';
  const olga = await account('Paper-Olga', 'contract_owner');
  const token = await t.app.get(AccessService).createToken(
    {
      name: 'hers',
      role: 'contract_owner',
      expiresAt: t.clock.now() + ELAPSED_DAY,
      userId: olga.principal.id,
    },
    olga.principal,
  );
  const hers = caller(
    t,
    expectOk(token).value.use((value) => value),
  );
  const { ids, versionId } = await proposed(1, hers);
  const vera = await account('Paper-Vera', 'contract_owner');
  const { attestationId } = expectOk(
    await t.app
      .get(OfflineSigning)
      .attestOnPaper(
        versionId,
        { contactId: ids.nora, signsFor: 'Nora', language: 'en' },
        Buffer.from('%PDF-1.7 a scan'),
        vera.principal,
      ),
  );
  const page = `/matrices/${versionId}`;
  const nora = await account('Paper-Nora', 'party_contact', ids.northwind);
  const auditor = await account('Paper-Ada', 'auditor');
  for (const [who, { session }] of Object.entries({ author: olga, taker: vera, outside: nora, auditor })) {
    const { status, html } = await session.page(page);
    expect([who, status, html.includes('on paper'), html.includes(BUTTON)]).toEqual([who, 200, true, false]);
  }
  const { session } = await account('Paper-Rosa', 'contract_owner');
  expect((await session.page(page)).html).toContain(BUTTON);
  const sent = await session.send(page, `${page}/signatures/${attestationId}/confirm`, {});
  expect(sent).toMatchObject({ status: 303, location: page });
  const { html } = await session.page(page);
  expect(html).toContain('Confirmed: the paper counts.');
  expect(html).not.toContain(BUTTON);
});

test('paper counts at the gate once a second person has confirmed it, and not before', async () => {
  const { ids, versionId } = await proposed(1);
  const offline = t.app.get(OfflineSigning);
  const [first, second] = [await person(t, 'Vera', 'vendor_risk'), await person(t, 'Rosa', 'contract_owner')];
  const scan = Buffer.from('%PDF-1.7 a scan');
  const paper = async (contactId: Id) =>
    expectOk(
      await offline.attestOnPaper(versionId, { contactId, signsFor: 'Signed', language: 'en' }, scan, first),
    ).attestationId;
  const both = [await paper(ids.ann), await paper(ids.nora)];
  expect(await gateOf(ids)).toContain('matrix-not-countersigned');
  for (const one of both) expectOk(await offline.confirmPaper(one, second));
  expect(await gateOf(ids)).not.toContain('matrix-not-countersigned');
  expect(await gateOf(ids)).not.toContain('weak-signature');

  // An immaterial new version stands on the same signatures, at the gate as well.
  const url = `/api/v1/integrations/${ids.integration}/matrix`;
  const cells = [
    {
      duty: 'storage',
      accountable: ids.aurora,
      performing: [ids.aurora],
      contactId: ids.ann,
      note: 'In the vault.',
    },
  ];
  const edited = await call('PATCH', url, { body: { cells }, ifMatch: 0 });
  expect(edited.body.fell).toEqual([]);
  const taken = await call('POST', `${url}/propose`, { body: {}, ifMatch: 1 });
  expect(taken.body).toMatchObject({ state: 'countersigned' });
  expect(await gateOf(ids)).not.toContain('matrix-not-countersigned');
});
