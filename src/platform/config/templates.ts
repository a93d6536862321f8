import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * A folder of `templates/`, which an operator may change without touching code. Found by walking up from here to
 * package.json, so that source and build see the same one.
 *
 * @throws Error when there is none: a broken installation.
 */
export function templatesFolder(name: string): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) || !existsSync(join(folder, 'templates'))) {
    const parent = dirname(folder);
    if (parent === folder)
      throw new Error(`templates/${name} was not found above ${fileURLToPath(import.meta.url)}`);
    folder = parent;
  }
  return join(folder, 'templates', name);
}
