import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { CredentialFacts, GateFacts, MatrixFacts, PathFacts, RunbookFacts } from './facts.schema.ts';

/** An instant of a row as UTC milliseconds. `column` is our own text. */
const ms = (column: string) => `(extract(epoch FROM ${column}) * 1000)::float8`;

/**
 * The newest version of a matrix that nobody took back is the one that counts: an edit after signing is a version that
 * nobody has signed, and the older signatures are for something else.
 */
const COUNTS = `state NOT IN ('withdrawn', 'superseded')`;

/**
 * What the gate knows of these integrations, in the order of the ids; what does not exist is left out. A fixed number of
 * statements, each by index, whatever the size of the portfolio.
 */
export async function loadFacts(
  db: Db,
  ids: readonly Id[],
  now: Millis,
  runbooks: readonly RunbookFacts[],
): Promise<GateFacts[]> {
  const heads = await db.query<(GateFacts['integration'] & { agreementId: Id | null })[]>(
    `SELECT i.id, i.external_key AS key, i.source, i.reference, i.name, i.purpose, i.state, i.risk_tier AS "riskTier",
            i.data_class AS "dataClass", i.environments, i.owner_contact_id AS "ownerContactId", i.shadow,
            i.max_connections AS "maxConnections", i.agreement_id AS "agreementId"
       FROM integration i WHERE i.id = ANY($1::uuid[])`,
    [ids],
  );
  const matrices = await loadMatrices(db, ids);
  const ended = await loadEndedMatrices(
    db,
    ids.filter((id) => !matrices.has(id)),
  );
  const agreements = await loadAgreements(
    db,
    heads.flatMap(({ agreementId }) => agreementId ?? []),
    now,
  );
  const credentials = await loadCredentials(db, ids);
  const accessReviews = await loadAccessReviews(db, ids);
  const controls = await loadControls(db, ids, now);
  const named = new Map(
    heads.map((head) => {
      const agreement = head.agreementId === null ? undefined : agreements.get(head.agreementId);
      const contacts = [
        head.ownerContactId,
        ...(matrices.get(head.id)?.rows ?? []).map((row) => row.contactId),
        ...(agreement?.terms ?? []).flatMap((term) => term.recipients),
        ...(credentials.get(head.id) ?? []).map((credential) => credential.ownerContactId),
      ];
      return [head.id, new Set(contacts.filter((id) => id !== null))] as const;
    }),
  );
  const parties = await loadParties(db, ids, named);
  const found = new Map(
    heads.map(({ agreementId, ...integration }): [Id, GateFacts] => [
      integration.id,
      {
        integration,
        parties: parties.get(integration.id) ?? [],
        matrix: matrices.get(integration.id) ?? null,
        endedMatrix: ended.get(integration.id),
        agreement: (agreementId === null ? undefined : agreements.get(agreementId)) ?? null,
        credentials: credentials.get(integration.id) ?? [],
        runbooks: [...runbooks],
        accessReviews: accessReviews.get(integration.id) ?? [],
        controls: controls.get(integration.id) ?? [],
      },
    ]),
  );
  return ids.flatMap((id) => found.get(id) ?? []);
}

/** Of each integration whose newest matrix counts no longer, what became of it. */
async function loadEndedMatrices(
  db: Db,
  ids: readonly Id[],
): Promise<Map<Id, NonNullable<GateFacts['endedMatrix']>>> {
  if (ids.length === 0) return new Map();
  const rows = await db.query<(NonNullable<GateFacts['endedMatrix']> & { integrationId: Id })[]>(
    `SELECT v.integration_id AS "integrationId", v.number,
            CASE WHEN v.fell_at IS NULL THEN 'withdrawn' ELSE 'fell' END AS how, ${ms('v.fell_at')} AS at
       FROM unnest($1::uuid[]) AS wanted(id)
       CROSS JOIN LATERAL (SELECT * FROM matrix_version m WHERE m.integration_id = wanted.id ORDER BY m.number DESC LIMIT 1) v
      WHERE NOT (v.${COUNTS})`,
    [ids],
  );
  return new Map(rows.map(({ integrationId, ...ended }) => [integrationId, ended]));
}

