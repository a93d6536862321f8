import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { AttestationFacts, Author, Strength } from './attestation.rules.ts';
import { DEEPEST_CHAIN, type ChainLink } from './chain-windows.rules.ts';
import type { CellContext, DraftCell } from './draft.rules.ts';
import type { MaterialChange } from './material-changes.rules.ts';
import type { Declared } from './matrix.rules.ts';
import { governingRevoker, type SharedCredential } from './revokers.rules.ts';

export interface VersionFacts {
  id: Id;
  integrationId: Id;
  number: number;
  state: 'draft' | 'proposed' | 'countersigned' | 'withdrawn' | 'expired' | 'superseded' | 'sent_back';
  canonical: string;
  /** Lower-case hex. */
  contentHash: string;
  declared: Declared | null;
  /** Lower-case hex, of the terms that are signed with it. */
  termsHash: string | null;
  authors: Author[];
  proposedByPartyId: Id | null;
  proposedAt: Date | null;
  reattestDays: number;
  validFrom: Date | null;
  validUntil: Date | null;
  fellAt: Date | null;
  fellBecause: MaterialChange[] | null;
}

const VERSION = `v.id, v.integration_id AS "integrationId", v.number, v.state, v.canonical, encode(v.content_hash, 'hex') AS "contentHash",
  v.declared, encode(v.terms_hash, 'hex') AS "termsHash", v.authors, v.proposed_by_party_id AS "proposedByPartyId", v.proposed_at AS "proposedAt", v.reattest_days AS "reattestDays",
  v.valid_from AS "validFrom", v.valid_until AS "validUntil", v.fell_at AS "fellAt", v.fell_because AS "fellBecause"`;

export async function findVersion(db: Db, id: Id): Promise<VersionFacts | undefined> {
  const [row] = await db.query<VersionFacts[]>(`SELECT ${VERSION} FROM matrix_version v WHERE v.id = $1`, [
    id,
  ]);
  return row;
}

/** The newest version, whatever became of it: what an edit begins with. */
export async function newestVersion(db: Db, integrationId: Id): Promise<VersionFacts | undefined> {
  const [row] = await db.query<VersionFacts[]>(
    `SELECT ${VERSION} FROM matrix_version v WHERE v.integration_id = $1 ORDER BY v.number DESC LIMIT 1`,
    [integrationId],
  );
  return row;
}

/** The version that both sides signed and whose signatures stand. */
export async function signedVersion(db: Db, integrationId: Id): Promise<VersionFacts | undefined> {
  const [row] = await db.query<VersionFacts[]>(
    `SELECT ${VERSION} FROM matrix_version v WHERE v.integration_id = $1 AND v.state = 'countersigned' ORDER BY v.number DESC LIMIT 1`,
    [integrationId],
  );
  return row;
}

/** The version that signatures last covered, standing or fallen: what changes are shown against. */
export async function lastSignedVersion(db: Db, integrationId: Id): Promise<VersionFacts | undefined> {
  const [row] = await db.query<VersionFacts[]>(
    `SELECT ${VERSION} FROM matrix_version v
      WHERE v.integration_id = $1 AND (v.state = 'countersigned' OR (v.state IN ('superseded', 'expired', 'withdrawn') AND v.valid_from IS NOT NULL AND v.proposed_at IS NOT NULL))
      ORDER BY v.number DESC LIMIT 1`,
    [integrationId],
  );
  return row;
}

const CELL = (performing: string) =>
  `r.duty, r.part, r.credential_id AS "credentialId", r.accountable_party_id AS "accountablePartyId", ${performing} AS "performingPartyIds",
   r.contact_id AS "contactId", r.window_minutes AS "windowMinutes", r.path_kind AS "pathKind", r.note`;
const PERFORMERS = `ARRAY(SELECT f.party_id FROM matrix_performer f WHERE f.matrix_row_id = r.id ORDER BY f.party_id)`;

export function cellsOfVersion(db: Db, versionId: Id): Promise<DraftCell[]> {
  return db.query<DraftCell[]>(
    `SELECT ${CELL(PERFORMERS)} FROM matrix_row r WHERE r.matrix_version_id = $1`,
    [versionId],
  );
}

export interface StoredCell extends DraftCell {
  /** The version of the draft in which it last changed. */
  changedIn: number;
  gone: boolean;
}

export interface StoredDraft {
  rowVersion: number;
  basedOnId: Id | null;
  editors: Author[];
  createdAt: Date;
  updatedAt: Date;
  cells: StoredCell[];
}

export async function findDraft(db: Db, integrationId: Id): Promise<StoredDraft | undefined> {
  const [draft] = await db.query<Omit<StoredDraft, 'cells'>[]>(
    `SELECT row_version AS "rowVersion", based_on_id AS "basedOnId", editors, created_at AS "createdAt", updated_at AS "updatedAt" FROM matrix_draft WHERE integration_id = $1`,
    [integrationId],
  );
  if (!draft) return undefined;
  const cells = await db.query<StoredCell[]>(
    `SELECT ${CELL('r.performing')}, r.changed_in AS "changedIn", r.gone FROM matrix_draft_row r WHERE r.integration_id = $1`,
    [integrationId],
  );
  return { ...draft, cells };
}

