import { createHash, timingSafeEqual } from 'node:crypto';
import { Secret } from '../../../kernel/secret.ts';
import type { Store, StoreCapabilities, StoredRef } from '../../../platform/vault/store.ts';

/** Only variables that begin so can be named by a reference: a reference must not read `DATABASE_URL`. */
const PREFIX = 'COUNTERSIGN_SECRET_';
const REF = /^env:(COUNTERSIGN_SECRET_[A-Z0-9_]{1,100}):([0-9a-f]{64})$/;

/**
 * Values that the operator puts into the process's environment; read-only. A reference names the variable and a hash of
 * what it belongs to (`env:COUNTERSIGN_SECRET_X:<sha-256>`), so that it is of no use in another row.
 */
export class EnvStore implements Store {
  readonly key = 'env';
  readonly title = 'Environment of the process';
  readonly capabilities: StoreCapabilities = {
    writable: false,
    versioning: { has: false, how: 'a variable has one value' },
    retrievalAudit: { has: false, how: 'nobody records who reads a variable' },
    granularPolicy: {
      has: false,
      how: 'whoever runs as the process reads all of it; a reference opens only for its own row',
    },
    rotationHooks: { has: false, how: 'whoever set the variable changes it' },
  };

  /** @param read one variable of the environment. */
  constructor(private readonly read: (name: string) => string | undefined) {}

  /** @throws Error always: an environment cannot be written to. */
  put(): Promise<StoredRef> {
    return Promise.reject(new Error('the env store is read-only: set the variable, then refer to it'));
  }

  get(ref: StoredRef, boundTo: string): Promise<Secret> {
    const [, name, hash] = REF.exec(ref) ?? [];
    if (!name || !hash) return Promise.reject(new Error('the reference is not one of the env store'));
    if (!timingSafeEqual(Buffer.from(hash, 'hex'), bindingHash(boundTo))) {
      return Promise.reject(new Error(`the reference to ${name} belongs to something else`));
    }
    const value = this.read(name);
    if (value === undefined || value === '')
      return Promise.reject(new Error(`the variable ${name} is not set`));
    return Promise.resolve(Secret.of(value));
  }

  /** @throws Error always: whoever set the variable has to unset it. */
  destroy(): Promise<void> {
    return Promise.reject(new Error('the env store is read-only: unset the variable'));
  }
}

/** @throws RangeError when the name is not one that a reference may name. */
export function envRef(name: string, boundTo: string): StoredRef {
  const ref = `env:${name}:${bindingHash(boundTo).toString('hex')}`;
  if (!REF.test(ref)) throw new RangeError(`a referred variable begins with ${PREFIX} and is upper case`);
  return ref;
}

function bindingHash(boundTo: string): Buffer {
  return createHash('sha256').update(boundTo, 'utf8').digest();
}