async function loadMatrices(db: Db, ids: readonly Id[]): Promise<Map<Id, MatrixFacts>> {
  const versions = await db.query<(Omit<MatrixFacts, 'rows' | 'attestations'> & { integrationId: Id })[]>(
    `SELECT DISTINCT ON (integration_id) integration_id AS "integrationId", id, number, encode(content_hash, 'hex') AS hash,
            ${ms('valid_until')} AS "validUntil"
       FROM matrix_version WHERE integration_id = ANY($1::uuid[]) AND ${COUNTS}
      ORDER BY integration_id, number DESC`,
    [ids],
  );
  const versionIds = versions.map(({ id }) => id);
  const rows = await db.query<(MatrixFacts['rows'][number] & { versionId: Id })[]>(
    `SELECT r.matrix_version_id AS "versionId", r.duty, r.part, r.credential_id AS "credentialId",
            r.accountable_party_id AS "accountablePartyId", r.contact_id AS "contactId",
            coalesce((SELECT array_agg(f.party_id ORDER BY f.party_id) FROM matrix_performer f WHERE f.matrix_row_id = r.id), '{}') AS "performingPartyIds"
       FROM matrix_row r WHERE r.matrix_version_id = ANY($1::uuid[])`,
    [versionIds],
  );
  const attestations = await db.query<(MatrixFacts['attestations'][number] & { versionId: Id })[]>(
    // As the signatures themselves count: for the content that was signed, whichever version says it; paper once confirmed.
    `SELECT v.id AS "versionId", a.id, a.party_id AS "partyId", encode(a.content_hash, 'hex') AS hash, a.strength,
            ${ms('a.at')} AS at, ${ms('a.expires_at')} AS "expiresAt", 'recorded' AS origin
       FROM matrix_version v JOIN attestation a ON a.integration_id = v.integration_id AND a.content_hash = v.content_hash
      WHERE v.id = ANY($1::uuid[]) AND a.withdrawn_at IS NULL AND a.fallen_at IS NULL AND (a.way <> 'paper' OR a.confirmed_at IS NOT NULL)`,
    [versionIds],
  );
  const [rowsOf, attestationsOf] = [grouped(rows, 'versionId'), grouped(attestations, 'versionId')];
  return new Map(
    versions.map(({ integrationId, ...version }) => [
      integrationId,
      { ...version, rows: rowsOf.get(version.id) ?? [], attestations: attestationsOf.get(version.id) ?? [] },
    ]),
  );
}

type AgreementFacts = NonNullable<GateFacts['agreement']>;

