import { createHash } from 'node:crypto';
import { parse } from 'yaml';
import { canonicalJson } from '../../kernel/canonical-json.ts';
import type { FieldProblem } from '../../kernel/errors.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { ELAPSED_DAY, type Millis } from '../../kernel/time.ts';
import type {
  CredentialFacts,
  GateFacts,
  MatrixFacts,
  RunbookFacts,
  TermFacts,
} from '../policy/facts.schema.ts';
import { readJsonDocument, readYamlDocument } from './read-document.rules.ts';
import { declaredEvidenceSchema, type DeclaredEvidence } from './manifest.schema.ts';
import type { Kind, PortfolioRow } from './portfolio.schema.ts';
import { checkRow } from './row.rules.ts';

/** A proposed change: a portfolio document, and the evidence that it declares. Nothing of it is on record. */
export interface Manifest {
  source: string;
  rows: { [K in Kind]: readonly PortfolioRow<K>[] };
  evidence: DeclaredEvidence;
  /** Of each integration, credential, location and so on, by its key: the line where it stands. */
  lines: ReadonlyMap<string, number>;
}

const MOST_BYTES = 10_000_000;

/** Reads a manifest, strictly. @returns every problem with its line and mend: it cannot be judged then */
export function readManifest(bytes: Uint8Array, format: 'json' | 'yaml'): Result<Manifest, FieldProblem[]> {
  if (bytes.length > MOST_BYTES)
    return err([
      { field: '', problem: 'is larger than 10 MB', mend: 'Import a portfolio instead.', line: 1 },
    ]);
  const document = format === 'json' ? readJsonDocument(bytes) : readYamlDocument(bytes);
  // The one list that a portfolio does not have.
  const problems: FieldProblem[] = document.problems.filter(({ field }) => field !== '/evidence');
  const rows = new Map<Kind, unknown[]>();
  const lines = new Map<string, number>();
  for (const raw of document.rows) {
    const checked = checkRow(raw);
    if (checked.ok) {
      const { kind, key, value, line } = checked.row;
      rows.set(kind, [...(rows.get(kind) ?? []), value]);
      const known = `${kind} ${key}`;
      if (lines.has(known))
        problems.push({ field: key, problem: 'stands there twice', mend: 'Write it once.', line });
      else lines.set(known, line);
    } else {
      problems.push(...checked.bad.problems.map((one) => ({ ...one, line: checked.bad.line })));
    }
  }
  let evidence: DeclaredEvidence = { attestations: [], drills: [], probes: [], contacts: [], parties: [] };
  if (problems.length === 0) {
    const declared = declaredEvidenceSchema.safeParse(evidenceIn(bytes, format));
    if (declared.success) evidence = declared.data;
    else
      problems.push(
        ...declared.error.issues.slice(0, 20).map((issue) => ({
          field: `/evidence/${issue.path.map(String).join('/')}`,
          problem: issue.message,
          mend: 'Change it so that it fits the format.',
        })),
      );
  }
  if (problems.length === 0 && (rows.get('integration') ?? []).length === 0)
    problems.push({
      field: '/integrations',
      problem: 'names no integration',
      mend: 'Describe the one to judge.',
    });
  if (problems.length > 0) return err(problems);
  const of = <K extends Kind>(kind: K) => (rows.get(kind) ?? []) as PortfolioRow<K>[];
  const manifest: Manifest = {
    source: document.source ?? 'console',
    rows: new Proxy({} as Manifest['rows'], { get: (_, kind) => of(kind as Kind) }),
    evidence,
    lines,
  };
  const loose = looseEnds(manifest);
  return loose.length > 0 ? err(loose) : ok(manifest);
}

function evidenceIn(bytes: Uint8Array, format: 'json' | 'yaml'): unknown {
  const text = new TextDecoder().decode(bytes).replace(/^\uFEFF/, '');
  const content = (
    format === 'json' ? JSON.parse(text) : parse(text, { version: '1.2', schema: 'core', maxAliasCount: 0 })
  ) as { evidence?: unknown };
  return content.evidence ?? {};
}

