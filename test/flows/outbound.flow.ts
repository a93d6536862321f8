import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ContainmentService } from '../../src/domain/revocation/containment.service.ts';
import { CopiesService } from '../../src/domain/revocation/copies.service.ts';
import { RisksService } from '../../src/domain/revocation/risks.service.ts';
import { evidenceOf } from '../../src/domain/revocation/deaths.queries.ts';
import { ReprobeVersionJob } from '../../src/domain/revocation/reprobe-version.job.ts';
import { RevocationService } from '../../src/domain/revocation/revocation.service.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { HOUR, MINUTE, SECOND } from '../../src/kernel/time.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { BY, RevocationScene } from '../support/revocation-scene.ts';
import { oauth, ScriptedSupplier, sendgrid, slack, type Fault } from '../support/scripted-supplier.ts';

/** A leaked credential is revoked and proven dead at its supplier; what cannot be proven stays visibly unproven. */

const suppliers: Record<'keys' | 'tokens' | 'chat', ScriptedSupplier> = {
  keys: new ScriptedSupplier(sendgrid),
  tokens: new ScriptedSupplier(oauth),
  chat: new ScriptedSupplier(slack),
};
let world: TestApp;
let scene: RevocationScene;
let revocation: RevocationService;
let partyId: Id;

beforeAll(async () => {
  for (const supplier of Object.values(suppliers)) await supplier.start();
  const outboundAllow = Object.values(suppliers).map((supplier) => supplier.hostPort);
  // Nobody works in the background: each test does each step itself, and sees it alone.
  world = await startApp({
    config: { outboundAllow, queue: 'off' },
    settings: { duties: { serves: false, works: false } },
  });
  scene = new RevocationScene(world.app);
  revocation = world.app.get(RevocationService);
  partyId = await scene.party();
});
afterAll(async () => {
  await world?.close();
  for (const supplier of Object.values(suppliers)) await supplier.stop();
});
beforeEach(() => {
  for (const supplier of Object.values(suppliers)) {
    supplier.asked.length = 0;
    supplier.faults.length = 0;
    supplier.issued.length = 0;
  }
});
// A canary seen a minute ago would serve the next test, whose supplier has forgotten it.
afterEach(() => world.clock.advance(10 * MINUTE));

const leak = (which: keyof typeof suppliers, preset: string, o?: Parameters<RevocationScene['leak']>[3]) =>
  scene.leak(partyId, preset, suppliers[which], o);

/** In the supplier's own log no two revokes of one credential stand without a look between them. */
function expectNoBlindRepeat(supplier: ScriptedSupplier, name = 'leaked'): void {
  const kinds = supplier.kinds(name);
  for (const [at, kind] of kinds.entries()) if (kind === 'revoke') expect(kinds[at + 1]).not.toBe('revoke');
}

