import { notFresh, type ChildRule } from './merge.sql.ts';

/** What the generated merges do not cover. Placeholders: :run, :source, :now, :year. */

const KEY = (alias: string, kind: string, key: string) =>
  `JOIN staging_key ${alias} ON ${alias}.run_id = :run AND ${alias}.kind = '${kind}' AND ${alias}.key = ${key}`;
const STAGED = (kind: string) => `s.run_id = :run AND s.kind = '${kind}' AND NOT s.bad`;
const gives = (kind: 'integration' | 'credential', field: string, id: string) =>
  `SELECT k.id AS ${id} FROM staging_row s ${KEY('k', kind, 's.key')} WHERE ${STAGED(kind)} AND jsonb_typeof(s.body->'${field}') = 'array'`;

export const CHILDREN_OF_INTEGRATIONS: readonly ChildRule[] = [
  {
    kind: 'integration',
    table: 'integration_party',
    fields: ['parties'],
    parent: ['integration_id'],
    identity: ['party_id', 'role'],
    others: [],
    once: { party_name: '(SELECT name FROM party WHERE party.id = g.party_id)' },
    removes: true,
    given: `SELECT DISTINCT k.id AS integration_id, p.id AS party_id, x.role
              FROM staging_row s ${KEY('k', 'integration', 's.key')}
             CROSS JOIN LATERAL jsonb_to_recordset(s.body->'parties') AS x(party text, role text)
              ${KEY('p', 'party', 'x.party')}
             WHERE ${STAGED('integration')} AND jsonb_typeof(s.body->'parties') = 'array'`,
    owners: gives('integration', 'parties', 'integration_id'),
  },
  {
    kind: 'integration',
    table: 'integration_dependency',
    fields: ['dependencies'],
    parent: ['integration_id'],
    identity: ['party_id', 'depth'],
    others: ['depends_on_integration_id', 'via'],
    once: { id: 'cs_new_id(:now)' },
    removes: true,
    given: `SELECT DISTINCT ON (k.id, p.id, x.depth) k.id AS integration_id, p.id AS party_id, x.depth,
                   d.id AS depends_on_integration_id, coalesce(x.via, '') AS via
              FROM staging_row s ${KEY('k', 'integration', 's.key')}
             CROSS JOIN LATERAL jsonb_to_recordset(s.body->'dependencies') AS x(party text, integration text, depth int, via text)
              ${KEY('p', 'party', 'x.party')}
              LEFT ${KEY('d', 'integration', 'x.integration')}
             WHERE ${STAGED('integration')} AND jsonb_typeof(s.body->'dependencies') = 'array'`,
    owners: gives('integration', 'dependencies', 'integration_id'),
  },
];

/** The home of a new credential uses it, too. */
export const HOME_USE = `
  INSERT INTO credential_use (credential_id, integration_id, label, since)
  SELECT c.id, c.integration_id, c.name, :now
    FROM staging_key k JOIN credential c ON c.id = k.id
   WHERE k.run_id = :run AND k.kind = 'credential' AND k.in_file AND k.fresh`;

