import { createHmac } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { Refusal } from '../../../kernel/errors.ts';
import { err, ok, type Result } from '../../../kernel/result.ts';
import type { Secret } from '../../../kernel/secret.ts';
import { readStrictJson } from '../../../kernel/strict-json.ts';
import { MINUTE, SECOND, parseInstant, type Millis } from '../../../kernel/time.ts';
import {
  STALE,
  UNPROVEN,
  contentKeyOf,
  malformed,
  oneLine,
  sameBytes,
  unreadable,
} from '../../../domain/exposures/delivery.rules.ts';
import type { Proven, RawDelivery, ReadDelivery, Report, Source } from '../../../domain/exposures/source.ts';

const BODY_LIMIT = 1024 * 1024;
const JSON_LIMITS = { depth: 32, items: 100_000 };
const TOLERANCE: Millis = 5 * MINUTE;

/** As it is said of every source, by the name that the header has here. */
const LATE: Refusal = { ...STALE, fields: STALE.fields?.map((field) => ({ ...field, field: 'Timestamp' })) };

/** Actions that say something of the leak. Others (assigned, shared, noted, tomorrow's) are acknowledged. */
const ACTIONS: ReadonlySet<string> = new Set([
  'incident_triggered',
  'new_occurrence',
  'incident_resolved',
  'incident_ignored',
  'incident_reopened',
  'incident_regression',
  'incident_validity_changed',
]);

const optionalText = z.string().nullish().catch(null);

const envelopeSchema = z.object({
  timestamp: optionalText,
  action: z.string('must be a text').min(1, 'must not be empty').max(100),
  incident: z.object({
    id: z.union([z.int(), z.string().min(1).max(100)], 'must be a number or a text'),
    date: optionalText,
    detector: z.object({ name: optionalText }).nullish().catch(null),
    secret_revoked: z.boolean().nullish().catch(null),
    validity: optionalText,
    status: optionalText,
    ignore_reason: optionalText,
    gitguardian_url: optionalText,
  }),
  occurrence: z
    .object({ filepath: optionalText, url: optionalText, line_start: z.int().nullish().catch(null) })
    .nullish()
    .catch(null),
});
type Envelope = z.output<typeof envelopeSchema>;

/**
 * Custom webhooks of GitGuardian (docs.gitguardian.com, "Custom webhook"): HMAC-SHA-256 over the raw body under the
 * timestamp followed by the token. The older header `X-GitGuardian-Signature` is not looked at. A delivery never carries
 * the secret, so that its exposure waits for a person.
 */
@Injectable()
export class GitguardianSource implements Source {
  readonly key = 'gitguardian';
  readonly title = 'GitGuardian';
  readonly bodyLimit = BODY_LIMIT;

  checkKey(key: Secret): string | undefined {
    return key.useBytes((bytes) => (bytes.length < 16 ? 'must have at least 16 characters' : undefined));
  }

  authenticate(delivery: RawDelivery, keys: readonly Secret[], now: Millis): Result<Proven, Refusal> {
    const stamp = delivery.headers['timestamp'] ?? '';
    const given = /^sha256=([0-9a-f]{64})$/.exec(delivery.headers['gitguardian-signature'] ?? '')?.[1];
    if (given === undefined || !/^[\x21-\x7e]{1,64}$/.test(stamp)) return err(UNPROVEN);
    const signature = Buffer.from(given, 'hex');
    const proven = keys.filter((key) =>
      key.useBytes(
        (bytes) =>
          bytes.length > 0 &&
          sameBytes(
            createHmac('sha256', Buffer.concat([Buffer.from(stamp), bytes]))
              .update(delivery.body)
              .digest(),
            signature,
          ),
      ),
    );
    if (proven.length === 0) return err(UNPROVEN);
    const at = sentAt(stamp);
    return at === undefined || Math.abs(now - at) > TOLERANCE ? err(LATE) : ok({ deliveryId: null });
  }

  read(delivery: RawDelivery): Result<ReadDelivery, Refusal> {
    const parsed = readStrictJson(delivery.body, JSON_LIMITS);
    if (!parsed.ok) return err(unreadable(parsed.error));
    const body = parsed.value;
    if (body === null || typeof body !== 'object' || Array.isArray(body)) {
      return err(
        malformed([
          { field: 'body', problem: 'is no JSON object', mend: 'Send the event as GitGuardian does.' },
        ]),
      );
    }
    const contentKey = contentKeyOf('body', delivery.body);
    const nothing = (event: string, acknowledged: string) =>
      ok({ event, contentKey, reports: [], acknowledged });
    // What its "test" button sends has another shape altogether, and may hold a made-up match in plain text.
    if (!('incident' in body) && !('source' in body)) return nothing('test', 'a test message');
    const action =
      'action' in body && typeof body.action === 'string'
        ? oneLine(body.action, 100).replace(/[^A-Za-z0-9_]/g, '_')
        : undefined;
    if (action !== undefined && !ACTIONS.has(action))
      return nothing(action, 'an action that changes nothing of the leak');
    const read = envelopeSchema.safeParse(body);
    if (!read.success) {
      return err(
        malformed(
          read.error.issues.slice(0, 10).map((issue) => ({
            field: `body/${issue.path.map(String).join('/')}`,
            problem: issue.message,
            mend: 'Send the event as GitGuardian documents it.',
          })),
        ),
      );
    }
    return ok({ event: read.data.action, contentKey, reports: [reportOf(read.data)] });
  }
}

function reportOf({ timestamp, incident, occurrence }: Envelope): Report {
  const over = incident.status === 'resolved' || incident.status === 'ignored' ? incident.status : undefined;
  const resolved = over && incident.secret_revoked === true ? 'revoked' : (incident.ignore_reason ?? over);
  return {
    externalRef: `gitguardian#${incident.id}`,
    value: null,
    kind: incident.detector?.name ?? undefined,
    detectedAt: instantOf(incident.date),
    asOf: instantOf(timestamp),
    foundAt: [
      ...(incident.gitguardian_url ? [{ type: 'gitguardian_incident', url: incident.gitguardian_url }] : []),
      ...(occurrence?.filepath || occurrence?.url
        ? [
            {
              type: 'file',
              path: occurrence.filepath ?? undefined,
              url: occurrence.url ?? undefined,
              line: lineOf(occurrence.line_start),
            },
          ]
        : []),
    ],
    sourceSays:
      incident.secret_revoked === true || incident.validity === 'invalid'
        ? 'dead'
        : incident.validity === 'valid'
          ? 'live'
          : 'unknown',
    resolved: over === undefined ? undefined : resolved,
  };
}

function lineOf(line: number | null | undefined): number | undefined {
  return line !== null && line !== undefined && line >= 0 && line < 2_000_000_000 ? line : undefined;
}

function instantOf(text: string | null | undefined): Millis | undefined {
  return text ? parseInstant(text) : undefined;
}

/** Unix seconds, with or without a fraction, or a time as RFC 3339 writes it. */
function sentAt(stamp: string): Millis | undefined {
  if (/^\d{1,11}(\.\d{1,9})?$/.test(stamp)) return Number(stamp) * SECOND;
  return /^\d{12,14}$/.test(stamp) ? Number(stamp) : parseInstant(stamp);
}
