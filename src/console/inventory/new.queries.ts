import { standingOfVersion } from '../../domain/credentials/version-standing.rules.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { Option } from '../shared/forms.tsx';
import { ownerOptions } from './edits.queries.ts';

const MOST = 1000;

/** Parties by name, the operator's first. */
export async function partyOptions(db: Db): Promise<(Option & { operator: boolean })[]> {
  return db.query(
    `SELECT id AS value, name AS word, is_operator AS operator FROM party WHERE retired_at IS NULL ORDER BY is_operator DESC, name LIMIT ${MOST}`,
  );
}

/** Active contacts, by their party. */
export async function contactOptions(db: Db): Promise<Option[]> {
  return db.query(
    `SELECT k.id AS value, k.name || ' (' || replace(k.role, '_', ' ') || ')' AS word, p.name AS group
       FROM contact k JOIN party p ON p.id = k.party_id
      WHERE k.active AND p.retired_at IS NULL ORDER BY p.is_operator DESC, p.name, k.role, k.ordinal, k.name LIMIT ${MOST}`,
  );
}

/** Agreements, by the party that they are with; of all parties, or of those of one integration. */
export async function agreementOptions(db: Db, integrationId: Id | null): Promise<Option[]> {
  return db.query(
    `SELECT a.id AS value, a.title AS word, p.name AS group FROM agreement a JOIN party p ON p.id = a.party_id
      WHERE $1::uuid IS NULL OR a.party_id IN (SELECT party_id FROM integration_party WHERE integration_id = $1)
      ORDER BY p.name, a.title LIMIT ${MOST}`,
    [integrationId],
  );
}

/** What a new credential may name of its integration. */
export interface CredentialHome {
  id: Id;
  reference: string;
  name: string;
  environments: string[];
  parties: Option[];
}

export async function credentialHome(db: Db, reference: string): Promise<CredentialHome | undefined> {
  const [home] = await db.query<Omit<CredentialHome, 'parties'>[]>(
    `SELECT id, reference, name, environments FROM integration WHERE reference = $1 AND state <> 'retired'`,
    [reference],
  );
  if (!home) return undefined;
  return { ...home, parties: await membersOf(db, home.id) };
}

/** A credential that a version or a copy is added to. */
export interface CredentialToFill {
  id: Id;
  reference: string;
  name: string;
  parties: Option[];
  owners: Option[];
}

export async function credentialToFill(db: Db, reference: string): Promise<CredentialToFill | undefined> {
  const [credential] = await db.query<{ id: Id; reference: string; name: string; integrationId: Id }[]>(
    `SELECT id, reference, name, integration_id AS "integrationId" FROM credential WHERE reference = $1 AND retired_at IS NULL`,
    [reference],
  );
  if (!credential) return undefined;
  const { integrationId, ...shown } = credential;
  const parties = await membersOf(db, integrationId);
  return { ...shown, parties, owners: await ownerOptions(db, integrationId) };
}

/** A copy that takes another version. */
export interface CopyToMove {
  id: Id;
  name: string;
  reference: string;
  credential: string;
  arrivedBy: string;
  versionId: Id | null;
  versions: Option[];
}

export async function copyToMove(db: Db, reference: string, id: Id): Promise<CopyToMove | undefined> {
  type Version = { id: Id; number: number; phase: string; liveness: string | null };
  const [copy] = await db.query<(Omit<CopyToMove, 'versions'> & { versions: Version[] })[]>(
    `SELECT l.id, l.name, c.reference, c.name AS credential, l.arrived_by AS "arrivedBy", l.version_id AS "versionId",
            coalesce((SELECT jsonb_agg(jsonb_build_object('id', v.id, 'number', v.number, 'phase', v.phase, 'liveness', d.liveness) ORDER BY v.number DESC)
                        FROM credential_version v LEFT JOIN version_death d ON d.version_id = v.id WHERE v.credential_id = c.id), '[]') AS versions
       FROM location l JOIN credential c ON c.id = l.credential_id
      WHERE c.reference = $1 AND l.id = $2 AND l.retired_at IS NULL`,
    [reference, id],
  );
  return (
    copy && {
      ...copy,
      versions: copy.versions.map((version) => ({
        value: version.id,
        word: `version ${version.number}, ${standingOfVersion(version)}`,
      })),
    }
  );
}

function membersOf(db: Db, integrationId: Id): Promise<Option[]> {
  return db.query(
    `SELECT party_id AS value, min(party_name) || ', ' || string_agg(replace(role, '_', ' '), ', ' ORDER BY role) AS word
       FROM integration_party WHERE integration_id = $1 GROUP BY party_id ORDER BY min(role) DESC, min(party_name)`,
    [integrationId],
  );
}

/** A credential with the ways to revoke it, as a form shows them: "connection:<id>" or "contact:<id>". */
export interface CredentialWays {
  id: Id;
  reference: string;
  name: string;
  paths: { way: string; minutes: string }[];
  options: Option[];
}

export async function credentialWays(db: Db, reference: string): Promise<CredentialWays | undefined> {
  const [credential] = await db.query<{ id: Id; reference: string; name: string; integrationId: Id }[]>(
    `SELECT id, reference, name, integration_id AS "integrationId" FROM credential WHERE reference = $1 AND retired_at IS NULL`,
    [reference],
  );
  if (!credential) return undefined;
  const { integrationId, ...shown } = credential;
  const paths = await db.query<CredentialWays['paths']>(
    `SELECT CASE WHEN contact_id IS NULL THEN 'connection:' || connection_id ELSE 'contact:' || contact_id END AS way,
            coalesce(expected_minutes::text, '') AS minutes
       FROM revocation_path WHERE credential_id = $1 ORDER BY ordinal`,
    [credential.id],
  );
  const options = await db.query<Option[]>(
    `SELECT 'connection:' || n.id AS value, n.name AS word, 'by machine: ' || p.name AS group
       FROM connection n JOIN party p ON p.id = n.party_id
      WHERE n.retired_at IS NULL AND n.party_id IN (SELECT party_id FROM integration_party WHERE integration_id = $1)
      UNION ALL
     SELECT 'contact:' || k.id, k.name || ' (' || replace(k.role, '_', ' ') || ')', 'by asking: ' || p.name
       FROM contact k JOIN party p ON p.id = k.party_id
      WHERE k.active AND (p.is_operator OR k.party_id IN (SELECT party_id FROM integration_party WHERE integration_id = $1))
      ORDER BY 3 DESC, 2 LIMIT ${MOST}`,
    [integrationId],
  );
  return { ...shown, paths, options };
}