export const CHILDREN_OF_CREDENTIALS: readonly ChildRule[] = [
  {
    kind: 'credential',
    table: 'credential_use',
    fields: ['uses'],
    parent: ['credential_id'],
    identity: ['integration_id'],
    others: ['label', 'purpose'],
    once: { since: ':now' },
    // A use may be what an open case stands on: it ends by a person's act, not by a line that is missing.
    removes: false,
    given: `SELECT DISTINCT ON (k.id, i.id) k.id AS credential_id, i.id AS integration_id,
                   coalesce(x.label, u.label, s.body->>'name') AS label, coalesce(x.purpose, u.purpose, '') AS purpose
              FROM staging_row s ${KEY('k', 'credential', 's.key')}
             CROSS JOIN LATERAL jsonb_to_recordset(s.body->'uses') AS x(integration text, label text, purpose text)
              ${KEY('i', 'integration', 'x.integration')}
              LEFT JOIN credential_use u ON u.credential_id = k.id AND u.integration_id = i.id
             WHERE ${STAGED('credential')} AND jsonb_typeof(s.body->'uses') = 'array'`,
    owners: gives('credential', 'uses', 'credential_id'),
  },
  {
    kind: 'credential',
    table: 'credential_holder',
    fields: ['holders', 'uses'],
    parent: ['credential_id', 'integration_id'],
    identity: ['party_id'],
    others: [],
    removes: true,
    given: `SELECT DISTINCT c.id AS credential_id, c.integration_id, p.id AS party_id
              FROM staging_row s ${KEY('k', 'credential', 's.key')} JOIN credential c ON c.id = k.id
             CROSS JOIN LATERAL jsonb_array_elements_text(s.body->'holders') AS x(party)
              ${KEY('p', 'party', 'x.party')}
             WHERE ${STAGED('credential')} AND jsonb_typeof(s.body->'holders') = 'array'
            UNION
            SELECT k.id, i.id, p.id
              FROM staging_row s ${KEY('k', 'credential', 's.key')}
             CROSS JOIN LATERAL jsonb_to_recordset(s.body->'uses') AS x(integration text, holders jsonb)
             CROSS JOIN LATERAL jsonb_array_elements_text(x.holders) AS h(party)
              ${KEY('i', 'integration', 'x.integration')}
              ${KEY('p', 'party', 'h.party')}
             WHERE ${STAGED('credential')} AND jsonb_typeof(s.body->'uses') = 'array' AND jsonb_typeof(x.holders) = 'array'`,
    owners: `SELECT c.id AS credential_id, c.integration_id
               FROM staging_row s ${KEY('k', 'credential', 's.key')} JOIN credential c ON c.id = k.id
              WHERE ${STAGED('credential')} AND jsonb_typeof(s.body->'holders') = 'array'
             UNION
             SELECT k.id, i.id
               FROM staging_row s ${KEY('k', 'credential', 's.key')}
              CROSS JOIN LATERAL jsonb_to_recordset(s.body->'uses') AS x(integration text, holders jsonb)
               ${KEY('i', 'integration', 'x.integration')}
              WHERE ${STAGED('credential')} AND jsonb_typeof(s.body->'uses') = 'array' AND jsonb_typeof(x.holders) = 'array'`,
  },
  {
    kind: 'credential',
    table: 'credential_scope',
    fields: ['scopes'],
    parent: ['credential_id'],
    identity: ['name'],
    others: ['description', 'justification'],
    once: {
      id: 'cs_new_id(:now)',
      integration_id: '(SELECT c.integration_id FROM credential c WHERE c.id = g.credential_id)',
    },
    removes: true,
    given: `SELECT DISTINCT ON (k.id, x.name) k.id AS credential_id, x.name, x.description, x.justification
              FROM staging_row s ${KEY('k', 'credential', 's.key')}
             CROSS JOIN LATERAL jsonb_to_recordset(s.body->'scopes') AS x(name text, description text, justification text)
             WHERE ${STAGED('credential')} AND jsonb_typeof(s.body->'scopes') = 'array'`,
    owners: gives('credential', 'scopes', 'credential_id'),
  },
];

/**
 * Revocation paths, in the order of the file. A path is told apart by where it leads; one that a drill tried is kept at
 * the end when the file leaves it out, as its history is evidence. Three statements, because the order is unique at all
 * times: move aside, put in order, clear up.
 */
