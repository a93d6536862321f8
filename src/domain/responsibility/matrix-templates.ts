import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { matrixTemplateSchema, type MatrixTemplate } from './matrix-edit.schema.ts';

/** The templates that a new matrix may inherit from: `templates/matrices/*.yaml`. */
export class MatrixTemplates {
  readonly #byKey = new Map<string, MatrixTemplate>();

  /** @throws Error naming the file and the field that does not fit: an installation must find out at its start. */
  constructor(folder: string) {
    for (const name of readdirSync(folder)
      .filter((file) => file.endsWith('.yaml'))
      .sort()) {
      const file = join(folder, name);
      const read = matrixTemplateSchema.safeParse(parse(readFileSync(file, 'utf8')));
      if (!read.success) {
        const [issue] = read.error.issues;
        throw new Error(`matrix template ${file}: /${issue?.path.join('/') ?? ''} ${issue?.message ?? ''}`);
      }
      if (this.#byKey.has(read.data.matrix))
        throw new Error(`matrix template ${file}: another file is named ${read.data.matrix}, too`);
      this.#byKey.set(read.data.matrix, read.data);
    }
  }

  get(key: string): MatrixTemplate | undefined {
    return this.#byKey.get(key);
  }

  all(): MatrixTemplate[] {
    return [...this.#byKey.values()];
  }
}
