import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { EXPOSED_VERSIONS } from '../portfolio/portfolio.queries.ts';
import { ms, named } from '../shared/sql.ts';

export interface IntegrationHead {
  id: Id;
  reference: string;
  name: string;
  purpose: string;
  dataClass: string;
  riskTier: number;
  state: string;
  pass: string;
  passGraceUntil: Millis | null;
  ownerName: string | null;
  environments: string[];
  regions: string[];
  shadow: boolean;
  agreementId: Id | null;
  updatedAt: Millis;
}

export async function findIntegration(db: Db, reference: string): Promise<IntegrationHead | undefined> {
  const [row] = await db.query<IntegrationHead[]>(
    `SELECT i.id, i.reference, i.name, i.purpose, i.data_class AS "dataClass", i.risk_tier AS "riskTier", i.state, i.pass,
            ${ms('i.pass_grace_until')} AS "passGraceUntil", ${named('k.name', 'i.owner_contact_id')} AS "ownerName", i.environments, i.regions, i.shadow,
            i.agreement_id AS "agreementId", ${ms('i.updated_at')} AS "updatedAt"
       FROM integration i LEFT JOIN contact k ON k.id = i.owner_contact_id
      WHERE i.reference = $1`,
    [reference],
  );
  return row;
}

export interface IntegrationParty {
  id: Id;
  name: string;
  roles: string[];
}

export function partiesOf(db: Db, integrationId: Id): Promise<IntegrationParty[]> {
  return db.query(
    `SELECT party_id AS id, party_name AS name, array_agg(role ORDER BY role) AS roles
       FROM integration_party WHERE integration_id = $1
      GROUP BY party_id, party_name
      ORDER BY min(array_position(ARRAY['customer', 'supplier', 'sub_processor', 'authority', 'insurer'], role)), party_name`,
    [integrationId],
  );
}

export interface Dependency {
  id: Id;
  depth: number;
  via: string;
  partyName: string;
  /** The integration that it stands on, where that is one of ours. */
  reference: string | null;
  integrationName: string | null;
}

export function dependenciesOf(db: Db, integrationId: Id): Promise<Dependency[]> {
  return db.query(
    `SELECT d.id, d.depth, d.via, coalesce(p.name, ip.party_name, 'another party') AS "partyName",
            i.reference, i.name AS "integrationName"
       FROM integration_dependency d
       LEFT JOIN party p ON p.id = d.party_id
       LEFT JOIN LATERAL (SELECT party_name FROM integration_party x
                           WHERE x.integration_id = d.integration_id AND x.party_id = d.party_id LIMIT 1) ip ON true
       LEFT JOIN integration i ON i.id = d.depends_on_integration_id
      WHERE d.integration_id = $1 ORDER BY d.depth, "partyName"`,
    [integrationId],
  );
}

export interface MatrixRow {
  duty: string;
  part: string;
  credentialName: string | null;
  accountablePartyId: Id;
  performerIds: Id[];
  contactName: string | null;
  contactRole: string | null;
  note: string;
}

export interface ShownMatrix {
  number: number;
  state: string;
  /** SHA-256 of what is signed, in hex. */
  hash: string;
  createdAt: Millis;
  validFrom: Millis | null;
  /** When its signatures fell, as it was changed after it was signed. */
  fellAt: Millis | null;
  rows: MatrixRow[];
  /** Who attested this very content. */
  attested: { partyId: Id; at: Millis; strength: string }[];
}

/** The matrix in force: the countersigned one, else the newest that somebody has written and nobody took back. */
export async function matrixOf(db: Db, integrationId: Id): Promise<ShownMatrix | undefined> {
  const [version] = await db.query<(Omit<ShownMatrix, 'rows' | 'attested'> & { id: Id })[]>(
    `SELECT id, number, state, encode(content_hash, 'hex') AS hash, ${ms('created_at')} AS "createdAt",
            ${ms('valid_from')} AS "validFrom", ${ms('fell_at')} AS "fellAt"
       FROM matrix_version
      WHERE integration_id = $1 AND state <> 'withdrawn' AND (state <> 'superseded' OR fell_at IS NOT NULL)
      ORDER BY state = 'countersigned' DESC, number DESC LIMIT 1`,
    [integrationId],
  );
  if (!version) return undefined;
  const { id, ...head } = version;
  const rows = await db.query<MatrixRow[]>(
    `SELECT r.duty, r.part, u.label AS "credentialName", r.accountable_party_id AS "accountablePartyId",
            ARRAY(SELECT p.party_id FROM matrix_performer p WHERE p.matrix_row_id = r.id) AS "performerIds",
            ${named('k.name', 'r.contact_id')} AS "contactName", k.role AS "contactRole", r.note
       FROM matrix_row r
       LEFT JOIN contact k ON k.id = r.contact_id
       LEFT JOIN credential_use u ON u.credential_id = r.credential_id AND u.integration_id = r.integration_id
      WHERE r.matrix_version_id = $1 ORDER BY r.part, u.label NULLS FIRST`,
    [id],
  );
  const attested = await db.query<ShownMatrix['attested']>(
    `SELECT party_id AS "partyId", ${ms('at')} AS at, strength FROM attestation
      WHERE matrix_version_id = $1 AND withdrawn_at IS NULL AND fallen_at IS NULL ORDER BY at`,
    [id],
  );
  return { ...head, rows, attested };
}

