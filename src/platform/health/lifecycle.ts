/**
 * Whether this process takes work. `stopping`: new work is refused while what runs is finished. `fenced`: its clock is too
 * far from the database's, so that it must not judge what is due.
 */
export class Lifecycle {
  #state: 'up' | 'fenced' | 'stopping' = 'up';
  readonly #atStop = new Set<() => void>();

  get state(): 'up' | 'fenced' | 'stopping' {
    return this.#state;
  }

  fence(fenced: boolean): void {
    if (this.#state !== 'stopping') this.#state = fenced ? 'fenced' : 'up';
  }

  /** Ends what would otherwise never end: event streams. @returns a function that forgets `end`. */
  atStop(end: () => void): () => void {
    if (this.#state === 'stopping') end();
    else this.#atStop.add(end);
    return () => this.#atStop.delete(end);
  }

  stop(): void {
    this.#state = 'stopping';
    for (const end of this.#atStop) end();
    this.#atStop.clear();
  }
}
