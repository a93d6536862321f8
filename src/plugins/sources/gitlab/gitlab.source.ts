import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { Refusal } from '../../../kernel/errors.ts';
import { err, ok, type Result } from '../../../kernel/result.ts';
import type { Secret } from '../../../kernel/secret.ts';
import { readStrictJson } from '../../../kernel/strict-json.ts';
import type { Millis } from '../../../kernel/time.ts';
import {
  UNPROVEN,
  contentKeyOf,
  malformed,
  oneLine,
  sameBytes,
  unreadable,
} from '../../../domain/exposures/delivery.rules.ts';
import type { Proven, RawDelivery, ReadDelivery, Report, Source } from '../../../domain/exposures/source.ts';
import { looseInstant, placeOfUrl } from '../../vendors/scan-report/scan-report.ts';
import { provenByStandardWebhooks, webhookKeyProblem } from '../../vendors/standard-webhooks/signature.ts';
import { readSecretDetectionReport } from './secret-detection-report.ts';

const BODY_LIMIT = 1024 * 1024;
const JSON_LIMITS = { depth: 32, items: 100_000 };
const OVER: ReadonlySet<string> = new Set(['resolved', 'dismissed']);

const optionalText = z.string().nullish().catch(null);

const vulnerabilitySchema = z.object({
  url: z.string('must be a text').min(1, 'must not be empty').max(2000),
  state: optionalText,
  project_id: z.int().nullish().catch(null),
  location: z
    .object({ file: optionalText, start_line: z.int().nullish().catch(null) })
    .nullish()
    .catch(null),
  identifiers: z
    .array(z.object({ name: optionalText, external_id: optionalText }))
    .nullish()
    .catch(null),
  created_at: optionalText,
  updated_at: optionalText,
});

/**
 * Webhooks of GitLab, proven by the secret token in `X-Gitlab-Token` or, better, by its signing token
 * (Standard Webhooks; docs.gitlab.com, "Webhooks"): a key that begins with `whsec_` is a signing token and never taken for
 * the other. A leaked secret comes as a vulnerability of the report type `secret_detection`, without its value; the CI
 * artifact `gl-secret-detection-report.json`, handed in as a file, has it.
 */
@Injectable()
export class GitlabSource implements Source {
  readonly key = 'gitlab';
  readonly title = 'GitLab secret detection';
  readonly bodyLimit = BODY_LIMIT;

  checkKey(key: Secret): string | undefined {
    if (isSigning(key)) return webhookKeyProblem(key);
    return key.useBytes((bytes) => (bytes.length < 16 ? 'must have at least 16 characters' : undefined));
  }

  authenticate(delivery: RawDelivery, keys: readonly Secret[], now: Millis): Result<Proven, Refusal> {
    if (delivery.headers['webhook-signature'] !== undefined) {
      const signed = provenByStandardWebhooks(delivery, keys.filter(isSigning), now);
      // A GitLab that has a signing token of another key is not proven by what it says in clear.
      if (signed.ok || keys.some(isSigning)) return signed;
    }
    const given = hashed(Buffer.from(delivery.headers['x-gitlab-token'] ?? '', 'latin1'));
    // Hashes of both, so that neither the length nor the place of a difference shows in the time.
    const proven = keys.filter(
      (key) =>
        !isSigning(key) && key.useBytes((bytes) => bytes.length > 0 && sameBytes(hashed(bytes), given)),
    );
    if (proven.length === 0) return err(UNPROVEN);
    const id = delivery.headers['idempotency-key'] ?? delivery.headers['webhook-id'] ?? '';
    return ok({ deliveryId: /^[\x21-\x7e]{1,200}$/.test(id) ? id : null });
  }

  read(delivery: RawDelivery): Result<ReadDelivery, Refusal> {
    const parsed = readStrictJson(delivery.body, JSON_LIMITS);
    if (!parsed.ok) return err(unreadable(parsed.error));
    const body = parsed.value as { object_kind?: unknown; object_attributes?: unknown } | null;
    if (body === null || typeof body !== 'object' || typeof body.object_kind !== 'string') {
      const mend = 'Send the event as GitLab does.';
      return err(malformed([{ field: 'body/object_kind', problem: 'must name the event', mend }]));
    }
    const event = oneLine(body.object_kind, 100).replace(/[^A-Za-z0-9_]/g, '_');
    const contentKey = contentKeyOf('body', delivery.body);
    const nothing = (acknowledged: string) => ok({ event, contentKey, reports: [], acknowledged });
    if (event !== 'vulnerability') return nothing('an event that reports no secret');
    const attributes = body.object_attributes;
    const type =
      attributes !== null && typeof attributes === 'object' && 'report_type' in attributes
        ? attributes.report_type
        : undefined;
    if (typeof type === 'string' && type !== 'secret_detection')
      return nothing('a vulnerability that is no leaked secret');
    const read = vulnerabilitySchema.safeParse(attributes);
    if (!read.success) {
      return err(
        malformed(
          read.error.issues.slice(0, 10).map((issue) => ({
            field: ['body', 'object_attributes', ...issue.path.map(String)].join('/'),
            problem: issue.message,
            mend: 'Send the event as GitLab documents it.',
          })),
        ),
      );
    }
    return ok({ event, contentKey, reports: [reportOf(read.data)] });
  }

  readFile(file: Buffer): Result<ReadDelivery, Refusal> {
    return readSecretDetectionReport(file);
  }
}

function reportOf(found: z.output<typeof vulnerabilitySchema>): Report {
  const line = found.location?.start_line;
  const [identifier] = found.identifiers ?? [];
  return {
    externalRef: found.url,
    place:
      placeOfUrl(found.url) ?? (found.project_id ? `gitlab-project:${String(found.project_id)}` : undefined),
    value: null,
    kind: identifier?.external_id ?? identifier?.name ?? undefined,
    detectedAt: looseInstant(found.created_at),
    asOf: looseInstant(found.updated_at),
    foundAt: [
      { type: 'vulnerability', url: found.url },
      ...(found.location?.file
        ? [
            {
              type: 'file',
              path: found.location.file,
              line: line !== null && line !== undefined && line >= 0 ? line : undefined,
            },
          ]
        : []),
    ],
    resolved: OVER.has(found.state ?? '') ? (found.state ?? undefined) : undefined,
  };
}

function isSigning(key: Secret): boolean {
  return key.use((text) => text.startsWith('whsec_'));
}

function hashed(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}
