import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AccessService } from '../../src/domain/access/access.service.ts';
import type { Id } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { ConsoleSession } from '../support/console-session.ts';
import { GateScene } from '../support/gate-scene.ts';
import { personCalling } from '../support/people.ts';

/** What a credential may do and whom to reach at a party, edited by hand through both faces. */

let world: TestApp;
let scene: GateScene;
let vera: Awaited<ReturnType<typeof personCalling>>;
let session: ConsoleSession;
let credential: { id: Id; reference: string };
const PASSWORD = 'correct horse battery staple';

beforeAll(async () => {
  world = await startApp();
  scene = await GateScene.set(world, (text) => text.replace(/riskTier: \d/, 'riskTier: 1'));
  vera = await personCalling(world, 'Vera', 'vendor_risk');
  expectOk(
    await world.app.get(AccessService).createUser(
      {
        email: 'cora@operator.example',
        name: 'Cora',
        roles: ['admin'],
        partyId: null,
        password: Secret.of(PASSWORD),
      },
      system('test', 'scopes'),
    ),
  );
  session = await ConsoleSession.signIn(world, 'cora@operator.example', PASSWORD);
  [credential] = (await scene.query<{ id: Id; reference: string }>(
    `SELECT id, reference FROM credential WHERE integration_id = $1 ORDER BY reference LIMIT 1`,
    [scene.integrationId],
  )) as [{ id: Id; reference: string }];
});
afterAll(() => world.close());

const url = () => `/api/v1/credentials/${credential.id}`;
const read = async () => (await vera.call('GET', url())).body;
const rules = async () =>
  (
    (await vera.call('POST', `/api/v1/integrations/${scene.integrationId}/gate`)).body.findings as {
      rule: string;
      subject: { name: string };
    }[]
  ).filter(({ rule }) => rule === 'sensitive-scope-consent');
const scope = (name: string, justification = 'Needed') => ({ name, description: '', justification });

describe('scopes', () => {
  test('are set whole, under the version that was read', async () => {
    const { rowVersion } = await read();
    const put = (scopes: object[], ifMatch: number) =>
      vera.call('PUT', `${url()}/scopes`, { body: { scopes }, ifMatch });
    expect((await put([scope('a'), scope('a')], rowVersion)).status).toBe(400);
    expect((await put([scope('a')], rowVersion + 1)).status).toBe(412);
    const done = await put(
      [scope('payments.write', 'The shop takes payments'), scope('org.admin')],
      rowVersion,
    );
    expect(done).toMatchObject({ status: 200, body: { rowVersion: rowVersion + 1 } });
    expect(done.body.scopes).toMatchObject([
      { name: 'org.admin', consent: null },
      { name: 'payments.write', justification: 'The shop takes payments' },
    ]);
    // The same again says nothing new.
    expect(
      (
        await put(
          done.body.scopes.map(({ consent: _c, ...one }: { consent: unknown }) => one),
          rowVersion + 1,
        )
      ).body.rowVersion,
    ).toBe(rowVersion + 1);
  });

  test('a sensitive one needs the consent of a person, which ends with the scope', async () => {
    expect(await rules()).toMatchObject([{ subject: { name: expect.stringContaining('org.admin') } }]);
    const consent = (body: object) => vera.call('POST', `${url()}/scope-consents`, { body });
    expect((await consent({ scope: 'org.admin', statement: ' ' })).status).toBe(400);
    expect((await consent({ scope: 'nothing', statement: 'x' })).status).toBe(404);
    expect((await consent({ scope: 'org.admin', statement: 'It sets up accounts' })).status).toBe(201);
    expect((await consent({ scope: 'org.admin', statement: 'Twice' })).status).toBe(409);
    expect(await rules()).toEqual([]);
    expect((await read()).scopes[0]).toMatchObject({
      name: 'org.admin',
      consent: { by: 'Vera', statement: 'It sets up accounts' },
    });
    const withdraw = () => vera.call('DELETE', `${url()}/scope-consents?scope=org.admin`);
    expect((await withdraw()).status).toBe(204);
    expect((await withdraw()).status).toBe(409);
    expect(await rules()).toHaveLength(1);
    expect((await consent({ scope: 'org.admin', statement: 'Again' })).status).toBe(201);
    for (const scopes of [[scope('payments.write')], [scope('payments.write'), scope('org.admin')]])
      await vera.call('PUT', `${url()}/scopes`, { body: { scopes }, ifMatch: (await read()).rowVersion });
    expect(await rules()).toHaveLength(1);
  });

  test('on the page: rows are kept, changed, added and taken off, and consent is given there', async () => {
    const path = `/credentials/${credential.reference}/scopes`;
    const { rowVersion } = await read();
    const bad = await session.send(path, path, {
      rowVersion: String(rowVersion),
      'name-0': '',
      'justification-0': 'of nothing',
    });
    expect(bad.status).toBe(422);
    expect(bad.html).toContain('of nothing');
    const sent = await session.send(path, path, {
      rowVersion: String(rowVersion),
      'name-0': 'payments.write',
      'description-0': 'Takes payments',
      'justification-0': 'The shop',
      'name-1': '',
      'name-2': 'users.delete',
      'justification-2': 'Erasure on request',
    });
    expect(sent.status).toBe(303);
    expect((await read()).scopes).toMatchObject([
      { name: 'payments.write', description: 'Takes payments' },
      { name: 'users.delete', justification: 'Erasure on request' },
    ]);
    expect((await session.page(path)).html).toContain('sensitive');
    const given = await session.send(path, `${path}/consent`, {
      scope: 'users.delete',
      statement: 'Erasure is ours to answer for',
    });
    expect(given.status).toBe(303);
    expect((await session.page(path)).html).toContain('Erasure is ours to answer for');
  });
});

