import { createHash } from 'node:crypto';
import { canonicalJson, type CanonicalValue } from '../../kernel/canonical-json.ts';
import type { Id } from '../../kernel/ids.ts';

export type AuthorityToAct = 'revoke_now' | 'replace_first' | 'approve_within';

/** What one version of an agreement says. Instants are RFC 3339 text, dates `YYYY-MM-DD`. */
export interface AgreementContent {
  validUntil: string | null;
  reviewOn: string | null;
  prevailingLanguage: string;
  authority: AuthorityToAct;
  approveWithinMinutes: number | null;
  approveOtherwise: 'act' | 'escalate';
  /** A text, or who carries it out with which authority. */
  containmentSteps: readonly (string | { step: string; by: string | null; authority: string | null })[];
  /** How often the paths are tried. */
  drillEveryDays?: number | null;
  terms: readonly TermContent[];
}

export interface TermContent {
  name: string | null;
  direction: string;
  trigger: string;
  startEvent: string;
  windowCount: number | null;
  windowUnit: string | null;
  zone: string;
  calendarId: Id | null;
  warnPercent: number;
  escalatePercent: number;
  fulfilledBy: string;
  /** Of an acknowledgement; null: as the policy says. */
  leastStrength?: string | null;
  language: string;
  category: string;
  ruleVersion: string;
  /** Null: from when the version holds. */
  validFrom: string | null;
  validUntil: string | null;
  /** In the order to tell them. */
  recipientContactIds: readonly Id[];
  fallbackContactIds: readonly Id[];
  /** When which fallback is told; left out where none has a time of its own. */
  rungs?: readonly { contactId: Id; minutes: number | null; percent: number | null }[];
}

/** What an agreement says that says nothing: nothing is done to a live credential before somebody approved. */
export const SILENT_AGREEMENT: AgreementContent = {
  validUntil: null,
  reviewOn: null,
  prevailingLanguage: 'en',
  authority: 'approve_within',
  approveWithinMinutes: 60,
  approveOtherwise: 'escalate',
  containmentSteps: [],
  terms: [],
};

/** SHA-256 of the RFC 8785 text of a version's content; the order of its terms does not count. */
export function agreementHash({ drillEveryDays, ...content }: AgreementContent): Buffer {
  const terms = content.terms
    .map(({ rungs, leastStrength, ...term }) =>
      canonicalJson({
        ...term,
        ...(leastStrength ? { leastStrength } : {}),
        ...(rungs && rungs.length > 0
          ? { rungs: rungs.toSorted((a, b) => (a.contactId < b.contactId ? -1 : 1)) }
          : {}),
      } as unknown as CanonicalValue),
    )
    .sort();
  const text = canonicalJson({
    ...content,
    // Left out where nothing was agreed, so that versions from before it could be said keep their hash.
    ...(drillEveryDays ? { drillEveryDays } : {}),
    format: 'countersign-agreement-1',
    terms,
  } as unknown as CanonicalValue);
  return createHash('sha256').update(text).digest();
}
