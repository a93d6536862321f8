import { generateKeyPairSync, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AccessService } from '../../src/domain/access/access.service.ts';
import { GateService } from '../../src/domain/policy/gate.service.ts';
import { whoIs } from '../../src/domain/runbooks/approval.rules.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { handOf, system, type Principal, type Role } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { ELAPSED_DAY, HOUR, iso } from '../../src/kernel/time.ts';
import { OfflineSigning } from '../../src/domain/responsibility/offline-signing.service.ts';
import { SigningLinks } from '../../src/domain/responsibility/signing-links.service.ts';
import { LinksService } from '../../src/domain/access/links.service.ts';
import { Transactions } from '../../src/platform/database/transactions.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { LeakScene } from '../support/leak-scene.ts';
import { matrixScene, person } from '../support/matrix-scene.ts';
import { caller } from '../support/portfolio.ts';

/** One person may hold many tokens, and sign in beside them: that is one pair of eyes, wherever two are needed. */

const by = system('test', 'four-eyes');
const from = { correlationId: 'four-eyes', ip: '192.0.2.7' };

let t: TestApp;
let olga: Principal & { personId: Id };
let omar: Principal & { personId: Id };
let scenes = 100;

beforeAll(async () => {
  t = await startApp();
  olga = await person(t, 'Olga', 'admin');
  omar = await person(t, 'Omar', 'admin');
}, 60_000);
afterAll(() => t.close());

/** @param account whether it belongs to the account of its maker, or to a machine that its maker set up */
async function token(maker: Principal, role: Role = 'admin', account = false): Promise<string> {
  const made = await t.app.get(AccessService).createToken(
    {
      name: newId(),
      role,
      expiresAt: t.clock.now() + 100 * ELAPSED_DAY,
      ...(account ? { userId: maker.id } : {}),
    },
    maker,
  );
  return expectOk(made).value.use((value) => value);
}
const principal = async (value: string) => (await t.app.get(AccessService).resolveToken(value, from))!;

/** Two machine tokens, a token made with one of them, and one of the account: all in one hand. */
async function handful(of: Principal): Promise<string[]> {
  const first = await token(of);
  return [first, await token(of), await token(await principal(first)), await token(of, 'admin', true)];
}

test('every token of a person, and the session, is one hand; another’s is another', async () => {
  const hands = await Promise.all((await handful(olga)).map(async (one) => handOf(await principal(one))));
  expect(new Set([...hands, handOf(olga)])).toEqual(new Set([olga.personId]));
  expect(handOf(await principal(await token(omar)))).toBe(omar.personId);
  // The engine counts its quorum and its requester by the same hand.
  for (const one of await handful(olga)) expect(whoIs(await principal(one))).toBe(olga.personId);
});

test('tokens that a command made are one hand, too: nobody knows whose', async () => {
  const cli = system('cli', 'four-eyes');
  const [one, two] = [await principal(await token(cli)), await principal(await token(cli))];
  expect(one.id).not.toBe(two.id);
  expect(handOf(one)).toBe(handOf(two));
});

test('an exception', async () => {
  const ids = await matrixScene(t, ++scenes);
  const looked = await t.app
    .get(Transactions)
    .run(by, (db) => t.app.get(GateService).look(db, ids.integration));
  const { policy } = looked!.known;
  const finding = looked!.evaluation.findings.find(({ rule }) => !policy.exceptions.never.includes(rule))!;
  const tokens = await handful(olga);
  const asked = await caller(t, tokens[0]!)('POST', `/api/v1/integrations/${ids.integration}/exceptions`, {
    body: {
      rule: finding.rule,
      subject: { kind: finding.subject.kind, id: finding.subject.id },
      reason: 'For a while.',
      compensatingControl: 'We look every day.',
      expiresAt: iso(t.clock.now() + 5 * ELAPSED_DAY),
    },
  });
  expect(asked.status).toBe(201);
  for (const one of tokens)
    expect(await caller(t, one)('POST', `/api/v1/exceptions/${asked.body.id}/approve`)).toMatchObject({
      status: 403,
      body: { code: 'four-eyes' },
    });
  // Nobody stands behind a machine's token.
  expect(
    await caller(t, await t.token('admin'))('POST', `/api/v1/exceptions/${asked.body.id}/approve`),
  ).toMatchObject({ status: 403, body: { code: 'person-needed' } });
  expect(
    await caller(t, await token(omar, 'admin', true))('POST', `/api/v1/exceptions/${asked.body.id}/approve`),
  ).toMatchObject({ status: 200, body: { state: 'approved' } });
});

