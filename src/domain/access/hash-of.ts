import { createHash } from 'node:crypto';

/** SHA-256, in hex: enough for values of 256 random bits, which nobody can guess from a hash. */
export function hashOf(value: string): string {
  return createHash('sha256').update(value, 'utf8').digest('hex');
}