export interface PartyIn {
  id: Id;
  name: string;
  roles: string[];
}

export function partiesIn(db: Db, integrationId: Id): Promise<PartyIn[]> {
  return db.query<PartyIn[]>(
    `SELECT party_id AS id, min(party_name) AS name, array_agg(role ORDER BY role) AS roles
       FROM integration_party WHERE integration_id = $1 GROUP BY party_id ORDER BY min(array_position($2::text[], role)), min(party_name)`,
    [integrationId, ['supplier', 'customer', 'sub_processor', 'authority', 'insurer']],
  );
}

/** For which party somebody acts: their own; the operator's people for the operator's, where it is in the integration. */
export async function actingParty(db: Db, integrationId: Id, by: Principal): Promise<Id | null> {
  if (by.partyId !== null) return by.partyId;
  const [row] = await db.query<{ id: Id }[]>(
    `SELECT p.id FROM integration_party ip JOIN party p ON p.id = ip.party_id WHERE ip.integration_id = $1 AND p.is_operator LIMIT 1`,
    [integrationId],
  );
  return row?.id ?? null;
}

/** What was declared, as the inventory stands now. */
export async function declaredNow(db: Db, integrationId: Id): Promise<Declared> {
  const [row] = await db.query<Declared[]>(
    `SELECT ARRAY(SELECT DISTINCT c.kind FROM credential_use u JOIN credential c ON c.id = u.credential_id
                   WHERE u.integration_id = $1 AND c.retired_at IS NULL ORDER BY 1) AS "credentialKinds",
            ARRAY(SELECT DISTINCT l.party_id FROM location l WHERE l.integration_id = $1 AND l.retired_at IS NULL ORDER BY 1) AS "storingPartyIds",
            ARRAY(SELECT DISTINCT s.name FROM credential_scope s WHERE s.integration_id = $1 ORDER BY 1) AS scopes`,
    [integrationId],
  );
  const { credentialKinds, storingPartyIds, scopes } = row!;
  // The order of the text's hash is ours, whatever the database's language sorts by.
  return {
    credentialKinds: credentialKinds.toSorted(),
    storingPartyIds: storingPartyIds.toSorted(),
    scopes: scopes.toSorted(),
  };
}

/** What decides whether a cell may stand. The caller's scope must be the installation's: contacts of both sides are judged. */
export async function cellContext(db: Db, integrationId: Id, now: Millis): Promise<CellContext> {
  const parties = await partiesIn(db, integrationId);
  const credentials = await db.query<{ id: Id }[]>(
    `SELECT credential_id AS id FROM credential_use WHERE integration_id = $1`,
    [integrationId],
  );
  const contacts = await db.query<{ id: Id; partyId: Id; active: boolean; reachable: boolean }[]>(
    `SELECT k.id, k.party_id AS "partyId", k.active,
            (coalesce(k.email, '') <> '' OR coalesce(k.phone, '') <> '' OR EXISTS (
               SELECT FROM address_of_record a WHERE a.contact_id = k.id AND (a.valid_until IS NULL OR a.valid_until > $2))) AS reachable
       FROM contact k WHERE k.party_id IN (SELECT party_id FROM integration_party WHERE integration_id = $1)`,
    [integrationId, iso(now)],
  );
  const governing = new Map<Id, Id>();
  for (const shared of await sharedCredentials(db, integrationId, now)) {
    const party = governingRevoker(shared);
    if (party !== null) governing.set(shared.credentialId, party);
  }
  return {
    roles: new Map(parties.map(({ id, roles }) => [id, roles])),
    credentials: new Set(credentials.map(({ id }) => id)),
    contacts: new Map(contacts.map(({ id, ...rest }) => [id, rest])),
    governing,
  };
}

/** $1 integrations, $2 instant: the matrix in force of each, as in `matrices.queries.ts`. */
const IN_FORCE_OF_EACH = `
  SELECT DISTINCT ON (v.integration_id) v.id, v.integration_id FROM matrix_version v
   WHERE v.integration_id = ANY($1) AND v.valid_from <= $2 AND (v.valid_until IS NULL OR v.valid_until > $2)
     AND (v.state <> 'withdrawn' OR v.valid_until IS NOT NULL)
   ORDER BY v.integration_id, v.state = 'countersigned' DESC, v.number DESC`;

async function rowsInForce(db: Db, ids: readonly Id[], now: Millis): Promise<Map<Id, DraftCell[]>> {
  const rows = await db.query<(DraftCell & { integrationId: Id })[]>(
    `SELECT r.integration_id AS "integrationId", ${CELL(PERFORMERS)} FROM matrix_row r
      WHERE r.matrix_version_id IN (SELECT id FROM (${IN_FORCE_OF_EACH}) f)`,
    [ids, iso(now)],
  );
  return grouped(rows, ({ integrationId }) => integrationId);
}

