import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { VersionView } from '../../src/domain/responsibility/matrix.schema.ts';
import { OfferingsSweep } from '../../src/domain/responsibility/offerings.sweep.ts';
import { ProposeOfferingJob } from '../../src/domain/responsibility/propose-offering.job.ts';
import type { OfferingView } from '../../src/domain/responsibility/offering.schema.ts';
import { SigningLinks } from '../../src/domain/responsibility/signing-links.service.ts';
import type { Id } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { HOUR } from '../../src/kernel/time.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { MailServer } from '../support/mail-server.ts';
import type { Customer } from '../support/offering-parties.ts';
import { OfferingScene } from '../support/offering-scene.ts';
import { caller } from '../support/portfolio.ts';

const by = system('test', 'offering-flow');
const from = { correlationId: 'offering-flow', ip: '192.0.2.7' };

let t: TestApp;
let mail: MailServer;
let call: ReturnType<typeof caller>;
let scene: OfferingScene;

beforeAll(async () => {
  mail = await MailServer.start();
  t = await startApp({ config: { smtpUrl: `smtp://${mail.host}`, outboundAllow: [mail.host] } });
  call = caller(t, await t.token('contract_owner'));
  scene = new OfferingScene(t, mail, call);
  await scene.parties.operator();
}, 60_000);
afterAll(async () => {
  await t.close();
  await mail.close();
});

test('one offering, three customers: each gets its own, one that fails stops nobody, and signatures put the terms in force', async () => {
  const offering = await scene.published();
  const [one, two, bare] = [
    await scene.customer(),
    await scene.customer(),
    await scene.customer(['contract']),
  ];
  const asked = await scene.propose(offering.id, one, two, bare);
  expect(asked.version).toBe(1);
  expect(asked.targets.map(({ outcome }) => outcome)).toEqual(['queued', 'queued', 'queued']);
  const lines = await scene.targets(offering.id);
  expect(lines.map(({ standing }) => standing)).toEqual(['waiting', 'waiting', 'failed']);
  expect(lines[2]!.failure).toMatchObject({ code: 'does-not-fit' });
  expect(lines[2]!.failure!.fields.map(({ problem }) => problem)).toContain(
    'the customer has no reachable contact in the role security',
  );

  // The same again changes nothing: no version more, no mail more.
  const before = await t.sql<{ n: number }>('SELECT count(*)::int AS n FROM matrix_version');
  const again = await scene.propose(offering.id, one, two);
  expect(again.targets.map(({ outcome }) => outcome)).toEqual(['already', 'already']);
  expect(await t.sql('SELECT count(*)::int AS n FROM matrix_version')).toEqual(before);

  // Mended, the third gets it, too, and nobody else anything new.
  await scene.parties.contact(bare.party, 'late-security', 'security');
  await scene.propose(offering.id, bare);
  expect((await scene.target(offering.id, bare))!.standing).toBe('waiting');

  const { matrixVersionId } = (await scene.target(offering.id, one))!;
  const shown = await scene.view(matrixVersionId!);
  expect(shown.texts[0]!.text).toContain(shown.terms!.contentHash);
  expect(shown.texts[0]!.text).toContain(shown.terms!.texts[0]!.textHash);
  expect(JSON.parse(shown.canonical)).toMatchObject({ terms: shown.terms!.contentHash });
  // Nothing holds before both have signed.
  const agreement = () =>
    t.sql<{ number: number; hash: string; party: Id }>(
      `SELECT v.number, encode(v.content_hash, 'hex') AS hash, a.party_id AS party FROM integration i JOIN agreement a ON a.id = i.agreement_id
         JOIN agreement_version v ON v.agreement_id = a.id WHERE i.id = $1 ORDER BY v.number`,
      [one.integration],
    );
  expect(await agreement()).toEqual([]);
  await scene.customerSigns(one, matrixVersionId!);
  expect(await scene.target(offering.id, one)).toMatchObject({
    standing: 'waiting',
    signed: { supplier: false, customer: true },
  });
  await scene.weSign(matrixVersionId!);
  expect(await scene.target(offering.id, one)).toMatchObject({
    standing: 'signed',
    signed: { supplier: true, customer: true },
  });
  expect(await agreement()).toEqual([{ number: 1, hash: shown.terms!.contentHash, party: one.party }]);
  expect((await scene.view(matrixVersionId!)).terms!.agreementVersionId).not.toBeNull();
  expect((await scene.target(offering.id, two))!.standing).toBe('waiting');
  expect((await scene.diff(offering.id, one)).terms).toEqual([]);
}, 90_000);

