import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ContainmentService } from '../../src/domain/revocation/containment.service.ts';
import { CopiesService } from '../../src/domain/revocation/copies.service.ts';
import type { SelectedItem } from '../../src/domain/runbooks/action.ts';
import type { Selector } from '../../src/domain/runbooks/selector.ts';
import { Runbooks } from '../../src/domain/runbooks/runbooks.service.ts';
import { RunsService } from '../../src/domain/runbooks/runs.service.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { ExposedVersionsSelector } from '../../src/plugins/selectors/exposed-versions/exposed-versions.selector.ts';
import { LocationsOfExposedVersionsSelector } from '../../src/plugins/selectors/locations-of-exposed-versions/locations-of-exposed-versions.selector.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { BY, RevocationScene, type KnownVersion } from '../support/revocation-scene.ts';
import { stepsOnce, type RunStep } from '../support/run-steps.ts';
import { datadog, oauth, ScriptedSupplier, slack } from '../support/scripted-supplier.ts';

/**
 * A run of the engine kills what an incident names: riskiest first, each proven dead, each copy checked; what only people
 * can do waits for their signature, and then goes on by itself.
 */

const RUNBOOK = `
id: kill-exposed
title: Kill what was exposed
version: 1
steps:
  - { id: revoke, title: Revoke, uses: revoke-version, forEach: exposed-versions, with: { versionId: $item.versionId }, retry: { attempts: 20, backoff: 10ms, maxBackoff: 2s } }
  - { id: verify, title: Prove, uses: verify-dead, forEach: exposed-versions, needs: [revoke], with: { versionId: $item.versionId }, retry: { attempts: 20, backoff: 10ms, maxBackoff: 2s } }
  - { id: sessions, title: End sessions, uses: end-sessions, forEach: exposed-versions, needs: [revoke], with: { versionId: $item.versionId } }
  - { id: copies, title: Check copies, uses: check-location, forEach: locations-of-exposed-versions, needs: [{ step: verify, by: versionId }], with: { locationId: $item.locationId, versionId: $item.versionId } }
`;

const keys = new ScriptedSupplier(datadog);
const tokens = new ScriptedSupplier(oauth);
let world: TestApp;
let scene: RevocationScene;

beforeAll(async () => {
  await keys.start();
  await tokens.start();
  world = await startApp({ config: { outboundAllow: [keys.hostPort, tokens.hostPort], queue: 'off' } });
  scene = new RevocationScene(world.app);
  const runbooks = world.app.get(Runbooks);
  const read = runbooks.read(RUNBOOK, 'kill-exposed.yaml');
  if ('problems' in read) throw new Error(JSON.stringify(read.problems));
  await runbooks.add([{ ...read, file: 'kill-exposed.yaml' }]);
});
afterAll(async () => {
  await world?.close();
  await keys.stop();
  await tokens.stop();
});

const resting = (all: RunStep[]) =>
  all.every((step) => ['done', 'skipped', 'parked', 'pending'].includes(step.state));

/** Every item of a selector, two a page. */
async function selected(selector: Selector, incidentId: Id): Promise<SelectedItem[]> {
  const request = { subject: { kind: 'incident', id: incidentId }, input: {} };
  return scene.transactions.run(BY, async (db) => {
    const items: SelectedItem[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<Selector['page']>> = await selector.page(db, {
        ...request,
        cursor,
        limit: 2,
      });
      items.push(...page.items);
      cursor = page.next;
    } while (cursor !== null);
    expect(await selector.count(db, request)).toBe(items.length);
    return items;
  });
}

async function incidentOf(versions: readonly (KnownVersion & { risk: number })[]): Promise<Id> {
  const [incidentId, batchId] = [newId(), newId()];
  const now = world.clock.date();
  await scene.query(
    `INSERT INTO incident (id, reference, title, state, awareness_at, opened_at, correlation_id, updated_at) VALUES ($1, $2, 'Leak', 'containing', $3, $3, 'c', $3)`,
    [incidentId, `INC-${incidentId}`, now],
  );
  for (const one of versions) {
    await scene.query(`UPDATE credential SET risk = $2 WHERE id = $1`, [one.credentialId, one.risk]);
    await scene.query(
      `INSERT INTO incident_credential (incident_id, version_id, credential_id, integration_id, batch_id, match, source_trust, authority, may_act, why, joined_at)
       VALUES ($1, $2, $3, $4, $5, 'value', 'act', 'revoke_now', 'act', 'agreed', $6)`,
      [incidentId, one.versionId, one.credentialId, one.integrationId, batchId, now],
    );
  }
  return incidentId;
}

