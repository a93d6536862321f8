import type { Db } from '../../platform/database/transactions.ts';
import { execute, type Names } from './statements.ts';

/** A new version of the file whose value is known from another environment. */
interface Reuse {
  line: number;
  key: string;
  environment: string;
  other: string;
  otherEnvironment: string;
  otherLine: number | null;
  riskTier: number;
  dataClass: string;
}

const KEY = (alias: string, kind: string, key: string) =>
  `JOIN staging_key ${alias} ON ${alias}.run_id = :run AND ${alias}.kind = '${kind}' AND ${alias}.key = ${key}`;

/**
 * New versions against one another and against what is stored, by digest. What was retired does not count; nor does a stored
 * version that the file itself retires. Where a value is new in two environments at once both lines are named: nobody knows
 * which one is right.
 */
const REUSED = `
  WITH coming AS MATERIALIZED (
    SELECT s.line, s.key, c.id AS credential_id, c.name, c.environment, c.integration_id, decode(d.digest, 'hex') AS digest
      FROM staging_row s
      ${KEY('k', 'credentialVersion', 's.key')} AND k.fresh
      ${KEY('r', 'credential', `s.body->>'credential'`)} JOIN credential c ON c.id = r.id
     CROSS JOIN LATERAL jsonb_to_recordset(s.body->'digests') AS d(digest text)
     WHERE s.run_id = :run AND s.kind = 'credentialVersion' AND NOT s.bad AND coalesce(s.body->>'phase', 'active') <> 'retired'),
  known AS (
    SELECT f.digest, o.id AS credential_id, o.name, o.environment, NULL::int AS line
      FROM (SELECT DISTINCT digest FROM coming) n
      JOIN fingerprint f ON f.digest = n.digest
      JOIN credential_version v ON v.id = f.version_id AND v.phase <> 'retired'
      JOIN credential o ON o.id = f.credential_id AND o.retired_at IS NULL
     WHERE NOT EXISTS (SELECT FROM staging_key k JOIN staging_row s ON s.run_id = :run AND s.kind = k.kind AND s.key = k.key AND NOT s.bad
                        WHERE k.run_id = :run AND k.kind = 'credentialVersion' AND k.id = v.id AND s.body->>'phase' = 'retired')
    UNION ALL
    SELECT digest, credential_id, name, environment, line FROM coming)
  SELECT DISTINCT ON (c.line) c.line, c.key, c.environment, left(o.name, 100) AS other, o.environment AS "otherEnvironment", o.line AS "otherLine",
         i.risk_tier AS "riskTier", i.data_class AS "dataClass"
    FROM coming c
    JOIN known o ON o.digest = c.digest AND o.credential_id <> c.credential_id AND o.environment <> c.environment
    JOIN integration i ON i.id = c.integration_id
   ORDER BY c.line, o.line NULLS FIRST, o.name`;

const PROBLEM = `
  INSERT INTO staging_problem (run_id, line, kind, key, field, problem, mend, consequence)
  SELECT :run, p.line, 'credentialVersion', p.key, '/sha256', p.problem, p.mend, false
    FROM jsonb_to_recordset(:data) AS p(line int, key text, problem text, mend text)`;

/** Keeps one value out of two environments, wherever the policy of the integration isolates them. */
export async function refuseReuse(
  db: Db,
  names: Names,
  isolated: (integration: { riskTier: number; dataClass: string }) => boolean,
): Promise<void> {
  const found = (await execute<Reuse>(db, REUSED, names)).filter(isolated);
  if (found.length === 0) return;
  const problems = found.map(({ line, key, environment, other, otherEnvironment, otherLine }) => ({
    line,
    key,
    problem: `is the value of "${other}", in ${otherEnvironment}${otherLine === null ? '' : ` (line ${otherLine})`}; this one is for ${environment}`,
    mend: `Issue one of its own for ${environment}, and give its digest.`,
  }));
  await execute(db, PROBLEM, { ...names, data: JSON.stringify(problems) });
}
