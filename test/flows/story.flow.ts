import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { CountersigningService } from '../../src/domain/responsibility/countersigning.service.ts';
import type { VersionView } from '../../src/domain/responsibility/matrix.schema.ts';
import { SigningLinks } from '../../src/domain/responsibility/signing-links.service.ts';
import type { Id } from '../../src/kernel/ids.ts';
import type { Principal } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { ELAPSED_DAY, iso } from '../../src/kernel/time.ts';
import { acknowledgeLink } from '../support/acknowledge.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { MailServer, type ReceivedMail } from '../support/mail-server.ts';
import { personCalling } from '../support/people.ts';
import { caller, type Answer } from '../support/portfolio.ts';

/** From draft to live over the API, in an installation that begins empty; the gate says at each step what is missing. */

const NORA = 'nora@northwind.example';
const VERA = 'vera@aurora.example';
const from = { correlationId: 'story', ip: '192.0.2.7' };

let mail: MailServer;
let world: TestApp;
let vera: ReturnType<typeof caller>;
let contracts: ReturnType<typeof caller>;
let responder: ReturnType<typeof caller>;
let olga: Principal;

beforeAll(async () => {
  mail = await MailServer.start();
  world = await startApp({ config: { smtpUrl: `smtp://${mail.host}`, outboundAllow: [mail.host] } });
  ({ call: vera } = await personCalling(world, 'Vera', 'vendor_risk'));
  ({ call: contracts, who: olga } = await personCalling(world, 'Olga', 'contract_owner'));
  responder = caller(world, await world.token('responder'));
});
afterAll(async () => {
  await world.close();
  await mail.close();
});

async function done(answer: Promise<Answer>): Promise<Answer['body']> {
  const { status, body } = await answer;
  if (status >= 300) throw new Error(`refused with ${status}: ${JSON.stringify(body)}`);
  return body;
}

async function letter(to: string, what: RegExp, since = 0): Promise<ReceivedMail> {
  const found = () =>
    mail.received.slice(since).findLast((one) => one.to.includes(to) && what.test(one.text));
  await until(() => found() !== undefined, `a mail to ${to}: ${what}`);
  return found()!;
}

/** Nora opens the link of her mail, asks for a code, and signs what it shows. */
async function noraSigns(since: number): Promise<void> {
  const links = world.app.get(SigningLinks);
  const link = /\/m\/([\w-]{43})/.exec(
    (await letter(NORA, /lies before you for signature/, since)).text,
  )![1]!;
  const shown = expectOk(await links.show(link, undefined, from));
  const before = mail.received.length;
  expectOk(await links.sendCode(link, 'sign', from));
  const code = /^(\d{8})$/m.exec((await letter(NORA, /^\d{8}$/m, before)).text)![1]!;
  const answer = {
    signsFor: 'Nora Visser, head of security',
    language: shown.language,
    contentHash: shown.version.contentHash,
    textHash: shown.textHash,
  };
  const wrong = await links.attest(
    link,
    { ...answer, code: code === '11111111' ? '22222222' : '11111111' },
    from,
  );
  expect(wrong).toMatchObject({ ok: false, error: { code: 'code-refused' } });
  expectOk(await links.attest(link, { ...answer, code }, from));
}

async function olgaSigns(versionId: Id): Promise<void> {
  const { contentHash, texts } = (await done(
    contracts('GET', `/api/v1/matrices/${versionId}`),
  )) as VersionView;
  const { textHash } = texts.find(({ language }) => language === 'en')!;
  const text = { signsFor: 'Olga Reyes, contract owner', contentHash, textHash, language: 'en' as const };
  expectOk(await world.app.get(CountersigningService).attest(versionId, text, olga));
}