const PATHS = `
  SELECT c.id AS credential_id, c.integration_id, (x.nth - 1)::int AS ordinal, n.id AS connection_id, p.id AS contact_id,
         coalesce(cn.party_id, ct.party_id) AS party_id, (x.path->>'expectedMinutes')::int AS expected_minutes
    FROM staging_row s ${KEY('k', 'credential', 's.key')} JOIN credential c ON c.id = k.id
   CROSS JOIN LATERAL jsonb_array_elements(s.body->'paths') WITH ORDINALITY AS x(path, nth)
    LEFT ${KEY('n', 'connection', `x.path->>'connection'`)} LEFT JOIN connection cn ON cn.id = n.id
    LEFT ${KEY('p', 'contact', `x.path->>'contact'`)} LEFT JOIN contact ct ON ct.id = p.id
   WHERE ${STAGED('credential')} AND jsonb_typeof(s.body->'paths') = 'array'`;
const SAME_WAY = `t.credential_id = g.credential_id AND t.connection_id IS NOT DISTINCT FROM g.connection_id AND t.contact_id IS NOT DISTINCT FROM g.contact_id`;

export const REVOCATION_PATHS: readonly string[] = [
  `WITH given AS MATERIALIZED (${PATHS}),
        owners AS (${gives('credential', 'paths', 'credential_id')}),
        said AS (SELECT o.credential_id, (SELECT array_agg(concat_ws(' ', g.connection_id, g.contact_id, g.expected_minutes) ORDER BY g.ordinal)
                                            FROM given g WHERE g.credential_id = o.credential_id) AS ways FROM owners o),
        other AS (SELECT credential_id FROM said WHERE ways IS DISTINCT FROM
                    (SELECT array_agg(concat_ws(' ', t.connection_id, t.contact_id, t.expected_minutes) ORDER BY t.ordinal)
                       FROM revocation_path t WHERE t.credential_id = said.credential_id)),
        aside AS (UPDATE revocation_path t SET ordinal = -1 - t.ordinal FROM other WHERE t.credential_id = other.credential_id RETURNING 1)
   INSERT INTO staging_change (run_id, kind, id, created, counted)
   SELECT :run, 'credentialPaths', credential_id, false, true FROM other`,
  `WITH given AS MATERIALIZED (SELECT g.* FROM (${PATHS}) g JOIN staging_change ch ON ch.run_id = :run AND ch.kind = 'credentialPaths' AND ch.id = g.credential_id),
        moved AS (UPDATE revocation_path t SET ordinal = g.ordinal, expected_minutes = g.expected_minutes, row_version = t.row_version + 1
                    FROM given g WHERE ${SAME_WAY} RETURNING t.id)
   INSERT INTO revocation_path (id, credential_id, integration_id, ordinal, kind, connection_id, contact_id, party_id, expected_minutes)
   SELECT cs_new_id(:now), g.credential_id, g.integration_id, g.ordinal, CASE WHEN g.contact_id IS NULL THEN 'connector' ELSE 'contact' END,
          g.connection_id, g.contact_id, g.party_id, g.expected_minutes
     FROM given g WHERE NOT EXISTS (SELECT FROM revocation_path t WHERE ${SAME_WAY})`,
  `DELETE FROM revocation_path t USING staging_change ch
    WHERE ch.run_id = :run AND ch.kind = 'credentialPaths' AND ch.id = t.credential_id AND t.ordinal < 0
      AND NOT EXISTS (SELECT FROM drill d WHERE d.revocation_path_id = t.id)`,
  `UPDATE revocation_path t
      SET ordinal = 100000 - t.ordinal
     FROM staging_change ch WHERE ch.run_id = :run AND ch.kind = 'credentialPaths' AND ch.id = t.credential_id AND t.ordinal < 0`,
  `INSERT INTO staging_change (run_id, kind, id, created, counted)
   SELECT :run, 'credential', t.id, false, false FROM staging_change t WHERE t.run_id = :run AND t.kind = 'credentialPaths' AND ${notFresh('credential', 't.id')} ON CONFLICT DO NOTHING`,
  `DELETE FROM staging_change WHERE run_id = :run AND kind = 'credentialPaths'`,
];

