import { createHash, createHmac, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { ConnectionsService } from '../../src/domain/revocation/connections.service.ts';
import { CopiesService } from '../../src/domain/revocation/copies.service.ts';
import type { Id } from '../../src/kernel/ids.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { SystemClock } from '../../src/platform/clock/clock.ts';
import type { Config } from '../../src/platform/config/config.ts';
import { Transactions } from '../../src/platform/database/transactions.ts';
import { startApp, until, type TestApp } from './app.ts';
import { MailServer } from './mail-server.ts';
import { BY } from './revocation-scene.ts';
import { datadog, oauth, ScriptedSupplier, type Issued } from './scripted-supplier.ts';

export const WEBHOOK_KEY = `whsec_${randomBytes(32).toString('base64')}`;
export const GITHUB_KEY = `github-signing-key-${randomBytes(12).toString('hex')}`;
export const GITHUB_TOKEN = `ghs_${randomBytes(20).toString('hex')}`;

/** A credential as the test leaks it. */
export interface Leaked {
  key: string;
  supplier: ScriptedSupplier;
  issued: Issued;
}

const SUPPLIERS = [
  { key: 'datadog', preset: 'datadog' },
  { key: 'oauth', preset: 'oauth-generic' },
] as const;

/** The whole application with duties and a real clock, suppliers and a mail server on loopback, a portfolio by the public import. */
export class CarriedScene {
  readonly leaked: Leaked[] = [];
  admin = '';
  #deliveries = 0;

  private constructor(
    readonly world: TestApp,
    readonly suppliers: Readonly<Record<'datadog' | 'oauth', ScriptedSupplier>>,
    readonly canaries: readonly Issued[],
    readonly mail: MailServer,
    readonly client: Client,
    readonly integrations: number,
    readonly folder: string,
  ) {}

  /** @param o.allow further host:port pairs @param o.codeHost base URL of the code host's API */
  static async open(o: {
    credentials: number;
    integrations: number;
    config?: Partial<Config>;
    allow?: readonly string[];
    /** Values of the leaked credentials, where a test wants its own. */
    values?: readonly string[];
    codeHost?: string;
  }): Promise<CarriedScene> {
    const suppliers = {
      datadog: await new ScriptedSupplier(datadog).start(),
      oauth: await new ScriptedSupplier(oauth).start(),
    };
    const mail = await MailServer.start();
    const folder = await mkdtemp(join(tmpdir(), 'countersign-leak-'));
    const world = await startApp({
      config: {
        dataFolder: folder,
        smtpUrl: `smtp://${mail.host}`,
        outboundAllow: [
          mail.host,
          ...Object.values(suppliers).map((one) => one.hostPort),
          ...(o.allow ?? []),
        ],
        ...o.config,
      },
      settings: { clock: new SystemClock() },
    });
    const client = new Client(world.database.adminUrl);
    client.on('error', () => undefined);
    await client.connect();
    const canaries = SUPPLIERS.map(({ key }) => suppliers[key].issue(`canary-${key}`));
    const scene = new CarriedScene(world, suppliers, canaries, mail, client, o.integrations, folder);
    scene.admin = await world.token('admin');
    for (let n = 0; n < o.credentials; n++) {
      const supplier = suppliers[SUPPLIERS[n % 2]!.key];
      const value = o.values?.[n];
      const issued = supplier.issue(`c${n}`, value === undefined ? {} : { value });
      scene.leaked.push({ key: `credential-${n}`, supplier, issued });
    }
    await scene.#import();
    await scene.#sources(o.codeHost ?? suppliers.datadog.baseUrl);
    return scene;
  }

  async close(): Promise<void> {
    await this.world.close();
    await this.client.end().catch(() => undefined);
    for (const supplier of Object.values(this.suppliers)) await supplier.stop();
    await this.mail.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Reads as a superuser: nothing is hidden from it. */
  async rows<T extends object>(sql: string, params: unknown[] = []): Promise<T[]> {
    return (await this.client.query<T>(sql, params)).rows;
  }

  async one<T extends object>(sql: string, params: unknown[] = []): Promise<T> {
    return (await this.rows<T>(sql, params))[0]!;
  }

  post(url: string, payload: unknown, headers: Record<string, string> = {}) {
    return this.world.app.inject({
      method: 'POST',
      url,
      payload: typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload),
      headers: { authorization: `Bearer ${this.admin}`, 'content-type': 'application/json', ...headers },
    });
  }

  get(url: string, headers: Record<string, string> = {}) {
    return this.world.app.inject({ url, headers: { authorization: `Bearer ${this.admin}`, ...headers } });
  }

  /** A report of several leaks as its source signs it. */
  async signedReport(reports: readonly object[], key = WEBHOOK_KEY) {
    const body = JSON.stringify({ type: 'exposure.reported', data: { reports } });
    const id = `msg-${++this.#deliveries}`;
    const at = String(Math.floor(Date.now() / 1000));
    const signed = createHmac('sha256', Buffer.from(key.slice('whsec_'.length), 'base64'))
      .update(`${id}.${at}.${body}`)
      .digest('base64');
    return this.world.app.inject({
      method: 'POST',
      url: '/api/v1/intake/finder',
      payload: body,
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': at,
        'webhook-signature': `v1,${signed}`,
      },
    });
  }

  /** An alert of GitHub's secret scanning. `secret` null: the application asks GitHub's API for it. */
  async githubAlert(o: {
    number: number;
    secret: string | null;
    repository: string;
    key?: string;
    body?: string;
  }) {
    const body =
      o.body ??
      JSON.stringify({
        action: 'created',
        alert: {
          number: o.number,
          created_at: '2026-11-22T01:00:00Z',
          updated_at: '2026-11-22T01:00:01Z',
          secret_type: 'generic',
          ...(o.secret === null ? {} : { secret: o.secret }),
        },
        repository: { full_name: o.repository },
      });
    return this.world.app.inject({
      method: 'POST',
      url: '/api/v1/intake/code-host',
      payload: body,
      headers: {
        'content-type': 'application/json',
        'x-github-event': 'secret_scanning_alert',
        'x-github-delivery': `gh-${++this.#deliveries}`,
        'x-hub-signature-256': `sha256=${createHmac('sha256', o.key ?? GITHUB_KEY)
          .update(body)
          .digest('hex')}`,
      },
    });
  }

  /** How many of the leaked are still live, as their suppliers know it. */
  get live(): number {
    return this.leaked.filter(({ issued }) => issued.live).length;
  }

  /** Steps of every run that have not come to an end, and all of them. */
  async steps(): Promise<{ open: number; all: number }> {
    return this.one(
      `SELECT count(*) FILTER (WHERE state NOT IN ('done', 'skipped', 'failed', 'cancelled', 'parked'))::int AS open, count(*)::int AS all FROM step`,
    );
  }

  /** Waits until what machines can do is done: every version of ours verified dead, every notice accepted, every step at rest. */
  async carried(limit = 90_000): Promise<void> {
    const seen = () =>
      this.one<{ dead: number; owed: number; accepted: number; runs: number; open: number }>(
        `SELECT (SELECT count(*)::int FROM version_death WHERE liveness = 'dead') AS dead,
                (SELECT count(*)::int FROM notice) AS owed,
                (SELECT count(*)::int FROM notice WHERE dispatch = 'accepted') AS accepted,
                (SELECT count(*)::int FROM run) AS runs,
                (SELECT count(*)::int FROM step WHERE state NOT IN ('done', 'skipped', 'failed', 'cancelled', 'parked')) AS open`,
      );
    try {
      await until(
        async () => {
          const now = await seen();
          return (
            now.dead === this.leaked.length &&
            now.owed >= this.integrations &&
            now.accepted === now.owed &&
            now.open === 0
          );
        },
        'every credential dead and every notice accepted',
        limit,
      );
    } catch (thrown) {
      const stuck = await this.rows(
        `SELECT n.step, s.state, s.reason, count(*)::int FROM step s JOIN run_node n ON n.run_id = s.run_id AND n.node = s.node GROUP BY 1, 2, 3 ORDER BY 1, 2`,
      );
      throw new Error(
        `${(thrown as Error).message}: ${JSON.stringify(await seen())} ${JSON.stringify(stuck)}`,
      );
    }
  }

  /** The owners of the copies say that they are gone. */
  async signCopies(): Promise<void> {
    const copies = this.world.app.get(CopiesService);
    const held = await this.rows<{ id: Id; version_id: Id }>(
      `SELECT s.item->'facts'->>'locationId' AS id, s.item->'facts'->>'versionId' AS version_id
         FROM step s JOIN run_node n ON n.run_id = s.run_id AND n.node = s.node WHERE n.step = 'copies' AND s.state = 'parked'`,
    );
    for (const { id, version_id } of held)
      expectOk(
        await copies.sign(BY, {
          kind: 'copy_gone',
          subjectKind: 'location',
          subjectId: id,
          versionId: version_id,
          signsFor: 'Ann Meyer',
          text: 'Removed from the variables.',
          strength: 'mailbox',
        }),
      );
  }

  async #import(): Promise<void> {
    const sent = await this.post(
      '/api/v1/imports?name=portfolio.jsonl&source=proof',
      this.lines()
        .map((row) => JSON.stringify(row))
        .join('\n'),
      { 'content-type': 'application/jsonl' },
    );
    if (sent.statusCode !== 202) throw new Error(`the import was refused: ${sent.body}`);
    const { id } = sent.json<{ id: string }>();
    let view = { state: 'queued' };
    await until(
      async () => {
        view = (await this.get(`/api/v1/imports/${id}`)).json<{ state: string }>();
        return ['done', 'refused', 'failed'].includes(view.state);
      },
      'the end of the import',
      60_000,
    );
    if (view.state !== 'done')
      throw new Error(`${JSON.stringify(view)} ${(await this.get(`/api/v1/imports/${id}/problems`)).body}`);
    const connections = this.world.app.get(ConnectionsService);
    for (const [at, { key, preset }] of SUPPLIERS.entries()) {
      const supplier = this.suppliers[key];
      const { party_id: partyId } = await this.one<{ party_id: Id }>(
        `SELECT party_id FROM connection WHERE external_key = $1`,
        [key],
      );
      const put = await this.world.app.get(Transactions).run(BY, (db) =>
        connections.put(
          db,
          {
            source: 'proof',
            externalKey: key,
            partyId,
            name: key,
            presetKey: preset,
            baseUrl: supplier.baseUrl,
            environment: 'production',
            auth: Object.fromEntries(
              Object.entries(supplier.dialect.admin).map(([name, value]) => [name, Secret.of(value)]),
            ),
            control: { value: Secret.of(this.canaries[at]!.value), supplierId: this.canaries[at]!.id },
            maxConcurrent: 4,
          },
          BY,
        ),
      );
      expectOk(put);
    }
  }

  /** What the portfolio says, as JSON Lines of the public import; hashes, never values. */
  lines(): Record<string, unknown>[] {
    const integrationOf = (n: number) => `integration-${n % this.integrations}`;
    const rows: Record<string, object[]> = {
      party: [
        { key: 'operator', name: 'Aurora Pay', operator: true },
        ...SUPPLIERS.map(({ key }) => ({ key, name: `Supplier ${key}` })),
      ],
      contact: [
        { key: 'ann', party: 'operator', name: 'Ann Meyer', role: 'on_call', email: 'ann@aurora.example' },
        ...SUPPLIERS.map(({ key }) => ({
          key: `${key}-desk`,
          party: key,
          name: `Desk of ${key}`,
          role: 'security',
          email: `desk@${key}.example`,
        })),
      ],
      agreement: SUPPLIERS.map(({ key }) => ({
        key: `agreement-${key}`,
        party: key,
        title: `Agreement with ${key}`,
        from: '2026-01-01T00:00:00Z',
        authority: 'revoke_now',
        terms: [
          {
            direction: 'to_party',
            trigger: 'confirmed',
            startEvent: 'confirmed',
            window: '24 elapsed-hours',
            recipients: [`${key}-desk`],
            fulfilledBy: 'accepted_by_peer',
          },
        ],
      })),
      connection: SUPPLIERS.map(({ key, preset }) => ({
        key,
        party: key,
        name: key,
        preset,
        baseUrl: this.suppliers[key].baseUrl,
        environment: 'production',
        maxConcurrent: 4,
      })),
      integration: Array.from({ length: this.integrations }, (_, n) => ({
        key: `integration-${n}`,
        name: `Integration ${n}`,
        agreement: `agreement-${SUPPLIERS[n % 2]!.key}`,
        owner: 'ann',
        environments: ['production'],
        parties: [
          { party: 'operator', role: 'customer' },
          { party: SUPPLIERS[n % 2]!.key, role: 'supplier' },
        ],
      })),
      credential: this.leaked.map(({ key }, n) => ({
        key,
        integration: integrationOf(n),
        name: `Key ${n}`,
        type: 'api_key',
        environment: 'production',
        owner: 'ann',
        issuer: SUPPLIERS[n % 2]!.key,
        verifier: SUPPLIERS[n % 2]!.key,
        holders: ['operator'],
        authority: 'revoke_now',
        revocability: 'instant',
        connection: SUPPLIERS[n % 2]!.key,
        risk: 900 - n,
      })),
      credentialVersion: this.leaked.map(({ key, issued }) => ({
        credential: key,
        supplierId: issued.id,
        phase: 'active',
        sha256: createHash('sha256').update(issued.value).digest('hex'),
      })),
      location: this.leaked.map(({ key }, n) => ({
        key: `location-${n}`,
        credential: key,
        type: 'ci_variable',
        name: `CI variable ${n}`,
        party: 'operator',
        owner: 'ann',
        provable: 'owner_statement',
      })),
    };
    return Object.entries(rows).flatMap(([kind, list]) => list.map((row) => ({ kind, ...row })));
  }

  async #sources(codeHost: string): Promise<void> {
    for (const source of [
      { key: 'finder', kind: 'standard-webhooks', name: 'Finder', trust: 'act', keys: [WEBHOOK_KEY] },
      {
        key: 'code-host',
        kind: 'github',
        name: 'Code host',
        trust: 'act',
        keys: [GITHUB_KEY],
        apiToken: GITHUB_TOKEN,
        apiBaseUrl: codeHost,
      },
    ]) {
      const made = await this.post('/api/v1/sources', source);
      if (made.statusCode !== 201) throw new Error(`no source: ${made.body}`);
    }
  }
}
