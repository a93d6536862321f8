import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Refused, refusal, type FieldProblem } from '../../kernel/errors.ts';
import { system } from '../../kernel/principal.ts';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Transactions } from '../../platform/database/transactions.ts';
import { checkDefinition, type Installed } from './check.rules.ts';
import { definitionHash, parseDefinition } from './definition.rules.ts';
import type { Definition } from './definition.schema.ts';

export interface KnownRunbook {
  definition: Definition;
  hash: string;
  file: string;
}

/** The runbooks of this installation, read and checked at boot, kept in the database by the hash of their content. */
export class Runbooks {
  readonly #known = new Map<string, KnownRunbook>();

  constructor(
    private readonly transactions: Transactions,
    private readonly installed: Installed,
    private readonly clock: Clock,
  ) {}

  /**
   * Reads every runbook of a folder.
   * @throws Refused naming each file, line and mend when any of them cannot run here: none is taken then
   */
  async load(folder: string = templatesFolder()): Promise<void> {
    const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml')).sort();
    const problems: FieldProblem[] = [];
    const found: KnownRunbook[] = [];
    for (const file of files) {
      const text = await readFile(join(folder, file), 'utf8');
      const read = this.read(text, `templates/runbooks/${file}`);
      if ('problems' in read) problems.push(...read.problems);
      else found.push({ ...read, file });
    }
    for (const [at, one] of found.entries()) {
      const first = found.findIndex((other) => other.definition.id === one.definition.id);
      if (first < at)
        problems.push({
          field: one.file,
          problem: `the id "${one.definition.id}" is taken by ${found[first]!.file}`,
          mend: 'Give it another id.',
        });
    }
    if (problems.length > 0) throw new Refused(unfit(problems));
    await this.add(found);
  }

  /** A runbook's text, checked against what is installed. */
  read(text: string, file: string): { definition: Definition; hash: string } | { problems: FieldProblem[] } {
    const parsed = parseDefinition(text, file);
    if (!parsed.ok) return { problems: parsed.error };
    const problems = checkDefinition(parsed.value, file, this.installed);
    if (problems.length > 0) return { problems };
    const { definition } = parsed.value;
    return { definition, hash: definitionHash(definition) };
  }

  /** Makes checked definitions the current ones of their ids. Runs under way keep their own. */
  async add(found: readonly KnownRunbook[]): Promise<void> {
    await this.transactions.run(system('engine', 'runbooks'), async (db) => {
      for (const { definition, hash } of found) {
        await db.query(
          `INSERT INTO runbook_definition (hash, runbook, version, title, body, stored_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (hash) DO NOTHING`,
          [
            hash,
            definition.id,
            definition.version,
            definition.title,
            JSON.stringify(definition),
            this.clock.date(),
          ],
        );
      }
    });
    for (const one of found) this.#known.set(one.definition.id, one);
  }

  /** The runbook as a run would start on it now; undefined for drafts and unknown names. */
  current(id: string): KnownRunbook | undefined {
    const found = this.#known.get(id);
    return found?.definition.draft ? undefined : found;
  }

  /** All of them, drafts included, by id. */
  all(): KnownRunbook[] {
    return [...this.#known.values()].sort((a, b) => (a.definition.id < b.definition.id ? -1 : 1));
  }
}

/** Every problem in one sentence, so that a start that is refused says on the terminal what to mend. */
function unfit(problems: FieldProblem[]) {
  const said = problems
    .map((p) => `${p.field}${p.line === undefined ? '' : ` (line ${p.line})`}: ${p.problem}. ${p.mend}`)
    .join('\n');
  return refusal('invalid', 'runbook-unfit', `A runbook cannot run here.\n${said}`, { fields: problems });
}

/** `templates/runbooks` of this package, wherever it is compiled to. */
export function templatesFolder(): string {
  let at = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(at, 'package.json')) && dirname(at) !== at) at = dirname(at);
  return join(at, 'templates', 'runbooks');
}
