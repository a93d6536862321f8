import type { Millis } from '../../kernel/time.ts';
import { mayAct, type Authority, type AuthorityDecision } from '../revocation/authority.rules.ts';

/** What two people decided together about many credentials. */
export interface Order {
  reference: string;
  /** Goes on where a replacement or an approval would be waited for. */
  force: boolean;
}

/**
 * What may be done about a version that two people chose from the inventory: there is no doubt which one is meant, and what
 * was agreed about it still holds. Force lifts the waiting, and nothing else: what is dead is for the verifier to say.
 */
export function orderedDecision(
  authority: Authority,
  { reference, force }: Order,
  now: Millis,
): AuthorityDecision {
  if (force) return { may: 'act', why: `${reference}: two people decided to go on without waiting` };
  const decision = mayAct(
    { authority, match: 'value', sourceTrust: 'act', approvals: [], replaced: false, askedAt: now },
    now,
  );
  return decision.may === 'act'
    ? { may: 'act', why: `${reference}: two people decided, and it was agreed to revoke at once` }
    : { ...decision, why: `${reference}: two people decided; ${decision.why}` };
}
