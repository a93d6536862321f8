import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { Refused, refusal, type FieldProblem } from '../kernel/errors.ts';
import { ELAPSED_DAY } from '../kernel/time.ts';
import { fixtureSchema, type Fixture } from '../domain/policy/fixture.schema.ts';
import type { GateFacts, RunbookFacts } from '../domain/policy/facts.schema.ts';
import { evaluateGate } from '../domain/policy/gate.rules.ts';
import { inheritedPolicy, parsePolicy, resolvePolicy } from '../domain/policy/inherit.rules.ts';
import { lintPolicies, type PolicyFlaw } from '../domain/policy/lint.rules.ts';
import type { PolicyFile } from '../domain/policy/policy.schema.ts';
import { factsOfManifest } from '../domain/portfolio/manifest-facts.rules.ts';
import { readManifest } from '../domain/portfolio/manifest.rules.ts';
import { projectFolder } from '../platform/config/project-folder.ts';
import { print, type AddCommand } from './command.ts';
import { runbooksOf } from './gate-inputs.ts';

export const addPolicy: AddCommand = (program) => {
  const policy = program.command('policy').description('what integrations are held to');
  policy
    .command('test')
    .description('check policies and run their tests (*.test.yaml); starts no database')
    .argument('[path]', 'a folder of policies and tests, or one file', projectFolder('templates/policies'))
    .option('--json', 'print one JSON object')
    .action(async (path: string, { json }: { json?: boolean }) => {
      const { policies, tests } = await read(path);
      const flaws = lintPolicies(policies).filter((flaw) => policies.get(flaw.policy)?.own ?? true);
      const results: CaseResult[] = [];
      if (!flaws.some(({ severity }) => severity === 'error')) {
        const runbooks = await runbooksOf();
        for (const test of tests) results.push(...(await run(test, policies, runbooks)));
      }
      const failed = results.filter((one) => one.problems.length > 0);
      const errors = flaws.filter(({ severity }) => severity === 'error');
      if (json) print(JSON.stringify({ flaws, cases: results }, null, 2));
      else report(flaws, results);
      process.exitCode = errors.length > 0 ? 2 : failed.length > 0 ? 1 : 0;
    });
};

type OwnedPolicy = PolicyFile & { own?: boolean };
interface TestFile {
  file: string;
  fixture: Fixture;
}
interface CaseResult {
  file: string;
  name: string;
  problems: string[];
}

function unusable(message: string, fields: FieldProblem[] = []): Refused {
  return new Refused(refusal('invalid', 'policy-unfit', message, { fields }));
}

/** The policies and tests of a path. Policies that it does not have may be extended from the installed ones. */
async function read(path: string): Promise<{ policies: Map<string, OwnedPolicy>; tests: TestFile[] }> {
  const found = await stat(path).catch(() => undefined);
  if (!found) throw unusable(`${path} cannot be read.`);
  const files = found.isDirectory()
    ? (await readdir(path))
        .filter((name) => name.endsWith('.yaml'))
        .sort()
        .map((name) => join(path, name))
    : [path];
  if (files.length === 0) throw unusable(`${path} holds no .yaml file.`);
  const policies = new Map<string, OwnedPolicy>();
  const tests: TestFile[] = [];
  const problems: FieldProblem[] = [];
  for (const file of files) {
    const text = await readFile(file, 'utf8');
    if (file.endsWith('.test.yaml')) {
      const fixture = fixtureSchema.safeParse(parsed(text, file));
      if (fixture.success) tests.push({ file, fixture: fixture.data });
      else
        problems.push(
          ...fixture.error.issues.map((issue) => ({
            field: `${basename(file)}/${issue.path.map(String).join('/')}`,
            problem: issue.message,
            mend: 'Change it so that it fits the format.',
          })),
        );
      continue;
    }
    const policy = parsePolicy(text, basename(file));
    if (!policy.ok) problems.push(...policy.error);
    else if (policies.has(policy.value.policy))
      problems.push({
        field: basename(file),
        problem: `the name ${policy.value.policy} is taken`,
        mend: 'Give it another.',
      });
    else policies.set(policy.value.policy, { ...policy.value, own: true });
  }
  if (problems.length > 0) throw unusable(`${path} cannot be used.`, problems);
  const installed = projectFolder('templates/policies');
  for (const name of (await readdir(installed)).filter((one) => /^(?!.*\.test\.).*\.yaml$/.test(one))) {
    const policy = parsePolicy(await readFile(join(installed, name), 'utf8'), name);
    if (policy.ok && !policies.has(policy.value.policy))
      policies.set(policy.value.policy, { ...policy.value, own: false });
  }
  return { policies, tests };
}

function parsed(text: string, file: string): unknown {
  try {
    return parse(text, { version: '1.2', schema: 'core', maxAliasCount: 0 });
  } catch (thrown) {
    throw unusable(`${file} is no YAML: ${String(thrown).split('\n')[0] ?? ''}`);
  }
}