test('from draft to live, and from a lost pass back to one that is held', async () => {
  const contact = (name: string, email: string) => [{ name, role: 'security', email }];
  const us = await done(
    vera('POST', '/api/v1/parties', {
      body: { name: 'Aurora Pay', operator: true, contacts: contact('Vera Lind', VERA) },
    }),
  );
  const them = await done(
    vera('POST', '/api/v1/parties', {
      body: { name: 'Northwind Cloud', contacts: contact('Nora Visser', NORA) },
    }),
  );
  const [veraId, noraId] = [us.contacts[0].id, them.contacts[0].id] as [Id, Id];
  const { id } = await done(
    vera('POST', '/api/v1/integrations', {
      body: {
        name: 'Billing export',
        purpose: 'Sends invoices to the ledger of the supplier.',
        riskTier: 2,
        environments: ['production'],
        parties: [
          { partyId: them.id, role: 'supplier' },
          { partyId: us.id, role: 'customer' },
        ],
      },
    }),
  );
  const url = `/api/v1/integrations/${id}`;
  const edit = async (body: object) => {
    const { rowVersion } = await done(vera('GET', url));
    return done(vera('PATCH', url, { body, ifMatch: rowVersion }));
  };
  /** What the gate finds now, blocking or not; each says how it is mended. */
  const findings = async (): Promise<string[]> => {
    const { findings: found } = await done(vera('POST', `${url}/gate`));
    for (const one of found) expect(one.mend).toMatch(/^[A-Z].+\.$/);
    return found.map((one: { rule: string }) => one.rule).sort();
  };

  expect(await findings()).toEqual([
    'matrix-not-countersigned',
    'no-agreement',
    'no-credential',
    'no-owner',
    'partner-unverified',
  ]);
  const early = await done(vera('POST', `${url}/go-live`));
  expect(early).toMatchObject({ verdict: 'refused', state: 'draft' });

  await edit({ ownerContactId: veraId });
  const credential = await done(
    vera('POST', '/api/v1/credentials', {
      body: {
        integrationId: id,
        name: 'Ledger access token',
        type: 'oauth_access_token',
        environment: 'production',
        purpose: 'Posts invoices.',
        ownerContactId: veraId,
        issuerPartyId: them.id,
        verifierPartyId: them.id,
        holderPartyIds: [us.id],
        revocability: 'manual',
        scopes: [{ name: 'invoices.write', justification: 'Invoices are posted every night' }],
      },
    }),
  );
  expect(await findings()).toEqual([
    'contact-freshness',
    'matrix-not-countersigned',
    'no-active-version',
    'no-agreement',
    'no-stop-path',
    'partner-unverified',
  ]);
  const key = `/api/v1/credentials/${credential.id}`;
  const now = world.clock.now();
  const version = { supplierId: 'tok_7781', issuedAt: iso(now), expiresAt: iso(now + 60 * ELAPSED_DAY) };
  await done(vera('POST', `${key}/versions`, { body: { ...version, sha256: 'f00d'.repeat(16) } }));
  const copy = { type: 'vault', name: 'Billing vault', partyId: us.id, provable: 'store_api' };
  await done(vera('POST', `${key}/locations`, { body: copy }));
  await done(vera('PUT', `${key}/paths`, { body: { paths: [{ contactId: noraId, expectedMinutes: 30 }] } }));

  const agreement = await done(
    contracts('POST', '/api/v1/agreements', {
      body: { partyId: them.id, title: 'Ledger services 2026' },
    }),
  );
  const term = (direction: string, recipient: Id) => ({
    direction,
    trigger: 'confirmed',
    startEvent: 'confirmed',
    window: { count: 24, unit: 'elapsed-hours' },
    recipients: [recipient],
  });
  const draft = `/api/v1/agreements/${agreement.id}/draft`;
  const { rowVersion } = await done(
    contracts('PATCH', draft, {
      ifMatch: 1,
      body: {
        terms: [term('to_party', noraId), term('from_party', veraId)],
        reviewOn: iso(now + 300 * ELAPSED_DAY).slice(0, 10),
        drillEveryDays: 180,
        containmentSteps: [{ step: 'Revoke the leaked version', by: null, authority: null }],
      },
    }),
  );
  await done(contracts('POST', `${draft}/publish`, { ifMatch: rowVersion }));
  await edit({ agreementId: agreement.id });
  expect(await findings()).toEqual([
    'contact-freshness',
    'contact-freshness',
    'matrix-not-countersigned',
    'partner-unverified',
    'untried-stop-path',
  ]);

  const matrix = `${url}/matrix`;
  await done(vera('POST', `${matrix}/inherit`, { body: { template: 'supplier-issues' }, ifMatch: 0 }));
  const first = await done(vera('POST', `${matrix}/propose`, { body: {}, ifMatch: 1 }));
  const unsigned = async () =>
    (await findings()).filter((rule) => rule === 'matrix-not-countersigned').length;
  expect(await unsigned()).toBe(2);
  await noraSigns(0);
  expect(await unsigned()).toBe(1);
  await olgaSigns(first.versionId);
  expect(await unsigned()).toBe(0);

  const [path] = (await done(vera('GET', `/api/v1/stoppers?integrationId=${id}`))).credentials[0].stoppers;
  const drill = await done(responder('POST', `/api/v1/revocation-paths/${path.pathId}/drills`));
  await acknowledgeLink(world, (await letter(NORA, /This is a drill/)).text, 'Nora Visser');
  await until(async () => {
    world.clock.advance(100);
    return (await done(responder('GET', `/api/v1/drills/${drill.drillId}`))).outcome === 'passed';
  }, 'the drill to pass');
  expect(await findings()).toEqual(['contact-freshness', 'contact-freshness', 'partner-unverified']);

  for (const [contactId, address, name] of [
    [noraId, NORA, 'Nora Visser'],
    [veraId, VERA, 'Vera Lind'],
  ] as const) {
    await done(vera('POST', `${url}/contacts/${contactId}/confirmations`));
    await acknowledgeLink(world, (await letter(address, /confirm that this address/)).text, name);
  }
  await until(
    async () => (await findings()).join() === 'partner-unverified',
    'the contacts to count as confirmed',
  );
  await done(
    vera('POST', `/api/v1/parties/${them.id}/verifications`, {
      body: { method: 'contact', contactId: noraId, statement: 'I met Nora at the kick-off.' },
    }),
  );
  expect(await findings()).toEqual([]);
  expect(await done(vera('POST', `${url}/go-live`))).toMatchObject({
    verdict: 'pass',
    state: 'live',
    pass: 'held',
  });

  // One cell is edited after signing.
  let before = mail.received.length;
  const working = await done(vera('GET', matrix));
  const recovery = working.rows.find((row: { duty: string }) => row.duty === 'recovery');
  await done(
    vera('PATCH', matrix, {
      ifMatch: working.rowVersion,
      body: {
        cells: [
          {
            duty: 'recovery',
            accountable: recovery.accountable.id,
            performing: recovery.performing.map((one: { id: Id }) => one.id),
            contactId: recovery.contact.id,
            windowMinutes: 4 * 24 * 60,
          },
        ],
      },
    }),
  );
  for (const address of [NORA, VERA])
    expect((await letter(address, /changed after both sides had signed/, before)).text).toMatch(
      /signed: 2 days\s+now:\s+4 days/,
    );
  const pass = async () => (await done(vera('GET', url))).pass;
  await until(async () => (await pass()) === 'lost', 'the pass to be lost');
  const { findings: fell } = await done(vera('POST', `${url}/gate`));
  expect(fell).toMatchObject([
    {
      rule: 'matrix-not-countersigned',
      message: expect.stringMatching(/^The signatures under version 1 .* fell/),
    },
  ]);

  before = mail.received.length;
  const again = await done(vera('GET', matrix));
  const second = await done(vera('POST', `${matrix}/propose`, { body: {}, ifMatch: again.rowVersion }));
  await noraSigns(before);
  await olgaSigns(second.versionId);
  await until(async () => (await pass()) === 'held', 'the pass to come back');
});