export interface IntegrationCredential {
  id: Id;
  /** Null where the reader sees only its own use of a shared credential. */
  reference: string | null;
  label: string;
  kind: string | null;
  environment: string | null;
  revocability: string | null;
  authority: string | null;
  direction: string | null;
  ownerName: string | null;
  isHome: boolean;
  /** Other integrations that use the same credential. */
  sharedWith: { reference: string; name: string }[];
  versions: { number: number; phase: string; liveness: string | null; expiresAt: Millis | null }[];
  revocation: string | null;
  liveness: string | null;
  sessions: string | null;
  copies: number;
  gone: number;
  unprovable: number;
  exposed: boolean;
}

/** The credentials that an integration uses, with the facets of the version in use. */
export function credentialsOf(db: Db, integrationId: Id): Promise<IntegrationCredential[]> {
  return db.query(
    `SELECT u.credential_id AS id, c.reference, u.label, c.kind, c.environment, c.revocability, c.authority, c.direction,
            ${named('k.name', 'c.owner_contact_id')} AS "ownerName", coalesce(c.integration_id = u.integration_id, false) AS "isHome",
            coalesce(others.list, '[]') AS "sharedWith", coalesce(versions.list, '[]') AS versions,
            d.revocation, d.liveness, d.sessions, copies.copies, copies.gone, copies.unprovable,
            EXISTS (${EXPOSED_VERSIONS}) AS exposed
       FROM credential_use u
       LEFT JOIN credential c ON c.id = u.credential_id
       LEFT JOIN contact k ON k.id = c.owner_contact_id
       LEFT JOIN LATERAL (
         SELECT json_agg(json_build_object('reference', i.reference, 'name', i.name) ORDER BY i.name) AS list
           FROM credential_use o JOIN integration i ON i.id = o.integration_id
          WHERE o.credential_id = u.credential_id AND o.integration_id <> u.integration_id) others ON true
       LEFT JOIN LATERAL (
         SELECT json_agg(json_build_object('number', v.number, 'phase', v.phase, 'liveness', dead.liveness, 'expiresAt', ${ms('v.expires_at')}) ORDER BY v.number DESC) AS list
           FROM credential_version v LEFT JOIN version_death dead ON dead.version_id = v.id
          WHERE v.credential_id = u.credential_id AND v.phase <> 'retired') versions ON true
       LEFT JOIN LATERAL (
         SELECT v.id FROM credential_version v WHERE v.credential_id = u.credential_id
          ORDER BY v.id IN (${EXPOSED_VERSIONS}) DESC,
                   v.phase = 'active' DESC, v.number DESC LIMIT 1) judged ON true
       LEFT JOIN version_death d ON d.version_id = judged.id
       CROSS JOIN LATERAL (
         SELECT count(*)::int AS copies, count(*) FILTER (WHERE proof.verdict = 'gone')::int AS gone,
                count(*) FILTER (WHERE l.provable = 'no')::int AS unprovable
           FROM location l
           LEFT JOIN LATERAL (SELECT p.verdict FROM location_proof p WHERE p.location_id = l.id AND p.version_id = judged.id
                               ORDER BY p.at DESC, p.id DESC LIMIT 1) proof ON true
          WHERE l.credential_id = u.credential_id AND l.integration_id = u.integration_id AND l.retired_at IS NULL) copies
      WHERE u.integration_id = $1 AND c.retired_at IS NULL
      ORDER BY exposed DESC, u.label`,
    [integrationId],
  );
}

export interface LocationLine {
  id: Id;
  credentialName: string;
  credentialReference: string | null;
  kind: string;
  name: string;
  path: string;
  arrivedBy: string;
  putAt: Millis | null;
  putBy: string | null;
  partyName: string;
  ownerName: string | null;
  provable: string;
  versionNumber: number | null;
  verdict: string | null;
  verdictAt: Millis | null;
  /** What the verdict rests on. */
  verdictMethod: string | null;
  /** The store that it is an entry of, where a machine writes; null: none that may be seen. */
  storeName: string | null;
  storeEntry: string | null;
}

