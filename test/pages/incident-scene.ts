import { createHash, randomBytes } from 'node:crypto';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { LedgerService } from '../../src/domain/ledger/ledger.service.ts';
import { RunsService } from '../../src/domain/runbooks/runs.service.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { HOUR, MINUTE } from '../../src/kernel/time.ts';
import { Transactions } from '../../src/platform/database/transactions.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { Vault } from '../../src/platform/vault/vault.ts';
import { CANARY, type PortfolioScene, type Scene } from './scene.ts';

export interface IncidentScene {
  incident: Id;
  case: Id;
  notices: { customer: Id; supplier: Id; late: Id };
  run: Id;
}

const hash = (text: string) => createHash('sha256').update(text).digest();

/**
 * A leak in the middle of its containment: one credential dead, one that waits for its approval, one for its replacement,
 * one that no machine can kill; a clock that runs, one that was kept, one that was missed. The run is the engine's own.
 */
export async function incidentScene(
  scene: Scene,
  ids: PortfolioScene,
  app: NestFastifyApplication,
): Promise<IncidentScene> {
  const by = system('test', 'test');
  const opened = scene.ago(3 * HOUR + 20 * MINUTE);
  const made: IncidentScene = {
    incident: newId(),
    case: newId(),
    notices: { customer: newId(), supplier: newId(), late: newId() },
    run: '',
  };
  const batch = newId();
  const [source, delivery] = [newId(), newId()];
  await scene.put('source', {
    id: source,
    key: 'github',
    kind: 'github',
    name: 'GitHub secret scanning',
    trust: 'act',
    owner_contact_id: ids.contacts.ann,
    last_seen_at: opened,
    created_at: opened,
    updated_at: opened,
  });
  await scene.put('delivery', {
    id: delivery,
    source_id: source,
    delivery_id: 'd-1',
    content_key: 'k-1',
    body_hash: hash('delivery'),
    size: 900,
    event: 'secret_scanning_alert',
    outcome: 'accepted',
    correlation_id: 'test',
    received_at: opened,
  });
  await scene.put('incident', {
    id: made.incident,
    reference: 'INC-2026-0007',
    title: 'Ledger keys in a public repository',
    state: 'containing',
    severity: 'critical',
    awareness_at: opened,
    opened_at: opened,
    correlation_id: 'test',
    updated_at: opened,
  });
  const exposed = (
    version_id: Id,
    credential_id: Id,
    may_act: string,
    authority: string,
    more: object = {},
  ) => ({
    incident_id: made.incident,
    version_id,
    credential_id,
    integration_id: ids.billing,
    batch_id: batch,
    match: 'value',
    authority,
    may_act,
    source_trust: 'act',
    why: 'as agreed',
    joined_at: opened,
    ...more,
  });
  const { credentials, versions } = ids;
  const approval = { approve_within_minutes: 30, approve_otherwise: 'escalate' };
  await scene.put(
    'incident_credential',
    exposed(versions.shared, credentials.shared, 'act', 'revoke_now', { batch_id: newId() }),
    exposed(versions.live, credentials.live, 'approve', 'approve_within', approval),
    exposed(versions.webhook, credentials.webhook, 'replace_first', 'replace_first'),
    exposed(versions.legacy, credentials.legacy, 'act', 'revoke_now', { match: 'metadata' }),
  );
  await scene.put('incident_case', {
    id: made.case,
    reference: 'CAS-2026-0011',
    incident_id: made.incident,
    integration_id: ids.billing,
    matrix_version_id: ids.matrix,
    agreement_version_id: ids.agreementVersion,
    awareness_at: opened,
    opened_at: opened,
    updated_at: opened,
  });
  await scene.put(
    'case_credential',
    ...[
      [credentials.shared, versions.shared],
      [credentials.live, versions.live],
    ].map(([credential_id, version_id]) => ({
      case_id: made.case,
      integration_id: ids.billing,
      credential_id,
      version_id,
      joined_at: opened,
    })),
  );
  await scene.put(
    'instant',
    ...(['detected', 'received', 'confirmed'] as const).map((kind, at) => ({
      id: newId(),
      incident_id: made.incident,
      kind,
      at: scene.ago(3 * HOUR + (40 - 10 * at) * MINUTE),
      asserted_by_kind: kind === 'detected' ? 'source' : 'system',
      asserted_by: 'github',
      basis: kind === 'confirmed' ? 'the value matched a fingerprint' : 'the delivery says so',
      recorded_at: opened,
    })),
  );
  const report = newId();
  await scene.put('exposure_batch', { id: report, correlation_id: 'test', created_at: opened });
  const exposure = (number: number, more: object) => ({
    id: newId(),
    batch_id: report,
    reference: `EXP-2026-000${number}`,
    source_id: source,
    delivery_id: delivery,
    external_ref: `alert ${number}`,
    reporter_kind: 'source',
    reporter_id: source,
    place: 'https://github.example/aurora/exporter/blob/main/.env#L12',
    state: 'accepted',
    match: 'value',
    trust: 'act',
    incident_id: made.incident,
    detected_at: scene.ago(4 * HOUR),
    received_at: opened,
    correlation_id: 'test',
    updated_at: opened,
    ...more,
  });
  await scene.put(
    'exposure',
    exposure(1, {
      credential_id: credentials.live,
      version_id: versions.live,
      integration_id: ids.billing,
      publicly_leaked: true,
    }),
    exposure(2, {
      credential_id: credentials.shared,
      version_id: versions.shared,
      integration_id: ids.billing,
    }),
    exposure(3, {
      incident_id: null,
      state: 'triage',
      match: 'none',
      triage_reason: 'nothing of ours matches',
      place: null,
    }),
  );
  await deathOf(scene, ids, versions.shared, credentials.shared);
  await noticesOf(scene, ids, made);
  await scene.put(
    'alert',
    {
      id: newId(),
      kind: 'notice.missed',
      severity: 'critical',
      message: 'Notice NTC-2026-0003 is late.',
      dedupe_key: 'a',
      subject_kind: 'notice',
      subject_id: made.notices.late,
      first_at: opened,
      last_at: opened,
      occurrences: 2,
    },
    {
      id: newId(),
      kind: 'queue.slow',
      severity: 'warning',
      message: 'The queue of notices is slow.',
      dedupe_key: 'b',
      first_at: opened,
      last_at: opened,
    },
  );
  const transactions = app.get(Transactions);
  await plantCanary(app, ids);
  const now = scene.now;
  await transactions.run(by, async (db) => {
    await app.get(LedgerService).append(db, [
      {
        kind: 'incident.opened',
        subject: { kind: 'incident', id: made.incident },
        by,
        at: opened.getTime(),
        facts: { severity: 'critical', exposures: 2 },
      },
      { kind: 'case.opened', subject: { kind: 'case', id: made.case }, by, at: opened.getTime(), facts: {} },
      {
        kind: 'revocation.requested',
        subject: { kind: 'credential_version', id: versions.shared },
        by,
        at: now - 190 * MINUTE,
        facts: {},
      },
      {
        kind: 'revocation.accepted',
        subject: { kind: 'credential_version', id: versions.shared },
        by,
        at: now - 189 * MINUTE,
        facts: {},
      },
      {
        kind: 'revocation.proven-dead',
        subject: { kind: 'credential_version', id: versions.shared },
        by,
        at: now - 188 * MINUTE,
        facts: {},
      },
      {
        kind: 'notice.missed',
        subject: { kind: 'notice', id: made.notices.late },
        by,
        at: now - HOUR,
        facts: { reference: 'NTC-2026-0003' },
      },
    ]);
    const { runId } = await app.get(RunsService).start(db, {
      runbook: 'emergency-revocation',
      subject: { kind: 'incident', id: made.incident },
      input: { batchId: batch, incidentId: made.incident },
      correlationId: 'test',
      by,
    });
    made.run = runId;
  });
  return made;
}

