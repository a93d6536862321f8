import { createHmac } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { Refusal } from '../../../kernel/errors.ts';
import { err, ok, type Result } from '../../../kernel/result.ts';
import { Secret } from '../../../kernel/secret.ts';
import { readStrictJson } from '../../../kernel/strict-json.ts';
import { parseInstant, type Millis } from '../../../kernel/time.ts';
import {
  UNPROVEN,
  contentKeyOf,
  malformed,
  oneLine,
  sameBytes,
  unreadable,
} from '../../../domain/exposures/delivery.rules.ts';
import type { Proven, RawDelivery, ReadDelivery, Report, Source } from '../../../domain/exposures/source.ts';
import { Outbound } from '../../../platform/http/outbound.ts';
import { locationOf, locationSchema } from './github-location.ts';
import { closeAlert } from './close-alert.ts';
import { fetchAlert } from './github-api.ts';

/** GitHub does not send larger events at all. */
const BODY_LIMIT = 25 * 1024 * 1024;
const JSON_LIMITS = { depth: 32, items: 1_000_000 };

/** Actions that say something of the leak. Others (assigned, metadata_created, tomorrow's) are acknowledged. */
const ALERT_ACTIONS: ReadonlySet<string> = new Set([
  'created',
  'reopened',
  'resolved',
  'revoked',
  'publicly_leaked',
  'validated',
]);

const REPOSITORY = /^[A-Za-z0-9_.-]{1,100}\/[A-Za-z0-9_.-]{1,100}$/;

const optionalText = z.string().nullish().catch(null);

/**
 * What we read of an event. GitHub requires no member of an alert (its own published example has five), and its schemas
 * differ on `secret` and `state`: everything but number and repository is present sometimes.
 */
const eventSchema = z.object({
  action: z.string('must be a text').max(100).optional(),
  alert: z.object({
    number: z.int('must be a whole number').min(1, 'must be a whole number from 1'),
    created_at: optionalText,
    updated_at: optionalText,
    resolution: optionalText,
    resolved_at: optionalText,
    secret: optionalText,
    secret_type: optionalText,
    validity: optionalText,
    publicly_leaked: z.boolean().nullish().catch(null),
  }),
  repository: z.object({ full_name: z.string().regex(REPOSITORY, 'must be owner/name') }),
  location: locationSchema.nullish().catch(null),
});
type AlertEvent = z.output<typeof eventSchema>;

/**
 * Secret-scanning webhooks of GitHub. Signature: X-Hub-Signature-256 over the raw bytes (docs.github.com, "Validating
 * webhook deliveries"); the delivery id is a header and not signed, so the content has a key of its own.
 */
@Injectable()
export class GithubSource implements Source {
  readonly key = 'github';
  readonly title = 'GitHub secret scanning';
  readonly bodyLimit = BODY_LIMIT;
  readonly apiBaseUrl = 'https://api.github.com';

  constructor(private readonly outbound: Outbound) {}

  checkKey(key: Secret): string | undefined {
    return key.useBytes((bytes) => (bytes.length < 16 ? 'must have at least 16 characters' : undefined));
  }

  authenticate(delivery: RawDelivery, keys: readonly Secret[]): Result<Proven, Refusal> {
    // SHA-1 in X-Hub-Signature is not looked at.
    const given = /^sha256=([0-9a-f]{64})$/.exec(delivery.headers['x-hub-signature-256'] ?? '')?.[1];
    if (given === undefined) return err(UNPROVEN);
    const signature = Buffer.from(given, 'hex');
    const proven = keys.filter((key) =>
      key.useBytes(
        (bytes) =>
          bytes.length > 0 &&
          sameBytes(createHmac('sha256', bytes).update(delivery.body).digest(), signature),
      ),
    );
    if (proven.length === 0) return err(UNPROVEN);
    const deliveryId = delivery.headers['x-github-delivery'] ?? '';
    if (!/^[\x21-\x7e]{1,200}$/.test(deliveryId)) {
      return err(
        malformed([
          {
            field: 'X-GitHub-Delivery',
            problem: 'is missing or no delivery id',
            mend: 'Let GitHub send the delivery itself; a proxy must keep its headers.',
          },
        ]),
      );
    }
    return ok({ deliveryId });
  }

