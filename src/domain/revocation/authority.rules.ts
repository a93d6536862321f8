import { MINUTE, type Millis } from '../../kernel/time.ts';

/** What was agreed beforehand, frozen at awareness. */
export type Authority =
  | { kind: 'revoke_now' }
  | { kind: 'replace_first' }
  | { kind: 'approve_within'; minutes: number; otherwise: 'act' | 'escalate' };

/** How far a report of its source may go unattended. */
export type SourceTrust = 'act' | 'approve' | 'inform';

export interface AuthorityFacts {
  authority: Authority;
  /** What tied the report to the credential: its value, or only what is written about it. */
  match: 'value' | 'metadata';
  sourceTrust: SourceTrust;
  /** Decisions of people who may decide. */
  approvals: readonly { decision: 'approved' | 'rejected'; at: Millis }[];
  /** Whether the replacement is in place: issued, and stored where it is used. */
  replaced: boolean;
  /** When a decision was first asked for. */
  askedAt: Millis;
}

export interface AuthorityDecision {
  /** `act`: revoke now. `approve`: a person decides until `until`. `replace_first`: a replacement is needed. `person`: nothing happens unattended. */
  may: 'act' | 'approve' | 'replace_first' | 'person';
  why: string;
  until?: Millis;
}

/**
 * Whether a revoke may go out. Only a match on the value acts unattended, and only on the word of a source trusted so
 * far; a person's approval lifts both limits, a person's no ends it. An unattended wait never turns into acting when the
 * match or the source would not have allowed to act at once.
 */
export function mayAct(facts: AuthorityFacts, now: Millis): AuthorityDecision {
  const last = facts.approvals.filter((one) => one.at <= now).sort((a, b) => b.at - a.at)[0];
  if (last?.decision === 'rejected') return { may: 'person', why: 'a person decided against it' };
  const approved = last?.decision === 'approved';
  const needsReplacement = facts.authority.kind === 'replace_first' && !facts.replaced;

  if (approved) {
    return needsReplacement
      ? { may: 'replace_first', why: 'approved; the replacement has to be in place first' }
      : { may: 'act', why: 'a person approved it' };
  }
  if (facts.match === 'metadata') {
    return {
      may: 'person',
      why: 'only what is written about it matches, not its value: a person has to look',
    };
  }
  if (facts.sourceTrust === 'inform')
    return { may: 'person', why: 'its source may only inform: a person has to look' };
  if (facts.sourceTrust === 'approve' && facts.authority.kind !== 'approve_within') {
    return { may: 'approve', why: 'its source is not trusted to act unattended' };
  }
  switch (facts.authority.kind) {
    case 'revoke_now':
      return { may: 'act', why: 'its value matches, and it was agreed to revoke at once' };
    case 'replace_first':
      return needsReplacement
        ? { may: 'replace_first', why: 'it was agreed to replace it before it is revoked' }
        : { may: 'act', why: 'its value matches, and its replacement is in place' };
    case 'approve_within':
      return afterWaiting(facts, facts.authority, now);
  }
}

function afterWaiting(
  facts: AuthorityFacts,
  authority: Extract<Authority, { kind: 'approve_within' }>,
  now: Millis,
): AuthorityDecision {
  const until = facts.askedAt + authority.minutes * MINUTE;
  if (now < until)
    return { may: 'approve', why: `it was agreed to ask for ${authority.minutes} minutes first`, until };
  if (authority.otherwise === 'escalate')
    return { may: 'person', why: 'nobody decided in time: it goes to the next in line' };
  return facts.sourceTrust === 'act'
    ? { may: 'act', why: 'nobody decided in time, and it was agreed to act then' }
    : { may: 'person', why: 'nobody decided in time, and its source is not trusted to act unattended' };
}
