import type { Kind } from './portfolio.schema.ts';
import { KINDS } from './portfolio.schema.ts';
import { REFERENCES, STORED, TABLES, wordOf, type ReferenceRule } from './merge.tables.ts';
import { movedSql } from './merge.sql.ts';

/**
 * What can only be judged with the whole file and the stored portfolio side by side. Each statement writes what it finds
 * into staging_problem..
 */

const PROBLEM = 'INSERT INTO staging_problem (run_id, line, kind, key, field, problem, mend, consequence)';

/** Whether any key stands there twice. */
export const ANY_DUPLICATE = `SELECT 1 FROM staging_row WHERE run_id = :run GROUP BY kind, key HAVING count(*) > 1 LIMIT 1`;

/** Rows that name themselves like an earlier row of the file. */
export const DUPLICATES = `
  ${PROBLEM}
  SELECT :run, line, kind, key, CASE WHEN named THEN '/key' ELSE '' END, 'stands there twice; first on line ' || first_line,
         CASE WHEN named THEN 'Remove one of the two, or give it a key of its own.' ELSE 'Remove one of the two, or tell them apart.' END, false
    FROM (SELECT line, kind, key, kind NOT IN ('credentialVersion', 'matrixRow', 'edge') AS named, first_value(line) OVER w AS first_line, row_number() OVER w AS nth
            FROM staging_row WHERE run_id = :run WINDOW w AS (PARTITION BY kind, key ORDER BY line)) AS numbered
   WHERE nth > 1`;

/** Which fields the file gives at all, by kind: what is nowhere needs no look. */
export type GivenFields = ReadonlyMap<string, ReadonlySet<string>>;

function isGiven(rule: ReferenceRule, fields: GivenFields): boolean {
  const [top = ''] = rule.field.split('/');
  return fields.get(rule.kind)?.has(top) ?? false;
}

/** Gives every key of the file its id: the stored one, else a new one. A bad row without a stored one has none. */
export function keysOfFile(kind: Kind): string {
  const stored = STORED[kind];
  return `
    INSERT INTO staging_key (run_id, kind, key, id, fresh, in_file)
    SELECT :run, '${kind}', s.key, ${stored ? 'coalesce(e.id, CASE WHEN s.bad THEN NULL ELSE s.id END), e.id IS NULL' : 'CASE WHEN s.bad THEN NULL ELSE s.id END, true'}, true
      FROM (SELECT DISTINCT ON (key) key, id, bad FROM staging_row WHERE run_id = :run AND kind = '${kind}' ORDER BY key, bad, line) s
      ${stored ? `LEFT JOIN (${stored}) e ON e.key = s.key` : ''}`;
}

/** Looks up what the file refers to and does not hold; what is nowhere gets no id. */
export function keysElsewhere(kind: Kind, fields: GivenFields): string | undefined {
  const asked = REFERENCES.filter((rule) => rule.to === kind && isGiven(rule, fields));
  const stored = STORED[kind];
  if (asked.length === 0 || !stored) return undefined;
  const keys = asked.map(
    (rule) =>
      `SELECT ${rule.keys} AS key FROM staging_row s WHERE s.run_id = :run AND s.kind = '${rule.kind}' AND NOT s.bad`,
  );
  return `
    INSERT INTO staging_key (run_id, kind, key, id, fresh, in_file)
    SELECT :run, '${kind}', r.key, e.id, false, false
      FROM (SELECT DISTINCT key FROM (${keys.join(' UNION ALL ')}) AS every WHERE key IS NOT NULL) r
      LEFT JOIN (${stored}) e ON e.key = r.key
     WHERE NOT EXISTS (SELECT FROM staging_key k WHERE k.run_id = :run AND k.kind = '${kind}' AND k.key = r.key)`;
}