test('from incident to contained, with the answers lost, lied about and asked of people', async () => {
  const partyId = await scene.party();
  const byKey = await scene.connection(partyId, 'datadog', keys, { canary: keys.issue('canary') });
  const byToken = await scene.connection(partyId, 'oauth-generic', tokens, {
    canary: tokens.issue('canary'),
  });
  const byHand = await scene.connection(
    partyId,
    'by-person',
    { baseUrl: '', dialect: slack },
    { canary: null },
  );
  const versions: (KnownVersion & { risk: number; name: string })[] = [];
  for (const [at, name] of ['a', 'b', 'c', 'd', 'e', 'f'].entries()) {
    const supplier = at % 2 === 0 ? keys : tokens;
    const issued = supplier.issue(name);
    versions.push({
      ...(await scene.version(partyId, at % 2 === 0 ? byKey : byToken, issued)),
      risk: 900 - at * 100,
      name,
    });
  }
  const manual = await scene.version(
    partyId,
    byHand,
    { id: 'EDI-7', value: 'x', name: 'edi' },
    { keepValue: false, revocability: 'manual' },
  );
  const locations = [];
  for (const one of versions)
    locations.push({ id: await scene.location(one, 'owner_statement'), versionId: one.versionId });
  keys.goesWrong('lost', 'revoke', 1);
  tokens.goesWrong('lying', 'revoke', 1);
  keys.goesWrong('too_many', 'probe', 2);

  const incidentId = await incidentOf([...versions, { ...manual, risk: 50 }]);
  const ordered = await selected(world.app.get(ExposedVersionsSelector), incidentId);
  expect(ordered.map((item) => item.key)).toEqual([
    ...versions.map((one) => one.versionId),
    manual.versionId,
  ]);
  expect(new Set(ordered.map((item) => item.lane))).toEqual(
    new Set([byKey, byToken, byHand].map((id) => `connection:${id}`)),
  );
  const held = await selected(world.app.get(LocationsOfExposedVersionsSelector), incidentId);
  expect(held.map((item) => item.facts.locationId)).toEqual(locations.map((one) => one.id));

  const { runId } = await scene.transactions.run(BY, (db) =>
    world.app.get(RunsService).start(db, {
      runbook: 'kill-exposed',
      subject: { kind: 'incident', id: incidentId },
      input: {},
      correlationId: 'correlation-1',
      by: BY,
    }),
  );

  // Every copy is now with its owner, and the hand-made credential with the person who must change it.
  const parked = await stepsOnce(
    world,
    scene,
    runId,
    (all) =>
      resting(all) &&
      all.filter((step) => step.step === 'copies' && step.state === 'parked').length === locations.length,
  );
  expect(parked.filter((step) => step.step === 'verify' && step.state === 'done')).toHaveLength(6);
  expect(parked.find((step) => step.subject === manual.versionId && step.state === 'parked')).toMatchObject({
    step: 'revoke',
    forWhat: expect.stringContaining('EDI-7'),
  });
  for (const supplier of [keys, tokens]) {
    for (const issued of supplier.issued) {
      expect(issued.live).toBe(issued.name === 'canary');
      const kinds = supplier.kinds(issued.name);
      for (const [at, kind] of kinds.entries())
        if (kind === 'revoke') expect(kinds[at + 1]).not.toBe('revoke');
    }
  }
  // The supplier that lied was found out by the look, and asked once more.
  expect(tokens.issued.map((issued) => tokens.revokesOf(issued.name)).toSorted((x, y) => x - y)).toEqual([
    0, 1, 1, 2,
  ]);
  const copies = world.app.get(CopiesService);
  const words = { signsFor: 'Ann Meyer', text: 'Done.', strength: 'mailbox' as const };
  for (const { id, versionId } of locations) {
    expectOk(
      await copies.sign(BY, {
        ...words,
        kind: 'copy_gone',
        subjectKind: 'location',
        subjectId: id,
        versionId,
      }),
    );
  }
  expectOk(
    await copies.sign(BY, {
      ...words,
      kind: 'revoked',
      subjectKind: 'credential_version',
      subjectId: manual.versionId,
    }),
  );
  const ended = await stepsOnce(world, scene, runId, (all) =>
    all.every((step) => ['done', 'skipped'].includes(step.state)),
  );
  expect(ended.filter((step) => step.step === 'copies')).toHaveLength(6);

  const contained = (ids: Id[]) =>
    scene.transactions.run(BY, (db) => world.app.get(ContainmentService).of(db, ids));
  expect(await contained(versions.map((one) => one.versionId))).toMatchObject({
    state: 'contained',
    reasons: [],
  });
  expect(await contained([manual.versionId])).toMatchObject({ state: 'unproven' });
  const facets = await scene.query<{ liveness: string | null }>(
    `SELECT liveness FROM version_death WHERE version_id = $1`,
    [manual.versionId],
  );
  expect(facets[0]?.liveness ?? null).toBeNull();
}, 120_000);