/** Keys of integrations and credentials that nothing has: what hangs on them would silently not be judged. */
function looseEnds({ rows, evidence }: Manifest): FieldProblem[] {
  const integrations = new Set(rows.integration.map(({ key }) => key));
  const credentials = new Set(rows.credential.map(({ key }) => key));
  const problems: FieldProblem[] = [];
  const check = (known: ReadonlySet<string>, kind: string, key: string | undefined, field: string) => {
    if (key !== undefined && !known.has(key))
      problems.push({
        field,
        problem: `no ${kind} has the key "${key}"`,
        mend: `Describe it, or correct the key.`,
      });
  };
  for (const row of rows.credential)
    check(integrations, 'integration', row.integration, `credential ${row.key}`);
  for (const row of rows.location) check(credentials, 'credential', row.credential, `location ${row.key}`);
  for (const row of rows.credentialVersion)
    check(credentials, 'credential', row.credential, 'credentialVersions');
  for (const row of rows.matrixRow) check(integrations, 'integration', row.integration, 'matrixRows');
  for (const row of evidence.attestations)
    check(integrations, 'integration', row.integration, '/evidence/attestations');
  for (const row of [...evidence.drills, ...evidence.probes])
    check(credentials, 'credential', row.credential, '/evidence');
  const parties = new Set(rows.party.map(({ key }) => key));
  for (const row of evidence.parties) check(parties, 'party', row.party, '/evidence/parties');
  return problems;
}

/** What the gate knows of each integration of a manifest. Keys stand where ids do. */
export function factsOfManifest(manifest: Manifest, runbooks: readonly RunbookFacts[]): GateFacts[] {
  return manifest.rows.integration.map((integration): GateFacts => {
    const credentials = manifest.rows.credential
      .filter((one) => one.integration === integration.key || usesOf(one).includes(integration.key))
      .map((one) => credentialFacts(one, integration.key, manifest));
    const matrix = matrixFacts(integration, manifest);
    const agreement = agreementFacts(integration.agreement ?? null, manifest);
    const named = [
      integration.owner ?? null,
      ...(matrix?.rows ?? []).map((row) => row.contactId),
      ...(agreement?.terms ?? []).flatMap((term) => term.recipients),
      ...credentials.map((one) => one.ownerContactId),
    ].filter((key) => key !== null);
    return {
      integration: {
        id: integration.key,
        key: integration.key,
        source: manifest.source,
        reference: integration.key,
        name: integration.name,
        purpose: integration.purpose ?? '',
        state: 'draft',
        riskTier: integration.riskTier ?? 2,
        dataClass: integration.dataClass ?? 'internal',
        environments: integration.environments ?? ['production'],
        ownerContactId: integration.owner ?? null,
        shadow: integration.shadow ?? false,
      },
      parties: partyFacts(integration, named, manifest),
      matrix,
      agreement,
      credentials,
      runbooks: [...runbooks],
    };
  });
}

function usesOf(credential: PortfolioRow<'credential'>): string[] {
  return (credential.uses ?? []).map((use) => use.integration);
}

function partyFacts(
  integration: PortfolioRow<'integration'>,
  named: readonly string[],
  { rows, evidence }: Manifest,
): GateFacts['parties'] {
  const contacts = rows.contact.filter(({ key }) => named.includes(key));
  const keys = new Set([...(integration.parties ?? []), ...contacts].map(({ party }) => party));
  return [...keys].sort().map((key) => {
    const party = rows.party.find((one) => one.key === key);
    return {
      id: key,
      key,
      name: party?.name ?? key,
      operator: party?.operator ?? false,
      roles: (integration.parties ?? []).filter((one) => one.party === key).map(({ role }) => role),
      verifiedAt: latest(
        evidence.parties.filter((one) => one.party === key).map(({ verifiedAt }) => Date.parse(verifiedAt)),
      ),
      contacts: contacts
        .filter((one) => one.party === key)
        .map((one) => ({
          id: one.key,
          key: one.key,
          name: one.name,
          role: one.role,
          active: one.active ?? true,
          email: one.email ?? null,
          phone: one.phone ?? null,
          confirmedAt: latest(
            evidence.contacts
              .filter(({ contact }) => contact === one.key)
              .map(({ confirmedAt }) => Date.parse(confirmedAt)),
          ),
        })),
    };
  });
}

