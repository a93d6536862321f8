import { createHash } from 'node:crypto';
import { Client } from 'pg';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { ELAPSED_DAY, HOUR, MINUTE, type Millis } from '../../src/kernel/time.ts';

/** Rows written as the database's owner, in the order given: what pages show is read back through the application. */
export class Scene {
  private constructor(
    readonly client: Client,
    readonly now: Millis,
  ) {}

  static async open(ownerUrl: string, now: Millis): Promise<Scene> {
    const client = new Client(ownerUrl);
    await client.connect();
    return new Scene(client, now);
  }

  close(): Promise<void> {
    return this.client.end();
  }

  ago(span: Millis): Date {
    return new Date(this.now - span);
  }

  async put(table: string, ...rows: Record<string, unknown>[]): Promise<void> {
    for (const row of rows) {
      const columns = Object.keys(row);
      const values = columns.map((column) => {
        const value = row[column];
        return value !== null &&
          typeof value === 'object' &&
          !(value instanceof Date) &&
          !Buffer.isBuffer(value) &&
          !isTextList(value)
          ? JSON.stringify(value)
          : value;
      });
      await this.client.query(
        `INSERT INTO "${table}" (${columns.map((c) => `"${c}"`).join(', ')}) VALUES (${columns.map((_, at) => `$${at + 1}`).join(', ')})`,
        values,
      );
    }
  }
}

function isTextList(value: object): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

const hash = (text: string) => createHash('sha256').update(text).digest();

/** A value that must appear on no page. It goes where values may go: sealed, and as text that forms once carried. */
export const CANARY = 'ghp_C4n4ryC4n4ryC4n4ryC4n4ryC4n4ry000042';

export interface PortfolioScene {
  operator: Id;
  northwind: Id;
  quartz: Id;
  hosting: Id;
  pigeon: Id;
  contacts: { ann: Id; omar: Id; nora: Id; piet: Id };
  agreement: Id;
  agreementVersion: Id;
  terms: { customer: Id; supplier: Id };
  /** Full: matrix, credentials, locations, dependencies. */
  billing: Id;
  /** Uses the shared credential, too. */
  reporting: Id;
  credentials: { live: Id; shared: Id; webhook: Id; legacy: Id };
  versions: { live: Id; liveOld: Id; shared: Id; webhook: Id; legacy: Id };
  locations: { vault: Id; ci: Id; log: Id; legacy: Id; reporting: Id };
  connection: Id;
  matrix: Id;
}

const DUTIES = [
  'admission',
  'issuance',
  'storage',
  'distribution',
  'scope_approval',
  'rotation',
  'monitoring',
  'revocation',
  'notification',
  'containment',
  'downstream_impact',
] as const;

const member = (integration_id: Id, party_id: Id, party_name: string, role: string) => ({
  integration_id,
  party_id,
  party_name,
  role,
});