/** References to rows that are nowhere, or cannot be taken. */
export function dangling(kind: Kind, fields: GivenFields): string | undefined {
  const rules = REFERENCES.filter((rule) => rule.kind === kind && isGiven(rule, fields));
  if (rules.length === 0) return undefined;
  const asked = rules.map(
    (
      rule,
    ) => `SELECT s.line, s.kind, s.key, '/${rule.field}' AS field, '${rule.to}' AS to_kind, ${rule.keys} AS to_key
                 FROM staging_row s WHERE s.run_id = :run AND s.kind = '${kind}' AND NOT s.bad`,
  );
  return `${PROBLEM}
     SELECT DISTINCT :run, r.line, r.kind, r.key, r.field,
            CASE WHEN k.in_file THEN format('refers to the %s "%s", which cannot be taken itself', w.word, left(r.to_key, 100))
                 ELSE format('no %s has the key "%s"', w.word, left(r.to_key, 100)) END,
            CASE WHEN k.in_file THEN format('Mend the %s "%s" first.', w.word, left(r.to_key, 100))
                 ELSE format('Correct the key, or add the %s to the file.', w.word) END,
            k.in_file
       FROM (${asked.join(' UNION ALL ')}) r
       JOIN staging_key k ON k.run_id = :run AND k.kind = r.to_kind AND k.key = r.to_key AND k.id IS NULL
       JOIN (VALUES ${KINDS.map((each) => `('${each}', '${wordOf(each).replaceAll('_', ' ')}')`).join(', ')}) AS w (kind, word) ON w.kind = r.to_kind`;
}

/** Stored rows of a kind that the file puts elsewhere. */
export function moved(kind: Kind): string | undefined {
  const rule = TABLES.find((each) => each.kind === kind);
  return rule && movedSql(rule);
}

/** Of each credential at most one version is active, the stored ones that the file leaves alone included. */
export const TWO_ACTIVE = `
  ${PROBLEM}
  SELECT :run, s.line, s.kind, s.key, '/phase', 'another version of the credential is active, too',
         'Give all but one the phase overlap, pending or retired; name the stored version, too, if its phase changes.', false
    FROM staging_row s
    JOIN (SELECT credential FROM (
            SELECT v.body->>'credential' AS credential
              FROM staging_row v
              JOIN staging_key k ON k.run_id = :run AND k.kind = v.kind AND k.key = v.key
              LEFT JOIN credential_version t ON t.id = k.id AND NOT k.fresh
             WHERE v.run_id = :run AND v.kind = 'credentialVersion' AND NOT v.bad
               AND coalesce(v.body->>'phase', t.phase, 'active') = 'active'
            UNION ALL
            SELECT c.external_key
              FROM credential_version t JOIN credential c ON c.id = t.credential_id AND c.source = :source
             WHERE t.phase = 'active'
               AND c.external_key IN (SELECT body->>'credential' FROM staging_row WHERE run_id = :run AND kind = 'credentialVersion' AND NOT bad)
               AND NOT EXISTS (SELECT FROM staging_key k WHERE k.run_id = :run AND k.kind = 'credentialVersion' AND k.in_file AND k.id = t.id)
          ) AS active GROUP BY credential HAVING count(*) > 1) many ON many.credential = s.body->>'credential'
   WHERE s.run_id = :run AND s.kind = 'credentialVersion' AND NOT s.bad AND coalesce(s.body->>'phase', 'active') = 'active'`;

/** Who says that somebody has to approve, and not within how many minutes, means what the agreement of the integration says. */
export const AGREED_MINUTES = `
  UPDATE staging_row s
     SET body = s.body || jsonb_build_object('approveWithinMinutes', a.minutes,
                  'approveOtherwise', coalesce(s.body->>'approveOtherwise', a.otherwise))
    FROM (
      SELECT c.line, coalesce((g.body->>'approveWithinMinutes')::int, v.minutes) AS minutes,
             coalesce(g.body->>'approveOtherwise', v.otherwise) AS otherwise
        FROM staging_row c
        LEFT JOIN staging_key ik ON ik.run_id = :run AND ik.kind = 'integration' AND ik.key = c.body->>'integration'
        LEFT JOIN staging_row i ON i.run_id = :run AND i.kind = 'integration' AND i.key = ik.key AND NOT i.bad
        LEFT JOIN integration t ON t.id = ik.id
        LEFT JOIN staging_key gk ON gk.run_id = :run AND gk.kind = 'agreement'
             AND CASE WHEN i.body ? 'agreement' THEN gk.key = i.body->>'agreement' ELSE gk.id = t.agreement_id END
        LEFT JOIN staging_row g ON g.run_id = :run AND g.kind = 'agreement' AND g.key = gk.key AND NOT g.bad
        LEFT JOIN LATERAL (
          SELECT n.approve_within_minutes AS minutes, n.approve_otherwise AS otherwise FROM agreement_version n
           WHERE n.agreement_id = CASE WHEN i.body ? 'agreement' THEN gk.id ELSE t.agreement_id END
             AND n.valid_from <= :now AND (n.valid_until IS NULL OR n.valid_until > :now)
           ORDER BY n.number DESC LIMIT 1) v ON true
       WHERE c.run_id = :run AND c.kind = 'credential' AND NOT c.bad
         AND c.body->>'authority' = 'approve_within' AND c.body->>'approveWithinMinutes' IS NULL) a
   WHERE s.run_id = :run AND s.kind = 'credential' AND s.line = a.line AND a.minutes IS NOT NULL`;

