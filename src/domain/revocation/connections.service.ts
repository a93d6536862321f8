import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import type { Secret } from '../../kernel/secret.ts';
import { problemOf } from '../../platform/http/client-certificate.ts';
import { MUTUAL_TLS } from '../../platform/http/mutual-tls.rules.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { StoredRef } from '../../platform/vault/store.ts';
import { Vault } from '../../platform/vault/vault.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { limitLanes } from '../runbooks/leases.queries.ts';
import { laneLimitsOf } from './pace.rules.ts';
import { secretNamesOf } from './preset-view.rules.ts';
import { Presets } from './presets.service.ts';

/** A supplier account of ours, as somebody sets it up. */
export interface ConnectionInput {
  /** Who brought it, and what they call it: the same pair is the same connection. */
  source: string;
  externalKey: string | null;
  partyId: Id;
  name: string;
  presetKey: string;
  /** Empty: the preset's. */
  baseUrl: string;
  environment: string;
  /** Absent names keep what is stored, as long as the supplier's address and way of authenticating stay the same. */
  auth: Readonly<Record<string, Secret>>;
  /** The control canary. Absent: keep; null: none. */
  control?: { value: Secret | null; supplierId: string | null } | null;
  maxConcurrent?: number;
  perSecond?: number | null;
}

interface Row {
  id: Id;
  preset_key: string;
  base_url: string;
  auth_refs: Record<string, StoredRef>;
  control_ref: StoredRef | null;
  control_supplier_id: string | null;
}

