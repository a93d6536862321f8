import { Refused, type Refusal } from '../kernel/errors.ts';
import type { Result } from '../kernel/result.ts';

/** What the domain answered, or its refusal on the way to the problem document. */
export function answered<T>(result: Result<T, Refusal>): T {
  if (result.ok) return result.value;
  throw new Refused(result.error);
}
