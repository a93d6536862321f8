import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Secret } from '../../kernel/secret.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { StoredRef } from '../../platform/vault/store.ts';
import { Vault } from '../../platform/vault/vault.ts';
import type { Abilities, Connector, Revocability, Target } from './connector.ts';
import { CONTROL, connectionBinding } from './connections.service.ts';
import { Presets } from './presets.service.ts';

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
  /** Whom to ask when no machine can: the first contact of the agreed paths, else the credential's owner. */
  contactId: Id | null;
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
  contact_id: Id | null;
  value_ref: StoredRef | null;
  connection_id: Id | null;
}

interface ConnectionRow {
  id: Id;
  preset_key: string;
  base_url: string;
  auth_refs: Record<string, StoredRef>;
  control_ref: StoredRef | null;
  control_supplier_id: string | null;
}

/** Brings together what it takes to speak to a supplier about one version. Reads the vault, calls nobody. */
@Injectable()
export class Targets {
  constructor(
    private readonly presets: Presets,
    private readonly vault: Vault,
  ) {}

  /** @returns null when there is no such version. */
  async load(db: Db, versionId: Id): Promise<LoadedVersion | null> {
    // The agreed paths come first, in their order; without one, the connection that the credential names.
    const [row] = await db.query<VersionRow[]>(
      `SELECT v.id, v.credential_id, v.integration_id, v.number, v.supplier_id, v.expires_at, v.store_ref,
              c.name, c.kind, c.revocability, c.verifier_party_id, d.value_ref,
              coalesce((SELECT p.contact_id FROM revocation_path p WHERE p.credential_id = c.id AND p.kind = 'contact'
                         ORDER BY p.ordinal LIMIT 1), c.owner_contact_id) AS contact_id,
              coalesce((SELECT n.id FROM revocation_path p JOIN connection n ON n.id = p.connection_id AND n.retired_at IS NULL
                         WHERE p.credential_id = c.id AND p.kind = 'connector' ORDER BY p.ordinal LIMIT 1),
                       (SELECT n.id FROM connection n WHERE n.id = c.connection_id AND n.retired_at IS NULL)) AS connection_id
         FROM credential_version v
         JOIN credential c ON c.id = v.credential_id
         LEFT JOIN version_death d ON d.version_id = v.id
        WHERE v.id = $1`,
      [versionId],
    );
    if (!row) return null;
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
      contactId: row.contact_id,
    };
    if (row.connection_id === null)
      return { version, path: null, problems: ['no connection to its supplier is agreed'] };
    const problems: string[] = [];
    const path = await this.#path(db, row, row.connection_id, problems);
    return { version, path, problems };
  }

  async #path(db: Db, row: VersionRow, connectionId: Id, problems: string[]): Promise<MachinePath | null> {
    const [connection] = await db.query<ConnectionRow[]>(
      `SELECT id, preset_key, base_url, auth_refs, control_ref, control_supplier_id FROM connection WHERE id = $1`,
      [connectionId],
    );
    const preset = connection ? await this.presets.get(db, connection.preset_key) : null;
    if (!connection || !preset) {
      problems.push(`the preset ${connection?.preset_key ?? ''} of its connection is not usable`);
      return null;
    }
    const read = async (what: string, ref: StoredRef | null, boundTo: string): Promise<Secret | null> => {
      if (ref === null || !this.vault.knows(ref)) return null;
      try {
        return await this.vault.get(db, ref, boundTo);
      } catch (error) {
        problems.push(
          `${what} could not be read: ${error instanceof Error ? error.message : 'no reason given'}`,
        );
        return null;
      }
    };
    const auth: Record<string, Secret> = {};
    for (const [name, ref] of Object.entries(connection.auth_refs)) {
      const secret = await read(`our own ${name}`, ref, connectionBinding(connection.id, name));
      if (secret) auth[name] = secret;
    }
    const baseUrl = connection.base_url || preset.preset.baseUrl;
    const common = { settings: preset.settings, baseUrl, auth, credentialKind: row.kind };
    const value = await read('the value', row.value_ref ?? row.store_ref, versionBinding(row.id));
    const hasControl = connection.control_ref !== null || connection.control_supplier_id !== null;
    return {
      connectionId: connection.id,
      connector: preset.connector,
      abilities: preset.connector.abilities(preset.settings),
      target: { ...common, supplierId: row.supplier_id, value },
      control: hasControl
        ? {
            ...common,
            supplierId: connection.control_supplier_id,
            value: await read(
              'the control canary',
              connection.control_ref,
              connectionBinding(connection.id, CONTROL),
            ),
          }
        : null,
      pathKey: createHash('sha256')
        .update(JSON.stringify([connection.id, baseUrl, preset.contentHash]))
        .digest('hex')
        .slice(0, 32),
    };
  }
}

/** What a version's value belongs to, for the vault. */
export function versionBinding(versionId: Id): string {
  return `credential_version:${versionId}`;
}