describe('what a leak asks for', () => {
  let scene: LeakScene;
  beforeAll(async () => {
    scene = await LeakScene.set(t);
    await scene.github();
  });

  async function leaked(): Promise<{ incidentId: Id; versionId: Id }> {
    const credential = await scene.credential(
      await scene.integration(`Four eyes ${newId().slice(-4)}`, { parties: [scene.customerId] }),
      { authority: 'approve_within', minutes: 30 },
    );
    await scene.alert({ number: 1, secret: credential.value }, { repo: scene.place() });
    await scene.settled();
    const { id } = await scene.one<{ id: Id }>(
      `SELECT i.id FROM incident i JOIN incident_credential x ON x.incident_id = i.id WHERE x.version_id = $1`,
      [credential.versionId],
    );
    return { incidentId: id, versionId: credential.versionId };
  }

  test('the dismissal of an incident', async () => {
    const { incidentId } = await leaked();
    const dismiss = (one: string) =>
      scene.call('POST', `/api/v1/incidents/${incidentId}/dismiss`, {
        token: one,
        body: { reason: 'a rehearsal' },
      });
    const tokens = await handful(olga);
    expect((await dismiss(tokens[0]!)).status).toBe(200);
    for (const one of tokens)
      expect(await dismiss(one)).toMatchObject({ status: 409, body: { code: 'second-person-needed' } });
    expect(await dismiss(await token(omar))).toMatchObject({ status: 200, body: { state: 'dismissed' } });
  });

  test('the dismissal of an exposure', async () => {
    const place = scene.place();
    await scene.alert({ number: 1, secret: `unknown-${newId()}` }, { repo: place });
    await scene.settled();
    const { id } = await scene.one<{ id: Id }>(
      `SELECT id FROM exposure WHERE state = 'triage' ORDER BY received_at DESC LIMIT 1`,
    );
    const dismiss = (one: string) =>
      scene.call('POST', `/api/v1/exposures/${id}/dismiss`, { token: one, body: { reason: 'a sample' } });
    const tokens = await handful(olga);
    expect(await dismiss(tokens[1]!)).toMatchObject({ status: 200, body: { state: 'triage' } });
    for (const one of tokens)
      expect(await dismiss(one)).toMatchObject({ status: 409, body: { code: 'second-person-needed' } });
    expect(await dismiss(await token(omar))).toMatchObject({ status: 200, body: { state: 'dismissed' } });
  });

  test('the approval of a step: one person has one voice', async () => {
    const { incidentId } = await leaked();
    const parked = () =>
      scene.rows<{ id: Id }>(
        `SELECT s.id FROM step s JOIN run r ON r.id = s.run_id JOIN run_node n USING (run_id, node)
          WHERE r.subject_id = $1 AND n.step = 'approve' AND s.state = 'parked'`,
        [incidentId],
      );
    await until(async () => (await parked()).length === 1, 'a step waits for approval');
    const { id } = (await parked())[0]!;
    const approve = (one: string) =>
      scene.call('POST', `/api/v1/steps/${id}/approve`, { token: one, body: { decision: 'approve' } });
    const tokens = await handful(olga);
    expect((await approve(tokens[0]!)).status).toBeLessThan(300);
    for (const one of tokens)
      expect(await approve(one)).toMatchObject({ status: 409, body: { code: 'approval-decided' } });
  });

  test('the acceptance of a risk takes two people, each by a token of their account', async () => {
    const { incidentId, versionId } = await leaked();
    const carry = (one: string) =>
      scene.call('POST', '/api/v1/risk-acceptances', {
        token: one,
        body: {
          subjectKind: 'credential_version',
          subjectId: versionId,
          incidentId,
          reason: 'nothing can end its sessions',
          until: iso(t.clock.now() + HOUR),
        },
      });
    const mine = [await token(olga, 'admin', true), await token(olga, 'admin', true)];
    expect(await carry(mine[0]!)).toMatchObject({ status: 201, body: { state: 'asked' } });
    expect(await carry(mine[1]!)).toMatchObject({ status: 409, body: { code: 'second-person-needed' } });
    expect(await carry(await token(olga))).toMatchObject({ status: 403, body: { code: 'person-needed' } });
    const omars = await token(omar, 'admin', true);
    const end = (one: string, id: Id, how: 'withdrawal' | 'refusal', reason = 'it will be rotated instead') =>
      scene.call('POST', `/api/v1/risk-acceptances/${id}/${how}`, { token: one, body: { reason } });
    const ask = async () => (await carry(mine[0]!)).body.id as Id;
    const first = (
      await t.sql<{ id: Id }>('SELECT id FROM risk_request WHERE subject_id = $1', [versionId])
    )[0]!.id;
    expect(await end(mine[1]!, first, 'refusal')).toMatchObject({
      status: 409,
      body: { code: 'own-request' },
    });
    expect(await end(omars, first, 'withdrawal')).toMatchObject({
      status: 409,
      body: { code: 'not-own-request' },
    });
    expect((await end(omars, first, 'refusal', ' ')).status).toBe(400);
    expect(await end(await token(olga), first, 'withdrawal')).toMatchObject({
      status: 403,
      body: { code: 'person-needed' },
    });
    expect(await end(mine[1]!, first, 'withdrawal')).toMatchObject({ body: { state: 'withdrawn' } });
    expect(await end(omars, first, 'refusal')).toMatchObject({
      status: 409,
      body: { code: 'request-ended' },
    });
    expect((await end(omars, versionId, 'refusal')).status).toBe(404);
    // What was withdrawn or refused is no longer there to be accepted.
    const second = await ask();
    expect(await end(omars, second, 'refusal')).toMatchObject({ status: 200, body: { state: 'refused' } });
    const open = () =>
      t.sql(`SELECT FROM alert WHERE kind = 'risk.asked' AND subject_id = $1 AND handled_at IS NULL`, [
        versionId,
      ]);
    expect(await open()).toHaveLength(0);
    await ask();
    expect(await open()).toHaveLength(1);
    expect(await carry(omars)).toMatchObject({ status: 201, body: { state: 'accepted' } });
    const kinds = await t.sql<{ kind: string }>(
      `SELECT kind FROM ledger_entry WHERE kind LIKE 'risk.%' AND body LIKE '%' || $1::text || '%'`,
      [versionId],
    );
    expect(kinds.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['risk.acceptance-withdrawn', 'risk.acceptance-refused', 'risk.accepted']),
    );
  });
});

