import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Secret } from '../../kernel/secret.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { inOne } from '../../platform/database/together.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { StoredRef } from '../../platform/vault/store.ts';
import { Vault } from '../../platform/vault/vault.ts';
import type { Abilities, Connector, Revocability, Target } from './connector.ts';
import { CONTROL, connectionBinding } from './connections.service.ts';
import { Pace } from './pace.service.ts';
import { Presets } from './presets.service.ts';
import { attemptsOf, latestFamily, waysOf } from './ways.queries.ts';
import { wayInUse, type Attempt, type Way } from './ways.rules.ts';

/** The version in question, and who has to do with it. */
export interface VersionFacts {
  id: Id;
  credentialId: Id;
  integrationId: Id;
  /** "Stripe live key, version 3". No secret. */
  label: string;
  kind: string;
  supplierId: string | null;
  expiresAt: Date | null;
  revocability: Revocability;
  verifierPartyId: Id;
  /** Whom to ask when no machine can: the one who is asked already, else the first of the ways. */
  contactId: Id | null;
  /** Where the value is kept; null: nowhere here. */
  valueRef: StoredRef | null;
}

/** A way to a supplier by machine, ready to be used. */
export interface MachinePath {
  connectionId: Id;
  connector: Connector;
  abilities: Abilities;
  target: Target<unknown>;
  /** The canary in place of the version; null: the connection has none. */
  control: Target<unknown> | null;
  /** Equal for sightings that may vouch for each other: same supplier account, address and preset. */
  pathKey: string;
}

export interface LoadedVersion {
  version: VersionFacts;
  /** Every way to stop it, in the order to call, and how those fared that were tried. */
  ways: readonly Way[];
  attempts: readonly Attempt[];
  /** The way in use; null: there is none. */
  way: Way | null;
  path: MachinePath | null;
  /** Why there is no path, or what of it is missing. */
  problems: string[];
}

interface VersionRow {
  id: Id;
  credential_id: Id;
  integration_id: Id;
  number: number;
  supplier_id: string | null;
  expires_at: Date | null;
  store_ref: StoredRef | null;
  name: string;
  kind: string;
  revocability: Revocability;
  verifier_party_id: Id;
  value_ref: StoredRef | null;
}

interface ConnectionRow {
  id: Id;
  preset_key: string;
  base_url: string;
  auth_refs: Record<string, StoredRef>;
  control_ref: StoredRef | null;
  control_supplier_id: string | null;
  per_second: number | null;
}

/** Brings together what it takes to speak to a supplier about one version. Reads the vault, calls nobody. */
@Injectable()
export class Targets {
  constructor(
    private readonly presets: Presets,
    private readonly vault: Vault,
    private readonly pace: Pace,
    private readonly clock: Clock,
  ) {}