async function loadAgreements(db: Db, ids: readonly Id[], now: Millis): Promise<Map<Id, AgreementFacts>> {
  const versions = await db.query<(Omit<AgreementFacts, 'terms'> & { versionId: Id })[]>(
    `SELECT DISTINCT ON (a.id) a.id, a.external_key AS key, a.title, a.party_id AS "partyId", v.id AS "versionId", v.number,
            to_char(v.review_on, 'YYYY-MM-DD') AS "reviewOn", ${ms('v.valid_until')} AS "validUntil", v.authority,
            v.approve_within_minutes AS "approveWithinMinutes",
            (SELECT coalesce(array_agg(coalesce(s #>> '{}', s::text)), '{}') FROM jsonb_array_elements(v.containment_steps) s) AS "containmentSteps"
       FROM agreement a JOIN agreement_version v ON v.agreement_id = a.id
      WHERE a.id = ANY($1::uuid[]) AND v.valid_from <= $2 AND (v.valid_until IS NULL OR v.valid_until > $2)
      ORDER BY a.id, v.number DESC`,
    [ids, new Date(now)],
  );
  type Term = Omit<AgreementFacts['terms'][number], 'window'> & {
    versionId: Id;
    count: number | null;
    unit: NonNullable<AgreementFacts['terms'][number]['window']>['unit'] | null;
  };
  const terms = await db.query<Term[]>(
    `SELECT t.agreement_version_id AS "versionId", t.id, t.direction, t.trigger, t.window_count AS count, t.window_unit AS unit,
            coalesce(t.external_key, replace(t.trigger, '_', ' ') || CASE t.direction WHEN 'to_party' THEN ', we tell them' ELSE ', they tell us' END) AS name,
            coalesce(array_length(c.working_days, 1), 5) AS "workingDays",
            coalesce((SELECT array_agg(r.contact_id ORDER BY r.ordinal) FROM term_recipient r WHERE r.term_id = t.id), '{}') AS recipients
       FROM term t LEFT JOIN calendar c ON c.id = t.calendar_id
      WHERE t.agreement_version_id = ANY($1::uuid[]) AND t.valid_from <= $2 AND (t.valid_until IS NULL OR t.valid_until > $2)`,
    [versions.map(({ versionId }) => versionId), new Date(now)],
  );
  const termsOf = grouped(terms, 'versionId');
  return new Map(
    versions.map(({ versionId, ...version }) => [
      version.id,
      {
        ...version,
        // What was in force is the version; evidence names it by its own id.
        id: versionId,
        terms: (termsOf.get(versionId) ?? []).map(({ count, unit, ...term }) => ({
          ...term,
          window: count === null || unit === null ? null : { count, unit },
        })),
      },
    ]),
  );
}