/** A portfolio with one integration in every detail: shared and unprovable credentials, a gap, an override, dependencies. */
export async function portfolioScene(scene: Scene): Promise<PortfolioScene> {
  const at = scene.ago(90 * ELAPSED_DAY);
  const stamps = { created_at: at, updated_at: at };
  const ids = {
    operator: newId(),
    northwind: newId(),
    quartz: newId(),
    hosting: newId(),
    pigeon: newId(),
    contacts: { ann: newId(), omar: newId(), nora: newId(), piet: newId() },
    agreement: newId(),
    agreementVersion: newId(),
    terms: { customer: newId(), supplier: newId() },
    billing: newId(),
    reporting: newId(),
    credentials: { live: newId(), shared: newId(), webhook: newId(), legacy: newId() },
    versions: { live: newId(), liveOld: newId(), shared: newId(), webhook: newId(), legacy: newId() },
    locations: { vault: newId(), ci: newId(), log: newId(), legacy: newId(), reporting: newId() },
    connection: newId(),
    matrix: newId(),
  };
  const party = (id: Id, number: number, name: string, more: object = {}) => ({
    id,
    reference: `PTY-2026-${String(number).padStart(4, '0')}`,
    name,
    ...stamps,
    ...more,
  });
  await scene.put(
    'party',
    party(ids.operator, 1, 'Aurora Pay', { is_operator: true, region: 'EU', sector: 'payments' }),
    party(ids.northwind, 2, 'Northwind Cloud', { region: 'EU', sector: 'hosting', zone: 'Europe/Amsterdam' }),
    party(ids.quartz, 3, 'Quartz CI', { region: 'US', sector: 'developer tools' }),
    party(ids.hosting, 4, 'Fjord Hosting AS', { region: 'NO', sector: 'hosting' }),
    party(ids.pigeon, 5, 'Pigeon Mail', { region: 'EU', sector: 'mail' }),
  );
  const contact = (id: Id, party_id: Id, name: string, role: string, email: string) => ({
    id,
    party_id,
    name,
    role,
    email,
    confirmed_at: at,
    ...stamps,
  });
  const { ann, omar, nora, piet } = ids.contacts;
  await scene.put(
    'contact',
    contact(ann, ids.operator, 'Ann Meyer', 'security', 'ann@aurora.example'),
    contact(omar, ids.operator, 'Omar Haddad', 'on_call', 'omar@aurora.example'),
    contact(nora, ids.northwind, 'Nora Visser', 'security', 'nora@northwind.example'),
    contact(piet, ids.northwind, 'Piet de Boer', 'on_call', 'piet@northwind.example'),
  );
  await scene.put('agreement', {
    id: ids.agreement,
    reference: 'AGR-2026-0001',
    party_id: ids.northwind,
    title: 'Northwind master services agreement',
    ...stamps,
  });
  await scene.put('agreement_version', {
    id: ids.agreementVersion,
    agreement_id: ids.agreement,
    party_id: ids.northwind,
    number: 3,
    valid_from: at,
    review_on: '2027-03-01',
    authority: 'approve_within',
    approve_within_minutes: 30,
    approve_otherwise: 'act',
    content_hash: hash('agreement'),
    created_at: at,
  });
  const term = (id: Id, direction: string, more: object) => ({
    id,
    agreement_version_id: ids.agreementVersion,
    party_id: ids.northwind,
    direction,
    trigger: 'confirmed',
    start_event: 'confirmed',
    valid_from: at,
    ...more,
  });
  await scene.put(
    'term',
    term(ids.terms.customer, 'to_party', {
      window_count: 24,
      window_unit: 'elapsed-hours',
      fulfilled_by: 'acknowledged',
    }),
    term(ids.terms.supplier, 'from_party', {
      window_count: 2,
      window_unit: 'business-days',
      zone: 'Europe/Amsterdam',
      trigger: 'suspected',
      start_event: 'detected',
    }),
    term(newId(), 'to_party', { trigger: 'contained', start_event: 'contained', fulfilled_by: 'dispatched' }),
  );
  const integration = (id: Id, number: number, name: string, more: object = {}) => ({
    id,
    reference: `INT-2026-${String(number).padStart(4, '0')}`,
    name,
    state: 'live',
    pass: 'held',
    ...stamps,
    ...more,
  });
  await scene.put(
    'integration',
    integration(ids.billing, 1, 'Billing export to Northwind', {
      purpose: 'Nightly export of invoices and live usage metering to the ledger at Northwind.',
      data_class: 'personal',
      risk_tier: 1,
      owner_contact_id: ann,
      agreement_id: ids.agreement,
      environments: ['production', 'staging'],
      regions: ['eu-west', 'eu-north'],
    }),
    integration(ids.reporting, 2, 'Management reporting', {
      purpose: 'Dashboards on the same ledger.',
      risk_tier: 3,
      owner_contact_id: omar,
      agreement_id: ids.agreement,
      pass: 'lost',
      pass_grace_until: new Date(scene.now + 3 * ELAPSED_DAY),
    }),
  );
  await scene.put(
    'integration_party',
    member(ids.billing, ids.operator, 'Aurora Pay', 'customer'),
    member(ids.billing, ids.northwind, 'Northwind Cloud', 'supplier'),
    member(ids.billing, ids.hosting, 'Fjord Hosting AS', 'sub_processor'),
    member(ids.reporting, ids.operator, 'Aurora Pay', 'customer'),
    member(ids.reporting, ids.northwind, 'Northwind Cloud', 'supplier'),
  );
  await scene.put(
    'integration_dependency',
    { id: newId(), integration_id: ids.billing, party_id: ids.northwind, depth: 1, via: 'ledger API' },
    { id: newId(), integration_id: ids.billing, party_id: ids.hosting, depth: 2, via: 'object storage' },
    {
      id: newId(),
      integration_id: ids.billing,
      party_id: ids.pigeon,
      depends_on_integration_id: ids.reporting,
      depth: 2,
      via: 'receipts by mail',
    },
    {
      id: newId(),
      integration_id: ids.billing,
      party_id: ids.quartz,
      depth: 3,
      via: 'builds of the storage agent',
    },
  );
  await credentialsScene(scene, ids);
  await matrixScene(scene, ids);
  await crowd(scene, ids);
  return ids;
}

