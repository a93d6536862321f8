import { Injectable } from '@nestjs/common';
import type { FieldProblem, Refusal } from '../../../kernel/errors.ts';
import { err, ok, type Result } from '../../../kernel/result.ts';
import type { Secret } from '../../../kernel/secret.ts';
import { readStrictJson } from '../../../kernel/strict-json.ts';
import type { Millis } from '../../../kernel/time.ts';
import { contentKeyOf, malformed, oneLine, unreadable } from '../../../domain/exposures/delivery.rules.ts';
import { MOST_DELIVERED, reportSchema, toReport } from '../../../domain/exposures/report.schema.ts';
import type { Proven, RawDelivery, ReadDelivery, Report, Source } from '../../../domain/exposures/source.ts';
import { provenByStandardWebhooks, webhookKeyProblem } from '../../vendors/standard-webhooks/signature.ts';

const BODY_LIMIT = 1024 * 1024;
const JSON_LIMITS = { depth: 16, items: 1_000_000 };
const MOST_PROBLEMS = 10;

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
    return webhookKeyProblem(key);
  }

  authenticate(delivery: RawDelivery, keys: readonly Secret[], now: Millis): Result<Proven, Refusal> {
    return provenByStandardWebhooks(delivery, keys, now);
  }

  read(delivery: RawDelivery): Result<ReadDelivery, Refusal> {
    const parsed = readStrictJson(delivery.body, JSON_LIMITS);
    if (!parsed.ok) return err(unreadable(parsed.error));
    const body = (isObject(parsed.value) ? parsed.value : {}) as { type?: unknown; data?: unknown };
    // The id is signed here, and yet a sender may put the same content under two.
    const contentKey = contentKeyOf('body', delivery.body);
    // The standard recommends a type and does not demand one. What has data may be a report whose type was forgotten.
    if (isObject(parsed.value) && body.type === undefined && body.data === undefined) {
      return ok({
        event: 'untyped',
        contentKey,
        reports: [],
        acknowledged: 'a message without a type or data',
      });
    }
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

function isObject(value: unknown): value is object {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