/** Changes first: of two versions that change places as the active one, one must step down before the other steps up. */
const VERSION = `
  SELECT k.id, k.fresh, s.line, s.body, c.id AS credential_id, c.integration_id, (s.body->>'number')::int AS number, s.body->>'supplierId' AS supplier_id,
         (s.body->>'issuedAt')::timestamptz AS issued_at, s.body->>'issuedBy' AS issued_by, (s.body->>'expiresAt')::timestamptz AS expires_at,
         s.body->>'phase' AS phase
    FROM staging_row s ${KEY('k', 'credentialVersion', 's.key')}
    ${KEY('r', 'credential', `s.body->>'credential'`)} JOIN credential c ON c.id = r.id
   WHERE ${STAGED('credentialVersion')}`;
const changedVersion = (phases: string) => `
  WITH moved AS (
    UPDATE credential_version t
       SET supplier_id = CASE WHEN g.body ? 'supplierId' THEN g.supplier_id ELSE t.supplier_id END,
           issued_at = CASE WHEN g.body ? 'issuedAt' THEN g.issued_at ELSE t.issued_at END,
           issued_by = CASE WHEN g.body ? 'issuedBy' THEN g.issued_by ELSE t.issued_by END,
           expires_at = CASE WHEN g.body ? 'expiresAt' THEN g.expires_at ELSE t.expires_at END,
           phase = coalesce(g.phase, t.phase),
           activated_at = CASE WHEN g.phase = 'active' AND t.activated_at IS NULL THEN :now ELSE t.activated_at END,
           retired_at = CASE WHEN g.phase = 'retired' THEN coalesce(t.retired_at, :now) WHEN g.phase IS NULL THEN t.retired_at END,
           row_version = t.row_version + 1
      FROM (${VERSION}) g
     WHERE t.id = g.id AND NOT g.fresh AND coalesce(g.phase, t.phase) ${phases}
       AND (g.body ? 'supplierId' AND t.supplier_id IS DISTINCT FROM g.supplier_id OR g.body ? 'issuedAt' AND t.issued_at IS DISTINCT FROM g.issued_at
            OR g.body ? 'issuedBy' AND t.issued_by IS DISTINCT FROM g.issued_by OR g.body ? 'expiresAt' AND t.expires_at IS DISTINCT FROM g.expires_at
            OR g.phase IS NOT NULL AND t.phase <> g.phase)
    RETURNING t.id)
  INSERT INTO staging_change (run_id, kind, id, created, counted) SELECT :run, 'credentialVersion', id, false, true FROM moved ON CONFLICT DO NOTHING`;

export const CHANGED_VERSIONS: readonly string[] = [
  changedVersion(`<> 'active'`),
  changedVersion(`= 'active'`),
];

export const NEW_VERSIONS: readonly string[] = [
  `INSERT INTO credential_version (id, credential_id, integration_id, number, supplier_id, issued_at, issued_by, expires_at, phase, activated_at, retired_at, created_at)
   SELECT g.id, g.credential_id, g.integration_id, g.number, g.supplier_id, g.issued_at, g.issued_by, g.expires_at, coalesce(g.phase, 'active'),
          CASE WHEN coalesce(g.phase, 'active') IN ('active', 'overlap') THEN :now END, CASE WHEN g.phase = 'retired' THEN :now END, :now
     FROM (${VERSION} AND k.fresh ORDER BY s.line) g`,
  `WITH came AS (
     INSERT INTO fingerprint (version_id, credential_id, integration_id, part, scheme, key_id, digest, created_at)
     SELECT g.id, g.credential_id, g.integration_id, d.part, d.scheme, d."keyId", decode(d.digest, 'hex'), :now
       FROM (${VERSION}) g CROSS JOIN LATERAL jsonb_to_recordset(g.body->'digests') AS d(part text, scheme text, "keyId" text, digest text)
      WHERE NOT EXISTS (SELECT FROM fingerprint f WHERE f.version_id = g.id AND f.part = d.part AND f.scheme = d.scheme AND f.key_id = d."keyId")
     RETURNING version_id)
   INSERT INTO staging_change (run_id, kind, id, created, counted)
   SELECT DISTINCT :run, 'credentialVersion', t.version_id, false, false FROM came t WHERE ${notFresh('credentialVersion', 't.version_id')} ON CONFLICT DO NOTHING`,
];

