import { createRequire, register } from 'node:module';
import { pathToFileURL } from 'node:url';
import runWithCircus from 'jest-circus/runner';
import 'reflect-metadata';
import './threads.mjs';
import { offer } from './offered.mjs';

register('./file-hooks.mjs', import.meta.url);
process.setSourceMapsEnabled(true);

const require = createRequire(import.meta.url);
let files = 0;

/** Jest's `testRunner`: its usual one, but Node loads the file and what it imports. See file-hooks.mjs. */
export default async function runFile(globalConfig, config, environment, runtime, path, send) {
  const file = String(++files);
  const loadedByNode = Object.assign(Object.create(runtime), {
    // Tests and hooks are gathered in that module: a new one for each file.
    requireInternalModule(name) {
      delete globalThis[Symbol.for('EVENT_HANDLERS')];
      delete require.cache[name];
      return require(name);
    },
    requireModule: require,
    setGlobalsForRuntime(globals) {
      offer(file, { ...globals, jest: jestOf(environment.moduleMocker) });
    },
    unstable_shouldLoadAsEsm: () => true,
    unstable_importModule: (name) =>
      import(pathToFileURL(name).href + (name === path ? `?file=${file}` : '')),
  });
  return runWithCircus.default(globalConfig, config, environment, loadedByNode, path, send);
}

function jestOf(mocker) {
  return {
    fn: mocker.fn.bind(mocker),
    spyOn: mocker.spyOn.bind(mocker),
    restoreAllMocks: () => mocker.restoreAllMocks(),
  };
}