test('a new version: whoever signed the old one is behind, the difference is named, and only they are asked anew', async () => {
  const offering = await scene.published();
  const [one, two] = [await scene.customer(), await scene.customer()];
  await scene.propose(offering.id, one, two);
  const first = (await scene.target(offering.id, one))!.matrixVersionId!;
  await scene.customerSigns(one, first);
  await scene.weSign(first);
  const url = `/api/v1/offerings/${offering.id}`;
  const { draft, rowVersion } = (await call('GET', url)).body as OfferingView;
  const rows = draft.rows.map((row) =>
    row.duty === 'revocation' ? { ...row, accountable: 'customer', windowMinutes: 15 } : row,
  );
  const terms = {
    ...draft.terms!,
    terms: [{ ...draft.terms!.terms[0]!, window: { count: 12, unit: 'elapsed-hours' } }],
  };
  await call('PATCH', url, { body: { rows, terms }, ifMatch: rowVersion });
  expect(await call('PATCH', url, { body: { name: 'x' }, ifMatch: rowVersion })).toMatchObject({
    status: 412,
  });
  const since = (await call('GET', `${url}/versions/1/changes`)).body;
  expect(since.rows.map(({ what }: { what: string }) => what)).toEqual(['accountable', 'window']);
  expect(since.terms).toHaveLength(1);
  expect((await scene.target(offering.id, one))!.standing).toBe('signed');
  await call('POST', `${url}/versions`, { ifMatch: rowVersion + 1 });
  expect((await scene.target(offering.id, one))!.standing).toBe('behind');
  const found = await scene.diff(offering.id, one);
  expect(found).toMatchObject({ offered: 2, current: { state: 'countersigned' }, problems: [] });
  expect(found.rows.map(({ words }) => words.what)).toEqual(['accountable', 'within']);
  expect(found.terms).toEqual([
    { what: 'term confirmed, we tell them: window', before: '24 hours', after: '12 hours' },
  ]);

  // Without names: everybody who is behind.
  const answer = await call('POST', `${url}/proposals`, { body: {} });
  expect(answer.body.targets).toHaveLength(2);
  await until(
    async () => (await scene.targets(offering.id)).every(({ version }) => version === 2),
    'both have version 2',
  );
  expect((await scene.targets(offering.id)).map(({ standing }) => standing)).toEqual(['waiting', 'waiting']);
  // What was signed stands for incidents, and signed by both it is no longer.
  expect(await scene.view(first)).toMatchObject({ state: 'superseded', validUntil: null });
  const counts = ((await call('GET', url)).body as OfferingView).counts;
  expect(counts).toEqual({ waiting: 2 });
}, 90_000);

describe('reminders', () => {
  test('go to those who have not signed, no more often than the offering says, and on record', async () => {
    const offering = await scene.published();
    const [one, two] = [await scene.customer(), await scene.customer()];
    await scene.propose(offering.id, one, two);
    await scene.customerSigns(one, (await scene.target(offering.id, one))!.matrixVersionId!);
    await scene.weSign((await scene.target(offering.id, one))!.matrixVersionId!);
    const chase = async () =>
      (await call('POST', `/api/v1/offerings/${offering.id}/reminders`, { body: {} })).body.targets as {
        integrationId: Id;
        outcome: string;
        nextAt: string | null;
      }[];
    expect(await chase()).toMatchObject([{ integrationId: two.integration, outcome: 'too_soon' }]);
    t.clock.advance(73 * HOUR);
    call = caller(t, await t.token('contract_owner'));
    const before = mail.received.length;
    expect(await chase()).toMatchObject([{ integrationId: two.integration, outcome: 'reminded' }]);
    const reminder = () =>
      mail.received
        .slice(before)
        .find(({ to, subject }) => to.includes(two.mail) && /reminder/.test(subject));
    await until(() => reminder() !== undefined, 'the reminder');
    expect(reminder()!.text).toContain('A reminder');
    expect(await chase()).toMatchObject([{ outcome: 'too_soon', nextAt: expect.any(String) }]);
    expect(mail.received.slice(before).filter(({ to }) => to.includes(one.mail))).toEqual([]);
    const [entry] = await t.sql<{ n: number }>(
      `SELECT count(*)::int AS n FROM ledger_entry WHERE kind = 'matrix.chased' AND subject_id = $1`,
      [(await scene.target(offering.id, two))!.matrixVersionId],
    );
    expect(entry!.n).toBe(1);
    expect(await scene.target(offering.id, two)).toMatchObject({ chases: 1 });
  }, 90_000);
});

