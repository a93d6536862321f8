import { SECOND } from '../../../kernel/time.ts';
import type { Outbound, OutboundAnswer } from '../../../platform/http/outbound.ts';
import { OutsideProblem, type OutsideCall, type StoreAccess } from '../../../platform/vault/store.ts';
import { askVault, type VaultAccess } from './vault-client.ts';

/** `auth/token/lookup-self`: allowed to every token by the default policy. A `ttl` of 0 never ends. @throws OutsideProblem */
export async function lookupOwnToken(
  outbound: Outbound,
  place: VaultAccess,
  call: OutsideCall,
): Promise<StoreAccess> {
  const path = 'auth/token/lookup-self';
  const answer = await askVault(outbound, place, { method: 'GET', path, signal: call.signal });
  const {
    ttl,
    creation_ttl: creation,
    renewable,
  } = (jsonOf(acceptVault(answer, [200])) as { data?: Record<string, unknown> } | null)?.data ?? {};
  return accessOf(ttl, creation, renewable, call);
}

/**
 * `auth/token/renew-self`: the token stays the same and ends later, at most at its own greatest age.
 *
 * @throws OutsideProblem
 */
export async function renewOwnToken(
  outbound: Outbound,
  place: VaultAccess,
  call: OutsideCall,
): Promise<StoreAccess> {
  const path = 'auth/token/renew-self';
  const { signal } = call;
  const answer = await askVault(outbound, place, { method: 'POST', path, json: {}, signal });
  const { lease_duration: lasts, renewable } =
    (jsonOf(acceptVault(answer, [200])) as { auth?: Record<string, unknown> } | null)?.auth ?? {};
  return accessOf(lasts, lasts, renewable, call);
}

function accessOf(seconds: unknown, lasts: unknown, renewable: unknown, call: OutsideCall): StoreAccess {
  if (typeof seconds !== 'number' || !Number.isFinite(seconds))
    throw new OutsideProblem('the server did not say how long our token is good for');
  const whole = typeof lasts === 'number' && lasts > 0 ? lasts : seconds;
  return {
    endsAt: seconds === 0 ? null : call.now() + seconds * SECOND,
    lasts: whole * SECOND,
    renewable: renewable === true,
  };
}

/** The body of an answer that is one of the good ones. @throws OutsideProblem for any other */
export function acceptVault(answer: OutboundAnswer, good: readonly number[]): Buffer {
  if (!answer.ok) throw new OutsideProblem(answer.why);
  if (good.includes(answer.status)) return answer.body;
  throw new OutsideProblem(MEANS[answer.status] ?? `the server answered ${answer.status}`);
}

const MEANS: Readonly<Record<number, string>> = {
  403: 'the server answered 403: our token is refused, or its policy does not allow it',
  404: 'the server answered 404: it has no such secret, or hides it from us',
  429: 'the server answered 429: too many requests, or a standby',
  503: 'the server answered 503: it is sealed or in maintenance',
};

export function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return null;
  }
}