/** Supplier accounts: where a supplier is, and our own authentication there, kept in the vault. */
@Injectable()
export class ConnectionsService {
  constructor(
    private readonly presets: Presets,
    private readonly vault: Vault,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  /**
   * Makes or changes a connection. Another base URL or preset drops every secret that was stored for the old one: whoever
   * may point a connection elsewhere must not be sent its secrets there.
   */
  async put(
    db: Db,
    input: ConnectionInput,
    by: Principal,
    id?: Id,
  ): Promise<Result<{ id: Id; dropped: string[] }, Refusal>> {
    const preset = await this.presets.get(db, input.presetKey);
    if (!preset)
      return err(invalid('/presetKey', `no preset ${input.presetKey} is known`, 'Import the preset first.'));
    const baseUrl = input.baseUrl === '' ? '' : normalBaseUrl(input.baseUrl);
    if (baseUrl === null) {
      return err(
        invalid(
          '/baseUrl',
          'is no http or https URL without user, query and fragment',
          'Write https://host/path.',
        ),
      );
    }
    if (baseUrl === '' && preset.preset.baseUrl === '' && preset.connector.capabilities.length > 0) {
      return err(
        invalid('/baseUrl', 'is missing, and the preset has none', 'Write the address of the supplier.'),
      );
    }
    const secrets = secretNamesOf(preset);
    const unknown = Object.keys(input.auth).find((name) => !Object.hasOwn(secrets, name));
    if (unknown !== undefined) {
      const known = Object.keys(secrets).join(', ') || 'none';
      return err(invalid(`/auth/${unknown}`, 'is no secret of this preset', `Its secrets are: ${known}.`));
    }
    for (const name of Object.keys(MUTUAL_TLS)) {
      const problem = input.auth[name] && problemOf(name, input.auth[name]);
      if (problem) return err(invalid(`/auth/${name}`, problem, `${MUTUAL_TLS[name]}.`));
    }

    const current =
      id !== undefined
        ? await this.#held(db, id)
        : input.externalKey === null
          ? undefined
          : await this.#find(db, input.source, input.externalKey);
    const moved =
      current !== undefined && (current.preset_key !== input.presetKey || current.base_url !== baseUrl);
    const connectionId = current?.id ?? newId();
    const refs: Record<string, StoredRef> = moved || !current ? {} : { ...current.auth_refs };
    const dropped = moved ? Object.keys(current.auth_refs) : [];
    for (const name of dropped) await this.#destroy(db, current?.auth_refs[name]);
    for (const [name, secret] of Object.entries(input.auth)) {
      await this.#destroy(db, refs[name]);
      refs[name] = await this.vault.put(db, connectionBinding(connectionId, name), secret);
    }
    let control = {
      ref: moved ? null : (current?.control_ref ?? null),
      supplierId: moved ? null : (current?.control_supplier_id ?? null),
    };
    if (input.control !== undefined || moved) {
      await this.#destroy(db, current?.control_ref);
      const { value = null, supplierId = null } = input.control ?? {};
      control = {
        ref: value ? await this.vault.put(db, connectionBinding(connectionId, CONTROL), value) : null,
        supplierId,
      };
    }
    const now = this.clock.now();
    await db.query(
      `INSERT INTO connection (id, source, external_key, party_id, name, preset_key, base_url, environment, auth_refs,
                               control_ref, control_supplier_id, max_concurrent, per_second, created_at, updated_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)
       ON CONFLICT (id) DO UPDATE SET party_id = $4, name = $5, preset_key = $6, base_url = $7, environment = $8,
         auth_refs = $9, control_ref = $10, control_supplier_id = $11, max_concurrent = $12, per_second = $13,
         updated_at = $14, retired_at = NULL, row_version = connection.row_version + 1`,
      [
        connectionId,
        input.source,
        input.externalKey,
        input.partyId,
        input.name,
        input.presetKey,
        baseUrl,
        input.environment,
        JSON.stringify(refs),
        control.ref,
        control.supplierId,
        input.maxConcurrent ?? 4,
        input.perSecond ?? null,
        new Date(now),
      ],
    );
    await this.handLimits(db, [connectionId]);
    await this.ledger.append(db, {
      kind: current ? 'connection.changed' : 'connection.made',
      subject: { kind: 'connection', id: connectionId },
      by,
      at: now,
      facts: {
        partyId: input.partyId,
        preset: input.presetKey,
        presetHash: preset.contentHash,
        baseUrl,
        secrets: Object.keys(refs).sort().join(' '),
        control: control.ref !== null || control.supplierId !== null,
        dropped: dropped.sort().join(' '),
      },
    });
    return ok({ id: connectionId, dropped });
  }

  /** Our own authentication at the supplier, and the control canary, of a connection that is there; nothing else of it changes. */
  async setSecrets(
    db: Db,
    id: Id,
    secrets: Pick<ConnectionInput, 'auth' | 'control'>,
    by: Principal,
  ): Promise<Result<{ id: Id }, Refusal>> {
    const [row] = await db.query<
      {
        source: string;
        external_key: string | null;
        party_id: Id;
        name: string;
        preset_key: string;
        base_url: string;
        environment: string;
        max_concurrent: number;
        per_second: string | null;
      }[]
    >(
      `SELECT source, external_key, party_id, name, preset_key, base_url, environment, max_concurrent, per_second
         FROM connection WHERE id = $1 AND retired_at IS NULL FOR UPDATE`,
      [id],
    );
    if (!row) return err(refusal('not_found', 'no-connection', 'There is no such connection.'));
    return this.put(
      db,
      {
        source: row.source,
        externalKey: row.external_key,
        partyId: row.party_id,
        name: row.name,
        presetKey: row.preset_key,
        baseUrl: row.base_url,
        environment: row.environment,
        maxConcurrent: row.max_concurrent,
        perSecond: row.per_second === null ? null : Number(row.per_second),
        ...secrets,
      },
      by,
      id,
    );
  }

  /**
   * Our own authentication, which a supplier changed in the same stroke as it made a version (RFC 7592 section 2.1). What
   * was in its place no longer works and is destroyed.
   */
  async renewAuthentication(
    db: Db,
    id: Id,
    auth: Readonly<Record<string, Secret>>,
    by: Principal,
  ): Promise<void> {
    const row = await this.#held(db, id);
    if (!row) throw new Error(`there is no connection ${id}`);
    const refs = { ...row.auth_refs };
    for (const [name, secret] of Object.entries(auth)) {
      await this.#destroy(db, refs[name]);
      refs[name] = await this.vault.put(db, connectionBinding(id, name), secret);
    }
    const now = this.clock.now();
    await db.query(
      `UPDATE connection SET auth_refs = $2, updated_at = $3, row_version = row_version + 1 WHERE id = $1`,
      [id, JSON.stringify(refs), new Date(now)],
    );
    await this.ledger.append(db, {
      kind: 'connection.authentication-renewed',
      subject: { kind: 'connection', id },
      by,
      at: now,
      facts: { secrets: Object.keys(auth).sort().join(' ') },
    });
  }

  /** A control canary that is the very credential that changes: the new value is the one in use from now on. */
  async renewControl(
    db: Db,
    id: Id,
    control: { value: Secret; supplierId: string | null },
    by: Principal,
  ): Promise<void> {
    const row = await this.#held(db, id);
    if (!row) throw new Error(`there is no connection ${id}`);
    await this.#destroy(db, row.control_ref);
    const ref = await this.vault.put(db, connectionBinding(id, CONTROL), control.value);
    const now = this.clock.now();
    await db.query(
      `UPDATE connection SET control_ref = $2, control_supplier_id = $3, updated_at = $4, row_version = row_version + 1 WHERE id = $1`,
      [id, ref, control.supplierId, new Date(now)],
    );
    await this.ledger.append(db, {
      kind: 'connection.control-renewed',
      subject: { kind: 'connection', id },
      by,
      at: now,
    });
  }

  /** Takes a connection out of use and destroys its secrets. */
  async retire(db: Db, id: Id, by: Principal): Promise<Result<void, Refusal>> {
    const [row] = await db.query<Row[]>(`${SELECT} WHERE id = $1 AND retired_at IS NULL FOR UPDATE`, [id]);
    if (!row) return err(refusal('not_found', 'no-connection', 'There is no such connection.'));
    for (const ref of [...Object.values(row.auth_refs), row.control_ref]) await this.#destroy(db, ref);
    const now = this.clock.now();
    await db.query(
      `UPDATE connection SET retired_at = $2, updated_at = $2, auth_refs = '{}', control_ref = NULL,
              control_supplier_id = NULL, row_version = row_version + 1 WHERE id = $1`,
      [id, new Date(now)],
    );
    await this.ledger.append(db, {
      kind: 'connection.retired',
      subject: { kind: 'connection', id },
      by,
      at: now,
    });
    return ok(undefined);
  }

  /**
   * Hands what connections allow us to the lanes of the steps that speak to them: whoever writes limits calls this in the
   * same transaction, late in it, as it may hold lanes until the commit.
   *
   * @param ids  absent: all that are in use
   */
  async handLimits(db: Db, ids?: readonly Id[]): Promise<void> {
    const rows = await db.query<{ id: Id; max_concurrent: number; per_second: number | null }[]>(
      `SELECT id, max_concurrent, per_second::float8 FROM connection WHERE retired_at IS NULL AND ($1::uuid[] IS NULL OR id = ANY($1))`,
      [ids ?? null],
    );
    await limitLanes(
      db,
      rows.map((row) => ({
        key: laneOf(row.id),
        ...laneLimitsOf({ maxConcurrent: row.max_concurrent, perSecond: row.per_second }),
      })),
    );
  }

  async #held(db: Db, id: Id): Promise<Row | undefined> {
    const [row] = await db.query<Row[]>(`${SELECT} WHERE id = $1 FOR UPDATE`, [id]);
    return row;
  }