/** Dead, with the control that the table demands, and one copy shown to be gone. */
export async function deathOf(
  scene: Scene,
  ids: PortfolioScene,
  version_id: Id,
  credential_id: Id,
): Promise<void> {
  const at = scene.ago(188 * MINUTE);
  const evidence = (kind: string, outcome: string, asked: string, status: number) => ({
    id: newId(),
    kind,
    credential_id,
    integration_id: ids.billing,
    version_id,
    idempotency_key: randomBytes(8).toString('hex'),
    attempt: 1,
    connection_id: ids.connection,
    path: 'northwind',
    asked,
    status,
    outcome,
    why: kind === 'probe' ? 'refused, while the control canary was accepted' : '',
    started_at: at,
    ended_at: at,
  });
  const [revoke, probe, control] = [
    evidence('revoke', 'accepted', 'DELETE /v1/keys/{id}', 204),
    evidence('probe', 'dead', 'GET /v1/whoami', 401),
    evidence('control', 'live', 'GET /v1/whoami', 200),
  ];
  await scene.put('evidence', revoke, probe, control);
  await scene.put('version_death', {
    version_id,
    credential_id,
    integration_id: ids.billing,
    revocation: 'accepted',
    revocation_at: at,
    revocation_evidence_id: revoke.id,
    liveness: 'dead',
    liveness_at: at,
    liveness_evidence_id: probe.id,
    control_evidence_id: control.id,
    sessions: 'ended',
    sessions_at: at,
    updated_at: at,
  });
  await scene.put('location_proof', {
    id: newId(),
    location_id: ids.locations.reporting,
    integration_id: ids.reporting,
    version_id,
    verdict: 'gone',
    method: 'owner_statement',
    at,
  });
}

