/** An expected refusal is a value; a bug is an exception. */
export type Result<T, E> = { ok: true; value: T } | { ok: false; error: E };

export function ok<T>(value: T): { ok: true; value: T } {
  return { ok: true, value };
}

export function err<E>(error: E): { ok: false; error: E } {
  return { ok: false, error };
}

/** The value, where a refusal would be our own bug. @throws Error naming the refusal. */
export function expectOk<T, E>(result: Result<T, E>, what = 'result'): T {
  if (result.ok) return result.value;
  throw new Error(`${what} was refused: ${JSON.stringify(result.error)}`);
}
