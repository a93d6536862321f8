import type { StepAnswer } from '../runbooks/action.ts';
import { laneOf } from './connections.service.ts';
import type { RevokeResult } from './revocation-results.ts';

/** What a revoke's result means to the step that asked for it. Done means that the supplier said yes, never a death. */
export function revokeAnswer(result: RevokeResult): StepAnswer {
  switch (result.outcome) {
    case 'accepted':
    case 'gone':
    case 'already_dead':
      return {
        answer: 'done',
        output: { revocation: result.outcome },
        evidence: result.evidence,
        note: result.note,
      };
    case 'retry':
      return { answer: 'retry', reason: result.why, after: result.after, evidence: result.evidence };
    case 'next_way':
      return {
        answer: 'retry',
        reason: result.why,
        evidence: result.evidence,
        otherWay: { lane: laneOf(result.connectionId) },
      };
    case 'unknown':
      return { answer: 'unknown', reason: result.why, evidence: result.evidence };
    case 'rejected':
      return { answer: 'failed', reason: result.why, evidence: result.evidence };
    case 'person':
      return {
        answer: 'parked',
        forWhat: result.forWhat,
        ...(result.contactId ? { ownerContactId: result.contactId } : {}),
      };
    case 'not_found':
      return { answer: 'failed', reason: 'there is no such credential version' };
  }
}