describe('with a control canary', () => {
  test('revoked at once, proven dead with the canary live, and every step on record', async () => {
    const { keys } = suppliers;
    const one = await leak('keys', 'sendgrid');
    expect(await revocation.revoke(one.versionId, scene.call())).toMatchObject({ outcome: 'accepted' });
    expect(keys.kinds()).toEqual(['revoke']);
    expect(await scene.facets(one.versionId)).toMatchObject({ revocation: 'accepted', liveness: null });

    expect(await revocation.verifyDead(one.versionId, scene.call())).toMatchObject({ outcome: 'dead' });
    expect(keys.asked.map((asked) => [asked.kind, asked.name])).toEqual([
      ['revoke', 'leaked'],
      ['probe', 'leaked'],
      ['probe', 'canary'],
      ['probe', 'leaked'],
    ]);
    expect(await scene.facets(one.versionId)).toEqual({
      revocation: 'accepted',
      liveness: 'dead',
      sessions: 'unknown',
    });
    expect(await scene.ledger(one.versionId)).toEqual([
      'revocation.requested',
      'revocation.accepted',
      'revocation.proven-dead',
    ]);
    const evidence = await scene.transactions.run(BY, (db) => evidenceOf(db, one.versionId));
    expect(evidence.toReversed().map((row) => [row.kind, row.outcome, row.status])).toEqual([
      ['revoke', 'accepted', 204],
      ['probe', 'dead', 401],
      ['control', 'live', 200],
      ['probe', 'dead', 401],
    ]);
    const jobs = await scene.query<{ job: string }>(
      `SELECT job FROM outbox WHERE payload->>'versionId' = $1`,
      [one.versionId],
    );
    expect(jobs.map((row) => row.job)).toContain('revocation.reprobe-version');
  });

  test('the intent is on record before the first byte leaves', async () => {
    const one = await leak('keys', 'sendgrid');
    let seen: unknown;
    suppliers.keys.onRequest = async () => void (seen ??= await scene.facets(one.versionId));
    await revocation.revoke(one.versionId, scene.call());
    suppliers.keys.onRequest = () => {};
    expect(seen).toMatchObject({ revocation: 'requested' });
  });

  test('one canary serves many versions for a minute, and not longer', async () => {
    const { keys } = suppliers;
    const first = await leak('keys', 'sendgrid');
    const second = await scene.version(partyId, first.connectionId, keys.issue('second', { live: false }));
    first.issued.live = false;
    expect(await revocation.verifyDead(first.versionId, scene.call())).toMatchObject({ outcome: 'dead' });
    world.clock.advance(59 * SECOND);
    expect(await revocation.verifyDead(second.versionId, scene.call())).toMatchObject({ outcome: 'dead' });
    expect(keys.asked.filter((asked) => asked.name === 'canary')).toHaveLength(1);
    world.clock.advance(2 * SECOND);
    expect(await revocation.verifyDead(second.versionId, scene.call())).toMatchObject({ outcome: 'dead' });
    expect(keys.asked.filter((asked) => asked.name === 'canary')).toHaveLength(2);
  });

  test('asked again under the same key, the supplier is not asked again', async () => {
    const one = await leak('keys', 'sendgrid');
    const call = scene.call();
    const first = await revocation.revoke(one.versionId, call);
    const again = await revocation.revoke(one.versionId, { ...call, attempt: 2, takenOver: true });
    expect(again).toMatchObject({ outcome: 'accepted' });
    expect('evidence' in again && 'evidence' in first && again.evidence).toEqual(
      'evidence' in first && first.evidence,
    );
    expect(suppliers.keys.revokesOf('leaked')).toBe(1);
  });

  test('a lost answer is unknown; the next worker looks first, and finds it dead', async () => {
    const { keys } = suppliers;
    const one = await leak('keys', 'sendgrid');
    const call = scene.call();
    keys.goesWrong('lost', 'revoke', 1);
    expect(await revocation.revoke(one.versionId, call)).toMatchObject({ outcome: 'unknown' });
    expect(await scene.facets(one.versionId)).toMatchObject({ revocation: 'requested' });
    expect(await revocation.revoke(one.versionId, { ...call, attempt: 2, takenOver: true })).toMatchObject({
      outcome: 'already_dead',
    });
    expect(keys.kinds('leaked')).toEqual(['revoke', 'probe', 'probe']);
  });

  test('a worker that died holding the step: the next looks first, and revokes what lives', async () => {
    const one = await leak('keys', 'sendgrid');
    expect(await revocation.revoke(one.versionId, scene.call({ takenOver: true }))).toMatchObject({
      outcome: 'accepted',
    });
    expect(suppliers.keys.kinds('leaked')).toEqual(['probe', 'revoke']);
  });

  test('a lying yes is found out, and asked for again after the look', async () => {
    const { keys } = suppliers;
    const one = await leak('keys', 'sendgrid');
    keys.goesWrong('lying', 'revoke', 1);
    expect(await revocation.revoke(one.versionId, scene.call())).toMatchObject({ outcome: 'accepted' });
    expect(await revocation.verifyDead(one.versionId, scene.call())).toMatchObject({ outcome: 'live' });
    expect(await scene.facets(one.versionId)).toMatchObject({ revocation: 'accepted', liveness: 'live' });
    world.clock.advance(SECOND);
    expect(await revocation.revoke(one.versionId, scene.call())).toMatchObject({ outcome: 'accepted' });
    expect(await revocation.verifyDead(one.versionId, scene.call())).toMatchObject({ outcome: 'dead' });
    expectNoBlindRepeat(keys);
  });

  test('an emptied supplier and a canary that died are no proof', async () => {
    const one = await leak('keys', 'sendgrid');
    await revocation.revoke(one.versionId, scene.call());
    suppliers.keys.empty();
    expect(await revocation.verifyDead(one.versionId, scene.call())).toMatchObject({
      outcome: 'indeterminate',
    });
    expect(await scene.facets(one.versionId)).toMatchObject({ liveness: 'indeterminate' });
  });

  test('what was proven dead and lives again is found, told and open again', async () => {
    const one = await leak('keys', 'sendgrid');
    await revocation.revoke(one.versionId, scene.call());
    await revocation.verifyDead(one.versionId, scene.call());
    suppliers.keys.goesWrong('server_error', 'probe', 1);
    const job = world.app.get(ReprobeVersionJob);
    const jobCall = { by: BY, attempt: 1, signal: AbortSignal.timeout(20_000) };
    const instants = async () => {
      const [row] = await scene.query<{ since: Date | null; at: Date }>(
        `SELECT dead_since AS since, liveness_at AS at FROM version_death WHERE version_id = $1`,
        [one.versionId],
      );
      return row!;
    };
    const proven = await instants();
    expect(proven.since).toEqual(proven.at);
    await job.handle({ versionId: one.versionId, round: 0 }, jobCall);
    expect(await scene.facets(one.versionId)).toMatchObject({ liveness: 'dead' });
    // A later look is the latest; its death stays where it was, for all that is held against it.
    world.clock.advance(HOUR);
    await job.handle({ versionId: one.versionId, round: 1 }, jobCall);
    const later = await instants();
    expect(later.since).toEqual(proven.since);
    expect(later.at.getTime()).toBeGreaterThan(proven.at.getTime());

    one.issued.live = true;
    world.clock.advance(10 * MINUTE);
    await job.handle({ versionId: one.versionId, round: 2 }, jobCall);
    expect(await scene.facets(one.versionId)).toMatchObject({ liveness: 'live' });
    expect((await instants()).since).toBeNull();
    expect((await scene.ledger(one.versionId)).at(-1)).toBe('revocation.came-back-to-life');
    const containment = await scene.transactions.run(BY, (db) =>
      world.app.get(ContainmentService).of(db, [one.versionId]),
    );
    expect(containment).toMatchObject({ state: 'open', closable: false });
  });
});

