import { newId, type Id } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { Transactions } from '../../src/platform/database/transactions.ts';
import type { TestApp } from './app.ts';
import { LeakScene } from './leak-scene.ts';

/**
 * What the parameters of a route may be filled with so that it names something that exists and belongs to a party: by the
 * route's address. A route that an outside party may call, with a parameter and without a sample here, fails the routes
 * test: nobody would know whether it keeps parties apart.
 */
export type RouteSamples = Record<string, Record<string, string>>;

/** Makes one thing of each kind for `partyId`, and says by which addresses it is asked for. A new address is a new line. */
export async function routeSamples(world: TestApp, partyId: Id): Promise<RouteSamples> {
  const made = await things(world, partyId);
  const case_ = await caseOf(world, partyId);
  return {
    '/api/v1/cases/:id': { id: case_.caseId },
    '/api/v1/downstream-items/:id': { id: case_.itemId },
    '/api/v1/downstream-items/:id/settle': { id: case_.itemId },
    '/api/v1/downstream-items/:id/reopening': { id: case_.itemId },
    '/downstream/:id': { id: case_.itemId },
    '/downstream/:id/reopening': { id: case_.itemId },
    '/api/v1/agreements/:id': { id: made.agreement },
    '/api/v1/agreements/:id/preview': { id: made.agreement },
    '/api/v1/contacts/:id': { id: made.contact },
    '/api/v1/contacts/:id/absences': { id: made.contact },
    '/api/v1/contacts/:id/addresses': { id: made.contact },
    '/api/v1/parties/:id/on-call': { id: partyId },
    '/api/v1/credentials/:id': { id: made.credential },
    '/api/v1/credentials/:id/permissions': { id: made.credential },
    '/api/v1/credentials/:id/convergence': { id: made.credential },
    '/api/v1/locations/:id/holdings': { id: made.location },
    '/api/v1/locations/:id/scans': { id: made.location },
    '/api/v1/locations/:id/fingerprints': { id: made.location },
    '/api/v1/locations/:id/store': { id: made.location },
    '/api/v1/locations/:id/store-looks': { id: made.location },
    '/api/v1/locations/:id/store-readings': { id: made.location },
    '/api/v1/integrations/:id': { id: made.integration },
    '/api/v1/integrations/:id/matrices': { id: made.integration },
    '/api/v1/notices/:id': { id: made.notice },
    '/api/v1/notices/:id/document': { id: made.notice },
    '/api/v1/notices/:id/acknowledgements': { id: made.notice },
    '/api/v1/parties/:id': { id: partyId },
    ...matrixRoutes(made),
    ...(await signalRoutes(world, partyId)),
    '/integrations/:reference': { reference: made.integrationReference },
    '/integrations/:reference/rotation': { reference: made.integrationReference },
    '/credentials/:reference': { reference: made.credentialReference },
    '/credentials/:reference/locations/:location/scan': {
      reference: made.credentialReference,
      location: made.location,
    },
    '/credentials/:reference/locations/:location/store/look': {
      reference: made.credentialReference,
      location: made.location,
    },
    '/agreements/:reference': { reference: 'AGR-2026-9001' },
    '/agreements/:reference/compare': { reference: 'AGR-2026-9001' },
    '/notices/:reference': { reference: 'NTC-2026-9001' },
    '/notices/:reference/call': { reference: 'NTC-2026-9001' },
  };
}

/** One subscription that is looked at and ended, another one whose messages are asked for, and a stream. */
async function signalRoutes(world: TestApp, partyId: Id): Promise<RouteSamples> {
  const [ended, kept, stream, delivery] = [newId(), newId(), newId(), newId()];
  const now = world.clock.date();
  await world.app.get(Transactions).run(system('test', 'test-samples'), async (db) => {
    for (const [id, kind] of [
      [ended, 'webhook'],
      [kept, 'webhook'],
      [stream, 'set-poll'],
    ]) {
      await db.query(
        `INSERT INTO subscription (id, party_id, kind, name, url, events, created_at, updated_at)
         VALUES ($1, $2, $3, 'Own endpoint', '', '{case.opened}', $4, $4)`,
        [id, partyId, kind, now],
      );
    }
    await db.query(
      `INSERT INTO subscription_delivery (id, subscription_id, party_id, type, txn, data, occurred_at, created_at, state, ended_at)
       VALUES ($1, $2, $3, 'case.opened', $1, '{}', $4, $4, 'delivered', $4)`,
      [delivery, kept, partyId, now],
    );
  });
  const api = '/api/v1/subscriptions/:id';
  const [{ reference } = { reference: '' }] = await world.app
    .get(Transactions)
    .run(system('test', 'test-samples'), (db) =>
      db.query<{ reference: string }[]>(`SELECT reference FROM party WHERE id = $1`, [partyId]),
    );
  const page = '/parties/:reference/signals';
  const own = { reference, id: kept, key: newId(), message: delivery };
  const pages = Object.fromEntries(
    [
      '',
      '/:id',
      '/:id/switch',
      '/:id/keys',
      '/:id/keys/:key/retire',
      '/:id/test',
      '/:id/messages/:message/send',
    ].map((what) => [`${page}${what}`, own]),
  );
  pages[`${page}/:id/remove`] = { ...own, id: stream };
  return {
    [api]: { id: ended },
    [`${api}/keys`]: { id: kept },
    [`${api}/keys/:keyId`]: { id: kept },
    [`${api}/test`]: { id: kept },
    [`${api}/deliveries`]: { id: kept },
    [`${api}/deliveries/:deliveryId`]: { id: kept, deliveryId: delivery },
    [`${api}/deliveries/:deliveryId/send`]: { id: kept, deliveryId: delivery },
    '/api/v1/ssf/poll/:id': { id: stream },
    ...pages,
  };
}

