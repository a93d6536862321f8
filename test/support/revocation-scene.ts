import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ConnectionsService } from '../../src/domain/revocation/connections.service.ts';
import { Deaths } from '../../src/domain/revocation/deaths.service.ts';
import type { RevocationCall } from '../../src/domain/revocation/probing.service.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { HOUR } from '../../src/kernel/time.ts';
import { Clock } from '../../src/platform/clock/clock.ts';
import { Transactions } from '../../src/platform/database/transactions.ts';
import type { Dialect, Issued, ScriptedSupplier } from './scripted-supplier.ts';

export const BY = system('engine', 'correlation-1');

export interface KnownVersion {
  versionId: Id;
  credentialId: Id;
  integrationId: Id;
  connectionId: Id | null;
  partyId: Id;
}

export interface Leak extends KnownVersion {
  issued: Issued;
  canary: Issued | null;
}

/** Credentials in the application's own tables, for a scripted supplier. */
export class RevocationScene {
  readonly transactions: Transactions;
  readonly clock: Clock;

  constructor(readonly app: NestFastifyApplication) {
    this.transactions = app.get(Transactions);
    this.clock = app.get(Clock);
  }

  query<T>(sql: string, params: unknown[] = []): Promise<T[]> {
    return this.transactions.run(BY, (db) => db.query<T[]>(sql, params));
  }

  /** A connection to the supplier, with our own authentication and, unless `canary` is null, a control. */
  async connection(
    partyId: Id,
    presetKey: string,
    supplier: Pick<ScriptedSupplier, 'baseUrl'> & { dialect: Dialect },
    o: { canary?: Issued | null; auth?: Record<string, string>; externalKey?: string } = {},
  ): Promise<Id> {
    const { canary } = o;
    const put = await this.transactions.run(BY, (db) =>
      this.app.get(ConnectionsService).put(
        db,
        {
          source: 'test',
          externalKey: o.externalKey ?? newId(),
          partyId,
          name: presetKey,
          presetKey,
          baseUrl: supplier.baseUrl,
          environment: 'production',
          auth: Object.fromEntries(
            Object.entries(o.auth ?? supplier.dialect.admin).map(([name, value]) => [name, Secret.of(value)]),
          ),
          ...(canary ? { control: { value: Secret.of(canary.value), supplierId: canary.id } } : {}),
        },
        BY,
      ),
    );
    return expectOk(put).id;
  }

  async party(): Promise<Id> {
    const id = newId();
    const now = this.clock.date();
    await this.query(
      `INSERT INTO party (id, reference, name, created_at, updated_at) VALUES ($1, $2, $2, $3, $3)`,
      [id, `PTY-${id}`, now],
    );
    return id;
  }

  /** A credential that leaked, on a connection of its own; with a control canary unless told otherwise. */
  async leak(
    partyId: Id,
    presetKey: string,
    supplier: ScriptedSupplier,
    o: { canary?: boolean; auth?: Record<string, string> } = {},
  ): Promise<Leak> {
    const issued = supplier.issue('leaked');
    const canary = o.canary === false ? null : supplier.issue('canary');
    const connectionId = await this.connection(partyId, presetKey, supplier, {
      canary,
      ...(o.auth ? { auth: o.auth } : {}),
    });
    return { ...(await this.version(partyId, connectionId, issued)), issued, canary };
  }

  /** A credential with one version, whose value is kept as intake would keep it. */
  async version(
    partyId: Id,
    connectionId: Id | null,
    issued: Pick<Issued, 'id' | 'value' | 'name'>,
    o: { keepValue?: boolean; revocability?: string } = {},
  ): Promise<KnownVersion> {
    const [integrationId, credentialId, versionId] = [newId(), newId(), newId()];
    const now = this.clock.date();
    await this.transactions.run(BY, async (db) => {
      await db.query(
        `INSERT INTO integration (id, reference, name, created_at, updated_at) VALUES ($1, $2, 'Shop', $3, $3)`,
        [integrationId, `ITG-${integrationId}`, now],
      );
      await db.query(
        `INSERT INTO credential (id, reference, integration_id, name, kind, issuer_party_id, verifier_party_id, revocability, connection_id, created_at, updated_at)
         VALUES ($1, $2, $3, $4, 'api_key', $5, $5, $6, $7, $8, $8)`,
        [
          credentialId,
          `CRD-${credentialId}`,
          integrationId,
          `Key ${issued.name}`,
          partyId,
          o.revocability ?? 'instant',
          connectionId,
          now,
        ],
      );
      await db.query(
        `INSERT INTO credential_use (credential_id, integration_id, label, since) VALUES ($1, $2, 'Key', $3)`,
        [credentialId, integrationId, now],
      );
      await db.query(
        `INSERT INTO credential_version (id, credential_id, integration_id, number, supplier_id, created_at) VALUES ($1, $2, $3, 1, $4, $5)`,
        [versionId, credentialId, integrationId, issued.id, now],
      );
      if (o.keepValue !== false) {
        await this.app
          .get(Deaths)
          .keepValues(
            db,
            [{ version: { id: versionId, credentialId, integrationId }, value: Secret.of(issued.value) }],
            this.clock.now() + 24 * HOUR,
          );
      }
    });
    return { versionId, credentialId, integrationId, connectionId, partyId };
  }

  async location(of: KnownVersion, provable: string, name = 'CI variable'): Promise<Id> {
    const id = newId();
    await this.query(
      `INSERT INTO location (id, credential_id, integration_id, kind, name, party_id, provable, created_at, updated_at)
       VALUES ($1, $2, $3, 'ci_variable', $4, $5, $6, $7, $7)`,
      [id, of.credentialId, of.integrationId, name, of.partyId, provable, this.clock.date()],
    );
    return id;
  }

  call(more: Partial<RevocationCall> = {}): RevocationCall {
    return {
      by: BY,
      stepId: null,
      idempotencyKey: `step-${newId()}:1`,
      attempt: 1,
      takenOver: false,
      signal: AbortSignal.timeout(20_000),
      ...more,
    };
  }

  async facets(
    versionId: Id,
  ): Promise<{ revocation: string; liveness: string | null; sessions: string } | undefined> {
    const [row] = await this.query<{ revocation: string; liveness: string | null; sessions: string }>(
      `SELECT revocation, liveness, sessions FROM version_death WHERE version_id = $1`,
      [versionId],
    );
    return row;
  }

  async ledger(versionId: Id): Promise<string[]> {
    const rows = await this.query<{ kind: string }>(
      `SELECT kind FROM ledger_entry WHERE subject_id = $1 ORDER BY id`,
      [versionId],
    );
    return rows.map((row) => row.kind);
  }

  /** Every text of every table, where a value might have been left. */
  async everythingStored(): Promise<string> {
    const tables = await this.query<{ name: string }>(
      `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname = 'public'`,
    );
    let all = '';
    for (const { name } of tables) {
      const rows = await this.query<{ row: string }>(`SELECT t::text AS row FROM "${name}" t`).catch(
        () => [],
      );
      all += rows.map((row) => row.row).join('\n');
    }
    return all;
  }
}
