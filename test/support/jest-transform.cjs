// Own source goes through SWC. Packages stay as they are, except that an ES module which a CommonJS package
// require()s becomes CommonJS: Jest on Node 20 has no require(esm).
const { createHash } = require('node:crypto');
const { existsSync, readFileSync } = require('node:fs');
const { dirname, join, sep } = require('node:path');
const swc = require('@swc/core');

const VERSION = 'v2'; // bump when this file changes: it is part of the cache key
const seen = new Map();

function isModule(directory) {
  if (!seen.has(directory)) {
    const manifest = join(directory, 'package.json');
    seen.set(
      directory,
      existsSync(manifest)
        ? JSON.parse(readFileSync(manifest, 'utf8')).type === 'module'
        : dirname(directory) !== directory && isModule(dirname(directory)),
    );
  }
  return seen.get(directory);
}

function kindOf(file, options) {
  if (!file.includes(`${sep}node_modules${sep}`)) return 'source';
  const isEsm = file.endsWith('.mjs') || (file.endsWith('.js') && isModule(dirname(file)));
  return !options.supportsStaticESM && isEsm ? 'esm-to-cjs' : 'as-is';
}

const typescript = {
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

module.exports = {
  canInstrument: false,
  getCacheKey: (source, file, options) =>
    createHash('sha256')
      .update(`${VERSION}${kindOf(file, options)}${options.supportsStaticESM}\0${file}\0${source}`)
      .digest('hex')
      .slice(0, 40),
  process(source, file, options) {
    const kind = kindOf(file, options);
    if (kind === 'as-is') return { code: source };
    return swc.transformSync(source, {
      filename: file,
      swcrc: false,
      configFile: false,
      sourceMaps: 'inline',
      isModule: true,
      jsc: kind === 'source' ? typescript : { target: 'es2023', parser: { syntax: 'ecmascript' } },
      module: {
        type: options.supportsStaticESM ? 'es6' : 'commonjs',
        ignoreDynamic: kind === 'esm-to-cjs',
      },
    });
  },
};
