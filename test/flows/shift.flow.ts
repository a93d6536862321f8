import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { CredentialsService } from '../../src/domain/credentials/credentials.service.ts';
import { ShiftRowJob } from '../../src/domain/responsibility/shift-row.job.ts';
import { GateService } from '../../src/domain/policy/gate.service.ts';
import { ReEvaluationSweep } from '../../src/domain/policy/re-evaluate.job.ts';
import { CountersigningService } from '../../src/domain/responsibility/countersigning.service.ts';
import type { VersionView } from '../../src/domain/responsibility/matrix.schema.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { Transactions } from '../../src/platform/database/transactions.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { MailServer } from '../support/mail-server.ts';
import { matrixScene, person, type MatrixScene } from '../support/matrix-scene.ts';
import { signHere } from '../support/matrix-signing.ts';
import { caller } from '../support/portfolio.ts';

const by = system('test', 'shift-flow');

let t: TestApp;
let mail: MailServer;
let call: ReturnType<typeof caller>;
let scenes = 0;

beforeAll(async () => {
  mail = await MailServer.start();
  t = await startApp({ config: { smtpUrl: `smtp://${mail.host}`, outboundAllow: [mail.host] } });
  call = caller(t, await t.token('admin'));
}, 60_000);
afterAll(async () => {
  await t.close();
  await mail.close();
});

const version = async (id: Id) => (await call('GET', `/api/v1/matrices/${id}`)).body as VersionView;
const newest = async (ids: MatrixScene) =>
  (
    await t.sql<{ id: Id; number: number; state: string }>(
      'SELECT id, number, state FROM matrix_version WHERE integration_id = $1 ORDER BY number DESC LIMIT 1',
      [ids.integration],
    )
  )[0]!;

/** Signed by both sides: the supplier's own person holds an account here. */
async function countersigned(): Promise<{ ids: MatrixScene; versionId: Id }> {
  const ids = await matrixScene(t, ++scenes);
  const url = `/api/v1/integrations/${ids.integration}/matrix`;
  await call('POST', `${url}/inherit`, { body: { template: 'supplier-issues' }, ifMatch: 0 });
  // The supplier keeps the credentials, so that a copy of the customer is news.
  const cells = ['storage', 'distribution'].map((duty) => ({
    duty,
    accountable: ids.northwind,
    performing: [ids.northwind],
    contactId: ids.piet,
  }));
  await call('PATCH', url, { body: { cells }, ifMatch: 1 });
  const { versionId } = (await call('POST', `${url}/propose`, { body: {}, ifMatch: 2 })).body;
  const signing = await version(versionId);
  for (const who of [
    await person(t, 'Olga', 'contract_owner'),
    await person(t, 'Piet', 'party_contact', ids.northwind),
  ])
    await signHere(t, versionId, signing, who);
  expect((await version(versionId)).state).toBe('countersigned');
  return { ids, versionId };
}

const add = (ids: MatrixScene, partyId: Id, more: object = {}) =>
  call('POST', `/api/v1/credentials/${ids.credential}/locations`, {
    body: {
      type: 'ci_variable',
      name: `deploy ${newId().slice(-6)}`,
      arrivedBy: 'injected',
      partyId,
      ...more,
    },
  });

