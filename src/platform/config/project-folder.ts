import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * A folder or file of the project, found by walking up to package.json: the same from source and from the build.
 *
 * @throws Error when this file is not inside a project
 */
export function projectFolder(...below: string[]): string {
  for (let at = dirname(fileURLToPath(import.meta.url)); ; at = dirname(at)) {
    if (existsSync(join(at, 'package.json'))) return join(at, ...below);
    if (dirname(at) === at) throw new Error('no package.json above the running code');
  }
}