/** Every address of a matrix, its versions and their signatures. */
function matrixRoutes(made: Awaited<ReturnType<typeof things>>): RouteSamples {
  const { integration: id, integrationReference: reference, matrix, attestation: signature } = made;
  const same = (parameters: Record<string, string>, ...urls: string[]): RouteSamples =>
    Object.fromEntries(urls.map((url) => [url, parameters]));
  const api = '/api/v1/integrations/:id/matrix';
  const page = '/integrations/:reference/matrix';
  return {
    ...same({ id }, api, `${api}.csv`, `${api}.xlsx`, `${api}/inherit`, `${api}/propose`),
    ...same({ id: matrix }, '/api/v1/matrices/:id', '/matrices/:id'),
    ...same(
      { id: matrix },
      ...['attestations', 'attestations/paper', 'send-back', 'withdraw', 'invitations'].map(
        (what) => `/api/v1/matrices/:id/${what}`,
      ),
    ),
    ...same(
      { id: matrix },
      ...['code', 'sign', 'send-back', 'withdraw'].map((what) => `/matrices/:id/${what}`),
    ),
    ...same(
      { id: matrix, since: matrix },
      '/api/v1/matrices/:id/changes/:since',
      '/matrices/:id/changes/:since',
    ),
    '/api/v1/matrices/:id/documents/:contactId': { id: matrix, contactId: made.contact },
    '/api/v1/attestations/:id/withdraw': { id: signature },
    '/api/v1/contacts/:id/signing-keys': { id: made.contact },
    ...same({ id: made.key }, '/api/v1/signing-keys/:id/retire', '/signing-keys/:id/retire'),
    '/api/v1/invitations/:id/withdraw': { id: made.invitation },
    '/matrices/:id/invitations/:invitation/withdraw': { id: matrix, invitation: made.invitation },
    '/matrices/:id/invite': { id: matrix },
    ...same(
      { reference },
      page,
      `${page}.csv`,
      `${page}.xlsx`,
      ...['bulk', 'cell', 'remove', 'inherit', 'discard', 'propose'].map((what) => `${page}/${what}`),
    ),
    ...same(
      { id: matrix, signature },
      '/matrices/:id/signatures/:signature/withdraw',
      '/matrices/:id/signatures/:signature/confirm',
    ),
  };
}