function latest(instants: readonly Millis[]): Millis | null {
  return instants.length === 0 ? null : Math.max(...instants);
}

const YEAR = 365 * ELAPSED_DAY;

function matrixFacts(
  integration: PortfolioRow<'integration'>,
  { rows, evidence }: Manifest,
): MatrixFacts | null {
  const matrix = [
    ...(integration.matrix ?? []),
    ...rows.matrixRow.filter((row) => row.integration === integration.key),
  ].map((row) => ({
    duty: row.duty,
    part: row.part ?? '',
    credentialId: row.credential ?? null,
    accountablePartyId: row.accountable,
    performingPartyIds: [...new Set(row.performing)].sort(),
    contactId: row.contact ?? null,
  }));
  if (matrix.length === 0) return null;
  return {
    id: `${integration.key}/matrix`,
    number: 1,
    hash: manifestMatrixHash(integration.key, matrix),
    validUntil: null,
    rows: matrix,
    attestations: evidence.attestations
      .filter((one) => one.integration === integration.key)
      .map((one, at) => ({
        id: `declared-attestation-${at + 1}`,
        partyId: one.party,
        hash: one.matrixHash,
        strength: one.strength,
        at: Date.parse(one.at),
        expiresAt: one.expiresAt === undefined ? Date.parse(one.at) + YEAR : Date.parse(one.expiresAt),
        origin: 'declared' as const,
      })),
  };
}

/** SHA-256 over the canonical JSON of a matrix by keys: what a declared attestation names. Contacts and notes are immaterial. */
export function manifestMatrixHash(integration: string, rows: MatrixFacts['rows']): string {
  const content = rows
    .map(({ contactId: _, ...row }) => ({ ...row, performingPartyIds: row.performingPartyIds.toSorted() }))
    .map((row) => ({
      row,
      order: canonicalJson([row.duty, row.part, row.credentialId, row.accountablePartyId]),
    }))
    .sort((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : 0))
    .map(({ row }) => row);
  return createHash('sha256')
    .update(canonicalJson({ format: 'countersign-manifest-matrix-1', integration, rows: content }))
    .digest('hex');
}

function agreementFacts(key: string | null, { rows }: Manifest): GateFacts['agreement'] {
  const found = rows.agreement.find((one) => one.key === key);
  if (!found) return null;
  const flat = rows.term
    .filter((one) => one.agreement === found.key)
    .map((one) => ({ ...one, name: one.name ?? one.key }));
  const terms = [...(found.terms ?? []), ...flat];
  return {
    id: found.key,
    key: found.key,
    title: found.title,
    partyId: found.party,
    number: 1,
    reviewOn: found.reviewOn ?? null,
    validUntil: found.until ? Date.parse(found.until) : null,
    authority: found.authority ?? 'approve_within',
    approveWithinMinutes: found.approveWithinMinutes ?? null,
    containmentSteps: found.containmentSteps ?? [],
    terms: terms.map((term, at): TermFacts => {
      const name = term.name ?? `term ${at + 1}`;
      const calendar = rows.calendar.find((one) => one.key === term.calendar);
      return {
        id: `${found.key}/${name}`,
        name,
        direction: term.direction,
        trigger: term.trigger,
        window: term.window ?? null,
        workingDays: calendar?.workingDays.length ?? 5,
        recipients: [...term.recipients, ...term.fallbackRecipients],
      };
    }),
  };
}