  readonly #waysOf = inOne(async (db: Db, credentialIds: readonly Id[]) => {
    const ways = await waysOf(db, [...new Set(credentialIds)], this.clock.now());
    return credentialIds.map((id) => ways.get(id) ?? []);
  });

  /**
   * @param family  the attempt family under which ways are tried; absent: the latest one
   * @returns null when there is no such version.
   */
  async load(db: Db, versionId: Id, family?: string): Promise<LoadedVersion | null> {
    const row = await versionRow(db, versionId);
    if (!row) return null;
    const ways = await this.#waysOf(db, row.credential_id);
    const tried = family ?? (await latestFamily(db, versionId));
    const attempts = tried === null ? [] : await attemptsOf(db, versionId, tried);
    const way = wayInUse(ways, attempts);
    const version: VersionFacts = {
      id: row.id,
      credentialId: row.credential_id,
      integrationId: row.integration_id,
      label: `${row.name}, version ${row.number}`,
      kind: row.kind,
      supplierId: row.supplier_id,
      expiresAt: row.expires_at,
      revocability: row.revocability,
      verifierPartyId: row.verifier_party_id,
      contactId: way?.contactId ?? ways.find(({ contactId }) => contactId !== null)?.contactId ?? null,
      valueRef: row.value_ref ?? row.store_ref,
    };
    const loaded = { version, ways, attempts, way };
    if (!ways.some(({ connectionId }) => connectionId !== null))
      return { ...loaded, path: null, problems: ['no connection to its supplier is agreed'] };
    if (way?.connectionId == null)
      return { ...loaded, path: null, problems: ['every connection to its supplier gave up'] };
    return { ...loaded, ...(await this.pathTo(db, version, way.connectionId)) };
  }

  /** The same with another version as the control, where its connection has none of its own. */
  async withControl(db: Db, loaded: LoadedVersion, versionId: Id | undefined): Promise<LoadedVersion> {
    const { path } = loaded;
    if (versionId === undefined || !path || path.control) return loaded;
    const other = await this.load(db, versionId);
    if (other?.version.credentialId !== loaded.version.credentialId) return loaded;
    const { path: control } = await this.pathTo(db, other.version, path.connectionId);
    return { ...loaded, path: { ...path, control: control?.target ?? null } };
  }

  /** What it takes to speak to a supplier through one connection. */
  async pathTo(
    db: Db,
    version: VersionFacts,
    connectionId: Id,
  ): Promise<{ path: MachinePath | null; problems: string[] }> {
    const problems: string[] = [];
    return { path: await this.#path(db, version, connectionId, problems), problems };
  }

  async #path(
    db: Db,
    version: VersionFacts,
    connectionId: Id,
    problems: string[],
  ): Promise<MachinePath | null> {
    const connection = await connectionRow(db, connectionId);
    const preset = connection ? await this.presets.get(db, connection.preset_key) : null;
    if (!connection || !preset) {
      problems.push(`the preset ${connection?.preset_key ?? ''} of its connection is not usable`);
      return null;
    }
    const { id } = connection;
    const names = Object.keys(connection.auth_refs);
    const secrets = await this.#read(db, problems, [
      ...names.map((name) => ({
        what: `our own ${name}`,
        ref: connection.auth_refs[name] ?? null,
        boundTo: connectionBinding(id, name),
      })),
      { what: 'the value', ref: version.valueRef, boundTo: versionBinding(version.id) },
      { what: 'the control canary', ref: connection.control_ref, boundTo: connectionBinding(id, CONTROL) },
    ]);
    const [value = null, control = null] = secrets.slice(names.length);
    const auth: Record<string, Secret> = {};
    for (const [at, name] of names.entries()) {
      const secret = secrets[at];
      if (secret) auth[name] = secret;
    }
    const baseUrl = connection.base_url || preset.preset.baseUrl;
    const common = { settings: preset.settings, baseUrl, auth, credentialKind: version.kind };
    const hasControl = connection.control_ref !== null || connection.control_supplier_id !== null;
    return {
      connectionId: connection.id,
      connector: this.pace.keep(preset.connector, { id: connection.id, perSecond: connection.per_second }),
      abilities: preset.connector.abilities(preset.settings, version.kind),
      target: { ...common, supplierId: version.supplierId, value },
      control: hasControl
        ? {
            ...common,
            supplierId: connection.control_supplier_id,
            value: control,
          }
        : null,
      pathKey: createHash('sha256')
        .update(JSON.stringify([connection.id, baseUrl, preset.contentHash]))
        .digest('hex')
        .slice(0, 32),
    };
  }

  /** What the vault has of these, in their order; what it should have and does not give is a problem. */
  async #read(
    db: Db,
    problems: string[],
    wanted: readonly { what: string; ref: StoredRef | null; boundTo: string }[],
  ): Promise<(Secret | null)[]> {
    const known = wanted.flatMap(({ what, ref, boundTo }) =>
      ref !== null && this.vault.knows(ref) ? [{ what, ref, boundTo }] : [],
    );
    const given = await this.vault.getAll(db, known);
    const found = new Map<string, Secret>();
    for (const [at, { what, boundTo }] of known.entries()) {
      const one = given[at]!;
      if (one instanceof Error) problems.push(`${what} could not be read: ${one.message}`);
      else found.set(boundTo, one);
    }
    return wanted.map(({ boundTo }) => found.get(boundTo) ?? null);
  }
}

const versionRow = inOne(async (db: Db, ids: readonly Id[]): Promise<(VersionRow | undefined)[]> => {
  const rows = await db.query<VersionRow[]>(
    `SELECT v.id, v.credential_id, v.integration_id, v.number, v.supplier_id, v.expires_at, v.store_ref,
              c.name, c.kind, c.revocability, c.verifier_party_id, d.value_ref
         FROM credential_version v
         JOIN credential c ON c.id = v.credential_id
         LEFT JOIN version_death d ON d.version_id = v.id
        WHERE v.id = ANY($1::uuid[])`,
    [[...new Set(ids)]],
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id));
});

const connectionRow = inOne(async (db: Db, ids: readonly Id[]): Promise<(ConnectionRow | undefined)[]> => {
  const rows = await db.query<ConnectionRow[]>(
    `SELECT id, preset_key, base_url, auth_refs, control_ref, control_supplier_id, per_second::float8
         FROM connection WHERE id = ANY($1::uuid[])`,
    [[...new Set(ids)]],
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id));
});

/** What a version's value belongs to, for the vault. */
export function versionBinding(versionId: Id): string {
  return `credential_version:${versionId}`;
}
