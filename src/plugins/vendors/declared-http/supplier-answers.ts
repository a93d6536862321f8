import type {
  ProbeAnswer,
  RevokeAnswer,
  SessionsAnswer,
  Verdict,
} from '../../../domain/revocation/connector.ts';
import { judgeBy } from '../../../domain/revocation/answers.rules.ts';
import type { AnswerRow } from '../../../platform/http/answer-table.rules.ts';
import { waitOf, type Heard } from './declared-request.ts';

/** What the rows of each table may mean. */
export const REVOKE_MEANINGS = ['accepted', 'gone', 'rejected', 'retry', 'unknown'] as const;
export const PROBE_MEANINGS = ['live', 'dead', 'indeterminate'] as const;
export const SESSIONS_MEANINGS = ['ended', 'none', 'retry', 'unknown'] as const;

/** A table that stands in code, with the fact of its presets that it rests on. */
export function restingOn(fact: string, rows: readonly AnswerRow[]): AnswerRow[] {
  return rows.map((row) => ({ fact, ...row }));
}

/**
 * A revoke's answer. What is not listed is `unknown`: a 500 may have come after the deed, a 302 from a login page that
 * stands in front of it. Only a supplier that says "too many" (429) was certainly not moved.
 */
export function asRevokeAnswer(heard: Heard<(typeof REVOKE_MEANINGS)[number]>): RevokeAnswer {
  const { exchange } = heard;
  if (heard.kind === 'incomplete') {
    const own = heard.ownAuthentication ? { ownAuthentication: true } : {};
    return { outcome: 'rejected', why: `not asked: ${heard.why}`, exchange, ...own };
  }
  if (heard.kind === 'failure') {
    return heard.sent
      ? { outcome: 'unknown', why: `asked, but ${heard.why}`, exchange }
      : { outcome: 'retry', why: `not asked: ${heard.why}`, ...waitOf(heard), exchange };
  }
  const { row } = heard;
  const why = row?.why ?? `the supplier answered ${heard.status}`;
  if (!row) {
    return heard.status === 429
      ? { outcome: 'retry', why: 'the supplier asks for fewer requests', after: heard.retryAfter, exchange }
      : { outcome: 'unknown', why: `${why}, which its preset does not list`, exchange };
  }
  switch (row.means) {
    case 'accepted':
    case 'gone':
      return { outcome: row.means, exchange };
    case 'rejected':
      return {
        outcome: 'rejected',
        why,
        exchange,
        ...(row.ownAuthentication ? { ownAuthentication: true } : {}),
      };
    case 'retry':
      return { outcome: 'retry', why, after: heard.retryAfter, exchange };
    case 'unknown':
      return { outcome: 'unknown', why, exchange };
  }
}

/** A probe's answer. What is not listed is `indeterminate`, whatever its status. */
export function asProbeAnswer(heard: Heard<Verdict>): ProbeAnswer {
  const { exchange } = heard;
  if (heard.kind === 'incomplete')
    return { verdict: 'indeterminate', why: `not asked: ${heard.why}`, exchange: null };
  if (heard.kind === 'failure') return { verdict: 'indeterminate', why: heard.why, exchange };
  const { verdict, why } = judgeBy(heard.row, heard.rows, heard);
  return {
    verdict,
    why,
    exchange,
    ...(verdict === 'indeterminate' && heard.retryAfter !== undefined
      ? { retryAfter: heard.retryAfter }
      : {}),
  };
}

export function asSessionsAnswer(heard: Heard<(typeof SESSIONS_MEANINGS)[number]>): SessionsAnswer {
  const { exchange } = heard;
  if (heard.kind === 'incomplete') return { outcome: 'unknown', why: `not asked: ${heard.why}`, exchange };
  if (heard.kind === 'failure') {
    return heard.sent
      ? { outcome: 'unknown', why: `asked, but ${heard.why}`, exchange }
      : { outcome: 'retry', why: `not asked: ${heard.why}`, ...waitOf(heard), exchange };
  }
  const { row } = heard;
  const why = row?.why ?? `the supplier answered ${heard.status}`;
  if (!row && heard.status === 429) return { outcome: 'retry', why, after: heard.retryAfter, exchange };
  switch (row?.means) {
    case 'ended':
      return { outcome: 'ended', exchange };
    case 'none':
      return { outcome: 'none', why };
    case 'retry':
      return { outcome: 'retry', why, after: heard.retryAfter, exchange };
    case 'unknown':
    case undefined:
      return { outcome: 'unknown', why, exchange };
  }
}
