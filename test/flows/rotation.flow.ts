import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { LooseEndsSweep } from '../../src/domain/rotation/loose-ends.sweep.ts';
import { waitsForAnother } from '../../src/domain/rotation/new-version.queries.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import type { Principal } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { HOUR, MINUTE } from '../../src/kernel/time.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { IssuingSupplier } from '../support/issuing-supplier.ts';
import { BY } from '../support/revocation-scene.ts';
import { RotationScene, type Slot } from '../support/rotation-scene.ts';

/** A new version beside the old one, put where it is needed, seen to work; then, and only then, the old one ends. */

let supplier: IssuingSupplier;
let world: TestApp;
let scene: RotationScene;
let partyId: Id;

beforeAll(async () => {
  supplier = await new IssuingSupplier().start();
  world = await startApp({ config: { outboundAllow: [supplier.hostPort], queue: 'off' } });
  scene = new RotationScene(world, supplier);
  await scene.preset('issuing', 'adds');
  await scene.preset('issuing-blind', 'adds', { list: false });
  await scene.preset('rolling', 'replaces');
  await scene.preset('by-hand', 'no');
  partyId = await scene.party();
});
afterAll(async () => {
  await world?.close();
  await supplier.stop();
});
beforeEach(() => {
  supplier.asked.length = 0;
  supplier.troubles.length = 0;
  supplier.onArrive = () => {};
  supplier.onDone = () => {};
});

const keyOf = (supplierId: string | null | undefined) => supplier.keys.find(({ id }) => id === supplierId);
/** Somebody with an account. */
const person = (): Principal => ({
  kind: 'user',
  id: newId(),
  personId: newId(),
  roles: ['integration_engineer'],
  partyId: null,
  correlationId: 'correlation-1',
});
const because = (reason = 'a test') => ({ reason, by: BY });
const phases = (of: Slot) =>
  scene.query<{ number: number; phase: string }>(
    `SELECT number, phase FROM credential_version WHERE credential_id = $1 ORDER BY number`,
    [of.credentialId],
  );

