import { ModuleMocker } from 'jest-mock';

/**
 * Tests run in Node's own context, not in a sandbox of Jest's: a worker then loads the product and its packages once
 * instead of once a file, and as they load when they are run. What a file changes of the process is put back after it.
 */
export default class Environment {
  /** Where Jest puts what it makes for a file. Tests import theirs. */
  global = {};
  moduleMocker = new ModuleMocker(globalThis);
  fakeTimers = null;
  fakeTimersModern = null;
  #putBack = () => {};

  getVmContext() {
    return null;
  }

  exportConditions() {
    return ['node', 'node-addons'];
  }

  setup() {
    const { console } = globalThis;
    const { exitCode } = process;
    const env = { ...process.env };
    const directory = process.cwd();
    this.#putBack = () => {
      globalThis.console = console;
      process.exitCode = exitCode;
      for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
      Object.assign(process.env, env);
      if (process.cwd() !== directory) process.chdir(directory);
    };
    globalThis.console = this.global.console;
    // Jest's own traces know nothing of modules that Node loaded.
    Error.prepareStackTrace = undefined;
    Error.stackTraceLimit = 25;
  }

  teardown() {
    this.moduleMocker.restoreAllMocks();
    this.#putBack();
  }
}