const LOCATION = `
  SELECT k.id, k.fresh, s.line, s.key, s.body, c.id AS credential_id, coalesce(i.id, c.integration_id) AS integration_id, v.id AS version_id,
         s.body->>'type' AS kind, s.body->>'name' AS name, s.body->>'path' AS path, s.body->>'arrivedBy' AS arrived_by, s.body->>'putBy' AS put_by,
         (s.body->>'putAt')::timestamptz AS put_at, p.id AS party_id, o.id AS owner_contact_id, s.body->>'provable' AS provable
    FROM staging_row s ${KEY('k', 'location', 's.key')}
    ${KEY('r', 'credential', `s.body->>'credential'`)} JOIN credential c ON c.id = r.id
    ${KEY('p', 'party', `s.body->>'party'`)}
    LEFT ${KEY('i', 'integration', `s.body->>'integration'`)}
    LEFT ${KEY('o', 'contact', `s.body->>'owner'`)}
    LEFT ${KEY('v', 'credentialVersion', `(s.body->>'credential') || '#' || (s.body->>'version')`)}
   WHERE ${STAGED('location')}`;

export const NEW_LOCATIONS = `
   INSERT INTO location (id, source, external_key, credential_id, integration_id, version_id, kind, name, path, arrived_by, put_by, put_at, party_id, owner_contact_id, provable, created_at, updated_at)
   SELECT g.id, :source, g.key, g.credential_id, g.integration_id, g.version_id, g.kind, g.name, coalesce(g.path, ''), coalesce(g.arrived_by, 'stored'), g.put_by, g.put_at,
          g.party_id, g.owner_contact_id, coalesce(g.provable, 'owner_statement'), :now, :now
     FROM (${LOCATION} AND k.fresh ORDER BY s.line) g`;

export const CHANGED_LOCATIONS = `
   WITH moved AS (
     UPDATE location t
        SET version_id = CASE WHEN g.body ? 'version' THEN g.version_id ELSE t.version_id END, kind = g.kind, name = g.name, path = coalesce(g.path, t.path),
            arrived_by = coalesce(g.arrived_by, t.arrived_by), put_by = CASE WHEN g.body ? 'putBy' THEN g.put_by ELSE t.put_by END,
            put_at = CASE WHEN g.body ? 'putAt' THEN g.put_at ELSE t.put_at END, party_id = g.party_id,
            owner_contact_id = CASE WHEN g.body ? 'owner' THEN g.owner_contact_id ELSE t.owner_contact_id END,
            owner_named_by = CASE WHEN g.body ? 'owner' AND t.owner_contact_id IS DISTINCT FROM g.owner_contact_id THEN NULL ELSE t.owner_named_by END,
            provable = coalesce(g.provable, t.provable), updated_at = :now, row_version = t.row_version + 1
       FROM (${LOCATION}) g
      WHERE t.id = g.id AND NOT g.fresh
        AND (g.body ? 'version' AND t.version_id IS DISTINCT FROM g.version_id OR t.kind <> g.kind OR t.name <> g.name OR t.path <> coalesce(g.path, t.path)
             OR t.arrived_by <> coalesce(g.arrived_by, t.arrived_by) OR g.body ? 'putBy' AND t.put_by IS DISTINCT FROM g.put_by
             OR g.body ? 'putAt' AND t.put_at IS DISTINCT FROM g.put_at OR t.party_id <> g.party_id
             OR g.body ? 'owner' AND t.owner_contact_id IS DISTINCT FROM g.owner_contact_id OR t.provable <> coalesce(g.provable, t.provable))
     RETURNING t.id)
   INSERT INTO staging_change (run_id, kind, id, created, counted) SELECT :run, 'location', id, false, true FROM moved ON CONFLICT DO NOTHING`;

