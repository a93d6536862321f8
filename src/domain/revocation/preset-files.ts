import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import canonicalize from 'canonicalize';
import { parse } from 'yaml';
import type { CheckedPreset, Connectors } from './connectors.ts';

export interface KnownPreset extends CheckedPreset {
  /** Lower-case hex SHA-256 of its canonical JSON. */
  contentHash: string;
}

/**
 * The presets of a folder, in the order of their files' names.
 *
 * @throws Error naming the file that is not well-formed: an installation must not find out during an incident
 */
export function readPresetFiles(connectors: Connectors, folder: string): KnownPreset[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .sort()
    .map((file) => {
      const checked = connectors.check(parse(readFileSync(join(folder, file), 'utf8')));
      if (!checked.ok) {
        const field = checked.error.fields?.[0];
        throw new Error(
          `templates/connectors/${file}: ${field ? `${field.field} ${field.problem}` : checked.error.message}`,
        );
      }
      return { ...checked.value, contentHash: contentHashOf(checked.value.preset).toString('hex') };
    });
}

export function contentHashOf(preset: unknown): Buffer {
  return createHash('sha256')
    .update(canonicalize(preset) ?? '', 'utf8')
    .digest();
}
