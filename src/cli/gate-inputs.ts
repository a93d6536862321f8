import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Refused, refusal, type FieldProblem } from '../kernel/errors.ts';
import type { RunbookFacts } from '../domain/policy/facts.schema.ts';
import {
  inheritedPolicy,
  parsePolicy,
  policyHash,
  resolvePolicy,
  type Inheriting,
} from '../domain/policy/inherit.rules.ts';
import { lintPolicies } from '../domain/policy/lint.rules.ts';
import { readPolicies } from '../domain/policy/policies.ts';
import type { Policy } from '../domain/policy/policy.schema.ts';
import { runbookFacts } from '../domain/policy/runbook-time.rules.ts';
import { parseDefinition } from '../domain/runbooks/definition.rules.ts';
import { projectFolder } from '../platform/config/project-folder.ts';

function unfit(what: string, problems: FieldProblem[]): Refused {
  return new Refused(refusal('invalid', 'policy-unfit', what, { fields: problems }));
}

/** Policies as the gate needs them without a database. */
export interface PolicyBook {
  of(integration: Inheriting): { policy: Policy; hash: string };
}

/** The installed policies; with a file, that one for every integration. It may extend the installed ones. */
export async function policyBook(file?: string): Promise<PolicyBook> {
  const installed = readPolicies(projectFolder('templates/policies'));
  if (file === undefined) {
    return {
      of(integration) {
        const name = inheritedPolicy(installed, integration);
        if (name === undefined) throw unfit('No policy applies to this integration.', []);
        return resolved(name, installed);
      },
    };
  }
  const text = await readFile(file, 'utf8').catch(() => {
    throw unfit(`${file} cannot be read.`, []);
  });
  const read = parsePolicy(text, basename(file));
  if (!read.ok) throw unfit(`${file} is no policy.`, read.error);
  // Which integrations it would apply to does not matter here: it was named.
  const { appliesTo: _, ...own } = read.value;
  const files = new Map([...installed, [own.policy, own] as const]);
  const flaws = lintPolicies(files).filter((one) => one.policy === own.policy && one.severity === 'error');
  if (flaws.length > 0)
    throw unfit(
      `${file} cannot be used.`,
      flaws.map(({ field, problem, mend }) => ({ field, problem, mend })),
    );
  const known = resolved(own.policy, files);
  return { of: () => known };
}

function resolved(
  name: string,
  files: Parameters<typeof resolvePolicy>[1],
): { policy: Policy; hash: string } {
  const policy = resolvePolicy(name, files);
  if (!policy.ok) throw unfit(`The policy ${name} cannot be used.`, policy.error);
  return { policy: policy.value, hash: policyHash(policy.value) };
}

/** The runbooks of a folder, as far as the gate looks at them. */
export async function runbooksOf(
  folder: string = projectFolder('templates/runbooks'),
): Promise<RunbookFacts[]> {
  const names = await readdir(folder).catch(() => {
    throw unfit(`The folder ${folder} cannot be read.`, []);
  });
  const found: RunbookFacts[] = [];
  for (const name of names.filter((one) => one.endsWith('.yaml')).sort()) {
    const read = parseDefinition(await readFile(join(folder, name), 'utf8'), name);
    if (!read.ok) throw unfit(`${name} is no runbook.`, read.error);
    if (!read.value.definition.draft) found.push(runbookFacts(read.value.definition));
  }
  return found;
}