describe('contacts of a party, on its page', () => {
  test('a second one is added, edited under its version, and taken out of service', async () => {
    const partyId = await scene.partyOf('paylane');
    const [party] = await scene.query<{ reference: string }>(`SELECT reference FROM party WHERE id = $1`, [
      partyId,
    ]);
    const path = `/parties/${party!.reference}`;
    const bad = await session.send(path, `${path}/contacts`, { name: 'Nadia', role: 'on_call' });
    expect(bad.status).toBe(422);
    expect(bad.html).toContain('It must be given, or a phone number');
    expect(bad.html).toContain('value="Nadia"');
    const fields = { name: 'Nadia Berg', role: 'on_call', phone: '+46 8 555 0100', ordinal: '2' };
    expect((await session.send(path, `${path}/contacts`, fields)).status).toBe(303);
    const contact = async () =>
      (
        await scene.query<{ id: Id; row_version: number; role: string; active: boolean }>(
          `SELECT id, row_version, role, active FROM contact WHERE party_id = $1 AND name = 'Nadia Berg'`,
          [partyId],
        )
      )[0]!;
    const { id, row_version } = await contact();
    const edit = (more: Record<string, string>) =>
      session.send(path, `${path}/contacts/${id}`, { ...fields, active: '1', ...more });
    expect((await edit({ rowVersion: String(row_version + 1) })).status).toBe(412);
    expect((await edit({ rowVersion: String(row_version), role: 'security' })).status).toBe(303);
    expect((await contact()).role).toBe('security');
    expect((await edit({ rowVersion: String(row_version + 1), active: '' })).status).toBe(303);
    expect((await contact()).active).toBe(false);
    expect((await session.page(path)).html).toContain('no longer there');
  });

  test('the record that shows its domain is named there', async () => {
    const partyId = await scene.partyOf('paylane');
    const [party] = await scene.query<{ reference: string }>(`SELECT reference FROM party WHERE id = $1`, [
      partyId,
    ]);
    const path = `/parties/${party!.reference}`;
    expect((await session.send(path, `${path}/domain`, { domain: 'vault.internal' })).status).toBe(422);
    expect((await session.send(path, `${path}/domain`, { domain: 'Paylane.example.' })).status).toBe(303);
    expect((await session.page(path)).html).toContain('_countersign.paylane.example');
  });
});
