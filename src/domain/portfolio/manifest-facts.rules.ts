import { createHash } from 'node:crypto';
import { canonicalJson } from '../../kernel/canonical-json.ts';
import { ELAPSED_DAY, type Millis } from '../../kernel/time.ts';
import type {
  CredentialFacts,
  GateFacts,
  MatrixFacts,
  RunbookFacts,
  TermFacts,
} from '../policy/facts.schema.ts';
import type { Manifest } from './manifest.rules.ts';
import type { PortfolioRow } from './portfolio.schema.ts';

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
      accessReviews: [],
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
