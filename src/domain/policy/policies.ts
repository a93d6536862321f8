import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FieldProblem } from '../../kernel/errors.ts';
import { Refused, refusal } from '../../kernel/errors.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { inheritedPolicy, parsePolicy, policyHash, resolvePolicy, type Inheriting } from './inherit.rules.ts';
import { lintPolicies } from './lint.rules.ts';
import type { Policy, PolicyFile } from './policy.schema.ts';

export interface KnownPolicy {
  policy: Policy;
  /** Lower-case hex SHA-256 of it with all that it inherits. */
  hash: string;
  appliesTo: PolicyFile['appliesTo'];
}

/** Every policy of a folder, checked. @throws Refused naming each file and mend when one of them cannot be used */
export function readPolicies(folder: string): ReadonlyMap<string, PolicyFile> {
  const files = new Map<string, PolicyFile>();
  const problems: FieldProblem[] = [];
  for (const name of readdirSync(folder).sort()) {
    if (!name.endsWith('.yaml') || name.endsWith('.test.yaml')) continue;
    const read = parsePolicy(readFileSync(join(folder, name), 'utf8'), name);
    if (!read.ok) problems.push(...read.error);
    else if (files.has(read.value.policy))
      problems.push({
        field: name,
        problem: `the name ${read.value.policy} is taken`,
        mend: 'Give it another.',
      });
    else files.set(read.value.policy, read.value);
  }
  if (problems.length === 0) {
    problems.push(
      ...lintPolicies(files)
        .filter(({ severity }) => severity === 'error')
        .map(({ policy, field, problem, mend }) => ({ field: `${policy}, ${field}`, problem, mend })),
    );
  }
  if (problems.length > 0) {
    const said = problems.map((one) => `${one.field}: ${one.problem}. ${one.mend}`).join('\n');
    throw new Refused(
      refusal('invalid', 'policy-unfit', `A policy cannot be used.\n${said}`, { fields: problems }),
    );
  }
  return files;
}

/** The policies of this installation, read and checked once at boot; every version that decided anything is kept by its hash. */
export class Policies {
  readonly #files: ReadonlyMap<string, PolicyFile>;
  readonly #known: ReadonlyMap<string, KnownPolicy>;

  /** @throws Refused when a policy cannot be used: a gate without its rules would let everything pass */
  constructor(folder: string) {
    this.#files = readPolicies(folder);
    this.#known = new Map(
      [...this.#files.values()].map((file) => {
        const resolved = resolvePolicy(file.policy, this.#files);
        if (!resolved.ok) throw new Error(`${file.policy} passed the check and cannot be resolved`);
        return [
          file.policy,
          { policy: resolved.value, hash: policyHash(resolved.value), appliesTo: file.appliesTo },
        ];
      }),
    );
  }

  all(): KnownPolicy[] {
    return [...this.#known.values()].sort((a, b) => (a.policy.policy < b.policy.policy ? -1 : 1));
  }

  get(name: string): KnownPolicy | undefined {
    return this.#known.get(name);
  }

  /** What an integration inherits by its risk tier and data class. @throws Error when no policy is a fallback: none was checked */
  of(integration: Inheriting): KnownPolicy {
    const name = inheritedPolicy(this.#files, integration);
    const found = name === undefined ? undefined : this.#known.get(name);
    if (!found)
      throw new Refused(
        refusal(
          'unavailable',
          'no-policy',
          'No policy applies to this integration: one of templates/policies must apply where nothing else does.',
        ),
      );
    return found;
  }

  /** Keeps the version that is about to decide. */
  async store(db: Db, { policy, hash }: KnownPolicy, now: Millis): Promise<void> {
    await db.query(
      `INSERT INTO policy_template (hash, policy, version, title, body, stored_at) VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (hash) DO NOTHING`,
      [hash, policy.policy, policy.version, policy.title, JSON.stringify(policy), iso(now)],
    );
  }
}
