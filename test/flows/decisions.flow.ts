import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AccessService } from '../../src/domain/access/access.service.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { system, type Role } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { HOUR, iso, MINUTE } from '../../src/kernel/time.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { ConsoleSession } from '../support/console-session.ts';
import { LeakScene, REPORTS_KEY, type SceneCredential } from '../support/leak-scene.ts';

/** What people decide about an incident: that it is the credential, when it was, that a risk is carried, that it is over. */

const PASSWORD = 'correct horse battery staple';
let world: TestApp;
let scene: LeakScene;
let rita: ConsoleSession;
let omar: ConsoleSession;
let people: Record<'rita' | 'omar', { userId: Id; personId: Id }>;

beforeAll(async () => {
  world = await startApp();
  scene = await LeakScene.set(world);
  await scene.source({ key: 'reports', kind: 'standard-webhooks', keys: [REPORTS_KEY] });
  people = { rita: await person('Rita', 'responder'), omar: await person('Omar', 'responder') };
  rita = await ConsoleSession.signIn(world, 'rita@operator.example', PASSWORD);
  omar = await ConsoleSession.signIn(world, 'omar@operator.example', PASSWORD);
});
afterAll(() => world?.close());

async function person(name: string, role: Role): Promise<{ userId: Id; personId: Id }> {
  const email = `${name.toLowerCase()}@operator.example`;
  return expectOk(
    await world.app
      .get(AccessService)
      .createUser({ email, name, roles: [role], password: Secret.of(PASSWORD) }, system('test', 'test')),
  );
}

/** What a page says was wrong. */
const errorsIn = (html: string) =>
  [...html.matchAll(/<p class="(?:error|notice live)"[^>]*>([^<]*)/g)].map(([, text]) => text);

let integrations = 0;
/** A report names a credential without its value: a person has to say whether it is the one. */
async function suspected(
  o: { agreed?: boolean } = {},
): Promise<{ credential: SceneCredential; incidentId: Id; reference: string }> {
  const integration = await scene.integration(`Decided ${(integrations += 1)}`, {
    parties: [scene.customerId],
    ...o,
  });
  const credential = await scene.credential(integration, { authority: 'revoke_now' });
  const ref = newId();
  await scene.signed([{ ref, supplierId: credential.supplierId }]);
  await scene.settled();
  const incident = await scene.one<{ id: Id; reference: string }>(
    `SELECT i.id, i.reference FROM incident i JOIN incident_credential x ON x.incident_id = i.id WHERE x.version_id = $1`,
    [credential.versionId],
  );
  return { credential, incidentId: incident.id, reference: incident.reference };
}

const parked = (incidentId: Id, step: string) =>
  scene.rows<{ id: Id }>(
    `SELECT s.id FROM step s JOIN run r ON r.id = s.run_id JOIN run_node n ON n.run_id = s.run_id AND n.node = s.node
      WHERE r.subject_id = $1 AND n.step = $2 AND s.state = 'parked'`,
    [incidentId, step],
  );
async function parkedStep(incidentId: Id, step: string): Promise<Id> {
  await until(async () => (await parked(incidentId, step)).length === 1, `${step} parked`);
  return (await parked(incidentId, step))[0]!.id;
}
const instantsOf = (incidentId: Id, kind: string) =>
  scene.rows<{ case_id: Id | null; asserted_by_kind: string; asserted_by: string; basis: string }>(
    `SELECT case_id, asserted_by_kind, asserted_by, basis FROM instant WHERE incident_id = $1 AND kind = $2 ORDER BY case_id NULLS FIRST`,
    [incidentId, kind],
  );
const noticesOf = (incidentId: Id) =>
  scene.rows<{ trigger: string }>(
    `SELECT n.trigger FROM notice n JOIN incident_case c ON c.id = n.subject_id WHERE c.incident_id = $1`,
    [incidentId],
  );