/** Copies of the credentials of an integration, or of one credential. */
export function locationsOf(
  db: Db,
  of: { integrationId: Id } | { credentialId: Id },
): Promise<LocationLine[]> {
  const [column, id] =
    'integrationId' in of ? ['integration_id', of.integrationId] : ['credential_id', of.credentialId];
  return db.query(
    `SELECT l.id, u.label AS "credentialName", c.reference AS "credentialReference", l.kind, l.name, l.path,
            l.arrived_by AS "arrivedBy", ${ms('l.put_at')} AS "putAt", l.put_by AS "putBy",
            coalesce(pt.name, ip.party_name, '') AS "partyName", ${named('k.name', 'l.owner_contact_id')} AS "ownerName", l.provable, v.number AS "versionNumber",
            proof.verdict, ${ms('proof.at')} AS "verdictAt", proof.method AS "verdictMethod",
            sc.name AS "storeName", ls.entry AS "storeEntry"
       FROM location l
       JOIN credential_use u ON u.credential_id = l.credential_id AND u.integration_id = l.integration_id
       LEFT JOIN credential c ON c.id = l.credential_id
       LEFT JOIN party pt ON pt.id = l.party_id
       LEFT JOIN LATERAL (SELECT party_name FROM integration_party x
                           WHERE x.integration_id = l.integration_id AND x.party_id = l.party_id LIMIT 1) ip ON true
       LEFT JOIN contact k ON k.id = l.owner_contact_id
       LEFT JOIN credential_version v ON v.id = l.version_id
       LEFT JOIN location_store ls ON ls.location_id = l.id
       LEFT JOIN connection sc ON sc.id = ls.connection_id
       LEFT JOIN LATERAL (SELECT p.verdict, p.at, p.method FROM location_proof p WHERE p.location_id = l.id
                           ORDER BY p.at DESC, p.id DESC LIMIT 1) proof ON true
      WHERE l.${column} = $1 AND l.retired_at IS NULL
      ORDER BY l.provable = 'no' DESC, u.label, l.name LIMIT 200`,
    [id],
  );
}

export interface ShownTerm {
  id: Id;
  direction: string;
  trigger: string;
  startEvent: string;
  windowCount: number | null;
  windowUnit: string | null;
  zone: string;
  warnPercent: number;
  escalatePercent: number;
  fulfilledBy: string;
  recipients: string[];
}

export interface ShownAgreement {
  reference: string;
  title: string;
  partyName: string;
  number: number;
  validFrom: Millis;
  validUntil: Millis | null;
  reviewOn: string | null;
  authority: string;
  approveWithinMinutes: number | null;
  approveOtherwise: string;
  terms: ShownTerm[];
}

/** The agreement in force, with its terms. */
export async function agreementOf(db: Db, agreementId: Id, now: Millis): Promise<ShownAgreement | undefined> {
  const [row] = await db.query<(Omit<ShownAgreement, 'terms'> & { versionId: Id })[]>(
    `SELECT a.reference, a.title, coalesce(p.name, '') AS "partyName", av.id AS "versionId", av.number,
            ${ms('av.valid_from')} AS "validFrom", ${ms('av.valid_until')} AS "validUntil",
            to_char(av.review_on, 'YYYY-MM-DD') AS "reviewOn", av.authority,
            av.approve_within_minutes AS "approveWithinMinutes", av.approve_otherwise AS "approveOtherwise"
       FROM agreement a
       JOIN agreement_version av ON av.agreement_id = a.id
       LEFT JOIN party p ON p.id = a.party_id
      WHERE a.id = $1 AND av.valid_from <= $2 AND (av.valid_until IS NULL OR av.valid_until > $2)
      ORDER BY av.number DESC LIMIT 1`,
    [agreementId, new Date(now)],
  );
  if (!row) return undefined;
  const { versionId, ...agreement } = row;
  const terms = await db.query<ShownTerm[]>(
    `SELECT t.id, t.direction, t.trigger, t.start_event AS "startEvent", t.window_count AS "windowCount",
            t.window_unit AS "windowUnit", t.zone, t.warn_percent AS "warnPercent", t.escalate_percent AS "escalatePercent",
            t.fulfilled_by AS "fulfilledBy",
            ARRAY(SELECT k.name FROM term_recipient r JOIN contact k ON k.id = r.contact_id
                   WHERE r.term_id = t.id ORDER BY r.ordinal) AS recipients
       FROM term t WHERE t.agreement_version_id = $1 ORDER BY t.direction DESC, t.trigger, t.id`,
    [versionId],
  );
  return { ...agreement, terms };
}

export interface CaseLine {
  reference: string;
  state: string;
  openedAt: Millis;
  /** Null for readers who see cases but not incidents. */
  incidentReference: string | null;
  incidentTitle: string | null;
}

export function casesOf(db: Db, integrationId: Id): Promise<CaseLine[]> {
  return db.query(
    `SELECT k.reference, k.state, ${ms('k.opened_at')} AS "openedAt", n.reference AS "incidentReference", n.title AS "incidentTitle"
       FROM incident_case k LEFT JOIN incident n ON n.id = k.incident_id
      WHERE k.integration_id = $1 ORDER BY k.state = 'open' DESC, k.opened_at DESC LIMIT 10`,
    [integrationId],
  );
}