describe('without a canary', () => {
  test('seen live just before, revoked, refused, our own authentication accepted: dead', async () => {
    const { keys } = suppliers;
    const one = await leak('keys', 'sendgrid', { canary: false });
    expect(await revocation.revoke(one.versionId, scene.call())).toMatchObject({ outcome: 'accepted' });
    expect(await revocation.verifyDead(one.versionId, scene.call())).toMatchObject({ outcome: 'dead' });
    expect(keys.kinds()).toEqual(['probe', 'revoke', 'probe', 'own', 'probe']);
  });

  test('a client that may not see the token never makes it dead', async () => {
    const one = await leak('tokens', 'oauth-generic', {
      canary: false,
      auth: { client_id: 'stranger', client_secret: 'x' },
    });
    expect(await revocation.revoke(one.versionId, scene.call())).toMatchObject({ outcome: 'accepted' });
    expect(await revocation.verifyDead(one.versionId, scene.call())).toMatchObject({
      outcome: 'indeterminate',
    });
    expect(one.issued.live).toBe(true);
    expect(await scene.facets(one.versionId)).toMatchObject({ liveness: 'indeterminate' });
  });

  test('our own authentication, refused twice, is a matter for a person', async () => {
    const one = await leak('keys', 'sendgrid', { canary: false, auth: { api_key: 'an-old-admin-key-0123' } });
    const call = scene.call();
    expect(await revocation.revoke(one.versionId, call)).toMatchObject({ outcome: 'retry' });
    world.clock.advance(5 * SECOND);
    expect(await revocation.revoke(one.versionId, { ...call, attempt: 2 })).toMatchObject({
      outcome: 'person',
      forWhat: expect.stringContaining('our own authentication'),
    });
    const before = suppliers.keys.asked.length;
    expect(await revocation.revoke(one.versionId, { ...call, attempt: 3 })).toMatchObject({
      outcome: 'person',
    });
    expect(suppliers.keys.asked).toHaveLength(before);
    expect(suppliers.keys.revokesOf('leaked')).toBe(2);
    expectNoBlindRepeat(suppliers.keys);
  });
});

