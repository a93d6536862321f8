/**
 * One variable of the process's environment, for what cannot be named beforehand: a secret that an operator keeps there.
 * Everything else is read once, by `parseConfig`.
 */
export function readEnvironment(name: string): string | undefined {
  return process.env[name];
}

/** All of it, for `parseConfig`. */
export function environment(): NodeJS.ProcessEnv {
  return process.env;
}