/** Nobody says within how many minutes. */
export const NO_MINUTES = `
  ${PROBLEM}
  SELECT :run, s.line, s.kind, s.key, '/approveWithinMinutes',
         'must say how many minutes, as the authority is approve_within and no agreement says it',
         'Give the minutes, here or in the agreement of its integration.', false
    FROM staging_row s
   WHERE s.run_id = :run AND s.kind = 'credential' AND NOT s.bad
     AND s.body->>'authority' = 'approve_within' AND s.body->>'approveWithinMinutes' IS NULL`;

/** A version's value never changes: another fingerprint under the same key is another value. */
export const OTHER_VALUE = `
  ${PROBLEM}
  SELECT DISTINCT :run, s.line, s.kind, s.key, '/sha256', 'is not the digest that this version has',
         'A version keeps its value: give the new value a version with the next number.', false
    FROM staging_row s
    JOIN staging_key k ON k.run_id = :run AND k.kind = s.kind AND k.key = s.key AND NOT k.fresh
   CROSS JOIN LATERAL jsonb_to_recordset(s.body->'digests') AS d(part text, scheme text, "keyId" text, digest text)
    JOIN fingerprint f ON f.version_id = k.id AND f.part = d.part AND f.scheme = d.scheme AND f.key_id = d."keyId"
   WHERE s.run_id = :run AND s.kind = 'credentialVersion' AND NOT s.bad AND f.digest <> decode(d.digest, 'hex')`;

/** Every dependency between integrations as it will be: `from`, `to` (ids), and the line where the file says so. */
export const DEPENDENCIES = `
  SELECT k.id AS "from", d.id AS "to", s.line, s.key
    FROM staging_row s
    JOIN staging_key k ON k.run_id = :run AND k.kind = 'integration' AND k.key = s.key
   CROSS JOIN LATERAL jsonb_path_query(s.body, '$.dependencies[*].integration') AS on_key
    JOIN staging_key d ON d.run_id = :run AND d.kind = 'integration' AND d.key = on_key #>> '{}' AND d.id IS NOT NULL
   WHERE s.run_id = :run AND s.kind = 'integration' AND NOT s.bad
  UNION ALL
  SELECT t.integration_id, t.depends_on_integration_id, NULL, i.external_key
    FROM integration_dependency t JOIN integration i ON i.id = t.integration_id
   WHERE t.depends_on_integration_id IS NOT NULL
     AND NOT EXISTS (SELECT FROM staging_row s JOIN staging_key k ON k.run_id = :run AND k.kind = 'integration' AND k.key = s.key
                      WHERE s.run_id = :run AND s.kind = 'integration' AND NOT s.bad AND s.body ? 'dependencies' AND k.id = t.integration_id)`;

export const CIRCLE = `
  ${PROBLEM}
  SELECT :run, c.line, 'integration', c.key, '/dependencies', c.problem, 'Remove one of the dependencies on the way.', false
    FROM jsonb_to_recordset(:data) AS c(line int, key text, problem text)`;

/** Rows with a problem are left out from here on, and whoever refers to them follows. @returns how many keys lost their row */
export const MARK_BAD = [
  `UPDATE staging_row s SET bad = true FROM staging_problem p
    WHERE p.run_id = :run AND s.run_id = :run AND s.line = p.line AND s.kind = p.kind AND s.key = p.key AND NOT s.bad`,
  `UPDATE staging_key k SET id = NULL
    WHERE k.run_id = :run AND k.in_file AND k.fresh AND k.id IS NOT NULL
      AND NOT EXISTS (SELECT FROM staging_row s WHERE s.run_id = :run AND s.kind = k.kind AND s.key = k.key AND NOT s.bad)
   RETURNING 1`,
];

/**
 * What is judged once parties, integrations and credentials stand: the same rules, whether a side of them came with the
 * file or was stored before.
 */
