import type { Client } from 'pg';
import { DUTIES } from '../src/domain/responsibility/matrix.rules.ts';

export const CREDENTIALS = 10;
export const LOCATIONS = 5;
/** Integrations of one supplier, with one agreement. */
const OF_A_SUPPLIER = 10;

/** Ids that can be computed: `bench_id(kind, n)` in SQL, the same here. */
export function seededId(kind: keyof typeof KINDS, n: number): string {
  return `00000000-0000-7000-8${KINDS[kind].toString(16).padStart(3, '0')}-${n.toString(16).padStart(12, '0')}`;
}
/** Of the nth integration. */
export function seededReference(n: number): string {
  return `INT-2025-${String(n).padStart(6, '0')}`;
}

const KINDS = {
  party: 1,
  contact: 2,
  integration: 3,
  agreement: 4,
  agreementVersion: 5,
  term: 6,
  matrix: 7,
  row: 8,
  attestation: 9,
  credential: 10,
  version: 11,
  scope: 12,
  location: 13,
  path: 14,
  drill: 15,
  person: 16,
} as const;

/**
 * Integrations `from + 1` to `to` as the product would hold them after their onboarding: parties with contacts, an agreement
 * with terms, a countersigned matrix, credentials with paths that were tried, copies. Straight into the tables, without
 * triggers and foreign keys: the rows are those that the product writes, only faster.
 */