function credentialFacts(
  credential: PortfolioRow<'credential'>,
  integration: string,
  manifest: Manifest,
): CredentialFacts {
  const { rows, evidence } = manifest;
  const { key } = credential;
  const versions = rows.credentialVersion.filter((one) => one.credential === key);
  const active = versions
    .filter((one) => (one.phase ?? 'active') === 'active')
    .sort((a, b) => b.number - a.number)[0];
  const values = new Set(versions.flatMap((one) => (one.phase === 'retired' ? [] : (one.sha256 ?? []))));
  const twins = rows.credentialVersion.filter(
    (one) =>
      one.credential !== key && one.phase !== 'retired' && one.sha256 !== undefined && values.has(one.sha256),
  );
  return {
    id: key,
    key,
    name: credential.name,
    kind: credential.type,
    environment: credential.environment ?? 'production',
    purpose: credential.purpose ?? '',
    ownerContactId: credential.owner ?? null,
    issuerPartyId: credential.issuer,
    verifierPartyId: credential.verifier,
    holderPartyIds: credential.holders ?? [],
    revocability: credential.revocability ?? 'manual',
    authority: credential.authority ?? null,
    scopes: credential.scopes ?? [],
    version: active
      ? {
          number: active.number,
          issuedAt: active.issuedAt ? Date.parse(active.issuedAt) : null,
          activatedAt: active.issuedAt ? Date.parse(active.issuedAt) : null,
          expiresAt: active.expiresAt ? Date.parse(active.expiresAt) : null,
        }
      : null,
    paths: (credential.paths ?? []).map((path, at) => {
      const connection = rows.connection.find((one) => one.key === path.connection);
      const contact = rows.contact.find((one) => one.key === path.contact);
      const drill = evidence.drills
        .filter((one) => one.credential === key && one.path === at + 1)
        .sort((a, b) => Date.parse(b.at) - Date.parse(a.at))[0];
      return {
        id: `${key}/path-${at + 1}`,
        kind: path.connection === undefined ? ('contact' as const) : ('connector' as const),
        partyId: connection?.party ?? contact?.party ?? '?',
        label: connection?.name ?? contact?.name ?? path.connection ?? path.contact ?? '',
        retired: contact?.active === false,
        expectedMinutes: path.expectedMinutes ?? null,
        lastDrill: drill
          ? {
              id: `${key}/path-${at + 1}/declared-drill`,
              at: Date.parse(drill.at),
              passed: drill.passed,
              minutes: drill.minutes ?? null,
              origin: 'declared' as const,
            }
          : null,
      };
    }),
    locations: rows.location
      .filter((one) => one.credential === key && (one.integration ?? credential.integration) === integration)
      .map((one) => ({
        id: one.key,
        name: one.name,
        kind: one.type,
        arrivedBy: one.arrivedBy ?? 'stored',
        partyId: one.party,
        ownerContactId: one.owner ?? null,
        provable: one.provable ?? 'owner_statement',
        environments: [
          ...new Set(
            rows.edge
              .filter((edge) => edge.location === one.key)
              .map(
                (edge) =>
                  rows.system.find((system) => system.key === edge.system)?.environment ?? 'production',
              ),
          ),
        ],
      })),
    sharedWith: [credential.integration, ...usesOf(credential)]
      .filter((other, at, all) => other !== integration && all.indexOf(other) === at)
      .map((other) => ({
        id: other,
        name: rows.integration.find((one) => one.key === other)?.name ?? other,
        revokerPartyId: revokerIn(other, credential, manifest),
      })),
    sameValueAs: [...new Set(twins.map((one) => one.credential))].map((other) => {
      const found = rows.credential.find((one) => one.key === other);
      return { id: other, name: found?.name ?? other, environment: found?.environment ?? 'production' };
    }),
  };
}

