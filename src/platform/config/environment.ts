/**
 * One variable of the process's environment, for what cannot be named beforehand: a secret that an operator keeps there.
 * Everything else is read once, by `parseConfig`.
 */
export function readEnvironment(name: string): string | undefined {
  return process.env[name];
}