async function loadCredentials(db: Db, ids: readonly Id[]): Promise<Map<Id, CredentialFacts[]>> {
  type Head = Omit<
    CredentialFacts,
    'paths' | 'locations' | 'sharedWith' | 'sameValueAs' | 'scopes' | 'version'
  > & {
    integrationId: Id;
    version: CredentialFacts['version'];
    scopes: CredentialFacts['scopes'];
  };
  const heads = await db.query<Head[]>(
    `SELECT u.integration_id AS "integrationId", c.id, c.external_key AS key, c.name, c.kind, c.environment, c.purpose,
            c.owner_contact_id AS "ownerContactId", c.issuer_party_id AS "issuerPartyId", c.verifier_party_id AS "verifierPartyId",
            coalesce((SELECT array_agg(DISTINCT h.party_id) FROM credential_holder h WHERE h.credential_id = c.id), '{}') AS "holderPartyIds",
            c.revocability, c.authority,
            coalesce((SELECT jsonb_agg(jsonb_build_object('name', s.name, 'description', s.description, 'justification', s.justification,
                          'consent', (SELECT jsonb_build_object('id', n.id, 'personId', n.person_id, 'at', ${ms('n.at')}) FROM scope_consent n
                                       WHERE n.credential_id = s.credential_id AND n.scope = s.name AND n.withdrawn_at IS NULL)) ORDER BY s.name)
                        FROM credential_scope s WHERE s.credential_id = c.id), '[]') AS scopes,
            (SELECT jsonb_build_object('number', v.number, 'issuedAt', ${ms('v.issued_at')}, 'activatedAt', ${ms('v.activated_at')}, 'expiresAt', ${ms('v.expires_at')})
               FROM credential_version v WHERE v.credential_id = c.id AND v.phase = 'active') AS version
       FROM credential_use u JOIN credential c ON c.id = u.credential_id
      WHERE u.integration_id = ANY($1::uuid[]) AND c.retired_at IS NULL`,
    [ids],
  );
  const credentialIds = [...new Set(heads.map(({ id }) => id))];
  type Path = Omit<PathFacts, 'lastDrill'> & { credentialId: Id; lastDrill: PathFacts['lastDrill'] };
  const paths = await db.query<Path[]>(
    `SELECT p.credential_id AS "credentialId", p.id, p.kind, p.party_id AS "partyId", coalesce(n.name, k.name, '') AS label,
            coalesce(n.retired_at IS NOT NULL, NOT k.active, false) AS retired, p.expected_minutes AS "expectedMinutes",
            (SELECT jsonb_build_object('id', d.id, 'at', ${ms('d.started_at')}, 'passed', d.outcome = 'passed',
                                       'minutes', extract(epoch FROM d.ended_at - d.started_at)::float8 / 60, 'origin', 'recorded')
               FROM drill d WHERE d.revocation_path_id = p.id AND d.ended_at IS NOT NULL AND d.outcome IN ('passed', 'failed')
              ORDER BY d.started_at DESC, d.id DESC LIMIT 1) AS "lastDrill"
       FROM revocation_path p
       LEFT JOIN connection n ON n.id = p.connection_id
       LEFT JOIN contact k ON k.id = p.contact_id
      WHERE p.credential_id = ANY($1::uuid[]) ORDER BY p.credential_id, p.ordinal`,
    [credentialIds],
  );
  type Location = CredentialFacts['locations'][number] & { credentialId: Id; integrationId: Id };
  const locations = await db.query<Location[]>(
    `SELECT l.credential_id AS "credentialId", l.integration_id AS "integrationId", l.id, l.name, l.kind, l.arrived_by AS "arrivedBy",
            l.party_id AS "partyId", l.owner_contact_id AS "ownerContactId", l.provable,
            coalesce((SELECT array_agg(DISTINCT s.environment ORDER BY s.environment)
                        FROM location_system ls JOIN system s ON s.id = ls.system_id WHERE ls.location_id = l.id), '{}') AS environments
       FROM location l WHERE l.integration_id = ANY($1::uuid[]) AND l.retired_at IS NULL ORDER BY l.id`,
    [ids],
  );
  // Whom the matrix of each other integration makes revoke it: the row for the credential, for its environment, for the whole.
  type Use = { credentialId: Id; id: Id; name: string; revokerPartyId: Id | null };
  const uses = await db.query<Use[]>(
    `SELECT u.credential_id AS "credentialId", i.id, i.name,
            (SELECT r.accountable_party_id FROM matrix_row r
              WHERE r.matrix_version_id = (SELECT m.id FROM matrix_version m WHERE m.integration_id = u.integration_id AND m.${COUNTS}
                                            ORDER BY m.number DESC LIMIT 1)
                AND r.duty = 'revocation' AND (r.credential_id = c.id OR r.credential_id IS NULL) AND r.part IN ('', c.environment)
              ORDER BY r.credential_id IS NULL, r.part = '' LIMIT 1) AS "revokerPartyId"
       FROM credential_use u JOIN credential c ON c.id = u.credential_id JOIN integration i ON i.id = u.integration_id
      WHERE u.credential_id = ANY($1::uuid[]) AND i.state <> 'retired' ORDER BY i.id`,
    [credentialIds],
  );
  type Twin = { credentialId: Id; id: Id; name: string; environment: string };
  const twins = await db.query<Twin[]>(
    `SELECT DISTINCT f.credential_id AS "credentialId", o.id, o.name, o.environment
       FROM fingerprint f
       JOIN credential_version v ON v.id = f.version_id AND v.phase <> 'retired'
       JOIN fingerprint g ON g.digest = f.digest AND g.scheme = f.scheme AND g.key_id = f.key_id AND g.credential_id <> f.credential_id
       JOIN credential_version w ON w.id = g.version_id AND w.phase <> 'retired'
       JOIN credential o ON o.id = g.credential_id AND o.retired_at IS NULL
      WHERE f.version_id IN (SELECT x.id FROM credential_version x WHERE x.credential_id = ANY($1::uuid[]))`,
    [credentialIds],
  );
  const [pathsOf, usesOf, twinsOf] = [
    grouped(paths, 'credentialId'),
    grouped(uses, 'credentialId'),
    grouped(twins, 'credentialId'),
  ];
  const locationsOf = grouped(
    locations.map((location) => ({ ...location, of: `${location.integrationId} ${location.credentialId}` })),
    'of',
  );
  const found = new Map<Id, CredentialFacts[]>();
  for (const { integrationId, ...head } of heads) {
    const list = found.get(integrationId) ?? [];
    if (list.length === 0) found.set(integrationId, list);
    list.push({
      ...head,
      paths: pathsOf.get(head.id) ?? [],
      locations: (locationsOf.get(`${integrationId} ${head.id}`) ?? []).map(
        ({ credentialId: _credential, integrationId: _integration, ...location }) => location,
      ),
      sharedWith: (usesOf.get(head.id) ?? []).filter((use) => use.id !== integrationId),
      sameValueAs: twinsOf.get(head.id) ?? [],
    });
  }
  return found;
}

