import { createHmac, randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { Webhook } from 'standardwebhooks';
import { fingerprintsOf } from '../../src/domain/credentials/fingerprint.rules.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { ELAPSED_DAY } from '../../src/kernel/time.ts';
import { Transactions, type Db } from '../../src/platform/database/transactions.ts';
import { OutboxRows } from '../../src/platform/outbox/rows.ts';
import { Keys } from '../../src/platform/signing/keys.ts';
import { until, type TestApp } from './app.ts';

export const GITHUB_KEY = 'the secret of the webhook';
export const REPORTS_KEY = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

const BY = system('test', 'test-correlation');

/** A credential of the scene; its value is known to the test alone. */
export interface SceneCredential {
  value: string;
  supplierId: string;
  credentialId: Id;
  versionId: Id;
  integrationId: Id;
}

/** One operator, one supplier, one customer; integrations and credentials by the wish of a test, reports of every kind. */
export class LeakScene {
  operatorId = newId();
  supplierId = newId();
  customerId = newId();
  agreementId = newId();
  #tokens = new Map<string, string>();
  #count = 0;
  #places = 0;

  private constructor(readonly world: TestApp) {}

  /** A look at what another process has on the same database. */
  static over(world: TestApp): LeakScene {
    return new LeakScene(world);
  }

  static async set(world: TestApp): Promise<LeakScene> {
    const scene = new LeakScene(world);
    await scene.#parties();
    return scene;
  }

  work<T>(todo: (db: Db) => Promise<T>): Promise<T> {
    return this.world.app.get(Transactions).run(BY, todo);
  }

  rows<T extends object>(sql: string, params: unknown[] = []): Promise<T[]> {
    return this.work((db) => db.query<T[]>(sql, params));
  }

  async one<T extends object>(sql: string, params: unknown[] = []): Promise<T> {
    const [row] = await this.rows<T>(sql, params);
    if (!row) throw new Error(`no row: ${sql}`);
    return row;
  }

  /** A repository that no other test reports about. */
  place(): string {
    return `octo/repo-${(this.#places += 1)}`;
  }

  exposureOf(externalRef: string) {
    return this.one<{
      id: string;
      state: string;
      match: string | null;
      triage_reason: string | null;
      incident_id: string | null;
      version_id: string | null;
      source_says: string;
      resolution: string | null;
    }>(
      `SELECT id, state, match, triage_reason, incident_id, version_id, source_says, resolution FROM exposure WHERE external_ref = $1`,
      [externalRef],
    );
  }

  alerts(kind: string) {
    return this.rows<{ message: string; occurrences: number; severity: string }>(
      `SELECT message, occurrences, severity FROM alert WHERE kind = $1 AND handled_at IS NULL ORDER BY id`,
      [kind],
    );
  }

  async #parties(): Promise<void> {
    const now = this.world.clock.date();
    await this.work(async (db) => {
      for (const [id, name, operator] of [
        [this.operatorId, 'Operator Ltd', true],
        [this.supplierId, 'Supplier AG', false],
        [this.customerId, 'Customer SA', false],
      ]) {
        await db.query(
          `INSERT INTO party (id, reference, name, is_operator, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5)`,
          [id, `PTY-${String(id)}`, name, operator, now],
        );
      }
      await db.query(
        `INSERT INTO agreement (id, reference, party_id, title, created_at, updated_at) VALUES ($1, $2, $3, 'Agreement', $4, $4)`,
        [this.agreementId, `AGR-${this.agreementId}`, this.customerId, now],
      );
      const versionId = newId();
      await db.query(
        `INSERT INTO agreement_version (id, agreement_id, party_id, number, valid_from, authority, approve_within_minutes, content_hash, created_at)
         VALUES ($1, $2, $3, 1, $4, 'approve_within', 45, '\\x00', $5)`,
        [
          versionId,
          this.agreementId,
          this.customerId,
          new Date(this.world.clock.now() - 30 * ELAPSED_DAY),
          now,
        ],
      );
      await db.query(
        `INSERT INTO term (id, agreement_version_id, party_id, direction, trigger, start_event, window_count, window_unit, valid_from)
         VALUES ($1, $2, $3, 'to_party', 'confirmed', 'confirmed', 24, 'elapsed-hours', $4)`,
        [newId(), versionId, this.customerId, new Date(this.world.clock.now() - 30 * ELAPSED_DAY)],
      );
    });
  }

  /** @param parties besides operator and supplier */
  async integration(name: string, o: { parties?: Id[]; agreed?: boolean } = {}): Promise<Id> {
    const id = newId();
    await this.work(async (db) => {
      await db.query(
        `INSERT INTO integration (id, reference, name, agreement_id, state, created_at, updated_at) VALUES ($1, $2, $3, $4, 'live', $5, $5)`,
        [id, `INT-${id}`, name, o.agreed === false ? null : this.agreementId, this.world.clock.date()],
      );
      for (const [party, role] of [
        [this.supplierId, 'supplier'],
        ...(o.parties ?? []).map((one) => [one, 'customer']),
      ]) {
        await db.query(
          `INSERT INTO integration_party (integration_id, party_id, party_name, role) SELECT $1, id, name, $3 FROM party WHERE id = $2`,
          [id, party, role],
        );
      }
    });
    return id;
  }

  async credential(
    integrationId: Id,
    o: {
      value?: string;
      uses?: Id[];
      authority?: string | null;
      minutes?: number;
      risk?: number;
      connectionId?: Id;
      fingerprinted?: boolean;
      kind?: string;
    } = {},
  ): Promise<SceneCredential> {
    const [made] = await this.credentials(integrationId, 1, o);
    return made!;
  }

  /** Many credentials of one integration, set-based. */
  async credentials(
    integrationId: Id,
    count: number,
    o: Parameters<LeakScene['credential']>[1] = {},
  ): Promise<SceneCredential[]> {
    const now = this.world.clock.date();
    const peppers = this.world.app.get(Keys).peppers();
    const made = Array.from({ length: count }, () => ({
      value: o.value ?? `tok_${(this.#count += 1)}_${randomBytes(18).toString('base64url')}`,
      supplierId: `sup-${newId()}`,
      credentialId: newId(),
      versionId: newId(),
      integrationId,
    }));
    const columns = <K extends keyof SceneCredential>(...names: K[]) =>
      names.map((name) => made.map((one) => one[name]));
    await this.work(async (db) => {
      await db.query(
        `INSERT INTO credential (id, reference, integration_id, name, kind, issuer_party_id, verifier_party_id, authority,
                                 approve_within_minutes, risk, connection_id, created_at, updated_at)
         SELECT id, 'CRD-' || id, $2, 'Key ' || n, $9, $3, $3, $4, $5, $6, $7, $8, $8
           FROM unnest($1::uuid[]) WITH ORDINALITY AS r(id, n)`,
        [
          ...columns('credentialId'),
          integrationId,
          this.supplierId,
          o.authority ?? null,
          o.minutes ?? null,
          o.risk ?? 500,
          o.connectionId ?? null,
          now,
          o.kind ?? 'api_key',
        ],
      );
      for (const use of [integrationId, ...(o.uses ?? [])]) {
        await db.query(
          `INSERT INTO credential_use (credential_id, integration_id, label, since) SELECT id, $2, 'our key', $3 FROM unnest($1::uuid[]) AS r(id)`,
          [...columns('credentialId'), use, now],
        );
      }
      await db.query(
        `INSERT INTO credential_version (id, credential_id, integration_id, number, supplier_id, created_at)
         SELECT v, c, $4, 1, s, $5 FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS r(v, c, s)`,
        [...columns('versionId', 'credentialId', 'supplierId'), integrationId, now],
      );
    });
    if (o.fingerprinted !== false) await this.fingerprint(made, peppers);
    return made;
  }

  async fingerprint(
    made: readonly SceneCredential[],
    peppers = this.world.app.get(Keys).peppers(),
  ): Promise<void> {
    const rows = made.flatMap((one) =>
      fingerprintsOf({ value: Secret.of(one.value) }, peppers).map((print) => ({ ...one, ...print })),
    );
    await this.work((db) =>
      db.query(
        `INSERT INTO fingerprint (version_id, credential_id, integration_id, part, scheme, key_id, digest, created_at)
         SELECT r.*, $8 FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::bytea[]) AS r`,
        [
          ...(
            ['versionId', 'credentialId', 'integrationId', 'part', 'scheme', 'keyId', 'digest'] as const
          ).map((name) => rows.map((row) => row[name])),
          this.world.clock.date(),
        ],
      ),
    );
  }

  async token(role: Parameters<TestApp['token']>[0], partyId?: Id): Promise<string> {
    const name = `${role} ${partyId ?? ''}`;
    const known = this.#tokens.get(name) ?? (await this.world.token(role, partyId));
    this.#tokens.set(name, known);
    return known;
  }

  async call(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    url: string,
    o: { token?: string; body?: unknown; headers?: Record<string, string> } = {},
  ) {
    const answer = await this.world.app.inject({
      method,
      url,
      headers: {
        authorization: `Bearer ${o.token ?? (await this.token('admin'))}`,
        ...(o.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...o.headers,
      },
      ...(o.body === undefined ? {} : { payload: JSON.stringify(o.body) }),
    });
    return {
      status: answer.statusCode,
      body: answer.body === '' ? null : answer.json(),
      headers: answer.headers,
    };
  }

  /** A source over the public API. */
  async source(input: Record<string, unknown>): Promise<{ id: Id; key: string }> {
    const answer = await this.call('POST', '/api/v1/sources', {
      body: { name: 'A source', trust: 'act', ...input },
    });
    if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
    return answer.body as { id: Id; key: string };
  }

  async github(key = 'github'): Promise<void> {
    await this.source({ key, kind: 'github', keys: [GITHUB_KEY] });
  }

  /** A GitHub delivery as GitHub would send it. */
  async alert(
    alert: { number: number; secret?: string; [more: string]: unknown },
    o: {
      repo?: string;
      action?: string;
      id?: string;
      event?: string;
      source?: string;
      key?: string;
      body?: Buffer;
      more?: object;
    } = {},
  ) {
    const body =
      o.body ??
      Buffer.from(
        JSON.stringify({
          action: o.action ?? 'created',
          alert: { updated_at: this.world.clock.date().toISOString(), ...alert },
          repository: { full_name: o.repo ?? 'octo/repo' },
          ...o.more,
        }),
      );
    const answer = await this.world.app.inject({
      method: 'POST',
      url: `/api/v1/intake/${o.source ?? 'github'}`,
      headers: {
        'content-type': 'application/json',
        'x-github-event': o.event ?? 'secret_scanning_alert',
        'x-github-delivery': o.id ?? newId(),
        'x-hub-signature-256': `sha256=${createHmac('sha256', o.key ?? GITHUB_KEY)
          .update(body)
          .digest('hex')}`,
      },
      payload: body,
    });
    return { status: answer.statusCode, body: answer.json() as Record<string, unknown>, raw: body };
  }

  /** A signed report. */
  async signed(reports: unknown[], o: { id?: string; source?: string } = {}) {
    const body = JSON.stringify({ type: 'exposure.reported', data: { reports } });
    const id = o.id ?? newId();
    const at = this.world.clock.date();
    const answer = await this.world.app.inject({
      method: 'POST',
      url: `/api/v1/intake/${o.source ?? 'reports'}`,
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
        'webhook-signature': new Webhook(REPORTS_KEY).sign(id, at, body),
      },
      payload: body,
    });
    return { status: answer.statusCode, body: answer.json() as Record<string, unknown> };
  }

  /** Until nothing is due any more. */
  async settled(limit?: number): Promise<void> {
    const rows = this.world.app.get(OutboxRows);
    try {
      await until(async () => (await rows.due(this.world.clock.now())) === 0, 'nothing is due', limit);
    } catch (thrown) {
      const due = await this.rows(
        `SELECT job, count(*)::int AS rows, max(attempts) AS failures, max(last_error) AS error FROM outbox
          WHERE done_at IS NULL AND failed_at IS NULL AND due_at <= $1 GROUP BY job`,
        [this.world.clock.date()],
      );
      throw new Error(`still due: ${JSON.stringify(due)}`, { cause: thrown });
    }
    const failed = await rows.failed(5);
    if (failed.length > 0) throw new Error(`jobs were given up: ${JSON.stringify(failed)}`);
  }

  /** Every text of every table of both schemas, seen as a superuser sees it. */
  async everythingStored(): Promise<string> {
    const client = new Client(this.world.database.adminUrl);
    await client.connect();
    try {
      const { rows: tables } = await client.query<{ name: string }>(
        `SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE c.relkind IN ('r', 'p') AND n.nspname IN ('public', 'bullmq')`,
      );
      let all = '';
      for (const { name } of tables) {
        const { rows } = await client.query<{ row: string }>(`SELECT t::text AS row FROM ${name} t`);
        all += `${rows.map(({ row }) => row).join('\n')}\n`;
      }
      return all;
    } finally {
      await client.end();
    }
  }
}

/** How a value might still be lying about. Bytes stand in rows as hex. */
export function spellingsOf(value: string): string[] {
  const bytes = Buffer.from(value);
  return [
    value,
    encodeURIComponent(value),
    bytes.toString('base64'),
    bytes.toString('base64url'),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    [...value].toReversed().join(''),
    JSON.stringify(value).slice(1, -1),
  ];
}