export const MATRICES_AFTERWARDS: readonly string[] = [
  // Who answers for a duty must be in the integration.
  `${PROBLEM}
   SELECT DISTINCT :run, m.line, m.kind, m.row_key, m.at || '/' || who.field,
          format('the party "%s" is not in the integration', left(who.party, 100)), 'Add it to the integration''s parties with its role, or name another.', false
     FROM ${matrixRows()} m
    CROSS JOIN LATERAL (SELECT 'accountable' AS field, m.accountable AS party
                        UNION ALL SELECT 'performing', e FROM jsonb_array_elements_text(m.performing) AS e) AS who
     JOIN staging_key i ON i.run_id = :run AND i.kind = 'integration' AND i.key = m.integration
     JOIN staging_key p ON p.run_id = :run AND p.kind = 'party' AND p.key = who.party
    WHERE NOT EXISTS (SELECT FROM integration_party ip WHERE ip.integration_id = i.id AND ip.party_id = p.id)`,
  // One accountable party for each duty, part and credential.
  `${PROBLEM}
   SELECT :run, line, kind, row_key, at || '/duty', 'the duty, or this part of it, stands there twice', 'Name the parts apart, or remove one row.', false
     FROM (SELECT m.*, row_number() OVER (PARTITION BY integration, duty, part, credential ORDER BY line, nth) AS copy FROM ${matrixRows()} m) AS counted
    WHERE copy > 1`,
  `${PROBLEM}
   SELECT :run, m.line, m.kind, m.row_key, m.at || '/credential', 'the integration does not use this credential', 'Add the integration to the credential''s uses, or name another.', false
     FROM ${matrixRows()} m
     JOIN staging_key i ON i.run_id = :run AND i.kind = 'integration' AND i.key = m.integration
     JOIN staging_key c ON c.run_id = :run AND c.kind = 'credential' AND c.key = m.credential
    WHERE NOT EXISTS (SELECT FROM credential_use u WHERE u.credential_id = c.id AND u.integration_id = i.id)`,
];

export const LOCATIONS_AFTERWARDS: readonly string[] = [
  `${PROBLEM}
   SELECT :run, s.line, s.kind, s.key, '/integration', 'the integration does not use this credential', 'Add the integration to the credential''s uses, or name another.', false
     FROM staging_row s
     JOIN staging_key c ON c.run_id = :run AND c.kind = 'credential' AND c.key = s.body->>'credential'
     JOIN staging_key i ON i.run_id = :run AND i.kind = 'integration' AND i.key = s.body->>'integration'
    WHERE s.run_id = :run AND s.kind = 'location' AND NOT s.bad
      AND NOT EXISTS (SELECT FROM credential_use u WHERE u.credential_id = c.id AND u.integration_id = i.id)`,
  `${PROBLEM}
   SELECT :run, s.line, s.kind, s.key, '/credential', 'is stored under another credential, and does not move',
          'Give the new one a key of its own, or name the credential that it has.', false
     FROM staging_row s
     JOIN staging_key k ON k.run_id = :run AND k.kind = s.kind AND k.key = s.key AND NOT k.fresh
     JOIN staging_key c ON c.run_id = :run AND c.kind = 'credential' AND c.key = s.body->>'credential'
     JOIN location t ON t.id = k.id AND t.credential_id <> c.id
    WHERE s.run_id = :run AND s.kind = 'location' AND NOT s.bad`,
];

/** Rows of matrices, whether inside an integration or on lines of their own. Columns by name, keys unresolved. */
export function matrixRows(): string {
  return `(
    SELECT s.line, s.kind, s.key AS row_key, '/matrix/' || (r.nth - 1) AS at, r.nth, s.key AS integration,
           r.row->>'duty' AS duty, coalesce(r.row->>'part', '') AS part, r.row->>'credential' AS credential,
           r.row->>'accountable' AS accountable, r.row->'performing' AS performing, r.row->>'contact' AS contact, coalesce(r.row->>'note', '') AS note
      FROM staging_row s CROSS JOIN LATERAL jsonb_array_elements(s.body->'matrix') WITH ORDINALITY AS r(row, nth)
     WHERE s.run_id = :run AND s.kind = 'integration' AND NOT s.bad AND jsonb_typeof(s.body->'matrix') = 'array'
    UNION ALL
    SELECT s.line, s.kind, s.key, '', 1, s.body->>'integration',
           s.body->>'duty', coalesce(s.body->>'part', ''), s.body->>'credential',
           s.body->>'accountable', s.body->'performing', s.body->>'contact', coalesce(s.body->>'note', '')
      FROM staging_row s WHERE s.run_id = :run AND s.kind = 'matrixRow' AND NOT s.bad)`;
}
