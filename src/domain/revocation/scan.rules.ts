import { iso, MINUTE, type Millis } from '../../kernel/time.ts';

export const LOOK_VERDICTS = ['gone', 'present', 'indeterminate'] as const;
export type LookVerdict = (typeof LOOK_VERDICTS)[number];

/** What a scanner reported, without how it writes it. `secret` null: it masks what it found. */
export interface ScanFinding {
  path: string;
  secret: string | null;
}
export interface ReadScan {
  tool: string;
  findings: ScanFinding[];
  /** What the report itself says that it looked at. */
  covered: string[];
  /** null: the report does not say. */
  succeeded: boolean | null;
}

export interface ScanFacts {
  /** Of the place, as the scanner would name it. */
  path: string;
  covered: readonly string[];
  succeeded: boolean | null;
  /** `this`: the value of the version in question. `masked`: something, and nobody can say what. */
  findings: readonly { path: string; is: 'this' | 'other' | 'masked' }[];
  /** Whether a fingerprint of the version is known, without which nothing would be recognised. */
  known: boolean;
  /** Whether this tool has ever found this value, here or elsewhere: one that cannot see it finds nothing everywhere. */
  seenBefore: boolean;
  scannedAt: Millis;
  /** When the version was last put there, as far as is known. */
  putAt: Millis | null;
  now: Millis;
}

const AHEAD = 5 * MINUTE;

/**
 * What a scan shows of one copy. A finding shows that it is there; silence shows that it is gone only where the scanner
 * came to the place, after the copy was put there, and is known to recognise the value.
 */
export function judgeScan(facts: ScanFacts): { verdict: LookVerdict; why: string } {
  const unclear = (why: string) => ({ verdict: 'indeterminate' as const, why });
  const here = facts.findings.filter((one) => samePath(one.path, facts.path));
  if (facts.path !== '' && here.some((one) => one.is === 'this'))
    return { verdict: 'present', why: `the scan found the value there at ${iso(facts.scannedAt)}` };
  if (facts.scannedAt > facts.now + AHEAD) return unclear('the scan is from the future: a clock is wrong');
  if (facts.path === '') return unclear('the copy has no path that a scan could name');
  if (!facts.known) return unclear('no fingerprint of the version is known, so that nothing is recognised');
  if (facts.succeeded === false) return unclear('the scanner says that it did not come to its end');
  if (!facts.covered.some((one) => covers(one, facts.path)))
    return unclear('the scan does not say that it looked there');
  if (here.some((one) => one.is === 'masked'))
    return unclear('something was found there, and its value is masked in the report');
  if (facts.putAt !== null && facts.scannedAt < facts.putAt)
    return unclear(`the scan is older than the copy, which was put there at ${iso(facts.putAt)}`);
  if (!facts.seenBefore && !facts.findings.some((one) => one.is === 'this'))
    return unclear('this scanner has never found this value anywhere, so that its silence says nothing');
  return {
    verdict: 'gone',
    why: `a scan that recognises the value did not find it at ${iso(facts.scannedAt)}`,
  };
}

/**
 * Reads a report of gitleaks (its JSON) or of any scanner that writes SARIF 2.1.0 (OASIS, sections 3.14, 3.20 and 3.27).
 * @returns undefined for what is neither
 */
export function readScan(format: 'gitleaks' | 'sarif', report: unknown): ReadScan | undefined {
  return format === 'gitleaks' ? readGitleaks(report) : readSarif(report);
}

function readGitleaks(report: unknown): ReadScan | undefined {
  if (!Array.isArray(report)) return undefined;
  const findings: ScanFinding[] = [];
  for (const one of report) {
    const file = textAt(one, 'File');
    if (file === undefined) return undefined;
    findings.push({ path: file, secret: unmasked(textAt(one, 'Secret')) });
  }
  return { tool: 'gitleaks', findings, covered: [], succeeded: null };
}

function readSarif(report: unknown): ReadScan | undefined {
  const runs = at(report, 'runs');
  if (!Array.isArray(runs) || !textAt(report, 'version')?.startsWith('2.1')) return undefined;
  const read: ReadScan = { tool: '', findings: [], covered: [], succeeded: null };
  const tools = new Set<string>();
  const ended: boolean[] = [];
  for (const run of runs as unknown[]) {
    tools.add(textAt(at(at(run, 'tool'), 'driver'), 'name') ?? '');
    for (const invocation of listAt(run, 'invocations')) {
      const success = at(invocation, 'executionSuccessful');
      if (typeof success === 'boolean') ended.push(success);
    }
    for (const artifact of listAt(run, 'artifacts')) {
      const uri = textAt(at(artifact, 'location'), 'uri');
      if (uri !== undefined) read.covered.push(uri);
    }
    for (const result of listAt(run, 'results')) {
      for (const location of listAt(result, 'locations')) {
        const physical = at(location, 'physicalLocation');
        const path = textAt(at(physical, 'artifactLocation'), 'uri');
        if (path === undefined) continue;
        read.findings.push({ path, secret: unmasked(textAt(at(at(physical, 'region'), 'snippet'), 'text')) });
      }
    }
  }
  const named = [...tools].filter(Boolean).sort().join(', ').slice(0, 200);
  return {
    ...read,
    tool: named || 'sarif',
    succeeded: ended.length === 0 ? null : ended.every(Boolean),
  };
}

/** Scanners mask with stars or with the word. */
function unmasked(text: string | undefined): string | null {
  return text === undefined || text === '' || /^redacted$/i.test(text) || /\*{3,}/.test(text) ? null : text;
}

function normal(path: string): string {
  return path
    .replace(/^file:\/\//, '')
    .replace(/^(\.\/)+/, '')
    .replace(/\/+$/, '');
}

function samePath(found: string, place: string): boolean {
  const [a, b] = [normal(found), normal(place)];
  return a === b || a.startsWith(`${b}/`);
}

/** `.` and `/` name everything below the root of the scan. */
function covers(scanned: string, place: string): boolean {
  const root = normal(scanned);
  return root === '' || root === '.' || normal(place) === root || normal(place).startsWith(`${root}/`);
}

function at(value: unknown, key: string): unknown {
  return value !== null && typeof value === 'object' ? (value as Record<string, unknown>)[key] : undefined;
}

function textAt(value: unknown, key: string): string | undefined {
  const found = at(value, key);
  return typeof found === 'string' ? found : undefined;
}

function listAt(value: unknown, key: string): unknown[] {
  const found = at(value, key);
  return Array.isArray(found) ? (found as unknown[]) : [];
}