async function credentialsScene(scene: Scene, ids: PortfolioScene): Promise<void> {
  const at = scene.ago(80 * ELAPSED_DAY);
  const stamps = { created_at: at, updated_at: at };
  const { ann, omar, nora, piet } = ids.contacts;
  const credential = (id: Id, number: number, name: string, more: object = {}) => ({
    id,
    reference: `CRD-2026-${String(number).padStart(4, '0')}`,
    integration_id: ids.billing,
    name,
    kind: 'api_key',
    issuer_party_id: ids.northwind,
    verifier_party_id: ids.northwind,
    beneficiary_party_id: ids.operator,
    owner_contact_id: ann,
    revocability: 'instant',
    risk: 800,
    ...stamps,
    ...more,
  });
  await scene.put('connector_preset', {
    id: newId(),
    key: 'northwind-keys',
    content_hash: hash('preset'),
    connector: 'declarative-http',
    title: 'Northwind API keys',
    body: {},
    source: 'file',
    created_at: at,
  });
  await scene.put('connection', {
    id: ids.connection,
    party_id: ids.northwind,
    name: 'Northwind (production)',
    preset_key: 'northwind-keys',
    // Refused by the guarded dialler before anything is dialled.
    base_url: 'https://127.0.0.1:1',
    ...stamps,
  });
  const { credentials, versions, locations } = ids;
  await scene.put(
    'credential',
    credential(credentials.live, 1, 'Ledger write key', {
      authority: 'revoke_now',
      connection_id: ids.connection,
    }),
    credential(credentials.shared, 2, 'Ledger read key', {
      connection_id: ids.connection,
      purpose: 'Reads balances; also used by management reporting.',
    }),
    credential(credentials.webhook, 3, 'Webhook signing secret', {
      kind: 'webhook_secret',
      direction: 'inbound',
      verifier_party_id: ids.operator,
      authority: 'replace_first',
      revocability: 'manual',
    }),
    credential(credentials.legacy, 4, 'Mainframe batch password', {
      kind: 'password',
      revocability: 'expiry_only',
      risk: 300,
      owner_contact_id: null,
    }),
  );
  const use = (credential_id: Id, integration_id: Id, label: string) => ({
    credential_id,
    integration_id,
    label,
    since: at,
  });
  await scene.put(
    'credential_use',
    use(credentials.live, ids.billing, 'Ledger write key'),
    use(credentials.shared, ids.billing, 'Ledger read key'),
    use(credentials.shared, ids.reporting, 'Ledger read key'),
    use(credentials.webhook, ids.billing, 'Webhook signing secret'),
    use(credentials.legacy, ids.billing, 'Mainframe batch password'),
  );
  await scene.put(
    'credential_holder',
    { credential_id: credentials.live, integration_id: ids.billing, party_id: ids.operator },
    { credential_id: credentials.webhook, integration_id: ids.billing, party_id: ids.operator },
    { credential_id: credentials.webhook, integration_id: ids.billing, party_id: ids.northwind },
  );
  await scene.put(
    'credential_scope',
    {
      id: newId(),
      credential_id: credentials.live,
      integration_id: ids.billing,
      name: 'ledger:write',
      description: 'add postings',
      justification: 'the nightly export adds postings',
    },
    {
      id: newId(),
      credential_id: credentials.live,
      integration_id: ids.billing,
      name: 'ledger:admin',
      description: 'close periods',
    },
  );
  const version = (id: Id, credential_id: Id, number: number, phase: string, more: object = {}) => ({
    id,
    credential_id,
    integration_id: ids.billing,
    number,
    phase,
    supplier_id: `key_${number}${id.slice(-6)}`,
    issued_at: scene.ago(60 * ELAPSED_DAY),
    created_at: at,
    ...more,
  });
  await scene.put(
    'credential_version',
    version(newId(), credentials.live, 1, 'retired', {
      issued_at: scene.ago(200 * ELAPSED_DAY),
      retired_at: scene.ago(70 * ELAPSED_DAY),
    }),
    version(versions.liveOld, credentials.live, 2, 'overlap', {
      activated_at: scene.ago(72 * ELAPSED_DAY),
      expires_at: new Date(scene.now + 2 * ELAPSED_DAY),
    }),
    version(versions.live, credentials.live, 3, 'active', {
      activated_at: scene.ago(5 * ELAPSED_DAY),
      expires_at: new Date(scene.now + 85 * ELAPSED_DAY),
      store_ref: 'sealed:x',
    }),
    version(newId(), credentials.live, 4, 'pending', { issued_at: scene.ago(HOUR) }),
    version(versions.shared, credentials.shared, 1, 'active', { activated_at: scene.ago(60 * ELAPSED_DAY) }),
    version(versions.webhook, credentials.webhook, 1, 'active', {
      activated_at: scene.ago(60 * ELAPSED_DAY),
    }),
    version(versions.legacy, credentials.legacy, 1, 'active', {
      activated_at: scene.ago(900 * ELAPSED_DAY),
      expires_at: new Date(scene.now - ELAPSED_DAY),
      supplier_id: null,
    }),
  );
  const location = (id: Id, credential_id: Id, kind: string, name: string, more: object = {}) => ({
    id,
    credential_id,
    integration_id: ids.billing,
    kind,
    name,
    party_id: ids.operator,
    put_at: scene.ago(60 * ELAPSED_DAY),
    ...stamps,
    ...more,
  });
  await scene.put(
    'location',
    location(locations.vault, credentials.live, 'vault', 'Vault kv/billing', {
      version_id: versions.live,
      provable: 'store_api',
      owner_contact_id: ann,
    }),
    location(locations.ci, credentials.live, 'ci_variable', 'Quartz CI: NORTHWIND_KEY', {
      version_id: versions.liveOld,
      arrived_by: 'injected',
      provable: 'scan',
      owner_contact_id: omar,
    }),
    location(locations.log, credentials.live, 'log', 'Debug log of exporter-7', {
      arrived_by: 'leaked',
      provable: 'no',
      path: '/var/log/exporter/debug.log',
    }),
    location(locations.legacy, credentials.legacy, 'legacy_middleware', 'Mainframe job card', {
      provable: 'no',
    }),
    location(locations.reporting, credentials.shared, 'env_file', 'reporting/.env', {
      integration_id: ids.reporting,
      provable: 'owner_statement',
    }),
  );
  const system = (name: string, party_id: Id) => ({ id: newId(), name, party_id, created_at: at });
  const [ledger, archive] = [
    system('Ledger production', ids.northwind),
    system('Invoice archive', ids.operator),
  ];
  await scene.put('system', ledger, archive);
  await scene.put(
    'credential_system',
    {
      credential_id: credentials.live,
      integration_id: ids.billing,
      system_id: ledger.id,
      basis: 'entitled',
      scope: 'ledger:write',
    },
    {
      credential_id: credentials.live,
      integration_id: ids.billing,
      system_id: archive.id,
      basis: 'observed',
      last_seen_at: scene.ago(2 * ELAPSED_DAY),
    },
  );
  const path = (id: Id, credential_id: Id, ordinal: number, more: object) => ({
    id,
    credential_id,
    integration_id: ids.billing,
    ordinal,
    party_id: ids.northwind,
    ...more,
  });
  const [byMachine, byPiet] = [newId(), newId()];
  await scene.put(
    'revocation_path',
    path(byMachine, credentials.live, 1, {
      kind: 'connector',
      connection_id: ids.connection,
      expected_minutes: 2,
    }),
    path(byPiet, credentials.live, 2, { kind: 'contact', contact_id: piet, expected_minutes: 45 }),
    path(newId(), credentials.shared, 1, { kind: 'connector', connection_id: ids.connection }),
    path(newId(), credentials.webhook, 1, { kind: 'contact', contact_id: nora, expected_minutes: 120 }),
  );
  await scene.put(
    'drill',
    {
      id: newId(),
      revocation_path_id: byMachine,
      started_at: scene.ago(20 * ELAPSED_DAY),
      ended_at: new Date(scene.now - 20 * ELAPSED_DAY + 3 * MINUTE),
      outcome: 'passed',
    },
    {
      id: newId(),
      revocation_path_id: byPiet,
      started_at: scene.ago(19 * ELAPSED_DAY),
      ended_at: scene.ago(19 * ELAPSED_DAY - HOUR),
      outcome: 'failed',
    },
  );
}

