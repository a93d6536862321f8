import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { LedgerService } from '../../src/domain/ledger/ledger.service.ts';
import { RunsService } from '../../src/domain/runbooks/runs.service.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import type { Principal } from '../../src/kernel/principal.ts';
import { HOUR, MINUTE } from '../../src/kernel/time.ts';
import { Transactions } from '../../src/platform/database/transactions.ts';
import type { IncidentScene } from './incident-scene.ts';
import type { PortfolioScene, Scene } from './scene.ts';

export const LARGE = 'INC-2026-0040';
export const CASES = 15;

/** Every third of them is settled; of the others one in five is late. */
const settled = (at: number) => at % 3 === 2;
const late = (at: number) => !settled(at) && at % 5 === 0;

/**
 * A leak at fifteen integrations at once, each with a case, two credentials, four copies, two notices, a report and
 * instants of its own; and everything of it that is settled beside what is not.
 *
 * @param by  who asked for its runbook
 */
export async function largeIncident(
  scene: Scene,
  ids: PortfolioScene,
  small: IncidentScene,
  app: NestFastifyApplication,
  by: Principal,
): Promise<Id> {
  /** A row like another one, with these columns its own. */
  const like = async (table: string, id: Id, own: Record<string, unknown>) => {
    await scene.client.query(
      `INSERT INTO "${table}" SELECT (jsonb_populate_record(x, $2)).* FROM "${table}" x WHERE id = $1`,
      [id, own],
    );
  };
  const incident = newId();
  const batch = newId();
  await like('incident', small.incident, {
    id: incident,
    reference: LARGE,
    title: 'Keys of fifteen exports in a public archive',
  });
  const { rows: seen } = await scene.client.query<{ id: Id }>(
    `SELECT id FROM exposure WHERE incident_id = $1 ORDER BY reference LIMIT 1`,
    [small.incident],
  );
  const { rows: known } = await scene.client.query<{ id: Id }>(
    `SELECT id FROM instant WHERE incident_id = $1 ORDER BY kind`,
    [small.incident],
  );
  const { rows: systems } = await scene.client.query<{ id: Id }>(`SELECT id FROM system ORDER BY name`);
  const ledger = systems.at(-1);
  for (const { id } of known) await like('instant', id, { id: newId(), incident_id: incident });
  const entries: { kind: string; subject: { kind: string; id: Id } }[] = [
    { kind: 'incident.opened', subject: { kind: 'incident', id: incident } },
  ];
  const opened = scene.ago(3 * HOUR + 20 * MINUTE);
  for (let at = 0; at < CASES; at += 1) {
    const number = String(at + 1).padStart(4, '0');
    const integration = newId();
    await like('integration', ids.billing, {
      id: integration,
      reference: `INT-2027-${number}`,
      name: `Export ${number} of ledger postings to Northwind`,
      external_key: null,
    });
    for (const [party_id, party_name, role] of [
      [ids.operator, 'Aurora Pay', 'customer'],
      [ids.northwind, 'Northwind Cloud', 'supplier'],
    ] as const)
      await scene.put('integration_party', { integration_id: integration, party_id, party_name, role });
    const own = newId();
    await scene.put('incident_case', {
      id: own,
      reference: `CAS-2027-${number}`,
      incident_id: incident,
      integration_id: integration,
      state: settled(at) ? 'contained' : 'open',
      ...(settled(at) ? { contained_at: scene.ago(HOUR) } : {}),
      awareness_at: opened,
      opened_at: opened,
      updated_at: opened,
    });
    entries.push({ kind: 'case.opened', subject: { kind: 'case', id: own } });
    for (const name of ['write', 'read']) {
      const dead = settled(at) || name === 'read';
      const [credential, version] = [newId(), newId()];
      await like('credential', name === 'write' ? ids.credentials.live : ids.credentials.legacy, {
        id: credential,
        reference: `CRD-2027-${number.slice(-3)}${name === 'write' ? 1 : 2}`,
        integration_id: integration,
        name: `Ledger ${name} key of export ${number}`,
        external_key: null,
      });
      await like('credential_version', ids.versions.live, {
        id: version,
        credential_id: credential,
        integration_id: integration,
        supplier_id: `key-${number}-${name}`,
        store_ref: null,
      });
      await scene.put('credential_use', {
        credential_id: credential,
        integration_id: integration,
        label: `Ledger ${name} key`,
        since: opened,
      });
      await scene.put('incident_credential', {
        incident_id: incident,
        version_id: version,
        credential_id: credential,
        integration_id: integration,
        batch_id: dead ? newId() : batch,
        match: 'value',
        authority: 'approve_within',
        may_act: 'approve',
        approve_within_minutes: 30,
        approve_otherwise: 'escalate',
        source_trust: 'act',
        why: 'as agreed',
        joined_at: opened,
      });
      await scene.put('case_credential', {
        case_id: own,
        integration_id: integration,
        credential_id: credential,
        version_id: version,
        joined_at: opened,
      });
      await scene.put('revocation_path', {
        id: newId(),
        credential_id: credential,
        integration_id: integration,
        ordinal: 1,
        party_id: ids.northwind,
        kind: 'contact',
        contact_id: ids.contacts.piet,
        expected_minutes: 45,
      });
      if (dead) {
        await scene.client.query(
          `INSERT INTO evidence SELECT (jsonb_populate_record(x, jsonb_build_object('id', gen_random_uuid(), 'credential_id', $2::uuid,
                  'integration_id', $3::uuid, 'version_id', $4::uuid, 'idempotency_key', $4::text || x.kind))).* FROM evidence x WHERE x.version_id = $1`,
          [ids.versions.shared, credential, integration, version],
        );
        await scene.client.query(
          `INSERT INTO version_death SELECT (jsonb_populate_record(x, jsonb_build_object('credential_id', $2::uuid, 'integration_id', $3::uuid, 'version_id', $4::uuid,
                  'revocation_evidence_id', (SELECT id FROM evidence WHERE version_id = $4 AND kind = 'revoke'),
                  'liveness_evidence_id', (SELECT id FROM evidence WHERE version_id = $4 AND kind = 'probe'),
                  'control_evidence_id', (SELECT id FROM evidence WHERE version_id = $4 AND kind = 'control')))).* FROM version_death x WHERE x.version_id = $1`,
          [ids.versions.shared, credential, integration, version],
        );
        entries.push({
          kind: 'revocation.proven-dead',
          subject: { kind: 'credential_version', id: version },
        });
      }
      for (const [place, kind] of [
        ['Vault', 'vault'],
        ['Pipeline', 'ci_variable'],
      ] as const) {
        const copy = newId();
        await scene.put('location', {
          id: copy,
          credential_id: credential,
          integration_id: integration,
          kind,
          name: `${place} of export ${number}, ${name}`,
          path: `kv/exports/${number}/${name}`,
          provable: 'scan',
          party_id: ids.operator,
          put_at: opened,
          created_at: opened,
          updated_at: opened,
        });
        if (dead)
          await scene.put('location_proof', {
            id: newId(),
            location_id: copy,
            integration_id: integration,
            version_id: version,
            verdict: 'gone',
            method: 'owner_statement',
            at: scene.ago(HOUR),
          });
      }
      if (name === 'write') {
        await like('exposure', seen[0]!.id, {
          id: newId(),
          reference: `EXP-2027-${number}`,
          external_ref: `archive ${number}`,
          incident_id: incident,
          credential_id: credential,
          version_id: version,
          integration_id: integration,
        });
        await scene.put('downstream_item', {
          id: newId(),
          incident_id: incident,
          case_id: own,
          credential_id: credential,
          version_id: version,
          system_id: ledger!.id,
          system_name: `Ledger ${number}`,
          kind: 'bad_writes',
          basis: 'observed',
          why: 'It was used there',
          party_id: ids.operator,
          due_at: late(at) ? scene.ago(HOUR) : new Date(scene.now + 20 * HOUR),
          created_at: opened,
          updated_at: opened,
        });
      }
    }
    for (const kind of ['confirmed', 'determined'])
      await like('instant', known[0]!.id, { id: newId(), incident_id: incident, case_id: own, kind });
    for (const to of ['customer', 'supplier'] as const) {
      const met = settled(at) || to === 'supplier';
      const reference = `NTC-2027-${to === 'customer' ? 1 : 2}${number.slice(1)}`;
      await like(
        'notice',
        met ? small.notices.supplier : late(at) ? small.notices.late : small.notices.customer,
        {
          id: newId(),
          reference,
          integration_id: integration,
          subject_id: own,
          idempotency_key: reference,
          message_id: `<${reference}@aurora.example>`,
        },
      );
    }
  }
  await app.get(Transactions).run(by, async (db) => {
    await app.get(LedgerService).append(
      db,
      entries.map((entry, n) => ({ ...entry, by, at: opened.getTime() + n * MINUTE, facts: {} })),
    );
    await app.get(RunsService).start(db, {
      runbook: 'emergency-revocation',
      subject: { kind: 'incident', id: incident },
      input: { batchId: batch, incidentId: incident },
      correlationId: 'test',
      by,
    });
  });
  return incident;
}
