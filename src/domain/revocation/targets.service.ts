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
import { Presets, type ImportedPreset } from './presets.service.ts';
import { waysOf } from './ways.queries.ts';
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
  attempts: Attempt[];
}

interface ConnectionRow {
  id: Id;
  preset_key: string;
  base_url: string;
  auth_refs: Record<string, StoredRef>;
  control_ref: StoredRef | null;
  control_supplier_id: string | null;
  per_second: number | null;
  imported: ImportedPreset | null;
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
    const row = await versionRow(db, { id: versionId, family: family ?? null });
    if (!row) return null;
    const ways = await this.#waysOf(db, row.credential_id);
    const { attempts } = row;
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

  /** What a connection is able to do about credentials of a kind; null: its preset is not usable. */
  async abilitiesOf(db: Db, connectionId: Id, kind: string): Promise<Abilities | null> {
    const connection = await connectionRow(db, connectionId);
    const preset = connection && this.presets.of(connection.preset_key, connection.imported);
    return preset ? preset.connector.abilities(preset.settings, kind) : null;
  }

  async #path(
    db: Db,
    version: VersionFacts,
    connectionId: Id,
    problems: string[],
  ): Promise<MachinePath | null> {
    const connection = await connectionRow(db, connectionId);
    const preset = connection && this.presets.of(connection.preset_key, connection.imported);
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

/** Versions with how their ways have fared under one attempt family, in order; `family` null: the latest. */
const versionRow = inOne(
  async (
    db: Db,
    asked: readonly { id: Id; family: string | null }[],
  ): Promise<(VersionRow | undefined)[]> => {
    const rows = await db.query<(VersionRow & { n: number })[]>(
      `SELECT q.n::int AS n, v.id, v.credential_id, v.integration_id, v.number, v.supplier_id, v.expires_at, v.store_ref,
              c.name, c.kind, c.revocability, c.verifier_party_id, d.value_ref, t.attempts
         FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS q(id, family, n)
         JOIN credential_version v ON v.id = q.id
         JOIN credential c ON c.id = v.credential_id
         LEFT JOIN version_death d ON d.version_id = v.id
         CROSS JOIN LATERAL (
           SELECT coalesce(json_agg(json_build_object(
                    'number', a.number, 'connectionId', a.connection_id, 'contactId', a.contact_id, 'state', a.state,
                    'reason', a.reason, 'beganAt', (extract(epoch FROM a.began_at) * 1000)::float8) ORDER BY a.number), '[]') AS attempts
             FROM path_attempt a
            WHERE a.version_id = q.id
              AND a.family = coalesce(q.family, (SELECT l.family FROM path_attempt l WHERE l.version_id = q.id
                                                  ORDER BY l.began_at DESC, l.number DESC LIMIT 1))) t`,
      [asked.map((one) => one.id), asked.map((one) => one.family)],
    );
    const byPlace = new Map(rows.map((row) => [row.n, row]));
    return asked.map((_, at) => byPlace.get(at + 1));
  },
);

const connectionRow = inOne(async (db: Db, ids: readonly Id[]): Promise<(ConnectionRow | undefined)[]> => {
  const rows = await db.query<
    (Omit<ConnectionRow, 'imported'> & { content_hash: Buffer | null; body: unknown })[]
  >(
    `SELECT n.id, n.preset_key, n.base_url, n.auth_refs, n.control_ref, n.control_supplier_id, n.per_second::float8,
            p.content_hash, p.body
       FROM connection n LEFT JOIN connector_preset p ON p.key = n.preset_key AND p.active WHERE n.id = ANY($1::uuid[])`,
    [[...new Set(ids)]],
  );
  const byId = new Map(
    rows.map(({ content_hash: hash, body, ...row }) => [
      row.id,
      { ...row, imported: hash === null ? null : { content_hash: hash, body } },
    ]),
  );
  return ids.map((id) => byId.get(id));
});

/** What a version's value belongs to, for the vault. */
export function versionBinding(versionId: Id): string {
  return `credential_version:${versionId}`;
}
