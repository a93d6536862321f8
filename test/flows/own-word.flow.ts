import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { makeAtTheHost } from '../../src/cli/token-create.command.ts';
import { AccessService } from '../../src/domain/access/access.service.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { system, type Role } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { HOUR } from '../../src/kernel/time.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { LeakScene, type SceneCredential } from '../support/leak-scene.ts';

/** Whoever owns a copy gives their word about it; nobody becomes an owner by their own hand alone. */

let world: TestApp;
let scene: LeakScene;
let credential: SceneCredential;
/** An engineer, who may change the portfolio, by two tokens; and somebody else who may. */
let ina: { email: string; token: string; userId: Id };
let vera: { token: string };

beforeAll(async () => {
  world = await startApp({ settings: { duties: { serves: true, works: false } } });
  scene = await LeakScene.set(world);
  credential = await scene.credential(await scene.integration('Owned', { parties: [scene.customerId] }));
  ina = await person('Ina', 'integration_engineer');
  vera = await person('Vera', 'vendor_risk');
});
afterAll(() => world?.close());

async function person(name: string, role: Role): Promise<{ email: string; token: string; userId: Id }> {
  const email = `${name.toLowerCase()}@operator.example`;
  const { userId } = expectOk(
    await world.app.get(AccessService).createUser({ email, name, roles: [role] }, system('test', 'test')),
  );
  return { email, userId, token: await tokenOf(userId, role) };
}

async function tokenOf(userId: Id, role: Role): Promise<string> {
  const input = { name: 'theirs', role, userId, expiresAt: world.clock.now() + 1000 * HOUR };
  return expectOk(await makeAtTheHost(world.app, input, system('cli', 'test'))).value.use((value) => value);
}

const contact = async (token: string, email: string, role: string): Promise<Id> => {
  const body = { name: `Contact ${newId()}`, role, email };
  const made = await scene.call('POST', `/api/v1/parties/${scene.operatorId}/contacts`, { token, body });
  expect(made.status).toBe(201);
  return made.body.id;
};
const copy = async (token: string, ownerContactId: Id): Promise<Id> => {
  const made = await scene.call('POST', `/api/v1/credentials/${credential.credentialId}/locations`, {
    token,
    body: {
      type: 'ci_variable',
      name: `Variable ${newId()}`,
      arrivedBy: 'stored',
      partyId: scene.operatorId,
      ownerContactId,
      provable: 'owner_statement',
    },
  });
  expect(made).toMatchObject({ status: 201 });
  return made.body.id;
};
const sign = (token: string, locationId: Id) =>
  scene.call('POST', '/api/v1/statements', {
    token,
    body: {
      kind: 'copy_gone',
      subjectKind: 'location',
      subjectId: locationId,
      versionId: credential.versionId,
      signsFor: 'Ina, integrations',
      text: 'The variable is deleted.',
    },
  });
const alone = {
  status: 403,
  body: {
    code: 'owner-named-themselves',
    errors: [{ field: '/subjectId', mend: expect.stringContaining('statements:sign') }],
  },
};

test('who named themselves the owner does not sign as that owner; whom another person named does', async () => {
  const hers = await contact(vera.token, ina.email, 'on_call');
  const [byHerself, byVera] = [await copy(ina.token, hers), await copy(vera.token, hers)];
  expect(await sign(ina.token, byHerself)).toMatchObject(alone);
  // By whatever token she comes.
  expect(await sign(await tokenOf(ina.userId, 'integration_engineer'), byHerself)).toMatchObject(alone);
  expect(await sign(ina.token, byVera)).toMatchObject({ status: 201 });
  // Whoever may state anything goes on stating.
  expect(await sign(vera.token, byHerself)).toMatchObject({ status: 201 });
});

test('nor does who gave the owner their own address, or put such a contact in use again', async () => {
  const another = await contact(vera.token, 'other@operator.example', 'security');
  const theirs = await copy(vera.token, another);
  const edit = async (token: string, body: object) => {
    const path = `/api/v1/contacts/${another}`;
    const { headers } = await scene.call('GET', path, { token });
    return scene.call('PATCH', path, { token, body, headers: { 'if-match': String(headers['etag']) } });
  };
  expect(await sign(ina.token, theirs)).toMatchObject({ body: { code: 'not-your-copy' } });
  expect(await edit(ina.token, { email: ina.email })).toMatchObject({ status: 200 });
  expect(await sign(ina.token, theirs)).toMatchObject(alone);
  // A second person confirms that it is hers.
  for (const active of [false, true])
    expect(await edit(vera.token, { active })).toMatchObject({ status: 200 });
  expect(await sign(ina.token, theirs)).toMatchObject({ status: 201 });
});
