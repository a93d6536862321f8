import { z } from 'zod';
import { refusal, type Refusal } from '../../../kernel/errors.ts';
import { err, ok, type Result } from '../../../kernel/result.ts';
import type { Secret } from '../../../kernel/secret.ts';
import { SECOND } from '../../../kernel/time.ts';
import { retryAfter } from '../../../platform/http/answer-table.rules.ts';
import type { Outbound } from '../../../platform/http/outbound.ts';

const REFERENCE = /^([A-Za-z0-9_.-]{1,100})\/([A-Za-z0-9_.-]{1,100})#(\d{1,12})$/;
/** Characters that GitHub takes as a comment. */
const MOST_COMMENT = 280;

/**
 * Resolves an alert as revoked: `PATCH /repos/{owner}/{repo}/secret-scanning/alerts/{number}`. Asked twice, it says the
 * same twice. The address is built from the configured base and the alert's name alone.
 */
export async function closeAlert(
  outbound: Outbound,
  externalRef: string,
  comment: string,
  api: { baseUrl: string; token: Secret; signal: AbortSignal; now: number },
): Promise<Result<{ resolution: string }, Refusal>> {
  const [, owner, repo, number] = REFERENCE.exec(externalRef) ?? [];
  if (!owner || !repo || !number || [owner, repo].some((name) => name === '.' || name === '..'))
    return err(refusal('invalid', 'source-reference-unknown', 'The report names no alert of a repository.'));
  const answer = await outbound.request({
    method: 'PATCH',
    url: `${api.baseUrl.replace(/\/+$/, '')}/repos/${owner}/${repo}/secret-scanning/alerts/${number}`,
    headers: {
      accept: 'application/vnd.github+json',
      'content-type': 'application/json',
      'x-github-api-version': '2022-11-28',
      authorization: api.token.use((text) => `Bearer ${text}`),
    },
    body: JSON.stringify({
      state: 'resolved',
      resolution: 'revoked',
      resolution_comment: comment.slice(0, MOST_COMMENT),
    }),
    timeout: 10 * SECOND,
    maxBytes: 2 * 1024 * 1024,
    signal: api.signal,
    secrets: [api.token],
  });
  if (!answer.ok) {
    return err(
      answer.failure === 'refused_by_guard'
        ? refusal('forbidden', 'source-api-not-allowed', `GitHub cannot be told: ${answer.why}.`)
        : refusal('unavailable', 'source-api-unreachable', `GitHub did not answer: ${answer.why}.`),
    );
  }
  const { status, headers } = answer;
  if (status === 200) {
    const said = resolved.safeParse(jsonOf(answer.body));
    return said.success
      ? ok({ resolution: said.data.resolution })
      : err(
          refusal(
            'precondition',
            'source-not-resolved',
            'GitHub answered 200, and the alert is not resolved.',
          ),
        );
  }
  const limited = status === 429 || (status === 403 && headers['x-ratelimit-remaining'] === '0');
  if (limited || status >= 500) {
    return err(
      refusal('unavailable', 'source-api-busy', `GitHub answered ${status}.`, {
        retryAfter: retryAfter(headers, api.now),
      }),
    );
  }
  return err(
    refusal(
      'precondition',
      'source-api-refused',
      `GitHub answered ${status}: the token must be allowed to write secret scanning alerts of ${owner}/${repo}.`,
    ),
  );
}

const resolved = z.object({ state: z.literal('resolved'), resolution: z.string().min(1).max(60) });

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