describe('a supplier that makes a new version beside the old one', () => {
  test('goes all the way: made, placed, seen to work, both side by side, the old one revoked and shown dead', async () => {
    const slot = await scene.slot(partyId, 'issuing');
    const [ci, vault] = [
      await scene.location(slot, 'owner_statement'),
      await scene.location(slot, 'store_api', 'Vault'),
    ];
    const id = await scene.start(slot, { overlapMinutes: 90 });
    const propagating = await scene.once(id, ({ state }) => state === 'propagating');
    expect(propagating).toMatchObject({
      behind: 2,
      oldStanding: 'in use',
      new: { phase: 'pending', liveness: 'live' },
    });
    const parked = async () =>
      (await scene.waitsFor(propagating.runId)).filter(({ state }) => state === 'parked');
    await until(async () => (await parked()).length === 2, 'both owners to be asked');
    const waits = await parked();
    expect(waits[0]!.forWhat).toContain(`Put version 2 of Key ${slot.old.label}`);
    const place = (location: Id, state: 'holds_new' | 'left', note = '') =>
      scene.words.answerPlace(id, location, { state, note }, BY);
    expect(await place(vault, 'left')).toMatchObject({ ok: false, error: { code: 'reason-needed' } });
    expectOk(await place(ci, 'holds_new'));
    expect((await scene.view(id)).behind).toBe(1);
    expectOk(await place(vault, 'left', 'it is taken down next week'));
    const overlap = await scene.once(id, ({ state }) => state === 'overlap');
    expect(await phases(slot)).toEqual([
      { number: 1, phase: 'overlap' },
      { number: 2, phase: 'active' },
    ]);
    expect(overlap.oldStanding).toBe('overlap');
    expect(Date.parse(overlap.overlapUntil!) - world.clock.now()).toBeGreaterThan(80 * MINUTE);
    // Nothing is revoked while the overlap lasts.
    world.clock.advance(80 * MINUTE);
    await scene.once(id, () => true);
    expect(slot.old.live).toBe(true);
    const done = await scene.once(id, ({ state }) => state === 'done', 30_000);
    expect(done).toMatchObject({
      oldStanding: 'dead',
      oldEnd: 'proven_dead',
      old: { phase: 'retired', liveness: 'dead' },
    });
    const fresh = keyOf(done.new!.supplierId)!;
    expect(fresh.live).toBe(true);
    expect(slot.old.live).toBe(false);
    expect(slot.old.revokedAt!).toBeGreaterThan(fresh.issuedAt);
    expect(supplier.count('issue')).toBe(1);
    expect(done.issues).toEqual([expect.objectContaining({ state: 'issued', label: fresh.label })]);
    expect(await scene.query(`SELECT version_id FROM location WHERE id = $1`, [ci])).toEqual([
      { version_id: done.new!.id },
    ]);
    // The value is in the vault, sealed, and nowhere else.
    expect(await scene.everythingStored()).not.toContain(fresh.value);
    expect(world.log.text).not.toContain(fresh.value);
    const entries = (await scene.ledger(id)).filter((kind) => kind.startsWith('rotation.'));
    expect(entries).toEqual([
      'rotation.started',
      'rotation.create',
      'rotation.version-asked-for',
      'rotation.store',
      'rotation.propagate',
      'rotation.validate',
      'rotation.accept',
      'rotation.revoke',
      'rotation.prove',
      'rotation.conclude',
    ]);
  });

  test('an answer that came while it was being asked is found; a use that was seen answers for a place', async () => {
    const slot = await scene.slot(partyId, 'issuing');
    const [ci, shop] = [
      await scene.location(slot, 'owner_statement'),
      await scene.location(slot, 'scan', 'Shop'),
    ];
    const id = await scene.start(slot, { emergency: true });
    const view = await scene.once(id, ({ state }) => state === 'propagating');
    await until(
      async () => (await scene.waitsFor(view.runId)).filter(({ state }) => state === 'parked').length === 2,
      'both to be asked',
    );
    const sweep = world.app.get(LooseEndsSweep);
    // On record, and nobody has told the step.
    await scene.query(
      `INSERT INTO rotation_place (rotation_id, location_id, integration_id, state, how, by, at) VALUES ($1, $2, $3, 'left', 'statement', 'somebody', $4)`,
      [id, ci, slot.integrationId, world.clock.date()],
    );
    await sweep.sweep(BY);
    await until(async () => (await scene.waitsFor(view.runId)).length === 1, 'the first to go on');
    await scene.query(
      `INSERT INTO usage_event (id, version_id, credential_id, integration_id, location_id, at, outcome, reported_by) VALUES ($1, $2, $3, $4, $5, $6, 'accepted', 'test')`,
      [newId(), view.new!.id, slot.credentialId, slot.integrationId, shop, world.clock.date()],
    );
    await sweep.sweep(BY);
    const done = await scene.once(id, ({ state }) => state === 'done');
    expect(done.places.find(({ locationId }) => locationId === shop)).toMatchObject({
      holds: 'new',
      how: 'seen',
    });
  });

  test('one at a time for each credential, and none without a version in use', async () => {
    const slot = await scene.slot(partyId, 'issuing');
    await scene.location(slot, 'owner_statement');
    const id = await scene.start(slot);
    const again = await scene.rotations.start(slot.credentialId, { emergency: false, reason: 'again' }, BY);
    expect(again).toMatchObject({ ok: false, error: { code: 'rotation-under-way' } });
    expectOk(await scene.rotations.stop(id, because()));
    await scene.query(`UPDATE credential_version SET phase = 'retired' WHERE credential_id = $1`, [
      slot.credentialId,
    ]);
    expect(
      await scene.rotations.start(slot.credentialId, { emergency: false, reason: 'x' }, BY),
    ).toMatchObject({ ok: false, error: { code: 'no-active-version' } });
  });

  test('an emergency has no overlap, and an overlap can be cut', async () => {
    const slot = await scene.slot(partyId, 'issuing');
    const start = world.clock.now();
    const done = await scene.once(
      await scene.start(slot, { emergency: true }),
      ({ state }) => state === 'done',
    );
    expect(world.clock.now() - start).toBeLessThan(HOUR);
    expect(done.emergency).toBe(true);
    const other = await scene.slot(partyId, 'issuing');
    const id = await scene.start(other, { overlapMinutes: 600 });
    expect(await scene.rotations.cutEarly(id, because())).toMatchObject({
      ok: false,
      error: { code: 'no-overlap' },
    });
    await scene.once(id, ({ state }) => state === 'overlap');
    expectOk(await scene.rotations.cutEarly(id, because('everybody has it')));
    await scene.once(id, ({ state }) => state === 'done');
    expect(world.clock.now() - start).toBeLessThan(3 * HOUR);
  });

  test('a new version that does not work never takes the place of the old one', async () => {
    const slot = await scene.slot(partyId, 'issuing');
    supplier.onDone = (kind, key) => {
      if (kind === 'issue' && key) supplier.revoke(key);
    };
    const id = await scene.start(slot);
    const view = await scene.once(id, ({ issues }) => issues.some(({ state }) => state === 'issued'));
    await scene.once(id, () => supplier.count('probe') >= 12, 10_000);
    const [step] = await scene.waitsFor(view.runId);
    expect(step).toMatchObject({ step: 'look', reason: expect.stringContaining('The old one stays') });
    expect(slot.old.live).toBe(true);
    expect(await phases(slot)).toEqual([
      { number: 1, phase: 'active' },
      { number: 2, phase: 'pending' },
    ]);
    // It is said where people look, and once.
    const refused = { label: 'version 2', state: 'refused', why: expect.stringContaining('401') };
    expect((await scene.view(id)).issues).toEqual([
      expect.objectContaining({ state: 'issued' }),
      expect.objectContaining({ ...refused, settledAt: expect.any(String) }),
    ]);
    const alerts = () =>
      scene.query(
        `SELECT severity, message, handled_at IS NOT NULL AS over FROM alert WHERE dedupe_key = $1`,
        [`rotation-refused:${id}`],
      );
    const message = expect.stringMatching(/^Version 2 of .* is refused \(.*\)\. Version 1 stays\./);
    expect(await alerts()).toEqual([{ severity: 'warning', message, over: false }]);
    expectOk(await scene.rotations.rollBack(id, because('it does not work')));
    const back = await scene.once(id, ({ state }) => state === 'rolled_back');
    expect(back.oldStanding).toBe('in use');
    expect(back.issues.map(({ state }) => state)).not.toContain('refused');
    expect(await alerts()).toEqual([{ severity: 'warning', message, over: true }]);
    expect(await phases(slot)).toEqual([
      { number: 1, phase: 'active' },
      { number: 2, phase: 'retired' },
    ]);
  });

  test('rolls back from the overlap: places change back, the new version ends, the old one is what it was', async () => {
    const slot = await scene.slot(partyId, 'issuing');
    const place = await scene.location(slot, 'owner_statement');
    const id = await scene.start(slot, { overlapMinutes: 600 });
    await scene.once(id, ({ state }) => state === 'propagating');
    // Before the new version is in use, places converge towards it.
    const { rows, target } = await scene.convergence(slot.credentialId);
    expect([target, rows]).toEqual([2, [{ version: null, standing: 'unknown' }]]);
    expectOk(await scene.words.answerPlace(id, place, { state: 'holds_new', note: '' }, BY));
    expect(await scene.convergence(slot.credentialId)).toEqual({
      target: 2,
      converged: true,
      rows: [{ version: 2, standing: 'stated' }],
    });
    const overlap = await scene.once(id, ({ state }) => state === 'overlap');
    expectOk(await scene.rotations.rollBack(id, because('a consumer fails')));
    const rolling = await scene.once(id, ({ rollBackRunId }) => rollBackRunId !== null);
    await scene.once(id, () => supplier.count('revoke') === 0);
    // What uses the new version is asked first.
    expect(await scene.query(`SELECT version_id FROM location WHERE id = $1`, [place])).toEqual([
      { version_id: overlap.new!.id },
    ]);
    expect(await phases(slot)).toEqual([
      { number: 1, phase: 'active' },
      { number: 2, phase: 'overlap' },
    ]);
    expect(rolling.state).toBe('rolling_back');
    // On the way back it is the old one again that they are to hold.
    expect(await scene.convergence(slot.credentialId)).toMatchObject({ target: 1, converged: false });
    await scene.once(id, () => true);
    expectOk(await scene.words.answerPlace(id, place, { state: 'taken_back', note: '' }, BY));
    const back = await scene.once(id, ({ state }) => state === 'rolled_back');
    expect(back.new).toMatchObject({ phase: 'retired', liveness: 'dead' });
    expect(slot.old.live).toBe(true);
    expect(keyOf(back.new!.supplierId)!.live).toBe(false);
  });

  test('once the old version is being revoked there is no way back', async () => {
    const slot = await scene.slot(partyId, 'issuing');
    const id = await scene.start(slot, { emergency: true });
    await scene.once(id, ({ state }) => state === 'done');
    expect(await scene.rotations.rollBack(id, because())).toMatchObject({
      ok: false,
      error: { code: 'rotation-ended' },
    });
  });
});