async function matrixScene(scene: Scene, ids: PortfolioScene): Promise<void> {
  const at = scene.ago(60 * ELAPSED_DAY);
  await scene.put('matrix_version', {
    id: ids.matrix,
    integration_id: ids.billing,
    number: 2,
    state: 'countersigned',
    canonical: '{}',
    content_hash: hash('matrix'),
    author_id: 'import',
    created_at: at,
    valid_from: at,
  });
  const people = [newId(), newId()];
  await scene.put(
    'person',
    { id: people[0], name: 'Ann Meyer', created_at: at },
    { id: people[1], name: 'Nora Visser', created_at: at },
  );
  const attestation = (party_id: Id, person_id: Id | undefined, signs_for: string) => ({
    id: newId(),
    matrix_version_id: ids.matrix,
    integration_id: ids.billing,
    party_id,
    person_id,
    signs_for,
    content_hash: hash('matrix'),
    text_hash: hash('text'),
    language: 'en',
    strength: 'second_channel',
    at,
  });
  await scene.put(
    'attestation',
    attestation(ids.operator, people[0], 'Aurora Pay'),
    attestation(ids.northwind, people[1], 'Northwind Cloud'),
  );
  const supplierDuties = new Set(['issuance', 'rotation', 'revocation']);
  const row = async (duty: string, accountable: Id, performers: Id[], more: object = {}) => {
    const id = newId();
    await scene.put('matrix_row', {
      id,
      matrix_version_id: ids.matrix,
      integration_id: ids.billing,
      duty,
      accountable_party_id: accountable,
      ...more,
    });
    await scene.put(
      'matrix_performer',
      ...performers.map((party_id) => ({ matrix_row_id: id, integration_id: ids.billing, party_id })),
    );
  };
  for (const duty of DUTIES) {
    if (duty === 'storage') {
      await row(duty, ids.operator, [ids.operator], { part: 'production', contact_id: ids.contacts.ann });
      await row(duty, ids.northwind, [ids.hosting], { part: 'staging', contact_id: ids.contacts.nora });
    } else if (supplierDuties.has(duty)) {
      await row(duty, ids.northwind, [ids.northwind], {
        contact_id: duty === 'rotation' ? null : ids.contacts.nora,
      });
    } else {
      await row(duty, ids.operator, [ids.operator, ...(duty === 'monitoring' ? [ids.hosting] : [])], {
        contact_id: ids.contacts.ann,
      });
    }
  }
  await row('revocation', ids.operator, [ids.operator], {
    credential_id: ids.credentials.webhook,
    contact_id: ids.contacts.omar,
  });
}