function revokerIn(
  integration: string,
  credential: PortfolioRow<'credential'>,
  manifest: Manifest,
): string | null {
  const other = manifest.rows.integration.find((one) => one.key === integration);
  const rows = ((other && matrixFacts(other, manifest)?.rows) ?? []).filter(
    (row) => row.duty === 'revocation',
  );
  const environment = credential.environment ?? 'production';
  const nearest =
    rows.find((row) => row.credentialId === credential.key) ??
    rows.find((row) => row.credentialId === null && row.part === environment) ??
    rows.find((row) => row.credentialId === null && row.part === '');
  return nearest?.accountablePartyId ?? null;
}

/** How recorded facts name the things of a manifest: by their keys. */
function byKeys(recorded: GateFacts): GateFacts {
  const keys = new Map<string, string>();
  const note = ({ id, key }: { id: string; key: string | null }) => {
    if (key !== null) keys.set(id, key);
  };
  note(recorded.integration);
  for (const party of recorded.parties) {
    note(party);
    party.contacts.forEach(note);
  }
  recorded.credentials.forEach(note);
  return JSON.parse(JSON.stringify(recorded), (_, value: unknown) =>
    typeof value === 'string' ? (keys.get(value) ?? value) : value,
  ) as GateFacts;
}

/**
 * A proposed integration with the evidence that a server has on record. What the manifest declares is put aside: a
 * signature counts for the matrix that was signed, a drill for the path that was tried, a confirmation for its contact.
 */
export function withRecorded(proposed: GateFacts, recordedFacts: GateFacts): GateFacts {
  const recorded = byKeys(recordedFacts);
  const { matrix } = proposed;
  const same =
    matrix !== null &&
    recorded.matrix !== null &&
    manifestMatrixHash('', matrix.rows) === manifestMatrixHash('', recorded.matrix.rows);
  const verified = new Map(recorded.parties.map((party) => [party.id, party.verifiedAt]));
  const confirmed = new Map(
    recorded.parties.flatMap((party) => party.contacts.map((one) => [one.id, one.confirmedAt] as const)),
  );
  return {
    ...proposed,
    integration: {
      ...proposed.integration,
      state: recorded.integration.state,
      reference: recorded.integration.reference,
    },
    parties: proposed.parties.map((party) => ({
      ...party,
      verifiedAt: verified.get(party.id) ?? null,
      contacts: party.contacts.map((one) => ({ ...one, confirmedAt: confirmed.get(one.id) ?? null })),
    })),
    // An edited matrix is one that nobody has signed.
    matrix: matrix && (same ? { ...recorded.matrix!, rows: matrix.rows } : { ...matrix, attestations: [] }),
    agreement: proposed.agreement ?? recorded.agreement,
    credentials: proposed.credentials.map((credential) => {
      const known = recorded.credentials.find((one) => one.id === credential.id);
      return {
        ...credential,
        version: credential.version ?? known?.version ?? null,
        sharedWith: [
          ...credential.sharedWith,
          ...(known?.sharedWith ?? []).filter(
            (other) => !credential.sharedWith.some((one) => one.id === other.id),
          ),
        ],
        sameValueAs: [
          ...credential.sameValueAs,
          ...(known?.sameValueAs ?? []).filter(
            (other) => !credential.sameValueAs.some((one) => one.id === other.id),
          ),
        ],
        paths: credential.paths.map((path) => ({
          ...path,
          lastDrill:
            known?.paths.find(
              (one) => one.kind === path.kind && one.partyId === path.partyId && one.label === path.label,
            )?.lastDrill ?? null,
        })),
      };
    }),
  };
}

/** What of the evidence is on record, and what is only declared. */
export function originsOf(facts: GateFacts): { kind: string; id: string; origin: 'recorded' | 'declared' }[] {
  return [
    ...(facts.matrix?.attestations ?? []).map(({ id, origin }) => ({ kind: 'attestation', id, origin })),
    ...facts.credentials.flatMap(({ paths }) =>
      paths.flatMap(({ lastDrill }) =>
        lastDrill ? [{ kind: 'drill', id: lastDrill.id, origin: lastDrill.origin }] : [],
      ),
    ),
  ];
}
