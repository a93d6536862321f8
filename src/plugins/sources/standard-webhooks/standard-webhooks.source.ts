import { createHmac } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { FieldProblem, Refusal } from '../../../kernel/errors.ts';
import { err, ok, type Result } from '../../../kernel/result.ts';
import type { Secret } from '../../../kernel/secret.ts';
import { readStrictJson } from '../../../kernel/strict-json.ts';
import { MINUTE, SECOND, type Millis } from '../../../kernel/time.ts';
import {
  STALE,
  UNPROVEN,
  contentKeyOf,
  malformed,
  oneLine,
  sameBytes,
  unreadable,
} from '../../../domain/exposures/delivery.rules.ts';
import { MOST_DELIVERED, reportSchema, toReport } from '../../../domain/exposures/report.schema.ts';
import type { RawDelivery, ReadDelivery, Report, Source } from '../../../domain/exposures/source.ts';

const BODY_LIMIT = 10 * 1024 * 1024;
const JSON_LIMITS = { depth: 16, items: 1_000_000 };
const MOST_PROBLEMS = 10;
const TOLERANCE: Millis = 5 * MINUTE;
const MOST_SIGNATURES = 20;

/**
 * A signed report by Standard Webhooks 1.0.0: HMAC-SHA-256 over `id.timestamp.body`, several signatures for a change of
 * keys, five minutes of tolerance. Body: `{ "type": "exposure.reported", "data": { "reports": [ … ] } }`, each report as
 * `POST /api/v1/exposures` takes it, with a `ref`.
 */
@Injectable()
export class StandardWebhooksSource implements Source {
  readonly key = 'standard-webhooks';
  readonly title = 'Signed report (Standard Webhooks)';
  readonly bodyLimit = BODY_LIMIT;

  checkKey(key: Secret): string | undefined {
    const bytes = keyBytes(key);
    const fits = bytes.length >= 24 && bytes.length <= 64;
    bytes.fill(0);
    return fits ? undefined : 'must be whsec_ and the base64 of 24 to 64 random bytes';
  }

  authenticate(
    delivery: RawDelivery,
    keys: readonly Secret[],
    now: Millis,
  ): Result<{ deliveryId: string }, Refusal> {
    const id = delivery.headers['webhook-id'] ?? '';
    const stamp = delivery.headers['webhook-timestamp'] ?? '';
    // Neither may hold a full stop: it would move the borders of what is signed.
    if (!/^[\x21-\x2d\x2f-\x7e]{1,200}$/.test(id) || !/^\d{1,12}$/.test(stamp)) return err(UNPROVEN);
    const given = (delivery.headers['webhook-signature'] ?? '')
      .split(' ')
      .slice(0, MOST_SIGNATURES)
      .flatMap((entry) =>
        /^v1,[A-Za-z0-9+/]{43}=$/.test(entry) ? [Buffer.from(entry.slice(3), 'base64')] : [],
      );
    const proven = keys.flatMap((key) => {
      const bytes = keyBytes(key);
      if (bytes.length === 0) return [];
      const expected = createHmac('sha256', bytes).update(`${id}.${stamp}.`).update(delivery.body).digest();
      bytes.fill(0);
      return given.filter((signature) => sameBytes(expected, signature));
    });
    if (proven.length === 0) return err(UNPROVEN);
    // Judged last: who does not hold a key learns nothing, not even that there is such a source.
    const stale = Math.abs(now - Number(stamp) * SECOND) > TOLERANCE;
    return stale ? err(STALE) : ok({ deliveryId: id });
  }

  read(delivery: RawDelivery): Result<ReadDelivery, Refusal> {
    const parsed = readStrictJson(delivery.body, JSON_LIMITS);
    if (!parsed.ok) return err(unreadable(parsed.error));
    const body = (isObject(parsed.value) ? parsed.value : {}) as { type?: unknown; data?: unknown };
    if (
      typeof body.type !== 'string' ||
      !/^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$/.test(body.type) ||
      body.type.length > 100
    ) {
      return err(
        malformed([
          {
            field: 'body/type',
            problem: 'must name the event, in words joined by full stops',
            mend: 'Send "exposure.reported".',
          },
        ]),
      );
    }
    const event = oneLine(body.type, 100);
    // The id is signed here, and yet a sender may put the same content under two.
    const contentKey = contentKeyOf('body', delivery.body);
    if (event !== 'exposure.reported') {
      return ok({ event, contentKey, reports: [], acknowledged: 'an event that reports no secret' });
    }
    const reports = reportsOf(body.data);
    return reports.ok ? ok({ event, contentKey, reports: reports.value }) : err(malformed(reports.error));
  }
}

function reportsOf(data: unknown): Result<Report[], FieldProblem[]> {
  const given = isObject(data) ? (data as { reports?: unknown }).reports : undefined;
  if (!Array.isArray(given) || given.length === 0 || given.length > MOST_DELIVERED) {
    return err([
      {
        field: 'body/data/reports',
        problem: `must be a list of 1 to ${MOST_DELIVERED} reports`,
        mend: 'Send the reports there; split a larger list.',
      },
    ]);
  }
  const problems: FieldProblem[] = [];
  const reports: Report[] = [];
  const refs = new Set<string>();
  for (const [at, item] of (given as unknown[]).entries()) {
    const parsed = reportSchema.safeParse(item);
    if (!parsed.success) {
      for (const issue of parsed.error.issues) {
        problems.push({
          field: `body/data/reports/${at}${issue.path.map((name) => `/${String(name)}`).join('')}`,
          problem: issue.message,
          mend: 'Mend it and send the delivery again, under a new id.',
        });
      }
    } else if (parsed.data.ref === undefined || refs.has(parsed.data.ref)) {
      problems.push({
        field: `body/data/reports/${at}/ref`,
        problem: parsed.data.ref === undefined ? 'is missing' : 'stands in this delivery twice',
        mend: 'Give each leak a name of its own.',
      });
    } else {
      refs.add(parsed.data.ref);
      reports.push(toReport(parsed.data, parsed.data.ref));
    }
    if (problems.length >= MOST_PROBLEMS) break;
  }
  return problems.length > 0 ? err(problems.slice(0, MOST_PROBLEMS)) : ok(reports);
}

/** `whsec_` and base64; the prefix is optional. What is no base64 yields no bytes, and no bytes prove nothing. */
function keyBytes(key: Secret): Buffer {
  return key.use((text) => {
    const base64 = text.startsWith('whsec_') ? text.slice('whsec_'.length) : text;
    return /^[A-Za-z0-9+/]+={0,2}$/.test(base64) ? Buffer.from(base64, 'base64') : Buffer.alloc(0);
  });
}

function isObject(value: unknown): value is object {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