export async function seedIntegrations(client: Client, from: number, to: number): Promise<void> {
  const id = (kind: keyof typeof KINDS, n: string) => `bench_id(${KINDS[kind]}, (${n})::bigint)`;
  const integrations = `generate_series(${from + 1}, ${to}) AS g(n)`;
  const supplier = (n: string) => `((${n}) - 1) / ${OF_A_SUPPLIER} + 1`;
  const suppliers = `generate_series(${from / OF_A_SUPPLIER + 1}, ${to / OF_A_SUPPLIER}) AS s(p)`;
  const credentials = `${integrations} CROSS JOIN generate_series(1, ${CREDENTIALS}) AS h(k)`;
  const credential = `g.n::bigint * 100 + h.k`;
  const duties = `unnest(ARRAY[${DUTIES.map((duty) => `'${duty}'`).join(', ')}]) WITH ORDINALITY AS d(duty, o)`;
  const statements = [
    `CREATE OR REPLACE FUNCTION bench_id(kind int, n bigint) RETURNS uuid IMMUTABLE PARALLEL SAFE LANGUAGE sql AS
       $$ SELECT ('00000000-0000-7000-8' || lpad(to_hex(kind), 3, '0') || '-' || lpad(to_hex(n), 12, '0'))::uuid $$`,
    `SET session_replication_role = replica`,
    `SET synchronous_commit = off`,
    `INSERT INTO person (id, name, created_at) VALUES (${id('person', '0')}, 'Bench', now()) ON CONFLICT DO NOTHING`,
    `INSERT INTO party (id, reference, source, name, is_operator, created_at, updated_at)
     VALUES (${id('party', '0')}, 'PTY-BENCH-0', 'bench', 'Operator', true, now(), now()) ON CONFLICT DO NOTHING`,
    `INSERT INTO party (id, reference, source, name, created_at, updated_at)
     SELECT ${id('party', 's.p')}, 'PTY-BENCH-' || s.p, 'bench', 'Supplier ' || s.p, now(), now() FROM ${suppliers}`,
    `INSERT INTO contact (id, party_id, source, name, role, email, confirmed_at, created_at, updated_at)
     SELECT ${id('contact', 's.p * 10 + c.o')}, ${id('party', 's.p')}, 'bench', 'Contact ' || s.p || c.role, c.role, 'c' || s.p || c.o || '@example.test', now(), now(), now()
       FROM (SELECT 0 AS p WHERE ${from} = 0 UNION ALL SELECT p FROM ${suppliers}) s, unnest(ARRAY['security', 'contract', 'on_call']) WITH ORDINALITY AS c(role, o)`,
    `INSERT INTO agreement (id, reference, source, party_id, title, created_at, updated_at)
     SELECT ${id('agreement', 's.p')}, 'AGR-BENCH-' || s.p, 'bench', ${id('party', 's.p')}, 'Security addendum', now(), now() FROM ${suppliers}`,
    `INSERT INTO agreement_version (id, agreement_id, party_id, number, valid_from, review_on, authority, content_hash, created_at, drill_every_days)
     SELECT ${id('agreementVersion', 's.p')}, ${id('agreement', 's.p')}, ${id('party', 's.p')}, 1, now() - interval '30 days', current_date + 300, 'revoke_now', sha256(s.p::text::bytea), now(), 90 FROM ${suppliers}`,
    `INSERT INTO term (id, agreement_version_id, party_id, external_key, direction, trigger, start_event, window_count, window_unit, valid_from)
     SELECT ${id('term', 's.p * 10 + t.o')}, ${id('agreementVersion', 's.p')}, ${id('party', 's.p')}, 'Term ' || t.o, CASE WHEN t.o % 2 = 0 THEN 'to_party' ELSE 'from_party' END,
            t.trigger, t.trigger, 24, 'elapsed-hours', now() - interval '30 days'
       FROM ${suppliers}, unnest(ARRAY['suspected', 'suspected', 'confirmed', 'confirmed', 'contained', 'contained']) WITH ORDINALITY AS t(trigger, o)`,
    `INSERT INTO term_recipient (term_id, contact_id, party_id, ordinal)
     SELECT ${id('term', 's.p * 10 + t')}, CASE WHEN t % 2 = 0 THEN ${id('contact', 's.p * 10 + 1')} ELSE ${id('contact', '1')} END, ${id('party', 's.p')}, 0
       FROM ${suppliers}, generate_series(1, 6) t`,
    `INSERT INTO integration (id, reference, source, name, purpose, data_class, risk_tier, state, pass, owner_contact_id, agreement_id, created_at, updated_at)
     SELECT ${id('integration', 'g.n')}, 'INT-2025-' || lpad(g.n::text, 6, '0'), 'bench', 'Integration ' || lpad(g.n::text, 6, '0'), 'Exchanges invoices', 'personal', 1 + g.n % 4,
            CASE WHEN g.n % 3 = 0 THEN 'live' ELSE 'approved' END, 'refused', ${id('contact', '1')}, ${id('agreement', supplier('g.n'))}, now(), now() FROM ${integrations}`,
    `INSERT INTO integration_party (integration_id, party_id, party_name, role)
     SELECT ${id('integration', 'g.n')}, ${id('party', '0')}, 'Operator', 'customer' FROM ${integrations}
     UNION ALL SELECT ${id('integration', 'g.n')}, ${id('party', supplier('g.n'))}, 'Supplier ' || ${supplier('g.n')}, 'supplier' FROM ${integrations}`,
    `INSERT INTO matrix_version (id, integration_id, number, state, canonical, content_hash, author_id, created_at, proposed_at, valid_from, valid_until, declared)
     SELECT ${id('matrix', 'g.n')}, ${id('integration', 'g.n')}, 1, 'countersigned', '{}', sha256(g.n::text::bytea), 'bench', now(), now(), now(), now() + interval '1 year',
            '{"credentialKinds":["api_key"],"storingPartyIds":[],"scopes":[]}' FROM ${integrations}`,
    `INSERT INTO matrix_row (id, matrix_version_id, integration_id, duty, accountable_party_id, contact_id, window_minutes, path_kind)
     SELECT ${id('row', 'g.n::bigint * 100 + d.o')}, ${id('matrix', 'g.n')}, ${id('integration', 'g.n')}, d.duty,
            CASE WHEN d.o % 2 = 0 THEN ${id('party', '0')} ELSE ${id('party', supplier('g.n'))} END,
            CASE WHEN d.o % 2 = 0 THEN ${id('contact', '1')} ELSE ${id('contact', `(${supplier('g.n')}) * 10 + 1`)} END, 240, NULL
       FROM ${integrations}, ${duties} WHERE d.o <> 12 OR g.n % 20 <> 0`,
    `INSERT INTO matrix_performer (matrix_row_id, integration_id, party_id) SELECT id, integration_id, accountable_party_id FROM matrix_row
      WHERE integration_id >= ${id('integration', String(from + 1))} AND integration_id <= ${id('integration', String(to))}`,
    `INSERT INTO attestation (id, matrix_version_id, integration_id, party_id, person_id, signs_for, content_hash, text_hash, language, strength, at, expires_at)
     SELECT ${id('attestation', 'g.n::bigint * 10 + a')}, ${id('matrix', 'g.n')}, ${id('integration', 'g.n')},
            CASE a WHEN 1 THEN ${id('party', '0')} ELSE ${id('party', supplier('g.n'))} END, ${id('person', '0')}, 'Somebody', sha256(g.n::text::bytea), sha256(g.n::text::bytea),
            'en', 'account_mfa', now(), now() + interval '1 year' FROM ${integrations}, generate_series(1, 2) a`,
    `INSERT INTO credential (id, reference, source, integration_id, name, kind, purpose, owner_contact_id, issuer_party_id, verifier_party_id, revocability, created_at, updated_at)
     SELECT ${id('credential', credential)}, 'CRD-BENCH-' || (${credential}), 'bench', ${id('integration', 'g.n')}, 'Key ' || h.k, 'api_key', 'Reads invoices', ${id('contact', '1')},
            ${id('party', supplier('g.n'))}, ${id('party', supplier('g.n'))}, 'instant', now(), now() FROM ${credentials}`,
    `INSERT INTO credential_use (credential_id, integration_id, label, since) SELECT ${id('credential', credential)}, ${id('integration', 'g.n')}, 'Key ' || h.k, now() FROM ${credentials}`,
    `INSERT INTO credential_version (id, credential_id, integration_id, number, issued_at, activated_at, expires_at, phase, created_at)
     SELECT ${id('version', credential)}, ${id('credential', credential)}, ${id('integration', 'g.n')}, 1, now() - interval '10 days', now() - interval '10 days', now() + interval '60 days', 'active', now() FROM ${credentials}`,
    `INSERT INTO fingerprint (version_id, credential_id, integration_id, scheme, key_id, digest, created_at)
     SELECT ${id('version', credential)}, ${id('credential', credential)}, ${id('integration', 'g.n')}, 'bench', 'bench', sha256((${credential})::text::bytea), now() FROM ${credentials}`,
    `INSERT INTO credential_scope (id, credential_id, integration_id, name, justification)
     SELECT ${id('scope', credential)}, ${id('credential', credential)}, ${id('integration', 'g.n')}, 'invoices:read', 'Invoices are compared' FROM ${credentials}`,
    `INSERT INTO credential_holder (credential_id, integration_id, party_id) SELECT ${id('credential', credential)}, ${id('integration', 'g.n')}, ${id('party', '0')} FROM ${credentials}`,
    `INSERT INTO revocation_path (id, credential_id, integration_id, ordinal, kind, contact_id, party_id, expected_minutes, proven_at)
     SELECT ${id('path', credential)}, ${id('credential', credential)}, ${id('integration', 'g.n')}, 0, 'contact', ${id('contact', `(${supplier('g.n')}) * 10 + 3`)}, ${id('party', supplier('g.n'))}, 30, now() FROM ${credentials}`,
    `INSERT INTO drill (id, revocation_path_id, started_at, ended_at, outcome)
     SELECT ${id('drill', credential)}, ${id('path', credential)}, now() - interval '5 days', now() - interval '5 days' + interval '10 minutes', 'passed' FROM ${credentials}`,
    `INSERT INTO location (id, source, credential_id, integration_id, kind, name, party_id, owner_contact_id, provable, created_at, updated_at)
     SELECT ${id('location', `(${credential}) * 10 + l`)}, 'bench', ${id('credential', credential)}, ${id('integration', 'g.n')}, (ARRAY['vault', 'ci_variable', 'env_file', 'cluster_secret', 'log'])[l],
            'Copy ' || l, ${id('party', '0')}, ${id('contact', '1')}, 'scan', now(), now() FROM ${credentials}, generate_series(1, ${LOCATIONS}) l`,
    `SET session_replication_role = origin`,
    `ANALYZE`,
  ];
  for (const statement of statements) await client.query(statement);
}