  read(delivery: RawDelivery): Result<ReadDelivery, Refusal> {
    const name = delivery.headers['x-github-event'] ?? '';
    if (!/^[a-z0-9_]{1,100}$/.test(name)) {
      return err(
        malformed([
          { field: 'X-GitHub-Event', problem: 'is missing or no event name', mend: 'A proxy must keep it.' },
        ]),
      );
    }
    const json = jsonOf(delivery);
    if (!json.ok) return json;
    const parsed = readStrictJson(json.value, JSON_LIMITS);
    if (!parsed.ok) return err(unreadable(parsed.error));

    if (parsed.value === null || typeof parsed.value !== 'object' || Array.isArray(parsed.value)) {
      return err(
        malformed([{ field: 'body', problem: 'is no JSON object', mend: 'Send the event as GitHub does.' }]),
      );
    }
    const action = actionOf(parsed.value);
    const event = action === undefined ? name : `${name}.${action}`;
    const bodyKey = contentKeyOf('body', delivery.body);
    const acknowledged = whyUnused(name, action);
    if (acknowledged !== undefined) return ok({ event, contentKey: bodyKey, reports: [], acknowledged });

    const read = eventSchema.safeParse(parsed.value);
    if (!read.success) {
      return err(
        malformed(
          read.error.issues.slice(0, 10).map((issue) => ({
            field: `body/${issue.path.map(String).join('/')}`,
            problem: issue.message,
            mend: 'Send the event as GitHub documents it.',
          })),
        ),
      );
    }
    const { alert, repository } = read.data;
    // A location event repeats its alert's number, action and time for each place.
    const contentKey =
      name === 'secret_scanning_alert' && alert.updated_at
        ? contentKeyOf('alert', repository.full_name, alert.number, action ?? '', alert.updated_at)
        : bodyKey;
    return ok({ event, contentKey, reports: [reportOf(read.data)] });
  }

  fetchMissing(
    report: Report,
    api: { baseUrl: string; token: Secret | null; signal: AbortSignal },
  ): Promise<Result<Report, Refusal>> {
    return fetchAlert(this.outbound, report, api);
  }

  closeReport(
    report: { externalRef: string; comment: string },
    api: { baseUrl: string; token: Secret; signal: AbortSignal; now: Millis },
  ): Promise<Result<{ resolution: string }, Refusal>> {
    return closeAlert(this.outbound, report.externalRef, report.comment, api);
  }
}

function reportOf({ action, alert, repository, location }: AlertEvent): Report {
  const resolved =
    action === 'reopened' || action === 'created'
      ? undefined
      : (alert.resolution ?? (action === 'revoked' ? 'revoked' : undefined));
  const place = location ? locationOf(location) : undefined;
  return {
    externalRef: `${repository.full_name}#${alert.number}`,
    place: `github:${repository.full_name.toLowerCase()}`,
    value: alert.secret ? Secret.of(alert.secret) : null,
    kind: alert.secret_type ?? undefined,
    detectedAt: instantOf(alert.created_at),
    asOf: instantOf(alert.updated_at),
    foundAt: place ? [place] : [],
    sourceSays: saysOf(alert.validity ?? undefined, resolved),
    publiclyLeaked: action === 'publicly_leaked' || alert.publicly_leaked === true ? true : undefined,
    resolved,
  };
}

function saysOf(validity: string | undefined, resolved: string | undefined): Report['sourceSays'] {
  if (validity === 'active') return 'live';
  if (validity === 'inactive' || resolved === 'revoked') return 'dead';
  return validity === 'unknown' ? 'unknown' : undefined;
}

function instantOf(text: string | null | undefined): number | undefined {
  return text ? parseInstant(text) : undefined;
}

function whyUnused(name: string, action: string | undefined): string | undefined {
  if (name === 'ping') return 'ping';
  if (name === 'secret_scanning_alert_location') {
    return action === undefined || action === 'created'
      ? undefined
      : 'an action that changes nothing of the leak';
  }
  if (name !== 'secret_scanning_alert') return 'an event that reports no secret';
  return action !== undefined && ALERT_ACTIONS.has(action)
    ? undefined
    : 'an action that changes nothing of the leak';
}

function actionOf(body: unknown): string | undefined {
  const action =
    body !== null && typeof body === 'object' ? (body as { action?: unknown }).action : undefined;
  return typeof action === 'string' ? oneLine(action, 100).replace(/[^A-Za-z0-9_]/g, '_') : undefined;
}

/** The JSON text: the body itself, or the field `payload` of a form. */
function jsonOf(delivery: RawDelivery): Result<Buffer, Refusal> {
  const type = (delivery.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
  if (type === 'application/json') return ok(delivery.body);
  if (type !== 'application/x-www-form-urlencoded') {
    return err(
      malformed([
        {
          field: 'Content-Type',
          problem: 'is neither application/json nor application/x-www-form-urlencoded',
          mend: 'Choose one of them where the webhook is set up.',
        },
      ]),
    );
  }
  const payloads = delivery.body
    .toString('latin1')
    .split('&')
    .filter((field) => field.startsWith('payload='));
  const text = payloads.length === 1 ? formDecoded(payloads[0]!.slice('payload='.length)) : undefined;
  if (text !== undefined) return ok(Buffer.from(text, 'utf8'));
  return err(
    malformed([
      {
        field: 'payload',
        problem:
          payloads.length === 1
            ? 'is not well-formed URL-encoded UTF-8'
            : 'must stand in the form exactly once',
        mend: 'Send the form as GitHub does.',
      },
    ]),
  );
}

function formDecoded(text: string): string | undefined {
  if (!/^[\x21-\x7e]*$/.test(text)) return undefined;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}
