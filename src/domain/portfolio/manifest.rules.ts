import { parse } from 'yaml';
import type { FieldProblem } from '../../kernel/errors.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
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
  for (const row of rows.credential) {
    if (row.authority !== 'approve_within' || row.approveWithinMinutes) continue;
    const home = rows.integration.find(({ key }) => key === row.integration);
    if (!rows.agreement.find(({ key }) => key === home?.agreement)?.approveWithinMinutes)
      problems.push({
        field: `credential ${row.key}/approveWithinMinutes`,
        problem: 'must say how many minutes, as the authority is approve_within and no agreement says it',
        mend: 'Give the minutes, here or in the agreement of its integration.',
      });
  }
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