async function things(world: TestApp, partyId: Id) {
  const [integration, credential, version, notice] = [newId(), newId(), newId(), newId()];
  const [agreement, contact] = [newId(), newId()];
  const [matrix, attestation, person] = [newId(), newId(), newId()];
  const [key, invitation, location] = [newId(), newId(), newId()];
  const integrationReference = 'INT-2026-9001';
  const credentialReference = 'CRD-2026-9001';
  const now = world.clock.date();
  await world.app.get(Transactions).run(system('test', 'test-samples'), async (db) => {
    await db.query(
      `INSERT INTO integration (id, reference, name, created_at, updated_at) VALUES ($1, $2, 'Own shop', $3, $3)`,
      [integration, integrationReference, now],
    );
    await db.query(
      `INSERT INTO integration_party (integration_id, party_id, party_name, role)
       SELECT $1, id, name, 'supplier' FROM party WHERE id = $2`,
      [integration, partyId],
    );
    await db.query(
      `INSERT INTO credential (id, reference, integration_id, name, kind, issuer_party_id, verifier_party_id, created_at, updated_at)
       VALUES ($1, $2, $3, 'Own key', 'api_key', $4, $4, $5, $5)`,
      [credential, credentialReference, integration, partyId, now],
    );
    await db.query(
      `INSERT INTO credential_use (credential_id, integration_id, label, since) VALUES ($1, $2, 'Own key', $3)`,
      [credential, integration, now],
    );
    await db.query(
      `INSERT INTO credential_version (id, credential_id, integration_id, number, created_at) VALUES ($1, $2, $3, 1, $4)`,
      [version, credential, integration, now],
    );
    await db.query(
      `INSERT INTO location (id, credential_id, integration_id, version_id, kind, name, party_id, created_at, updated_at)
       VALUES ($1, $2, $3, $4, 'vault', 'Own vault', $5, $6, $6)`,
      [location, credential, integration, version, partyId, now],
    );
    await db.query(
      `INSERT INTO agreement (id, reference, party_id, title, created_at, updated_at)
       VALUES ($1, 'AGR-2026-9001', $2, 'Own agreement', $3, $3)`,
      [agreement, partyId, now],
    );
    await db.query(
      `INSERT INTO agreement_version (id, agreement_id, party_id, number, valid_from, content_hash, created_at)
       VALUES ($1, $2, $3, 1, $4, '\\x00', $4)`,
      [newId(), agreement, partyId, now],
    );
    await db.query(
      `INSERT INTO contact (id, party_id, name, role, created_at, updated_at) VALUES ($1, $2, 'Own desk', 'security', $3, $3)`,
      [contact, partyId, now],
    );
    await db.query(
      `INSERT INTO matrix_version (id, integration_id, number, state, canonical, content_hash, author_id, created_at, proposed_at)
       VALUES ($1, $2, 1, 'proposed', '{}', '\\x00', 'test', $3, $3)`,
      [matrix, integration, now],
    );
    await db.query(
      `INSERT INTO matrix_text (matrix_version_id, integration_id, language, text, text_hash) VALUES ($1, $2, 'en', 'Text', '\\x00')`,
      [matrix, integration],
    );
    await db.query(
      `INSERT INTO signing_key (id, party_id, contact_id, public_key, fingerprint, registered_by, registered_at)
       VALUES ($1, $2, $3, 'key', '\\x00', 'test', $4)`,
      [key, partyId, contact, now],
    );
    await db.query(
      `INSERT INTO matrix_invitation (id, matrix_version_id, integration_id, party_id, contact_id, purpose, created_at)
       VALUES ($1, $2, $3, $4, $5, 'attest', $6)`,
      [invitation, matrix, integration, partyId, contact, now],
    );
    await db.query(`INSERT INTO person (id, name, created_at) VALUES ($1, 'Own person', $2)`, [person, now]);
    await db.query(
      `INSERT INTO attestation (id, matrix_version_id, integration_id, party_id, person_id, signs_for, content_hash, text_hash, language, strength, at)
       VALUES ($1, $2, $3, $4, $5, 'Own person', '\\x00', '\\x00', 'en', 'mailbox', $6)`,
      [attestation, matrix, integration, partyId, person, now],
    );
    await db.query(
      `INSERT INTO notice (id, reference, integration_id, party_id, subject_kind, subject_id, idempotency_key, category,
                           trigger, start_event, start_at, fulfilled_by, facts, message_id, correlation_id, created_at, updated_at,
                           sent_subject, sent_text)
       VALUES ($1, 'NTC-2026-9001', $2, $3, 'case', $4, 'route-sample', 'exposure', 'confirmed', 'confirmed', $5, 'dispatched',
               '{}', 'route-sample', 'test-samples', $5, $5, 'A notice', 'What was told')`,
      [notice, integration, partyId, newId(), now],
    );
  });
  return {
    agreement,
    contact,
    integration,
    integrationReference,
    credential,
    credentialReference,
    version,
    notice,
    matrix,
    attestation,
    key,
    invitation,
    location,
  };
}

async function caseOf(world: TestApp, partyId: Id): Promise<{ caseId: Id; itemId: Id }> {
  const scene = await LeakScene.set(world);
  await scene.github('sample');
  const integrationId = await scene.integration('Sample', { parties: [partyId] });
  const credential = await scene.credential(integrationId);
  await scene.alert({ number: 1, secret: credential.value }, { source: 'sample' });
  await scene.settled();
  const { id } = await scene.one<{ id: Id }>(`SELECT id FROM incident_case WHERE integration_id = $1`, [
    integrationId,
  ]);
  const [systemId, itemId] = [newId(), newId()];
  const now = world.clock.date();
  await scene.rows(`INSERT INTO system (id, name, party_id, created_at) VALUES ($1, 'Own ledger', $2, $3)`, [
    systemId,
    partyId,
    now,
  ]);
  await scene.rows(
    `INSERT INTO downstream_item (id, incident_id, case_id, credential_id, version_id, system_id, system_name, kind, basis, why, party_id,
                                  due_at, created_at, updated_at)
     SELECT $1, c.incident_id, c.id, $2, $3, $4, 'Own ledger', 'reads', 'entitled', 'it may', $5, $6, $6, $6
       FROM incident_case c WHERE c.id = $7`,
    [itemId, credential.credentialId, credential.versionId, systemId, partyId, now, id],
  );
  return { caseId: id, itemId };
}