/** More of everything, so that lists have pages. */
async function crowd(scene: Scene, ids: PortfolioScene): Promise<void> {
  const at = scene.ago(30 * ELAPSED_DAY);
  const names = [
    'Payroll',
    'Shop front',
    'Fraud scoring',
    'Card tokens',
    'Identity checks',
    'Support desk',
    'Chat',
  ];
  const kinds = ['sync', 'export', 'webhooks', 'batch', 'sandbox', 'mirror', 'lookup', 'archive'];
  const states = [
    'live',
    'live',
    'live',
    'approved',
    'in_review',
    'draft',
    'suspended',
    'live',
    'quarantined',
    'retired',
  ];
  let number = 100;
  for (const name of names) {
    for (const kind of kinds) {
      const id = newId();
      number += 1;
      const state = states[number % states.length]!;
      await scene.put('integration', {
        id,
        reference: `INT-2026-0${number}`,
        name: `${name} ${kind}`,
        state,
        pass: state === 'live' ? 'held' : state === 'suspended' ? 'lost' : 'refused',
        risk_tier: (number % 4) + 1,
        owner_contact_id: state === 'quarantined' ? null : ids.contacts.omar,
        shadow: state === 'quarantined',
        created_at: at,
        updated_at: at,
      });
      const [supplier, supplierName] = number % 2 ? [ids.quartz, 'Quartz CI'] : [ids.pigeon, 'Pigeon Mail'];
      await scene.put(
        'integration_party',
        { integration_id: id, party_id: ids.operator, party_name: 'Aurora Pay', role: 'customer' },
        { integration_id: id, party_id: supplier, party_name: supplierName, role: 'supplier' },
      );
    }
  }
}
