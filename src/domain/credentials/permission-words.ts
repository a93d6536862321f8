import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { line } from '../parties/fields.schema.ts';

const fileSchema = z.strictObject({
  supplier: line(120),
  names: z
    .array(line(60))
    .min(1, 'must not be empty')
    .describe('Words that its credentials are known by, in lower case; * is any'),
  source: line(500),
  scopes: z.record(line(300), line(300)),
});
type PermissionFile = z.output<typeof fileSchema>;

export interface WordedPermission {
  name: string;
  /** What it lets its holder do; null: no file knows it, and it is shown as it is. */
  words: string | null;
  /** Whose word it is. */
  supplier: string | null;
}

/**
 * What well-known scopes let their holder do, in words: `templates/permissions/*.yaml`, one file a supplier. Operators may
 * add files. What no file knows stays as it is; nothing is guessed.
 */
export class PermissionWords {
  private constructor(private readonly files: readonly PermissionFile[]) {}

  /** @throws Error naming file and field when one of them is not as it must be: boot stops */
  static read(folder: string): PermissionWords {
    const files = readdirSync(folder)
      .filter((name) => name.endsWith('.yaml'))
      .sort()
      .map((file) => readPermissionFile(readFileSync(join(folder, file), 'utf8'), file));
    // What is anybody's comes after what is somebody's.
    return new PermissionWords(
      files.sort((a, b) => Number(a.names.includes('*')) - Number(b.names.includes('*'))),
    );
  }

  /** @param about what tells the supplier: the credential's kind, the verifier's name, the connector's preset */
  wordsFor(scopes: readonly string[], about: readonly (string | null)[]): WordedPermission[] {
    const known = new Set(about.flatMap((text) => (text ?? '').toLowerCase().split(/[^a-z0-9]+/)));
    const files = this.files.filter(({ names }) => names.some((name) => name === '*' || known.has(name)));
    return scopes.map((name) => {
      const file = files.find(({ scopes: worded }) => Object.hasOwn(worded, name));
      return { name, words: file?.scopes[name] ?? null, supplier: file?.supplier ?? null };
    });
  }
}

/** @throws Error naming the file and what is wrong with it */
export function readPermissionFile(text: string, file: string): PermissionFile {
  const read = fileSchema.safeParse(parse(text));
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new Error(`templates/permissions/${file}: ${issue?.path.join('.')} ${issue?.message}`);
}
