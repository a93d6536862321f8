import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { makeAtTheHost } from '../../src/cli/token-create.command.ts';
import { AccessService } from '../../src/domain/access/access.service.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { system, type Role } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { HOUR } from '../../src/kernel/time.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { ConsoleSession } from '../support/console-session.ts';
import { LeakScene, REPORTS_KEY, type SceneCredential } from '../support/leak-scene.ts';

/** Whom the steps of a run ask, as the API lists them for whoever asks for what is theirs. */

const PASSWORD = 'correct horse battery staple';
let world: TestApp;
let scene: LeakScene;

beforeAll(async () => {
  world = await startApp();
  scene = await LeakScene.set(world);
  await scene.source({ key: 'reports', kind: 'standard-webhooks', keys: [REPORTS_KEY] });
});
afterAll(() => world?.close());

async function person(name: string, role: Role): Promise<{ email: string; token: string }> {
  const email = `${name.toLowerCase()}@operator.example`;
  const { userId } = expectOk(
    await world.app
      .get(AccessService)
      .createUser({ email, name, roles: [role], password: Secret.of(PASSWORD) }, system('test', 'test')),
  );
  const input = { name, role, userId, expiresAt: world.clock.now() + 1000 * HOUR };
  const made = expectOk(await makeAtTheHost(world.app, input, system('cli', 'test')));
  return { email, token: made.value.use((value) => value) };
}

/** Leaked, with nothing that could revoke it: a person is asked to. */
async function leaked(site: Id): Promise<SceneCredential> {
  const credential = await scene.credential(site, { authority: 'revoke_now' });
  await scene.signed([{ ref: newId(), value: credential.value }]);
  await scene.settled();
  return credential;
}

/** As the action asks it of the contact of the way, by name. */
async function ask(owner: string, versionId: Id): Promise<void> {
  const contact = newId();
  await scene.rows(
    `INSERT INTO contact (id, party_id, name, role, email, created_at, updated_at) VALUES ($1, $2, 'Owner', 'on_call', $3, $4, $4)`,
    [contact, scene.operatorId, owner, world.clock.date()],
  );
  await scene.rows(
    `UPDATE step SET owner_contact_id = $1 WHERE state = 'parked' AND item->'subject'->>'id' = $2`,
    [contact, versionId],
  );
}

test('what asks somebody by name is theirs, and of nobody else; what asks a role is of everybody who holds it', async () => {
  const [tomas, rita, boss] = [
    await person('Tomas', 'responder'),
    await person('Rita', 'responder'),
    await person('Boss', 'admin'),
  ];
  const site = await scene.integration('Asked of somebody', { parties: [scene.customerId] });
  const [named, anybodys] = [(await leaked(site)).versionId, (await leaked(site)).versionId];
  const asked = async (token: string, query: string): Promise<Id[]> => {
    const { body } = await scene.call('GET', `/api/v1/steps?state=parked&limit=200${query}`, { token });
    return body.steps.flatMap(({ item }: { item: { subject: { id: Id } } | null }) =>
      item && [named, anybodys].includes(item.subject.id) ? [item.subject.id] : [],
    );
  };
  await until(async () => (await asked(rita.token, '')).length === 2, 'both wait for somebody');
  await ask(tomas.email, named);

  expect(await asked(tomas.token, '&mine=true')).toEqual(expect.arrayContaining([named, anybodys]));
  // Not even an administrator is asked for what asks another person.
  for (const { token } of [rita, boss]) expect(await asked(token, '&mine=true')).toEqual([anybodys]);
  expect(await asked(await scene.token('responder'), '&mine=true')).toEqual([anybodys]);
  // Everything is there for whoever looks for it.
  expect((await asked(rita.token, '&mine=false')).toSorted()).toEqual([named, anybodys].toSorted());
});

test('on the page of a step, too, only whoever may state it signs', async () => {
  const credential = await leaked(
    await scene.integration('Signed on a page', { parties: [scene.customerId] }),
  );
  const steps = () =>
    scene.rows<{ id: Id }>(`SELECT id FROM step WHERE state = 'parked' AND item->'subject'->>'id' = $1`, [
      credential.versionId,
    ]);
  await until(async () => (await steps()).length === 1, 'somebody is asked to revoke it');
  const page = `/steps/${(await steps())[0]!.id}`;
  const session = (name: string) => ConsoleSession.signIn(world, `${name}@operator.example`, PASSWORD);
  const sign = async (name: string) =>
    (await session(name)).send(page, `${page}/sign`, {
      kind: 'revoked',
      signsFor: name,
      text: 'It is revoked.',
    });
  const signed = () =>
    scene.rows(`SELECT signs_for FROM statement WHERE subject_id = $1`, [credential.versionId]);
  await person('Enno', 'integration_engineer');
  const refused = await sign('enno');
  expect(refused.status).toBe(422);
  // Who would be refused reads why, and has no form.
  for (const { html } of [refused, await (await session('enno')).page(page)]) {
    expect(html).toContain('Without statements:sign you state only of copies that you own.');
    expect(html).not.toContain(`${page}/sign`);
  }
  expect((await (await session('rita')).page(page)).html).toContain(`${page}/sign`);
  expect(await signed()).toEqual([]);
  expect((await sign('rita')).status).toBe(303);
  expect(await signed()).toEqual([{ signs_for: 'rita' }]);
});