describe('a match that a person confirms', () => {
  test('is on record as an instant of theirs, and who was promised to hear of certainty is owed a notice', async () => {
    const { incidentId } = await suspected();
    expect(await instantsOf(incidentId, 'confirmed')).toEqual([]);
    expect(await noticesOf(incidentId)).toEqual([]);
    const step = await parkedStep(incidentId, 'decide');
    const answer = await rita.send(`/steps/${step}`, `/steps/${step}/approve`, {
      decision: 'approve',
      note: 'the owner recognised it',
    });
    expect(errorsIn(answer.html)).toEqual([]);
    expect(answer.status).toBe(303);
    await scene.settled();
    const confirmed = await instantsOf(incidentId, 'confirmed');
    expect(confirmed).toEqual([
      {
        case_id: null,
        asserted_by_kind: 'user',
        asserted_by: people.rita.userId,
        basis: expect.stringContaining('the owner recognised it'),
      },
      expect.objectContaining({ case_id: expect.any(String), asserted_by: people.rita.userId }),
    ]);
    expect(await noticesOf(incidentId)).toEqual([{ trigger: 'confirmed' }]);
    expect(
      await scene.rows(
        `SELECT FROM run WHERE subject_id = $1 AND runbook = 'notification' AND input->>'batchId' =
           (SELECT n.batch_id::text FROM notice n JOIN incident_case c ON c.id = n.subject_id WHERE c.incident_id = $1)`,
        [incidentId],
      ),
    ).toHaveLength(1);
  });

  test('that is rejected confirms nothing', async () => {
    const { incidentId } = await suspected();
    const step = await parkedStep(incidentId, 'decide');
    const rejected = await rita.send(`/steps/${step}`, `/steps/${step}/approve`, {
      decision: 'reject',
      note: 'another one',
      back: '/work',
    });
    expect(rejected.status).toBe(303);
    await scene.settled();
    expect(await instantsOf(incidentId, 'confirmed')).toEqual([]);
    expect(await noticesOf(incidentId)).toEqual([]);
  });
});

describe('an instant', () => {
  test('is recorded in the room, in the zone of whoever knows it, and owes what it owes', async () => {
    const { incidentId, reference } = await suspected();
    const room = `/incidents/${reference}`;
    expect((await rita.page(room)).html).toContain(`action="${room}/instants"`);
    const typed = { kind: 'confirmed', at: '2026-11-01T10:00', basis: 'the log of the supplier' };
    const refused = await rita.send(room, `${room}/instants`, { ...typed, zone: 'Mars/X' });
    expect(refused.status).toBe(422);
    expect(refused.html).toContain('No time zone that is known');
    expect(refused.html).toContain('value="the log of the supplier"');
    expect(refused.html).toContain('value="2026-11-01T10:00"');
    expect(await rita.send(room, `${room}/instants`, { ...typed, zone: 'Europe/Berlin' })).toMatchObject({
      status: 303,
      location: room,
    });
    expect(
      await scene.rows(
        `SELECT at, zone, asserted_by FROM instant WHERE incident_id = $1 AND kind = 'confirmed'`,
        [incidentId],
      ),
    ).toEqual(
      Array.from({ length: 2 }, () => ({
        at: new Date('2026-11-01T09:00:00Z'),
        zone: 'Europe/Berlin',
        asserted_by: people.rita.userId,
      })),
    );
    expect(await noticesOf(incidentId)).toEqual([{ trigger: 'confirmed' }]);
  });

  test('is refused when it has not come yet, or names no zone; the field and the mend are said', async () => {
    const { incidentId } = await suspected();
    const state = (more: object) =>
      scene.call('POST', `/api/v1/incidents/${incidentId}/instants`, {
        body: { kind: 'occurred', at: iso(world.clock.now()), zone: 'UTC', basis: 'a log', ...more },
      });
    const problem = (field: string) => ({
      status: 400,
      body: { errors: [{ field, mend: expect.stringMatching(/^Name /) }] },
    });
    expect(await state({ at: '2099-01-01T00:00:00Z' })).toMatchObject(problem('/at'));
    expect(await state({ at: iso(world.clock.now() + 6 * MINUTE) })).toMatchObject(problem('/at'));
    expect(await state({ zone: 'Mars/X' })).toMatchObject(problem('/zone'));
    expect(await instantsOf(incidentId, 'occurred')).toEqual([]);
    expect((await state({ at: iso(world.clock.now() + 4 * MINUTE), zone: 'Europe/Berlin' })).status).toBe(
      201,
    );
  });
});
