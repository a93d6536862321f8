import { refusal, type Refusal } from '../../kernel/errors.ts';
import { handOf, type Principal, type Role } from '../../kernel/principal.ts';
import type { Millis } from '../../kernel/time.ts';
import { parseDuration, type Approval } from './definition.schema.ts';
import { lookUp, type Facts } from './facts.rules.ts';

/** One person's word on a step that asks for approval. */
export interface Decision {
  decision: 'approve' | 'reject';
  /** The person behind the principal, or the principal itself where no person is known. */
  who: string;
}

/** Who speaks: identity that counts for quorum and four eyes, and the roles that entitle. */
export interface Voice {
  who: string;
  roles: readonly Role[];
}

/** Who speaks, as quorum and four eyes count them: a hand, as `handOf` says; the kind beside an id that is no person's. */
export function whoIs(by: Principal): string {
  const hand = handOf(by);
  return hand === by.id ? `${by.kind}:${hand}` : hand;
}

/** Why this one may not decide, or undefined. An admin may stand in for any role, but never for a second pair of eyes. */
export function mayDecide(
  approval: Pick<Approval, 'roles' | 'fourEyes'>,
  voice: Voice,
  requestedBy: string,
  before: readonly Decision[],
): Refusal | undefined {
  if (!voice.roles.some((role) => role === 'admin' || approval.roles.includes(role))) {
    return refusal(
      'forbidden',
      'approval-role',
      `Approving this takes one of the roles ${approval.roles.join(', ')}.`,
    );
  }
  if (approval.fourEyes && voice.who === requestedBy) {
    return refusal(
      'forbidden',
      'approval-own-request',
      'Who requested this cannot approve it; a second person has to.',
    );
  }
  if (before.some((decision) => decision.who === voice.who)) {
    return refusal('conflict', 'approval-decided', 'You have already decided on this.');
  }
  return undefined;
}

/** One rejection ends it; otherwise as many different people as the quorum. */
export function verdictOf(quorum: number, decisions: readonly Decision[]): 'approved' | 'rejected' | 'open' {
  if (decisions.some((decision) => decision.decision === 'reject')) return 'rejected';
  return new Set(decisions.map((decision) => decision.who)).size >= quorum ? 'approved' : 'open';
}

/** The approval's terms with the facts of this item filled in. A fact that is no duration or no known word is undefined. */
export function termsOf(
  approval: Approval,
  facts: Facts,
): { within: Millis | undefined; otherwise: 'escalate' | 'act' | undefined } {
  const within = typeof approval.within === 'number' ? approval.within : lookUp(approval.within, facts);
  const otherwise = approval.otherwise.startsWith('$')
    ? lookUp(approval.otherwise, facts)
    : approval.otherwise;
  return {
    within:
      typeof within === 'number' && within >= 0
        ? within
        : typeof within === 'string'
          ? parseDuration(within)
          : undefined,
    otherwise: otherwise === 'act' || otherwise === 'escalate' ? otherwise : undefined,
  };
}