test('whatever goes wrong: no revoke is repeated blindly, and dead in our tables is dead at the supplier', async () => {
  const faults: fc.Arbitrary<Fault | null> = fc.constantFrom(
    'lying',
    'lost',
    'too_many',
    'server_error',
    'redirect',
    'html',
    'nasty',
    'refuse_all',
    null,
    null,
    null,
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('keys', 'chat', 'tokens'),
      fc.boolean(),
      fc.array(faults, { maxLength: 8 }),
      async (which, canary, plan) => {
        const supplier = suppliers[which];
        for (const list of [supplier.asked, supplier.faults, supplier.issued]) list.length = 0;
        world.clock.advance(10 * MINUTE);
        const one = await leak(which, { keys: 'sendgrid', chat: 'slack', tokens: 'oauth-generic' }[which], {
          canary,
        });
        let taken = false;
        const key = `step-${newId()}:1`;
        for (const [at, fault] of [...plan, null, null].entries()) {
          supplier.faults.length = 0;
          if (fault) supplier.goesWrong(fault, 'any', 1);
          const result = await revocation.revoke(
            one.versionId,
            scene.call({ idempotencyKey: key, attempt: at + 1, takenOver: taken }),
          );
          taken ||= result.outcome === 'unknown';
          world.clock.advance(SECOND);
          await revocation.verifyDead(one.versionId, scene.call());
          const facets = await scene.facets(one.versionId);
          if (facets?.liveness === 'dead') expect(one.issued.live).toBe(false);
          world.clock.advance(SECOND);
        }
        expectNoBlindRepeat(supplier);
      },
    ),
    { numRuns: 25, seed: 20261122 },
  );
}, 120_000);

