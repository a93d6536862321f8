import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import swc from '@swc/core';

const jsc = {
  target: 'es2023',
  parser: { syntax: 'typescript', tsx: true, decorators: true },
  keepClassNames: true,
  transform: {
    legacyDecorator: true,
    decoratorMetadata: true,
    useDefineForClassFields: false,
    react: { runtime: 'automatic', importSource: 'preact', throwIfNamespace: false },
  },
};
/** Modules of test/ are loaded again for each test file. */
const compiled = new Map();

export async function load(url, context, next) {
  if (!/\.tsx?(\?|$)/.test(url)) return next(url, context);
  const filename = fileURLToPath(url);
  if (!compiled.has(filename)) compiled.set(filename, compile(filename));
  return { format: 'module', source: await compiled.get(filename), shortCircuit: true };
}

async function compile(filename) {
  const { code } = await swc.transform(await readFile(filename, 'utf8'), {
    filename,
    swcrc: false,
    configFile: false,
    sourceMaps: 'inline',
    isModule: true,
    jsc,
    module: { type: 'es6' },
  });
  return code;
}