async function run(
  { file, fixture }: TestFile,
  policies: ReadonlyMap<string, PolicyFile>,
  runbooks: readonly RunbookFacts[],
): Promise<CaseResult[]> {
  const manifestFile = resolve(dirname(file), fixture.manifest);
  const text = await readFile(manifestFile, 'utf8').catch(() => {
    throw unusable(`${file}: the manifest ${fixture.manifest} cannot be read.`);
  });
  const now = Date.parse(fixture.at);
  return fixture.cases.map((one) => {
    const document = parsed(text, manifestFile);
    for (const [pointer, value] of Object.entries(one.set)) set(document, pointer, value, file);
    for (const pointer of one.remove) set(document, pointer, undefined, file);
    const manifest = readManifest(Buffer.from(JSON.stringify(document)), 'json');
    if (!manifest.ok)
      throw unusable(`${file}, ${one.name}: with its changes this is no manifest.`, manifest.error);
    const problems = factsOfManifest(manifest.value, runbooks).flatMap((bare) => {
      const facts = withEvidence(bare, one, now);
      const name = fixture.policy ?? inheritedPolicy(policies, facts.integration);
      const policy = name === undefined ? undefined : resolvePolicy(name, policies);
      if (!policy?.ok) throw unusable(`${file}: there is no policy ${name ?? 'that applies'}.`);
      return judge(one.expect, evaluateGate(facts, policy.value, now));
    });
    return { file: basename(file), name: one.name, problems };
  });
}

/** Sets or removes one member. @throws Refused when the way there does not exist */
function set(document: unknown, pointer: string, value: unknown, file: string): void {
  const parts = pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = parts.pop()!;
  const holder = parts.reduce<unknown>(
    (at, part) => (at as Record<string, unknown> | undefined)?.[part],
    document,
  );
  if (
    typeof holder !== 'object' ||
    holder === null ||
    ['__proto__', 'constructor', 'prototype'].includes(last)
  )
    throw unusable(`${file}: nothing stands at ${pointer}.`);
  if (value !== undefined) Object.assign(holder, { [last]: value });
  else if (Array.isArray(holder)) holder.splice(Number(last), 1);
  else delete (holder as Record<string, unknown>)[last];
}

function withEvidence(facts: GateFacts, made: Fixture['cases'][number], now: number): GateFacts {
  const before = now - ELAPSED_DAY;
  const { matrix } = facts;
  return {
    ...facts,
    matrix:
      matrix && made.signed
        ? {
            ...matrix,
            attestations: [...new Set(matrix.rows.map((row) => row.accountablePartyId))].map((partyId) => ({
              id: `made-for-${partyId}`,
              partyId,
              hash: matrix.hash,
              strength: 'account_mfa' as const,
              at: before,
              expiresAt: null,
              origin: 'declared' as const,
            })),
          }
        : matrix,
    parties: facts.parties.map((party) => ({
      ...party,
      contacts: party.contacts.map((one) => (made.confirmed ? { ...one, confirmedAt: before } : one)),
    })),
    credentials: facts.credentials.map((credential) => ({
      ...credential,
      paths: credential.paths.map((path) =>
        made.drilled
          ? {
              ...path,
              lastDrill: {
                id: `made-for-${path.id}`,
                at: before,
                passed: true,
                minutes: 1,
                origin: 'declared' as const,
              },
            }
          : path,
      ),
    })),
  };
}

function judge(
  expected: Fixture['cases'][number]['expect'],
  { verdict, findings }: ReturnType<typeof evaluateGate>,
): string[] {
  const found = findings.map((one) => `${one.rule} (${one.severity})`).join(', ') || 'nothing';
  const problems: string[] = [];
  if (verdict !== expected.verdict) problems.push(`the verdict is ${verdict}; found: ${found}`);
  for (const wanted of expected.findings) {
    const rule = typeof wanted === 'string' ? wanted : wanted.rule;
    const hit = findings.some(
      (one) => one.rule === rule && (typeof wanted === 'string' || one.severity === wanted.severity),
    );
    if (!hit)
      problems.push(
        `${rule}${typeof wanted === 'string' ? '' : ` (${wanted.severity})`} found nothing; found: ${found}`,
      );
  }
  for (const rule of expected.absent) {
    if (findings.some((one) => one.rule === rule)) problems.push(`${rule} found something`);
  }
  return problems;
}

function report(flaws: readonly PolicyFlaw[], results: readonly CaseResult[]): void {
  for (const { policy, severity, field, problem, mend } of flaws)
    print(`${severity}: ${policy}, ${field}: ${problem}. ${mend}`);
  for (const { file, name, problems } of results) {
    print(`${problems.length === 0 ? 'ok' : 'FAILED'}  ${file}: ${name}`);
    for (const problem of problems) print(`        ${problem}`);
  }
  const failed = results.filter((one) => one.problems.length > 0).length;
  const errors = flaws.filter(({ severity }) => severity === 'error').length;
  print(
    `${errors} errors, ${flaws.length - errors} warnings; ${results.length - failed} cases passed, ${failed} failed`,
  );
}