describe('an answer that is lost', () => {
  test('what was made and lost is found by its label, revoked, and another one is made: never two that live', async () => {
    const slot = await scene.slot(partyId, 'issuing');
    supplier.goesWrong('issue', 'lost');
    const id = await scene.start(slot, { emergency: true });
    const done = await scene.once(id, ({ state }) => state === 'done');
    expect(done.issues.map(({ state }) => state)).toEqual(['gone', 'issued']);
    expect(supplier.count('issue')).toBe(2);
    const own = supplier.keys.filter(({ label }) => label.includes(done.reference.toLowerCase()));
    expect(own.map(({ live }) => live)).toEqual([false, true]);
  });

  test('what was not made is asked for once more', async () => {
    const slot = await scene.slot(partyId, 'issuing');
    supplier.goesWrong('issue', 'refused');
    const done = await scene.once(
      await scene.start(slot, { emergency: true }),
      ({ state }) => state === 'done',
    );
    expect(done.issues.map(({ state }) => state)).toEqual(['nothing', 'issued']);
  });

  test('where the list cannot tell, a person is asked, and nothing is asked for twice', async () => {
    const slot = await scene.slot(partyId, 'issuing-blind');
    supplier.goesWrong('issue', 'lost');
    const id = await scene.start(slot, { emergency: true });
    const lost = await scene.once(id, ({ issues }) => issues.some(({ state }) => state === 'unknown'));
    expect(supplier.count('issue')).toBe(1);
    await until(
      async () => (await scene.waitsFor(lost.runId))[0]?.state === 'parked',
      'somebody to be asked',
    );
    const [step] = await scene.waitsFor(lost.runId);
    expect(step).toMatchObject({ state: 'parked', forWhat: expect.stringContaining(lost.issues[0]!.label) });
    const made = keyOf(supplier.keys.find(({ label }) => label === lost.issues[0]!.label)?.id)!;
    const say = (more: object) => scene.words.settleLost(id, { made: true, note: 'I looked', ...more }, BY);
    expect(await say({})).toMatchObject({ ok: false, error: { code: 'id-needed' } });
    expectOk(await say({ supplierId: made.id }));
    // Its value is lost: a person signs that it is revoked, as no machine can look.
    await scene.once(id, () => !made.live);
    expect(slot.old.live).toBe(true);
  });
});