/** The parties of each integration, and those of the contacts whom it names although they stand beside it. */
async function loadParties(
  db: Db,
  ids: readonly Id[],
  named: ReadonlyMap<Id, ReadonlySet<Id>>,
): Promise<Map<Id, GateFacts['parties']>> {
  const members = await db.query<
    { integrationId: Id; partyId: Id; roles: GateFacts['parties'][number]['roles'] }[]
  >(
    `SELECT integration_id AS "integrationId", party_id AS "partyId", array_agg(role ORDER BY role) AS roles
       FROM integration_party WHERE integration_id = ANY($1::uuid[]) GROUP BY integration_id, party_id`,
    [ids],
  );
  type Contact = GateFacts['parties'][number]['contacts'][number] & { partyId: Id };
  const contacts = await db.query<Contact[]>(
    `SELECT k.party_id AS "partyId", k.id, k.external_key AS key, k.name, k.role, k.active, k.email, k.phone, ${ms('k.confirmed_at')} AS "confirmedAt"
       FROM contact k WHERE k.id = ANY($1::uuid[])`,
    [[...new Set([...named.values()].flatMap((set) => [...set]))]],
  );
  const partyIds = [...new Set([...members, ...contacts].map(({ partyId }) => partyId))];
  const parties = await db.query<Omit<GateFacts['parties'][number], 'roles' | 'contacts'>[]>(
    `SELECT p.id, p.external_key AS key, p.name, p.is_operator AS operator,
            (SELECT ${ms('max(v.verified_at)')} FROM party_verification v WHERE v.party_id = p.id AND v.withdrawn_at IS NULL) AS "verifiedAt"
       FROM party p WHERE p.id = ANY($1::uuid[])`,
    [partyIds],
  );
  const partyOf = new Map(parties.map((party) => [party.id, party]));
  const membersOf = grouped(members, 'integrationId');
  return new Map(
    ids.map((id) => {
      const wanted = named.get(id) ?? new Set();
      const own = contacts.filter((contact) => wanted.has(contact.id));
      const roles = new Map((membersOf.get(id) ?? []).map((member) => [member.partyId, member.roles]));
      for (const { partyId } of own) if (!roles.has(partyId)) roles.set(partyId, []);
      return [
        id,
        [...roles].flatMap(([partyId, has]) => {
          const party = partyOf.get(partyId);
          if (!party) return [];
          return [
            {
              ...party,
              roles: has,
              contacts: own
                .filter((contact) => contact.partyId === partyId)
                .map(({ partyId: _party, ...contact }) => contact),
            },
          ];
        }),
      ];
    }),
  );
}

/** Reviews that are not finished or not carried out; what is said of all accounts counts for every integration of the campaign. */
async function loadAccessReviews(db: Db, ids: readonly Id[]): Promise<Map<Id, GateFacts['accessReviews']>> {
  type Row = GateFacts['accessReviews'][number] & { integrationId: Id };
  const rows = await db.query<Row[]>(
    `SELECT o.integration_id AS "integrationId", x.id, v.reference, ${ms('x.due_at')} AS "dueAt", x.items - x.decided AS undecided,
            x.integration_id IS NULL AS accounts,
            (SELECT count(*)::int FROM access_review_item t WHERE t.part_id = x.id AND t.work = 'failed') AS "removalsFailed"
       FROM access_review_part o
       JOIN access_review_part x ON x.review_id = o.review_id AND (x.id = o.id OR x.integration_id IS NULL)
       JOIN access_review v ON v.id = x.review_id
      WHERE o.integration_id = ANY($1::uuid[])
        AND (x.finished_at IS NULL OR EXISTS (SELECT FROM access_review_item t WHERE t.part_id = x.id AND t.work = 'failed'))
      ORDER BY x.due_at, x.id`,
    [ids],
  );
  return grouped(rows, 'integrationId');
}

