/** In-process wake-ups: what makes work prompt inside one process. Never the record, so that losing one costs a sweep. */
export class Kick {
  readonly #listeners = new Map<string, Set<() => void>>();

  /** Wakes whoever listens to `topic` here. Call it after the commit. */
  now(topic: string): void {
    for (const wake of this.#listeners.get(topic) ?? []) wake();
  }

  /** @returns a function that stops listening. `wake` must not throw. */
  on(topic: string, wake: () => void): () => void {
    const listeners = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, listeners.add(wake));
    return () => listeners.delete(wake);
  }
}
