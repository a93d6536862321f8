import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { ms } from '../shared/sql.ts';
import { PAGE_SIZE, type Cursor } from '../shared/paging.tsx';
import type { MendPlaces } from './mend.ts';

export interface GateStandingLine {
  verdict: 'pass' | 'refused';
  policy: string;
  policyVersion: number;
  blocking: number;
  warnings: number;
  excepted: number;
  evaluatedAt: Millis;
}

/** The newest evaluation; undefined: nobody has looked yet, or the reader may not see it. */
export async function standingOf(db: Db, integrationId: Id): Promise<GateStandingLine | undefined> {
  const [row] = await db.query<GateStandingLine[]>(
    `SELECT verdict, policy, policy_version AS "policyVersion", blocking, warnings, excepted, ${ms('evaluated_at')} AS "evaluatedAt"
       FROM gate_standing WHERE integration_id = $1`,
    [integrationId],
  );
  return row;
}

export interface BlockedLine {
  id: Id;
  reference: string;
  name: string;
  state: string;
  pass: string;
  graceUntil: Millis | null;
  riskTier: number;
  ownerName: string | null;
  policy: string;
  blocking: number;
  rules: string[];
  /** The worst finding. */
  message: string;
  mend: string;
}

/** What the gate refuses, by name. @param rule only those that this rule keeps out */
export function blockedIntegrations(
  db: Db,
  o: { rule?: string | undefined; after?: Cursor | undefined },
): Promise<BlockedLine[]> {
  return db.query(
    `SELECT i.id, i.reference, i.name, i.state, i.pass, ${ms('i.pass_grace_until')} AS "graceUntil", i.risk_tier AS "riskTier",
            k.name AS "ownerName", s.policy, s.blocking, s.blocking_rules AS rules,
            coalesce(f.finding ->> 'message', '') AS message, coalesce(f.finding ->> 'mend', '') AS mend
       FROM gate_standing s
       JOIN integration i ON i.id = s.integration_id AND i.state <> 'retired'
       LEFT JOIN contact k ON k.id = i.owner_contact_id
       LEFT JOIN LATERAL (SELECT x AS finding FROM jsonb_array_elements(s.findings) WITH ORDINALITY t(x, n)
                           WHERE x ->> 'severity' <> 'warning' AND x -> 'exception' = 'null'::jsonb
                             AND ($1::text IS NULL OR x ->> 'rule' = $1) ORDER BY n LIMIT 1) f ON true
      WHERE s.verdict = 'refused' AND ($1::text IS NULL OR $1 = ANY(s.blocking_rules))
        AND ($2::text IS NULL OR (i.name, i.id) > ($2, $3::uuid))
      ORDER BY i.name, i.id LIMIT $4`,
    [o.rule ?? null, o.after?.key ?? null, o.after?.id ?? null, PAGE_SIZE + 1],
  );
}

export interface GateTotals {
  refused: number;
  passing: number;
  lost: number;
  without: number;
  rules: { rule: string; n: number }[];
}

export async function gateTotals(db: Db): Promise<GateTotals> {
  const [row] = await db.query<Omit<GateTotals, 'rules'>[]>(
    `SELECT count(*) FILTER (WHERE s.verdict = 'refused' AND i.state <> 'live')::int AS refused,
            count(*) FILTER (WHERE s.verdict = 'pass')::int AS passing,
            count(*) FILTER (WHERE i.state = 'live' AND i.pass = 'lost')::int AS lost,
            count(*) FILTER (WHERE i.state = 'live' AND i.pass = 'refused')::int AS without
       FROM gate_standing s JOIN integration i ON i.id = s.integration_id WHERE i.state <> 'retired'`,
  );
  const rules = await db.query<GateTotals['rules']>(
    `SELECT r.rule, count(*)::int AS n
       FROM gate_standing s JOIN integration i ON i.id = s.integration_id AND i.state <> 'retired', unnest(s.blocking_rules) AS r(rule)
      WHERE s.verdict = 'refused' GROUP BY r.rule ORDER BY n DESC, r.rule LIMIT 40`,
  );
  return { refused: 0, passing: 0, lost: 0, without: 0, ...row, rules };
}

/** What people call whoever asked or decided: the account's or token's name. */
export async function actorNames(db: Db, ids: readonly string[]): Promise<Map<string, string>> {
  const known = ids.filter((id) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id));
  const rows = await db.query<{ id: string; name: string }[]>(
    `SELECT p.id::text AS id, p.name FROM person p WHERE p.id = ANY($1::uuid[])
     UNION ALL SELECT u.id::text, p.name FROM user_account u JOIN person p ON p.id = u.person_id WHERE u.id = ANY($1::uuid[])
     UNION ALL SELECT t.id::text, t.name FROM api_token t WHERE t.id = ANY($1::uuid[])`,
    [known],
  );
  return new Map(rows.map(({ id, name }) => [id, name]));
}

/** What pages call the credentials and the agreement of an integration. */
export async function mendPlacesOf(
  db: Db,
  { id, reference }: { id: Id; reference: string },
): Promise<MendPlaces> {
  const rows = await db.query<{ kind: 'credential' | 'agreement'; id: Id; reference: string }[]>(
    `SELECT 'credential' AS kind, c.id, c.reference FROM credential_use u JOIN credential c ON c.id = u.credential_id
      WHERE u.integration_id = $1
      UNION ALL
     SELECT 'agreement', a.id, a.reference FROM integration i JOIN agreement a ON a.id = i.agreement_id WHERE i.id = $1`,
    [id],
  );
  return {
    integration: reference,
    credentials: new Map(
      rows.filter(({ kind }) => kind === 'credential').map((one) => [one.id, one.reference]),
    ),
    agreement: rows.find(({ kind }) => kind === 'agreement')?.reference ?? null,
  };
}