/** What a credential or a copy of it reaches. */
export const EDGES: readonly string[] = [
  `WITH given AS MATERIALIZED (
     SELECT c.id AS credential_id, c.integration_id, y.id AS system_id, coalesce(s.body->>'basis', 'entitled') AS basis, coalesce(s.body->>'scope', '') AS scope,
            (s.body->>'firstSeenAt')::timestamptz AS first_seen_at, (s.body->>'lastSeenAt')::timestamptz AS last_seen_at
       FROM staging_row s ${KEY('r', 'credential', `s.body->>'credential'`)} JOIN credential c ON c.id = r.id ${KEY('y', 'system', `s.body->>'system'`)}
      WHERE ${STAGED('edge')}),
    moved AS (UPDATE credential_system t SET scope = g.scope, first_seen_at = coalesce(g.first_seen_at, t.first_seen_at), last_seen_at = coalesce(g.last_seen_at, t.last_seen_at)
                FROM given g WHERE t.credential_id = g.credential_id AND t.system_id = g.system_id AND t.basis = g.basis
                 AND (t.scope <> g.scope OR t.first_seen_at IS DISTINCT FROM coalesce(g.first_seen_at, t.first_seen_at)
                      OR t.last_seen_at IS DISTINCT FROM coalesce(g.last_seen_at, t.last_seen_at))
              RETURNING t.credential_id),
    came AS (INSERT INTO credential_system (credential_id, integration_id, system_id, basis, scope, first_seen_at, last_seen_at)
             SELECT g.* FROM given g WHERE NOT EXISTS (SELECT FROM credential_system t WHERE t.credential_id = g.credential_id AND t.system_id = g.system_id AND t.basis = g.basis)
             RETURNING credential_id)
   INSERT INTO staging_change (run_id, kind, id, created, counted)
   SELECT DISTINCT :run, 'credential', credential_id, false, false FROM (SELECT credential_id FROM moved UNION ALL SELECT credential_id FROM came) t WHERE ${notFresh('credential', 't.credential_id')} ON CONFLICT DO NOTHING`,
  `WITH came AS (
     INSERT INTO location_system (location_id, integration_id, system_id)
     SELECT DISTINCT l.id, l.integration_id, y.id
       FROM staging_row s ${KEY('r', 'location', `s.body->>'location'`)} JOIN location l ON l.id = r.id ${KEY('y', 'system', `s.body->>'system'`)}
      WHERE ${STAGED('edge')} AND NOT EXISTS (SELECT FROM location_system t WHERE t.location_id = l.id AND t.system_id = y.id)
     RETURNING location_id)
   INSERT INTO staging_change (run_id, kind, id, created, counted) SELECT DISTINCT :run, 'location', t.location_id, false, false FROM came t WHERE ${notFresh('location', 't.location_id')} ON CONFLICT DO NOTHING`,
];

/** Rows that changed only beneath: their version moves, too. */
export const COUNT_CHANGES: readonly string[] = [
  ...['integration', 'credential', 'location'].map(
    (table) => `UPDATE ${table} t SET row_version = t.row_version + 1, updated_at = :now
                  FROM staging_change ch WHERE ch.run_id = :run AND ch.kind = '${table}' AND NOT ch.created AND NOT ch.counted AND t.id = ch.id`,
  ),
  `UPDATE credential_version t SET row_version = t.row_version + 1
     FROM staging_change ch WHERE ch.run_id = :run AND ch.kind = 'credentialVersion' AND NOT ch.created AND NOT ch.counted AND t.id = ch.id`,
];