describe('without anybody asking', () => {
  const sweep = () => t.app.get(OfferingsSweep).sweep(by);
  const chases = async (id: Id, one: Customer) => (await scene.target(id, one))!.chases;

  test('whose turn it is is reminded, once, and whose offering says so is left alone', async () => {
    const [offering, quiet] = [await scene.published(), await scene.published()];
    const [one, two, left] = [await scene.customer(), await scene.customer(), await scene.customer()];
    await scene.propose(offering.id, one, two);
    await scene.propose(quiet.id, left);
    expect(
      await call('PATCH', `/api/v1/offerings/${quiet.id}`, {
        body: { chaseByItself: false },
        ifMatch: quiet.rowVersion,
      }),
    ).toMatchObject({ status: 200 });
    const signed = (await scene.target(offering.id, two))!.matrixVersionId!;
    await scene.customerSigns(two, signed);
    await scene.weSign(signed);
    await sweep();
    expect(await chases(offering.id, one)).toBe(0);
    t.clock.advance(73 * HOUR);
    call = caller(t, await t.token('contract_owner'));
    await sweep();
    await sweep();
    expect(await chases(offering.id, one)).toBe(1);
    expect(await chases(offering.id, two)).toBe(0);
    expect(await chases(quiet.id, left)).toBe(0);
    t.clock.advance(73 * HOUR);
    call = caller(t, await t.token('contract_owner'));
    await sweep();
    expect(await chases(offering.id, one)).toBe(2);
  }, 90_000);
});