/** An integration and what it depends on, to the fifth supplier, with what each promises. Sees what the caller may see. */
export async function chainOf(db: Db, integrationId: Id, now: Millis): Promise<Map<Id, ChainLink>> {
  const edges = await db.query<{ from: Id; to: Id; depth: number }[]>(
    `WITH RECURSIVE chain (id, left_over) AS (
       SELECT $1::uuid, $2::int
       UNION
       SELECT d.depends_on_integration_id, c.left_over - d.depth
         FROM chain c JOIN integration_dependency d ON d.integration_id = c.id
        WHERE d.depends_on_integration_id IS NOT NULL AND d.depth <= c.left_over)
     SELECT d.integration_id AS "from", d.depends_on_integration_id AS "to", d.depth
       FROM integration_dependency d WHERE d.depends_on_integration_id IS NOT NULL AND d.integration_id IN (SELECT id FROM chain) LIMIT 2000`,
    [integrationId, DEEPEST_CHAIN],
  );
  const ids = [...new Set([integrationId, ...edges.flatMap(({ from, to }) => [from, to])])];
  const names = await db.query<{ id: Id; name: string }[]>(
    `SELECT id, name FROM integration WHERE id = ANY($1)`,
    [ids],
  );
  const rows = await rowsInForce(db, ids, now);
  return new Map(
    names.map(({ id, name }) => [
      id,
      {
        integrationId: id,
        name,
        rows: rows.get(id) ?? [],
        dependsOn: edges
          .filter(({ from }) => from === id)
          .map(({ to, depth }) => ({ integrationId: to, depth })),
      },
    ]),
  );
}

/** Credentials of an integration that others use, too, with the matrix in force of each. Sees what the caller may see. */
export async function sharedCredentials(db: Db, integrationId: Id, now: Millis): Promise<SharedCredential[]> {
  const uses = await db.query<
    {
      credentialId: Id;
      name: string;
      environment: string;
      home: Id;
      integrationId: Id;
      integrationName: string;
    }[]
  >(
    `SELECT c.id AS "credentialId", c.name, c.environment, c.integration_id AS home, u.integration_id AS "integrationId", i.name AS "integrationName"
       FROM credential_use own JOIN credential c ON c.id = own.credential_id
       JOIN credential_use u ON u.credential_id = c.id JOIN integration i ON i.id = u.integration_id
      WHERE own.integration_id = $1 AND c.retired_at IS NULL
        AND EXISTS (SELECT FROM credential_use o WHERE o.credential_id = c.id AND o.integration_id <> $1)
      ORDER BY c.name, c.id, i.name LIMIT 5000`,
    [integrationId],
  );
  if (uses.length === 0) return [];
  const rows = await rowsInForce(db, [...new Set(uses.map((use) => use.integrationId))], now);
  return [...grouped(uses, ({ credentialId }) => credentialId).values()].map((of) => ({
    credentialId: of[0]!.credentialId,
    name: of[0]!.name,
    environment: of[0]!.environment,
    homeIntegrationId: of[0]!.home,
    uses: of.map((use) => ({
      integrationId: use.integrationId,
      integrationName: use.integrationName,
      rows: rows.get(use.integrationId) ?? [],
    })),
  }));
}

export interface StoredAttestation extends AttestationFacts {
  id: Id;
  partyName: string | null;
  personName: string | null;
  signsFor: string;
  language: string;
  strength: Strength;
  at: Millis;
  uploadedBy: string | null;
  confirmedBy: string | null;
}

const ms = (column: string) => `(extract(epoch FROM ${column}) * 1000)::float8`;

/** Every signature under one content, newest first: it counts for each version of that content. */
export function attestationsOf(db: Db, integrationId: Id, contentHash: string): Promise<StoredAttestation[]> {
  return db.query<StoredAttestation[]>(
    `SELECT a.id, a.party_id AS "partyId", a.way, a.strength, a.signs_for AS "signsFor", a.language, ${ms('a.at')} AS at,
            ${ms('a.expires_at')} AS "expiresAt", ${ms('a.withdrawn_at')} AS "withdrawnAt", ${ms('a.fallen_at')} AS "fallenAt",
            ${ms('a.confirmed_at')} AS "confirmedAt", a.uploaded_by AS "uploadedBy", a.confirmed_by AS "confirmedBy",
            (SELECT min(ip.party_name) FROM integration_party ip WHERE ip.integration_id = a.integration_id AND ip.party_id = a.party_id) AS "partyName",
            (SELECT p.name FROM person p WHERE p.id = a.person_id) AS "personName"
       FROM attestation a WHERE a.integration_id = $1 AND a.content_hash = decode($2, 'hex') ORDER BY a.at DESC, a.id DESC`,
    [integrationId, contentHash],
  );
}

function grouped<T>(items: readonly T[], by: (item: T) => Id): Map<Id, T[]> {
  const groups = new Map<Id, T[]>();
  for (const item of items) {
    const known = groups.get(by(item));
    if (known) known.push(item);
    else groups.set(by(item), [item]);
  }
  return groups;
}