test('signed, live with a pass; the customer adds a copy in CI: the row moves to it, the pass is lost, both sign anew and see why', async () => {
  const { ids, versionId } = await countersigned();
  await t.sql(`UPDATE integration SET state = 'live', pass = 'held' WHERE id = $1`, [ids.integration]);
  const gate = async () => {
    const looked = await t.app
      .get(Transactions)
      .run(by, (db) => t.app.get(GateService).look(db, ids.integration));
    return looked!.evaluation.findings.map(({ rule }) => rule);
  };
  expect(await gate()).not.toContain('matrix-not-countersigned');
  const before = mail.received.length;
  expect((await add(ids, ids.aurora)).status).toBe(201);
  await until(async () => (await newest(ids)).number === 2, 'a new version');

  const { id } = await newest(ids);
  const now = await version(id);
  expect(now.state).toBe('proposed');
  expect(now.rows.find(({ duty, part }) => duty === 'storage' && part !== '')).toMatchObject({
    part: 'ci variable at Aurora Pay',
    accountable: { id: ids.aurora },
    performing: [{ id: ids.aurora }],
  });
  // What was there stays as it was.
  expect(now.rows.find(({ duty, part }) => duty === 'storage' && part === '')).toMatchObject({
    accountable: { id: ids.northwind },
  });
  const old = await version(versionId);
  expect(old).toMatchObject({ state: 'superseded' });
  expect(old.fellBecause.map(({ what }) => what)).toContain('part_added');
  expect(old.signatures.every(({ counts }) => !counts)).toBe(true);
  expect(await gate()).toContain('matrix-not-countersigned');
  await t.app.get(ReEvaluationSweep).sweep(by);
  expect(await t.sql('SELECT pass FROM integration WHERE id = $1', [ids.integration])).toEqual([
    { pass: 'lost' },
  ]);

  const nora = `nora${scenes}@example.test`;
  for (const to of [nora, 'ann1@example.test'])
    for (const subject of [/^Changed after signing/, /^Please sign/]) {
      const found = () =>
        mail.received.slice(before).find((one) => one.to.includes(to) && subject.test(one.subject));
      await until(() => found() !== undefined, `${to} is told: ${subject}`);
    }
  const diff = (await call('GET', `/api/v1/matrices/${id}/changes/${versionId}`)).body;
  expect(diff.changes).toContainEqual(
    expect.objectContaining({ what: 'part_added', duty: 'storage', part: 'ci variable at Aurora Pay' }),
  );
  const entries = await t.sql<{ kind: string }>(
    `SELECT kind FROM ledger_entry WHERE subject_id = ANY($1::uuid[]) AND kind IN ('matrix.row_shifted', 'matrix.signatures_fell') ORDER BY kind`,
    [[id, versionId]],
  );
  expect(entries.map(({ kind }) => kind)).toEqual(['matrix.row_shifted', 'matrix.signatures_fell']);

  // The same once more, and a further copy of the same kind: it lies where it belongs.
  const [location] = await t.sql<{ id: Id }>('SELECT id FROM location WHERE integration_id = $1', [
    ids.integration,
  ]);
  const payload = {
    locationId: location!.id,
    credentialId: ids.credential,
    integrationId: ids.integration,
    partyId: ids.aurora,
    kind: 'ci_variable',
    arrivedBy: 'injected',
  };
  const job = t.app.get(ShiftRowJob);
  await job.handle(payload, { by, attempt: 1, signal: AbortSignal.timeout(5000) });
  await job.handle(payload, { by, attempt: 1, signal: AbortSignal.timeout(5000) });
  expect((await newest(ids)).number).toBe(2);
});

test('whoever recorded the copy cannot sign the row for the other side', async () => {
  const { ids } = await countersigned();
  const olga = await person(t, 'Olga', 'contract_owner');
  expectOk(
    await t.app.get(Transactions).run(olga, (db) =>
      t.app.get(CredentialsService).addLocation(
        db,
        ids.credential,
        {
          type: 'ci_variable',
          name: 'deploy of theirs',
          arrivedBy: 'injected',
          partyId: ids.fjord,
          provable: 'owner_statement',
        },
        olga,
      ),
    ),
  );
  await until(async () => (await newest(ids)).number === 2, 'a new version');
  const view = await version((await newest(ids)).id);
  expect(view.rows.find(({ part }) => part.startsWith('ci variable'))).toMatchObject({
    accountable: { id: ids.northwind },
    performing: [{ id: ids.fjord }],
  });
  const signed = await t.app
    .get(CountersigningService)
    .attest(
      view.id,
      { signsFor: 'Olga', contentHash: view.contentHash, textHash: view.texts[0]!.textHash, language: 'en' },
      olga,
    );
  expect(signed).toMatchObject({ ok: false, error: { code: 'author-signs' } });
});

test('where somebody works on a draft, the row goes into it, and the signatures fall', async () => {
  const { ids, versionId } = await countersigned();
  const url = `/api/v1/integrations/${ids.integration}/matrix`;
  const cells = [
    {
      duty: 'recovery',
      accountable: ids.aurora,
      performing: [ids.aurora, ids.northwind],
      contactId: ids.ann,
      note: 'Noted.',
      windowMinutes: 2880,
    },
  ];
  const edited = await call('PATCH', url, { body: { cells }, ifMatch: 0 });
  expect(edited.body.fell).toEqual([]);
  await add(ids, ids.aurora);
  await until(async () => (await version(versionId)).state === 'superseded', 'the signatures fell');
  const { body } = await call('GET', url);
  expect(body).toMatchObject({ drafted: true, rowVersion: 2 });
  expect(body.rows.map(({ part }: { part: string }) => part)).toContain('ci variable at Aurora Pay');
  expect((await newest(ids)).number).toBe(1);
});

test('a further copy of whoever keeps them already changes nothing that was signed', async () => {
  const { ids, versionId } = await countersigned();
  await add(ids, ids.northwind);
  await until(async () => (await newest(ids)).number === 2, 'the supplier is declared as a storing party');
  expect((await version((await newest(ids)).id)).rows.map(({ part }) => part)).not.toContain(
    expect.stringContaining('ci variable'),
  );
  expect((await version(versionId)).fellBecause.map(({ what }) => what)).toEqual(['storing_party']);
  await add(ids, ids.northwind, { type: 'vault', arrivedBy: 'stored' });
  await until(async () => {
    const rows = await t.sql<{ n: number }>(
      `SELECT count(*)::int AS n FROM outbox WHERE job = 'responsibility.shift-row' AND done_at IS NULL`,
    );
    return rows[0]!.n === 0;
  }, 'nothing is owed');
  expect((await newest(ids)).number).toBe(2);
});