describe('the end of an offering', () => {
  test('nobody is asked any more, links end, what is signed stays', async () => {
    const offering = await scene.published();
    const [signs, waits] = [await scene.customer(), await scene.customer()];
    await scene.propose(offering.id, signs, waits);
    const [signed, open] = [
      (await scene.target(offering.id, signs))!.matrixVersionId!,
      (await scene.target(offering.id, waits))!.matrixVersionId!,
    ];
    await scene.customerSigns(signs, signed);
    await scene.weSign(signed);
    const invited = () =>
      mail.received.findLast(({ to, text }) => to.includes(waits.mail) && /\/m\//.test(text));
    await until(() => invited() !== undefined, 'the invitation');
    const link = /\/m\/([A-Za-z0-9_-]{43})/.exec(invited()!.text)![1]!;
    expectOk(await t.app.get(SigningLinks).show(link, 'en', from));

    const url = `/api/v1/offerings/${offering.id}`;
    const { rowVersion } = (await call('GET', url)).body as OfferingView;
    const body = { reason: 'Replaced by a newer service' };
    expect((await call('POST', `${url}/retire`, { body: { reason: ' ' }, ifMatch: rowVersion })).status).toBe(
      400,
    );
    expect((await call('POST', `${url}/retire`, { body, ifMatch: rowVersion - 1 })).status).toBe(412);
    expect((await call('POST', `${url}/retire`, { body, ifMatch: rowVersion })).status).toBe(200);
    expect((await call('GET', url)).body).toMatchObject({
      retiredAt: expect.any(String),
      retiredBecause: body.reason,
    });
    const { offerings } = (await call('GET', '/api/v1/offerings?limit=100')).body;
    expect(offerings.find(({ id }: { id: Id }) => id === offering.id).retiredAt).not.toBeNull();

    expect((await scene.view(open)).state).toBe('withdrawn');
    expect((await t.app.get(SigningLinks).show(link, 'en', from)).ok).toBe(false);
    expect((await scene.view(signed)).state).toBe('countersigned');
    const before = mail.received.length;
    t.clock.advance(100 * HOUR);
    call = caller(t, await t.token('contract_owner'));
    await t.app.get(OfferingsSweep).sweep(by);
    expect(mail.received.slice(before).filter(({ to }) => to.includes(waits.mail))).toEqual([]);
    for (const [path, sent] of [
      ['reminders', {}],
      ['proposals', { integrationIds: [waits.integration] }],
    ] as const)
      expect(await call('POST', `${url}/${path}`, { body: sent })).toMatchObject({
        status: 409,
        body: { code: 'offering-retired' },
      });
    // A customer is free for another offering.
    expect((await call('DELETE', `${url}/targets/${waits.integration}`)).status).toBe(204);
  }, 90_000);

  test('a version that was proposed when the process died is withdrawn by the next sweep', async () => {
    const [offering, one] = [await scene.published(), await scene.customer()];
    await scene.propose(offering.id, one);
    await t.sql(
      `UPDATE offering SET retired_at = $2, retired_by = 'x', retired_because = 'x' WHERE id = $1`,
      [offering.id, t.clock.date()],
    );
    await t.app.get(OfferingsSweep).sweep(by);
    expect((await scene.view((await scene.target(offering.id, one))!.matrixVersionId!)).state).toBe(
      'withdrawn',
    );
  }, 90_000);
});

describe('what does not go', () => {
  test('an offering that leaves a duty open is not published; nothing is proposed before it is', async () => {
    const made = await call('POST', '/api/v1/offerings', { body: { name: 'Empty' } });
    const url = `/api/v1/offerings/${made.body.id}`;
    const refused = await call('POST', `${url}/versions`, { ifMatch: 1 });
    expect(refused).toMatchObject({ status: 400, body: { code: 'invalid-offering' } });
    expect(refused.body.errors).toHaveLength(12);
    const one = await scene.customer();
    expect(
      await call('POST', `${url}/proposals`, { body: { integrationIds: [one.integration] } }),
    ).toMatchObject({ status: 409, body: { code: 'not-published' } });
  });

  test('a name of blanks', async () => {
    const { id, rowVersion } = await scene.published();
    for (const name of ['  ', '\u00a0', '']) {
      const answer = await call('PATCH', `/api/v1/offerings/${id}`, { body: { name }, ifMatch: rowVersion });
      expect(answer).toMatchObject({ status: 400, body: { errors: [{ field: '/name' }] } });
      expect(answer.body.errors[0].problem).toBe(name === '' ? 'must not be empty' : 'must not be blank');
    }
  });

  test('a window of zero, a calendar that nobody knows, a row twice, a term that names nobody', async () => {
    const { id, draft, rowVersion } = await scene.published();
    const url = `/api/v1/offerings/${id}`;
    const refused = async (body: unknown) => {
      const answer = await call('PATCH', url, { body, ifMatch: rowVersion });
      expect(answer.status).toBe(400);
      return JSON.stringify(answer.body.errors);
    };
    const term = draft.terms!.terms[0]!;
    const withTerm = (more: object) => ({ terms: { ...draft.terms!, terms: [{ ...term, ...more }] } });
    expect(await refused(withTerm({ window: { count: 0, unit: 'elapsed-hours' } }))).toContain('window');
    expect(
      await refused(withTerm({ calendar: 'nowhere', window: { count: 2, unit: 'business-days' } })),
    ).toContain('is no calendar');
    expect(await refused(withTerm({ recipients: [] }))).toContain('names nobody');
    expect(await refused({ rows: [draft.rows[0], draft.rows[0]] })).toContain('is the same row');
  });

  test('a customer belongs to one offering; an open draft is nobody’s to overwrite; outsiders see none of it', async () => {
    const [first, second, one] = [await scene.published(), await scene.published(), await scene.customer()];
    await scene.propose(first.id, one);
    const asked = await scene.propose(second.id, one);
    expect(asked.targets).toMatchObject([{ outcome: 'refused', problem: { code: 'other-offering' } }]);
    expect((await call('DELETE', `/api/v1/offerings/${first.id}/targets/${one.integration}`)).status).toBe(
      204,
    );
    await call('POST', `/api/v1/integrations/${one.integration}/matrix/inherit`, {
      body: { template: 'customer-issues', replace: true },
      ifMatch: 0,
    });
    await scene.propose(second.id, one);
    expect(await scene.target(second.id, one)).toMatchObject({
      standing: 'failed',
      failure: { code: 'draft-open' },
    });
    const outside = caller(t, await t.token('party_contact', one.party));
    expect((await outside('GET', '/api/v1/offerings')).status).toBe(403);
  });

  test('a sub-processor of the customer’s integration reads the matrix and not the terms', async () => {
    const [offering, one] = [await scene.published(), await scene.customer()];
    const host = await scene.parties.party('Fjord Hosting');
    await t.sql(
      `INSERT INTO integration_party (integration_id, party_id, party_name, role) VALUES ($1, $2, 'Fjord Hosting', 'sub_processor')`,
      [one.integration, host],
    );
    await scene.propose(offering.id, one);
    const { matrixVersionId } = (await scene.target(offering.id, one))!;
    const theirs = caller(t, await t.token('party_contact', host));
    const read = (await theirs('GET', `/api/v1/matrices/${matrixVersionId}`)).body as VersionView;
    expect(read.rows.length).toBeGreaterThan(0);
    expect(read.terms).toBeNull();
    const theirOwn = caller(t, await t.token('party_contact', one.party));
    const own = (await theirOwn('GET', `/api/v1/matrices/${matrixVersionId}`)).body as VersionView;
    expect(own.terms?.texts[0]?.text).toContain('Aurora Pay tells');
  });

  test('a job that runs twice proposes once', async () => {
    const [offering, one] = [await scene.published(), await scene.customer()];
    await scene.propose(offering.id, one);
    const [row] = await t.sql<{ id: Id }>('SELECT id FROM offering_target WHERE integration_id = $1', [
      one.integration,
    ]);
    await t.sql(`UPDATE offering_target SET state = 'queued' WHERE id = $1`, [row!.id]);
    const job = t.app.get(ProposeOfferingJob);
    await Promise.all([job.handle({ targetId: row!.id }), job.handle({ targetId: row!.id })]);
    const versions = await t.sql('SELECT 1 FROM matrix_version WHERE integration_id = $1', [one.integration]);
    expect(versions).toHaveLength(1);
    expect((await scene.target(offering.id, one))!.standing).toBe('waiting');
  });
});
