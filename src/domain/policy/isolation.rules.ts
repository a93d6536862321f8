import type { Policy } from './policy.schema.ts';
import { environmentIsolation } from './rules/environment-isolation.rule.ts';

/** Whether a policy keeps one value out of two environments: then it is not even let into the register. */
export function isolatesEnvironments(policy: Pick<Policy, 'limits' | 'rules'>): boolean {
  return policy.limits.isolateEnvironments && policy.rules[environmentIsolation.name] !== 'off';
}