async function noticesOf(scene: Scene, ids: PortfolioScene, made: IncidentScene): Promise<void> {
  const facts = (reference: string) => ({
    reference,
    caseReference: 'CAS-2026-0011',
    integrationName: 'Billing export to Northwind',
    fromParty: 'Aurora Pay',
    toParty: 'Northwind Cloud',
    trigger: 'confirmed',
    awareAt: scene.ago(3 * HOUR).toISOString(),
    dueAt: new Date(scene.now + 20 * HOUR).toISOString(),
    credentials: [{ label: 'Ledger read key', environment: 'production', state: 'dead' }],
    copies: 3,
    reason: 'Found in a public repository.',
  });
  const start = scene.ago(3 * HOUR + 20 * MINUTE);
  const notice = (id: Id, number: number, more: object) => ({
    id,
    reference: `NTC-2026-000${number}`,
    integration_id: ids.billing,
    party_id: ids.northwind,
    contact_id: ids.contacts.nora,
    subject_kind: 'case',
    subject_id: made.case,
    idempotency_key: `n${number}`,
    agreement_version_id: ids.agreementVersion,
    term_id: ids.terms.customer,
    category: 'exposure',
    trigger: 'confirmed',
    start_event: 'confirmed',
    start_at: start,
    due_at: new Date(scene.now + 20 * HOUR),
    due_why: '24 hours after the instant of confirmation',
    warn_at: new Date(scene.now + 8 * HOUR),
    escalate_at: new Date(scene.now + 15 * HOUR),
    fulfilled_by: 'acknowledged',
    facts: facts(`NTC-2026-000${number}`),
    message_id: `<n${number}@aurora.example>`,
    dispatch: 'accepted',
    attempts: 1,
    accepted_at: scene.ago(3 * HOUR),
    correlation_id: 'test',
    created_at: start,
    updated_at: start,
    ...more,
  });
  await scene.put(
    'notice',
    notice(made.notices.customer, 1, {}),
    notice(made.notices.supplier, 2, {
      party_id: ids.operator,
      contact_id: ids.contacts.ann,
      agreement_version_id: null,
      term_id: null,
      receipt: 'acknowledged',
      timeliness: 'met',
      fulfilled_at: scene.ago(2 * HOUR),
      acknowledged_at: scene.ago(2 * HOUR),
      decided_at: scene.ago(2 * HOUR),
    }),
    notice(made.notices.late, 3, {
      party_id: ids.quartz,
      contact_id: null,
      agreement_version_id: null,
      term_id: null,
      due_at: scene.ago(HOUR),
      warn_at: scene.ago(2 * HOUR),
      escalate_at: scene.ago(90 * MINUTE),
      escalated_at: scene.ago(90 * MINUTE),
      dispatch: 'failed',
      receipt: 'bounced',
      accepted_at: null,
      attempts: 3,
      timeliness: 'missed',
      decided_at: scene.ago(HOUR),
    }),
  );
  await scene.put('notice_attempt', {
    id: newId(),
    notice_id: made.notices.customer,
    party_id: ids.northwind,
    number: 1,
    channel: 'mail',
    contact_id: ids.contacts.nora,
    message_id: `${made.notices.customer}@notices.countersign`,
    address: 'nora@northwind.example',
    started_at: scene.ago(3 * HOUR),
    ended_at: scene.ago(3 * HOUR),
    outcome: 'accepted',
    peer_answer: '250 2.0.0 Ok: queued as 7F2C1',
  });
  await scene.put('escalation', {
    id: newId(),
    subject_kind: 'notice',
    subject_id: made.notices.late,
    level: 'escalate',
    reason: 'nobody was reached in 80 % of the window',
    role: 'responder',
    at: scene.ago(90 * MINUTE),
  });
}

/** The value that no page may show: sealed where the application keeps values, as the credential and as our own authentication. */
async function plantCanary(app: NestFastifyApplication, ids: PortfolioScene): Promise<void> {
  const vault = app.get(Vault, { strict: false });
  await app.get(Transactions).run(system('test', 'test'), async (db) => {
    const value = await vault.put(db, `credential_version:${ids.versions.live}`, Secret.of(CANARY));
    await db.query('UPDATE credential_version SET store_ref = $2 WHERE id = $1', [ids.versions.live, value]);
    const auth = await vault.put(db, `connection:${ids.connection}`, Secret.of(CANARY));
    await db.query('UPDATE connection SET auth_refs = $2 WHERE id = $1', [ids.connection, { token: auth }]);
  });
}
