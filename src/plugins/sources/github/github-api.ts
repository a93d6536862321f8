import { z } from 'zod';
import { refusal, type Refusal } from '../../../kernel/errors.ts';
import { err, ok, type Result } from '../../../kernel/result.ts';
import { Secret } from '../../../kernel/secret.ts';
import { readStrictJson } from '../../../kernel/strict-json.ts';
import { MINUTE, SECOND } from '../../../kernel/time.ts';
import type { FoundAt, Report } from '../../../domain/exposures/source.ts';
import type { Outbound } from '../../../platform/http/outbound.ts';
import { locationOf, locationSchema } from './github-location.ts';

const REFERENCE = /^([A-Za-z0-9_.-]{1,100})\/([A-Za-z0-9_.-]{1,100})#(\d{1,12})$/;
const MAX_BYTES = 2 * 1024 * 1024;
const PAGE = 100;
const MOST_PAGES = 5;

const alertSchema = z.object({
  secret: z.string().min(1).nullish().catch(null),
  validity: z.string().nullish().catch(null),
  publicly_leaked: z.boolean().nullish().catch(null),
});

interface Api {
  baseUrl: string;
  token: Secret | null;
  signal: AbortSignal;
}

/**
 * Asks `GET /repos/{owner}/{repo}/secret-scanning/alerts/{number}` for the secret, and its `/locations` for the places.
 * The address is built from the configured base and the alert's name, never from a URL that a delivery carried.
 */
export async function fetchAlert(
  outbound: Outbound,
  report: Report,
  api: Api,
): Promise<Result<Report, Refusal>> {
  const [, owner, repo, number] = REFERENCE.exec(report.externalRef) ?? [];
  if (!owner || !repo || !number || [owner, repo].some((name) => name === '.' || name === '..')) {
    return err(refusal('invalid', 'source-reference-unknown', 'The report names no alert of a repository.'));
  }
  if (!api.token) {
    return err(
      refusal(
        'precondition',
        'source-token-missing',
        `The alert carries no secret, and the source has no token to ask GitHub for it. Give it one that may read secret scanning alerts of ${owner}/${repo}.`,
      ),
    );
  }
  const path = `/repos/${owner}/${repo}/secret-scanning/alerts/${number}`;
  const answer = await get(outbound, api, path, report.externalRef);
  if (!answer.ok) return answer;
  const alert = alertSchema.safeParse(answer.value);
  if (!alert.success || !alert.data.secret) {
    return err(
      refusal(
        'precondition',
        'source-secret-withheld',
        `GitHub answered for ${report.externalRef} without the secret: the token may read the alert but not its value.`,
      ),
    );
  }
  const places = await fetchPlaces(outbound, api, path, report.externalRef);
  return ok({
    ...report,
    value: Secret.of(alert.data.secret),
    foundAt: [...report.foundAt, ...places],
    sourceSays:
      alert.data.validity === 'active'
        ? 'live'
        : alert.data.validity === 'inactive'
          ? 'dead'
          : report.sourceSays,
    publiclyLeaked: alert.data.publicly_leaked === true ? true : report.publiclyLeaked,
  });
}

/** Places are worth having and not worth losing the secret for: what cannot be read is left out. */
async function fetchPlaces(outbound: Outbound, api: Api, path: string, ref: string): Promise<FoundAt[]> {
  const places: FoundAt[] = [];
  for (let page = 1; page <= MOST_PAGES; page++) {
    const answer = await get(outbound, api, `${path}/locations?per_page=${PAGE}&page=${page}`, ref);
    if (!answer.ok || !Array.isArray(answer.value)) break;
    for (const item of answer.value as unknown[]) {
      const location = locationSchema.safeParse(item);
      if (location.success) places.push(locationOf(location.data));
    }
    if (answer.value.length < PAGE) break;
  }
  return places;
}

async function get(
  outbound: Outbound,
  api: Api,
  path: string,
  ref: string,
): Promise<Result<unknown, Refusal>> {
  const token = api.token!;
  const answer = await outbound.request({
    method: 'GET',
    url: `${api.baseUrl.replace(/\/+$/, '')}${path}`,
    headers: {
      accept: 'application/vnd.github+json',
      'x-github-api-version': '2022-11-28',
      authorization: token.use((text) => `Bearer ${text}`),
    },
    timeout: 10 * SECOND,
    maxBytes: MAX_BYTES,
    signal: api.signal,
    secrets: [token],
  });
  if (!answer.ok) {
    // A base address that the guard or a name server refuses stays refused until somebody changes it.
    const settled = answer.failure === 'refused_by_guard';
    return err(
      settled
        ? refusal(
            'forbidden',
            'source-api-not-allowed',
            `GitHub cannot be asked about ${ref}: ${answer.why}.`,
          )
        : refusal(
            'unavailable',
            'source-api-unreachable',
            `GitHub did not answer for ${ref}: ${answer.why}.`,
          ),
    );
  }
  if (answer.status === 200) {
    const parsed = readStrictJson(answer.body, { depth: 32, items: 200_000 });
    return parsed.ok
      ? ok(parsed.value)
      : err(refusal('unavailable', 'source-api-unreadable', `GitHub's answer for ${ref} cannot be read.`));
  }
  const limited =
    answer.status === 429 || (answer.status === 403 && answer.headers['x-ratelimit-remaining'] === '0');
  if (limited || answer.status >= 500) {
    return err(
      refusal('unavailable', 'source-api-busy', `GitHub answered ${answer.status} for ${ref}.`, {
        retryAfter: retryAfter(answer.headers['retry-after']),
      }),
    );
  }
  const meaning: Record<number, string> = {
    401: 'the token is not accepted any more',
    403: 'the token may not read secret scanning alerts there',
    404: 'no such alert, or the token may not see the repository',
  };
  return err(
    refusal(
      'forbidden',
      'source-api-refused',
      `GitHub answered ${answer.status} for ${ref}: ${meaning[answer.status] ?? 'an answer that we do not know'}.`,
    ),
  );
}

/** Seconds, as GitHub sends it; at most an hour. */
function retryAfter(header: string | undefined): number | undefined {
  const seconds = Number(header);
  return header !== undefined && Number.isInteger(seconds) && seconds >= 0
    ? Math.min(seconds * SECOND, 60 * MINUTE)
    : undefined;
}