describe('a supplier that replaces', () => {
  test('says so before, makes it, and proves the old one dead: there is no overlap', async () => {
    const slot = await scene.slot(partyId, 'rolling');
    const id = await scene.start(slot);
    const view = await scene.view(id);
    expect(view).toMatchObject({ recipe: 'rotation-replacing', oldFate: 'dies' });
    const done = await scene.once(id, ({ state }) => state === 'done');
    expect(done.overlapUntil).toBeNull();
    expect(slot.old.live).toBe(false);
    expect(keyOf(done.new!.supplierId)!.live).toBe(true);
    expect(supplier.count('revoke')).toBe(0);
  });

  test('a lost answer that changed nothing is asked for again, as the old one shows', async () => {
    const slot = await scene.slot(partyId, 'rolling');
    supplier.goesWrong('replace', 'refused');
    const done = await scene.once(await scene.start(slot), ({ state }) => state === 'done');
    expect(done.issues.map(({ state }) => state)).toEqual(['nothing', 'issued']);
  });

  test('a lost answer that replaced it waits for a person, with what to do, and somebody is alerted', async () => {
    const slot = await scene.slot(partyId, 'rolling');
    supplier.goesWrong('replace', 'lost');
    const id = await scene.start(slot);
    await scene.once(id, ({ issues }) => issues.some(({ state }) => state === 'unknown'), 500, 90_000);
    expect(await scene.rotations.rollBack(id, because())).toMatchObject({
      ok: false,
      error: { code: 'no-way-back' },
    });
    expect(
      await scene.query(`SELECT severity FROM alert WHERE dedupe_key = $1`, [`perhaps-both-dead:${id}`]),
    ).toEqual([{ severity: 'critical' }]);
    // The person makes one by hand and enters it.
    const made = supplier.issue('made by hand');
    expectOk(await scene.words.enterVersion(id, { supplierId: made.id, value: made.value }, BY));
    const done = await scene.once(id, ({ state }) => state === 'done');
    expect(done.new!.supplierId).toBe(made.id);
    expect(done.issues.map(({ state }) => state)).toEqual(['superseded']);
  });
});

