import { randomUUID } from 'node:crypto';
import { PublicUrl } from '../../src/platform/config/public-url.ts';
import type { CarriedScene } from './carried-scene.ts';
import { jwt, ownKey } from './jwt.ts';

type Answer = { statusCode: number; body: string; headers: Record<string, unknown> };
type Noted = (where: string, answer: Answer) => Answer;
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

/**
 * A new version's value goes the whole way: placed by hand, seen past a broken glass, checked out by a machine. The two
 * answers that may hold it are looked at here; every other one goes to `noted`, for the search.
 *
 * @returns the assertions that were sent, which are secrets while they last
 */
export async function releasedEveryWay(
  scene: CarriedScene,
  o: { value: string; leaked: string; password: string; wrongPassword: string; cookie: string; noted: Noted },
): Promise<{ assertions: string[]; shown: string; checkedOut: string }> {
  const { noted } = o;
  const {
    id: credentialId,
    reference,
    integrationId,
  } = await scene.one<{
    id: string;
    reference: string;
    integrationId: string;
  }>(
    `SELECT id, reference, integration_id AS "integrationId" FROM credential WHERE external_key = 'credential-0'`,
  );
  const version = noted(
    'a new version',
    await scene.post(`/api/v1/credentials/${credentialId}/versions`, { supplierId: 'replacement-1' }),
  );
  const { id: versionId } = JSON.parse(version.body) as { id: string };
  const put = (body: string) =>
    scene.world.app.inject({
      method: 'PUT',
      url: `/api/v1/credential-versions/${versionId}/value`,
      headers: { authorization: `Bearer ${scene.admin}`, 'content-type': 'application/json' },
      payload: body,
    });
  noted('a value that leaked', await put(JSON.stringify({ value: o.leaked })));
  noted('a value in a wrong field', await put(JSON.stringify({ secret: o.value })));
  noted('a value in malformed JSON', await put(`{"value":${JSON.stringify(o.value)}`));
  noted('a value placed', await put(JSON.stringify({ value: o.value })));
  noted('another value', await put(JSON.stringify({ value: `${o.value}x` })));

  const page = `/credentials/${reference}/value`;
  const glass = async (password: string) => {
    const form = noted(
      'the page of a value',
      await scene.world.app.inject({ url: page, headers: { cookie: o.cookie } }),
    );
    const field = (name: string) => new RegExp(`name="${name}" value="([^"]+)"`).exec(form.body)?.[1] ?? '';
    return scene.world.app.inject({
      method: 'POST',
      url: `${page}/break-glass`,
      headers: { ...FORM, cookie: o.cookie },
      payload: new URLSearchParams({
        _csrf: field('_csrf'),
        key: field('key'),
        version: versionId,
        reason: 'The supplier asks which key it was.',
        password,
      }).toString(),
    });
  };
  noted('a wrong password', await glass(o.wrongPassword));
  const shown = await glass(o.password);

  await scene.client.query(`UPDATE integration SET state = 'live', pass = 'held' WHERE id = $1`, [
    integrationId,
  ]);
  const { partyId, environment } = await scene.one<{ partyId: string; environment: string }>(
    `SELECT x.party_id AS "partyId", c.environment FROM integration_party x JOIN credential c ON c.id = $2 WHERE x.integration_id = $1 LIMIT 1`,
    [integrationId, credentialId],
  );
  const key = ownKey();
  const made = noted(
    'a machine',
    await scene.post('/api/v1/machine-identities', {
      integrationId,
      partyId,
      name: 'worker',
      environment,
      publicKey: key.jwk,
    }),
  );
  const { id: machineId } = JSON.parse(made.body) as { id: string };
  const approver = { authorization: `Bearer ${await scene.world.token('vendor_risk')}` };
  const approve = { decision: 'approve' };
  noted(
    'its approval',
    await scene.post(`/api/v1/machine-identities/${machineId}/decision`, approve, approver),
  );
  const grant = noted(
    'a grant',
    await scene.post(`/api/v1/machine-identities/${machineId}/grants`, {
      credentialId,
      purpose: 'export',
      maxSimultaneous: 1,
      maxSeconds: 600,
      expiresAt: new Date(Date.now() + 86_400_000).toISOString(),
    }),
  );
  const { id: grantId } = JSON.parse(grant.body) as { id: string };
  noted('its approval', await scene.post(`/api/v1/checkout-grants/${grantId}/decision`, approve, approver));
  const assertions: string[] = [];
  const asMachine = () => {
    const now = Math.floor(Date.now() / 1000);
    const aud = `${scene.world.app.get(PublicUrl).get()}/api/v1/checkouts`;
    const one = jwt(key, { iss: machineId, sub: machineId, aud, iat: now, exp: now + 60, jti: randomUUID() });
    assertions.push(one);
    return { authorization: `Bearer ${one}` };
  };
  const asked = { credentialId, purpose: 'export' };
  const checkedOut = await scene.post('/api/v1/checkouts', asked, asMachine());
  const { id } = JSON.parse(checkedOut.body) as { id: string };
  noted('one too many', await scene.post('/api/v1/checkouts', asked, asMachine()));
  noted('a look at it', await scene.get(`/api/v1/checkouts/${id}`, asMachine()));
  noted(
    'a stale assertion',
    await scene.get(`/api/v1/checkouts/${id}`, { authorization: `Bearer ${assertions[0]!}` }),
  );
  noted('its renewal', await scene.post(`/api/v1/checkouts/${id}/renewal`, '', asMachine()));
  return { assertions, shown: shown.body, checkedOut: checkedOut.body };
}