describe('by a person', () => {
  test('instructions, a signed statement, and never dead by it', async () => {
    const connectionId = await scene.connection(
      partyId,
      'by-person',
      { baseUrl: '', dialect: slack },
      { canary: null },
    );
    const one = await scene.version(
      partyId,
      connectionId,
      { id: 'EDI-7', value: 'x', name: 'edi' },
      { keepValue: false, revocability: 'manual' },
    );
    expect(await revocation.revoke(one.versionId, scene.call())).toMatchObject({
      outcome: 'person',
      forWhat: expect.stringContaining('EDI-7'),
    });
    expect(await revocation.verifyDead(one.versionId, scene.call())).toMatchObject({
      outcome: 'unprovable',
      statementSigned: false,
    });
    expect(await revocation.endSessions(one.versionId, scene.call())).toMatchObject({ outcome: 'unknown' });
    const containment = () =>
      scene.transactions.run(BY, (db) => world.app.get(ContainmentService).of(db, [one.versionId]));
    expect(await containment()).toMatchObject({ state: 'unproven', closable: false });

    const copies = world.app.get(CopiesService);
    const statement = {
      subjectKind: 'credential_version' as const,
      subjectId: one.versionId,
      signsFor: 'Ann Meyer, CISO',
      text: 'Changed at 10:02.',
      strength: 'mailbox' as const,
    };
    const signed = expectOk(await copies.sign(BY, { ...statement, kind: 'revoked' }));
    expect(signed.textHash).toMatch(/^[0-9a-f]{64}$/);
    expectOk(await copies.sign(BY, { ...statement, kind: 'sessions_ended' }));
    expect(await revocation.verifyDead(one.versionId, scene.call())).toMatchObject({
      outcome: 'unprovable',
      statementSigned: true,
    });
    expect(await scene.facets(one.versionId)).toMatchObject({ revocation: 'requested', liveness: null });
    expect(await containment()).toMatchObject({ state: 'unproven', closable: true });
    const entries = await scene.query<{ body: string }>(
      `SELECT body::text AS body FROM ledger_entry WHERE subject_id = $1`,
      [one.versionId],
    );
    expect(entries.map((entry) => entry.body).join('')).not.toContain('Ann Meyer');
  });

  test('a copy is gone when its owner signs, and unproven where nothing can show it', async () => {
    const one = await leak('keys', 'sendgrid');
    const copies = world.app.get(CopiesService);
    const provable = await scene.location(one, 'owner_statement');
    const unprovable = await scene.location(one, 'no', 'Screenshot in a chat');
    expect(await copies.check(provable, one.versionId, BY)).toMatchObject({
      outcome: 'person',
      forWhat: expect.stringContaining('CI variable'),
    });
    const gone = {
      kind: 'copy_gone' as const,
      subjectKind: 'location' as const,
      versionId: one.versionId,
      signsFor: 'Ben',
      text: 'Removed.',
      strength: 'account' as const,
    };
    expectOk(await copies.sign(BY, { ...gone, subjectId: provable }));
    expect(await copies.check(provable, one.versionId, BY)).toMatchObject({ outcome: 'gone' });
    expect(await copies.check(unprovable, one.versionId, BY)).toMatchObject({ outcome: 'cannot_be_proven' });
    expect(await copies.check(unprovable, one.versionId, BY)).toMatchObject({ outcome: 'cannot_be_proven' });
    expect(await copies.sign(BY, { ...gone, subjectId: unprovable })).toMatchObject({
      ok: false,
      error: { code: 'not-provable' },
    });
    expect(await copies.check(newId(), one.versionId, BY)).toMatchObject({ outcome: 'not_found' });
    const proofs = await scene.query(`SELECT 1 FROM location_proof WHERE location_id = $1`, [unprovable]);
    expect(proofs).toHaveLength(1);
  });

  test('a risk is asked for and accepted by people, of something that is there, until a date', async () => {
    const risks = world.app.get(RisksService);
    const input = {
      subjectKind: 'credential_version' as const,
      subjectId: newId(),
      reason: 'r',
      until: new Date(world.clock.now() + MINUTE).toISOString(),
    };
    expect(await risks.accept(BY, input)).toMatchObject({ ok: false, error: { code: 'person-needed' } });
    const person = { ...BY, kind: 'user' as const, id: newId() };
    const over = { ...input, until: new Date(world.clock.now()).toISOString() };
    expect(await risks.accept(person, over)).toMatchObject({ ok: false, error: { code: 'until-past' } });
    expect(await risks.accept(person, input)).toMatchObject({ ok: false, error: { code: 'no-subject' } });
  });
});

describe('sessions', () => {
  test('a self-contained token lives on until the time it said first, and no longer', async () => {
    const { tokens } = suppliers;
    const exp = Math.floor(world.clock.now() / 1000) + 600;
    const jwt = ['{"alg":"RS256"}', JSON.stringify({ exp }), 'sig']
      .map((part) => Buffer.from(part).toString('base64url'))
      .join('.');
    const issued = tokens.issue('jwt', { value: jwt });
    const one = await scene.version(
      partyId,
      await scene.connection(partyId, 'oauth-generic', tokens),
      issued,
    );
    expect(await revocation.endSessions(one.versionId, scene.call())).toMatchObject({
      outcome: 'residual',
      until: exp * 1000,
    });
    expect(await scene.facets(one.versionId)).toMatchObject({ sessions: 'residual' });
    world.clock.advance(11 * MINUTE);
    expect(await revocation.endSessions(one.versionId, scene.call())).toMatchObject({ outcome: 'none' });
    expect(await scene.facets(one.versionId)).toMatchObject({ sessions: 'ended' });
  });
});
