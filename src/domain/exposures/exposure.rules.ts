import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';

/** How far a report goes unattended: acts on its word, asks first, or only informs. */
export const TRUSTS = ['act', 'approve', 'inform'] as const;
export type Trust = (typeof TRUSTS)[number];

/** Who tells of a leak. */
export interface Reporter {
  kind: Principal['kind'];
  id: string;
  sourceId: Id | null;
  /** A party's own reporter; null: the operator's. */
  partyId: Id | null;
  trust: Trust;
}

/**
 * What a report is matched to. `outside`: to something that is none of the reporting party's business, which only the
 * operator may learn.
 */
export interface Candidates {
  byValue: readonly Candidate[];
  bySupplierId: readonly Candidate[];
}
export interface Candidate {
  versionId: Id;
  credentialId: Id;
  integrationId: Id;
  credentialKind: string;
  /** Whether the reporting party is in an integration that uses the credential; true for the operator's reporters. */
  within: boolean;
}

export type MatchJudgement =
  | { state: 'matched'; match: 'value' | 'metadata'; versions: readonly Candidate[] }
  | {
      state: 'triage';
      code: TriageCode;
      reason: string;
      match: 'value' | 'metadata' | 'none';
      versions: readonly Candidate[];
    };

export type TriageCode = 'nothing-matches' | 'outside-the-reporter' | 'supplier-id-ambiguous' | 'not-fetched';

/** A value speaks louder than an id; an id that fits several credentials says nothing. */
export function judgeMatch(report: { kind: string | null }, found: Candidates): MatchJudgement {
  if (found.byValue.length > 0) {
    const within = found.byValue.filter((candidate) => candidate.within);
    return within.length > 0
      ? { state: 'matched', match: 'value', versions: within }
      : outside('value', found.byValue);
  }
  const ofKind = found.bySupplierId.filter((candidate) => candidate.credentialKind === report.kind);
  const versions = ofKind.length > 0 ? ofKind : found.bySupplierId;
  if (versions.length === 0) {
    return {
      state: 'triage',
      code: 'nothing-matches',
      reason: 'no credential version that we know has this value or supplier id',
      match: 'none',
      versions: [],
    };
  }
  const within = versions.filter((candidate) => candidate.within);
  if (within.length === 0) return outside('metadata', versions);
  const credentials = new Set(within.map((candidate) => candidate.credentialId));
  return credentials.size === 1
    ? { state: 'matched', match: 'metadata', versions: within }
    : {
        state: 'triage',
        code: 'supplier-id-ambiguous',
        reason: `the supplier id fits ${credentials.size} credentials: a person has to say which`,
        match: 'metadata',
        versions: [],
      };
}

function outside(match: 'value' | 'metadata', versions: readonly Candidate[]): MatchJudgement {
  return {
    state: 'triage',
    code: 'outside-the-reporter',
    reason: 'it matches a credential of integrations that the reporting party is not in',
    match,
    versions,
  };
}

/** What to do with a delivery whose id or content was seen before. */
export type Sighting = 'new' | 'redelivered' | 'conflicting' | 'repeated';

/**
 * @param byId the delivery known under this id, whether its body was the same
 * @param byContent whether the same content was accepted under another id
 */
export function sightingOf(byId: { sameBody: boolean } | null, byContent: boolean): Sighting {
  if (byId) return byId.sameBody ? 'redelivered' : 'conflicting';
  return byContent ? 'repeated' : 'new';
}

/** Whoever reports by the API: the operator's people are trusted to act, a party's are asked about first. */
export function defaultTrust(partyId: Id | null): Trust {
  return partyId === null ? 'act' : 'approve';
}