describe('a signature', () => {
  const matrix = (id: Id) => `/api/v1/integrations/${id}/matrix`;

  /** Drafted with one token of Olga's and proposed with another. */
  async function proposed() {
    const ids = await matrixScene(t, ++scenes);
    const [first, second] = await handful(olga);
    await caller(t, first!)('POST', `${matrix(ids.integration)}/inherit`, {
      body: { template: 'supplier-issues' },
      ifMatch: 0,
    });
    const keys = generateKeyPairSync('ed25519');
    const publicKey = keys.publicKey.export({ type: 'spki', format: 'pem' });
    // With a third token she registers a key for the other side.
    const third = caller(t, (await handful(olga))[2]!);
    const key = await third('POST', `/api/v1/contacts/${ids.nora}/signing-keys`, { body: { publicKey } });
    expect([key.status, key.body.code]).toEqual([403, 'not-their-side']);
    // One that came to be there all the same, before her time.
    const keyId = newId();
    await t.sql(
      `INSERT INTO signing_key (id, party_id, contact_id, public_key, fingerprint, registered_by, registered_at)
       VALUES ($1, $2, $3, $4, '\\x00', $5, $6)`,
      [keyId, ids.northwind, ids.nora, publicKey, olga.id, t.clock.date()],
    );
    t.clock.advance(1000);
    const { body } = await caller(t, second!)('POST', `${matrix(ids.integration)}/propose`, {
      body: { invite: false },
      ifMatch: 1,
    });
    const versionId = body.versionId as Id;
    const view = (await caller(t, first!)('GET', `/api/v1/matrices/${versionId}`)).body;
    return { ids, versionId, view, keyId, privateKey: keys.privateKey };
  }

  test('for the other side is refused to whoever wrote it with a token, behind the link of a contact', async () => {
    const { ids, versionId, view } = await proposed();
    await t.sql('UPDATE contact SET person_id = $2 WHERE id = $1', [ids.nora, olga.personId]);
    const { value } = await t.app.get(Transactions).run(by, (db) =>
      t.app.get(LinksService).createLink(db, {
        purpose: 'attest-matrix',
        subject: { kind: 'matrix_version', id: versionId },
        permissions: ['matrices:countersign'],
        partyId: ids.northwind,
        contactId: ids.nora,
        expiresAt: t.clock.now() + HOUR,
      }),
    );
    const link = value.use((text) => text);
    const { contentHash } = view;
    const { textHash } = view.texts[0];
    expect(
      await t.app
        .get(SigningLinks)
        .attest(link, { signsFor: 'Nora', language: 'en', contentHash, textHash, code: '12345678' }, from),
    ).toMatchObject({ ok: false, error: { code: 'author-signs' } });
  });

  test('with a key that whoever wrote it registered with another token counts for nothing', async () => {
    const { ids, versionId, keyId, privateKey } = await proposed();
    const offline = t.app.get(OfflineSigning);
    const o = { contactId: ids.nora, signsFor: 'Nora', language: 'en' };
    const document = expectOk(await offline.document(versionId, o, omar));
    const signature = sign(null, Buffer.from(document), privateKey).toString('base64');
    expect(
      await offline.attestOffline(versionId, { keyId, signsFor: 'Nora', language: 'en', signature }, omar),
    ).toMatchObject({ ok: false, error: { code: 'author-signs' } });
  });

  test('on paper that a person took in with a token is not confirmed by the same person, signed in', async () => {
    const { ids, versionId } = await proposed();
    const offline = t.app.get(OfflineSigning);
    const vera = await person(t, 'Vera', 'admin');
    const machine = await principal(await token(vera));
    const paper = { contactId: ids.nora, signsFor: 'Nora', language: 'en' as const };
    const taken = expectOk(
      await offline.attestOnPaper(versionId, paper, Buffer.from('%PDF-1.7 scan'), machine),
    );
    const refused = { ok: false, error: { code: 'second-person' } };
    expect(await offline.confirmPaper(taken.attestationId, vera)).toMatchObject(refused);
    // Nor by whoever wrote the matrix.
    expect(await offline.confirmPaper(taken.attestationId, olga)).toMatchObject(refused);
    expectOk(await offline.confirmPaper(taken.attestationId, omar));
  });
});