describe('a recipe that needs a machine', () => {
  test('is refused, with what to do instead, where no connection can make such a version', async () => {
    for (const [kind, recipe, mend] of [
      ['by-hand', 'rotation', /the recipe rotation-manual, or leave it out; or set a connection/],
      ['rolling', 'rotation', /the recipe rotation-replacing, or leave it out\.$/],
    ] as const) {
      const slot = await scene.slot(partyId, kind);
      const begun = () =>
        scene.rotations.start(slot.credentialId, { emergency: false, reason: 'a test', recipe }, BY);
      expect(await begun()).toMatchObject({
        ok: false,
        error: {
          kind: 'conflict',
          code: 'cannot-be-made',
          fields: [{ field: '/recipe', problem: expect.any(String), mend: expect.stringMatching(mend) }],
        },
      });
      expect(
        await scene.query(`SELECT FROM rotation WHERE credential_id = $1`, [slot.credentialId]),
      ).toHaveLength(0);
    }
  });
});

describe('by hand', () => {
  test('a person makes the version and enters it; the same evidence, and reminders', async () => {
    const slot = await scene.slot(partyId, 'by-hand');
    const id = await scene.start(slot, { overlapMinutes: 30 });
    const open = await scene.view(id);
    expect(open).toMatchObject({ recipe: 'rotation-manual', madeBy: 'person' });
    await scene.once(id, ({ state }) => state === 'creating');
    await until(
      async () => (await scene.waitsFor(open.runId))[0]?.state === 'parked',
      'a person to be asked',
    );
    const [step] = await scene.waitsFor(open.runId);
    expect(step).toMatchObject({
      step: 'create',
      state: 'parked',
      forWhat: expect.stringContaining('without ending the old one'),
    });
    expect(
      await scene.query(`SELECT kind FROM deadline WHERE run_id = $1 AND met_at IS NULL`, [open.runId]),
    ).not.toEqual([]);
    const same = await scene.words.enterVersion(
      id,
      { supplierId: slot.old.id, value: 'another-value-1' },
      BY,
    );
    expect(same).toMatchObject({ ok: false, error: { code: 'old-version' } });
    await scene.fingerprinted(slot);
    // Whoever revoked the old one would end the new one with it; and nobody is moved to what has expired.
    const [begun, versions] = [
      supplier.issue('again'),
      `SELECT FROM credential_version WHERE credential_id = $1`,
    ];
    const twin = await scene.words.enterVersion(id, { supplierId: begun.id, value: slot.old.value }, BY);
    expect(twin).toMatchObject({
      ok: false,
      error: {
        code: 'value-known',
        fields: [{ field: '/value', problem: 'is that of version 1 of this credential' }],
      },
    });
    const expiresAt = new Date(world.clock.now() - 1000).toISOString();
    const past = await scene.words.enterVersion(id, { supplierId: begun.id, expiresAt }, BY);
    expect(past).toMatchObject({ ok: false, error: { fields: [{ field: '/expiresAt' }] } });
    expect(await scene.query(versions, [slot.credentialId])).toHaveLength(1);
    const made = supplier.issue('by hand');
    expectOk(await scene.words.enterVersion(id, { supplierId: made.id, value: made.value }, BY));
    const done = await scene.once(id, ({ state }) => state === 'done', 30_000);
    expect(done).toMatchObject({ oldEnd: 'proven_dead', validatedHow: 'probe' });
    expect(slot.old.live).toBe(false);
    expect(await scene.everythingStored()).not.toContain(made.value);
  });

  test('where no machine can look, a person’s word is asked for, and the old one is not revoked without it', async () => {
    const slot = await scene.slot(partyId, 'by-hand', { keepValue: false });
    const id = await scene.start(slot, { overlapMinutes: 0 });
    const made = supplier.issue('kept elsewhere');
    await scene.once(id, ({ state }) => state === 'creating');
    const sha256 = (await import('node:crypto')).hash('sha256', made.value, 'hex');
    const [ines, vera] = [person(), person()];
    expectOk(await scene.words.enterVersion(id, { supplierId: made.id, sha256 }, ines));
    const waiting = await scene.once(id, ({ state }) => state === 'validating');
    const step = await scene.once(id, () => true).then(() => scene.waitsFor(waiting.runId));
    expect(step[0]).toMatchObject({ step: 'validate' });
    expect(slot.old.live).toBe(true);
    // Whoever entered it does not end the old one alone: not by the account, not by a token that they made.
    const say = (by: Principal) => scene.words.confirmWorks(id, { note: 'The shop works with it.' }, by);
    expect(await say(ines)).toMatchObject({
      ok: false,
      error: { kind: 'conflict', code: 'second-person-needed' },
    });
    expect(await say({ ...ines, id: newId() })).toMatchObject({ ok: false });
    expect(await scene.view(id)).toMatchObject({ validatedAt: null, state: 'validating' });
    expectOk(await say(vera));
    const view = await scene.once(id, () => !slot.old.live);
    expect(view.validatedHow).toBe('statement');
  });

  test('an invented version does not end the working one in an emergency, as one person says it', async () => {
    const slot = await scene.slot(partyId, 'by-hand');
    const id = await scene.start(slot, { emergency: true, recipe: 'rotation-manual' });
    await scene.once(id, ({ state }) => state === 'creating');
    const token: Principal = {
      kind: 'token',
      id: newId(),
      madeBy: newId(),
      roles: ['integration_engineer'],
      partyId: null,
      correlationId: 'correlation-1',
    };
    // Entered by a token, and vouched for by the person who made the token.
    expectOk(await scene.words.enterVersion(id, { supplierId: 'key_fake' }, token));
    await scene.once(id, ({ state }) => state === 'validating');
    const maker = { ...person(), personId: token.madeBy! };
    const said = await scene.words.confirmWorks(id, { note: 'It works.' }, maker);
    expect(said).toMatchObject({ ok: false, error: { code: 'second-person-needed' } });
    world.clock.advance(HOUR);
    expect(await scene.view(id)).toMatchObject({ state: 'validating', validatedAt: null });
    expect(slot.old.live).toBe(true);
    // A use that the same hand reports vouches for nothing; one that another reports does.
    const { id: versionId } = (await scene.view(id)).new!;
    const used = (reportedBy: string) =>
      scene.query(
        `INSERT INTO usage_event (id, version_id, credential_id, integration_id, at, outcome, reported_by)
         VALUES ($1, $2, $3, $4, $5, 'accepted', $6)`,
        [newId(), versionId, slot.credentialId, slot.integrationId, world.clock.date(), reportedBy],
      );
    const waits = () => scene.transactions.run(BY, (db) => waitsForAnother(db, id, maker));
    await used(token.madeBy!);
    expect(await waits()).toBe(true);
    await used(newId());
    expect(await waits()).toBe(false);
  });

  test('a mistyped value is entered again: the one before is destroyed, and the old version stays meanwhile', async () => {
    const slot = await scene.slot(partyId, 'by-hand');
    const ines = person();
    const id = await scene.start(slot, { recipe: 'rotation-manual', emergency: true });
    await scene.once(id, ({ state }) => state === 'creating');
    const made = supplier.issue('by hand');
    const enter = (value: string, supplierId = made.id) =>
      scene.words.enterVersion(id, { supplierId, value }, ines);
    const { versionId } = expectOk(await enter('mistyped-value-1'));
    await scene.once(id, ({ issues }) => issues.some(({ state }) => state === 'refused'));
    const known = { ok: false, error: { kind: 'conflict', code: 'version-known' } };
    expect(await enter(made.value, 'another-id')).toMatchObject(known);
    expect(await scene.words.enterVersion(id, { supplierId: made.id }, ines)).toMatchObject(known);
    await scene.fingerprinted(slot);
    expect(await enter(slot.old.value)).toMatchObject({ ok: false, error: { code: 'value-known' } });
    const kept = () =>
      scene.query<{ ref: string; digests: number; secrets: number }>(
        `SELECT store_ref AS ref, (SELECT count(*)::int FROM fingerprint f WHERE f.version_id = v.id) AS digests,
                (SELECT count(*)::int FROM sealed_secret WHERE destroyed_at IS NULL) AS secrets FROM credential_version v WHERE id = $1`,
        [versionId],
      );
    const [before] = await kept();
    expect(slot.old.live).toBe(true);
    // Twice, as whoever gets no answer sends it again: one correction.
    for (const _ of [1, 2]) expect(expectOk(await enter(made.value))).toEqual({ versionId });
    const [after] = await kept();
    expect(after).toMatchObject({ digests: before!.digests, secrets: before!.secrets });
    expect(after!.ref).not.toBe(before!.ref);
    const entries = await scene.query<{ body: string }>(
      `SELECT body FROM ledger_entry WHERE subject_id = $1 AND kind = 'rotation.version-corrected'`,
      [id],
    );
    expect(entries).toHaveLength(1);
    expect(await scene.valueIn(versionId)).toBe(made.value);
    const done = await scene.once(id, ({ state }) => state === 'done', 5000);
    expect(done).toMatchObject({ validatedHow: 'probe', oldEnd: 'proven_dead', issues: [] });
    expect(await enter('too-late-value-1')).toMatchObject({ ok: false });
    expect(await scene.everythingStored()).not.toContain(made.value);
  });

  test('what a machine saw accepted may be said by whoever entered it', async () => {
    const slot = await scene.slot(partyId, 'by-hand');
    const place = await scene.location(slot, 'owner_statement');
    const ines = person();
    const id = await scene.start(slot, { recipe: 'rotation-manual' });
    await scene.once(id, ({ state }) => state === 'creating');
    const made = supplier.issue('by hand');
    expectOk(await scene.words.enterVersion(id, { supplierId: made.id, value: made.value }, ines));
    await scene.once(id, (view) => view.new?.liveness === 'live');
    const left = { state: 'left', note: 'It is switched off.' } as const;
    expectOk(await scene.words.answerPlace(id, place, left, ines));
    expectOk(await scene.words.confirmWorks(id, { note: 'The shop works with it.' }, ines));
  });
});