  async #find(db: Db, source: string, externalKey: string): Promise<Row | undefined> {
    const [row] = await db.query<Row[]>(`${SELECT} WHERE source = $1 AND external_key = $2 FOR UPDATE`, [
      source,
      externalKey,
    ]);
    return row;
  }

  async #destroy(db: Db, ref: StoredRef | null | undefined): Promise<void> {
    // What the operator keeps elsewhere (env) is the operator's to take away.
    if (ref && this.vault.mayDestroy(ref)) await this.vault.destroy(db, ref);
  }
}

const SELECT = `SELECT id, preset_key, base_url, auth_refs, control_ref, control_supplier_id FROM connection`;

/** The name under which a connection's canary is bound; no preset may name a secret so. */
export const CONTROL = 'control-canary';

/** What a connection's secret belongs to, for the vault. */
export function connectionBinding(connectionId: Id, name: string): string {
  return `connection:${connectionId}:${name}`;
}

/** The lane of runbook steps that speak to this supplier account: they share its limits. */
export function laneOf(connectionId: Id): string {
  return `connection:${connectionId}`;
}

function normalBaseUrl(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  const plain = url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  return plain && (url.protocol === 'https:' || url.protocol === 'http:')
    ? url.href.replace(/\/+$/, '')
    : null;
}

function invalid(field: string, problem: string, mend: string): Refusal {
  return refusal('invalid', 'bad-connection', 'The connection is not well-formed.', {
    fields: [{ field, problem, mend }],
  });
}
