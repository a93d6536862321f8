import { inspect } from 'node:util';

/**
 * A value that must not be seen. Whatever prints it (string, JSON, inspect, template) gets a mask; only `use` and
 * `useBytes` reveal it, for as long as one function runs. `wipe` overwrites the bytes; the text that `use` hands out is a
 * JavaScript string and cannot be overwritten, so keep what you do with it short.
 */
export class Secret {
  #bytes: Buffer | null;

  private constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  static of(value: string): Secret {
    return new Secret(Buffer.from(value, 'utf8'));
  }

  /** Takes the bytes over: the caller must not keep or change them. */
  static ofBytes(bytes: Buffer): Secret {
    return new Secret(bytes);
  }

  /** @throws Error when the secret was wiped. */
  use<T>(fn: (value: string) => T): T {
    return fn(this.#alive().toString('utf8'));
  }

  /** @throws Error when the secret was wiped. */
  useBytes<T>(fn: (bytes: Buffer) => T): T {
    return fn(this.#alive());
  }

  wipe(): void {
    this.#bytes?.fill(0);
    this.#bytes = null;
  }

  #alive(): Buffer {
    if (!this.#bytes) throw new Error('a wiped secret was used');
    return this.#bytes;
  }

  toString(): string {
    return MASK;
  }
  toJSON(): string {
    return MASK;
  }
  [Symbol.toPrimitive](): string {
    return MASK;
  }
  [inspect.custom](): string {
    return MASK;
  }
}

export const MASK = '[secret]';
