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
  return {
    '/api/v1/cases/:id': { id: await caseOf(world, partyId) },
    '/api/v1/agreements/:id': { id: made.agreement },
    '/api/v1/agreements/:id/preview': { id: made.agreement },
    '/api/v1/contacts/:id': { id: made.contact },
    '/api/v1/credentials/:id': { id: made.credential },
    '/api/v1/credentials/:id/permissions': { id: made.credential },
    '/api/v1/integrations/:id': { id: made.integration },
    '/api/v1/integrations/:id/matrices': { id: made.integration },
    '/api/v1/notices/:id': { id: made.notice },
    '/api/v1/parties/:id': { id: partyId },
    '/integrations/:reference': { reference: made.integrationReference },
    '/credentials/:reference': { reference: made.credentialReference },
    '/agreements/:reference': { reference: 'AGR-2026-9001' },
    '/agreements/:reference/compare': { reference: 'AGR-2026-9001' },
    '/notices/:reference': { reference: 'NTC-2026-9001' },
  };
}

async function things(world: TestApp, partyId: Id) {
  const [integration, credential, version, notice] = [newId(), newId(), newId(), newId()];
  const [agreement, contact] = [newId(), newId()];
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
      `INSERT INTO notice (id, reference, integration_id, party_id, subject_kind, subject_id, idempotency_key, category,
                           trigger, start_event, start_at, fulfilled_by, facts, message_id, correlation_id, created_at, updated_at)
       VALUES ($1, 'NTC-2026-9001', $2, $3, 'case', $4, 'route-sample', 'exposure', 'confirmed', 'confirmed', $5, 'dispatched',
               '{}', 'route-sample', 'test-samples', $5, $5)`,
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
  };
}

async function caseOf(world: TestApp, partyId: Id): Promise<Id> {
  const scene = await LeakScene.set(world);
  await scene.github('sample');
  const integrationId = await scene.integration('Sample', { parties: [partyId] });
  const credential = await scene.credential(integrationId);
  await scene.alert({ number: 1, secret: credential.value }, { source: 'sample' });
  await scene.settled();
  const { id } = await scene.one<{ id: Id }>(`SELECT id FROM incident_case WHERE integration_id = $1`, [
    integrationId,
  ]);
  return id;
}