/**
 * What stands in for something that is missing: the control of the newest fast path, until an access review of the
 * integration was finished after it; and of each finding the last exception that was approved, once it is over.
 */
async function loadControls(
  db: Db,
  ids: readonly Id[],
  now: Millis,
): Promise<Map<Id, NonNullable<GateFacts['controls']>>> {
  type Row = NonNullable<GateFacts['controls']>[number] & { integrationId: Id };
  const rows = await db.query<Row[]>(
    `SELECT o.integration_id AS "integrationId", o.id, 'fast_path' AS what, o.compensating_control AS control,
            ${ms('o.control_until')} AS until, NULL::jsonb AS finding
       FROM unnest($1::uuid[]) AS wanted(id)
       CROSS JOIN LATERAL (SELECT * FROM onboarding n WHERE n.integration_id = wanted.id AND n.state IN ('open', 'done')
                            ORDER BY n.requested_at DESC, n.id DESC LIMIT 1) o
      WHERE o.compensating_control IS NOT NULL
        AND NOT EXISTS (SELECT FROM access_review_part x WHERE x.integration_id = o.integration_id AND x.items > 0 AND x.finished_at > o.requested_at)
      UNION ALL
     SELECT e.integration_id, e.id, 'exception', e.compensating_control, ${ms('e.expires_at')},
            jsonb_build_object('rule', e.rule, 'subject', jsonb_build_object('kind', e.subject_kind, 'id', e.subject_id, 'name', e.subject_name))
       FROM (SELECT DISTINCT ON (integration_id, rule, subject_kind, subject_id) * FROM policy_exception
              WHERE integration_id = ANY($1::uuid[]) AND decision = 'approved' AND withdrawn_at IS NULL
              ORDER BY integration_id, rule, subject_kind, subject_id, expires_at DESC) e
      WHERE e.expires_at <= $2
      ORDER BY 5, 2`,
    [ids, new Date(now)],
  );
  return grouped(rows, 'integrationId');
}

/** Rows by one of their members, which is left out of them. */
function grouped<T extends Record<K, string>, K extends keyof T & string>(
  rows: readonly T[],
  by: K,
): Map<string, Omit<T, K>[]> {
  const groups = new Map<string, Omit<T, K>[]>();
  for (const { [by]: key, ...row } of rows) {
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return groups;
}

/** What an evaluation rested on, for the record: kind and id of each. */
export function evidenceOf(facts: GateFacts): { kind: string; id: string }[] {
  return [
    ...(facts.agreement ? [{ kind: 'agreement_version', id: facts.agreement.id }] : []),
    ...(facts.matrix ? [{ kind: 'matrix_version', id: facts.matrix.id }] : []),
    ...(facts.matrix?.attestations ?? []).map(({ id }) => ({ kind: 'attestation', id })),
    ...facts.credentials.flatMap(({ scopes }) =>
      scopes.flatMap(({ consent }) => (consent ? [{ kind: 'scope_consent', id: consent.id }] : [])),
    ),
    ...facts.credentials.flatMap((credential) =>
      credential.paths.flatMap(({ lastDrill }) => (lastDrill ? [{ kind: 'drill', id: lastDrill.id }] : [])),
    ),
    ...facts.parties.flatMap((party) =>
      party.contacts.flatMap(({ id, confirmedAt }) =>
        confirmedAt === null ? [] : [{ kind: 'contact', id }],
      ),
    ),
  ]
    .map((one) => `${one.kind} ${one.id}`)
    .filter((one, at, all) => all.indexOf(one) === at)
    .sort()
    .map((one) => ({ kind: one.split(' ')[0]!, id: one.split(' ')[1]! }));
}
