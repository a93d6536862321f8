import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { FieldProblem, Refusal } from '../../../kernel/errors.ts';
import { err, ok, type Result } from '../../../kernel/result.ts';
import { Secret } from '../../../kernel/secret.ts';
import { readStrictJson } from '../../../kernel/strict-json.ts';
import { strictJsonItems } from '../../../kernel/strict-json-items.ts';
import type { Millis } from '../../../kernel/time.ts';
import { UNPROVEN, contentKeyOf, malformed, unreadable } from '../../../domain/exposures/delivery.rules.ts';
import { LARGEST_VALUE } from '../../../domain/exposures/report.schema.ts';
import type {
  JudgedReport,
  Proven,
  RawDelivery,
  ReadDelivery,
  Report,
  Source,
  SourceAnswer,
  SourceSettings,
} from '../../../domain/exposures/source.ts';
import { OwnNames, placeOfUrl } from '../../vendors/scan-report/scan-report.ts';

const BODY_LIMIT = 10 * 1024 * 1024;
const JSON_LIMITS = { depth: 16, items: 1_000_000 };
/** Entries of one step. */
const AT_ONCE = 500;

const keyListSchema = z.object({
  public_keys: z
    .array(
      z.object({
        key_identifier: z.string().min(1).max(200),
        key: z.string().min(1).max(4000),
      }),
    )
    .max(100),
});

const messageSchema = z.object({
  token: z
    .string('must be a text')
    .min(1, 'must not be empty')
    .refine((text) => Buffer.byteLength(text) <= LARGEST_VALUE, `must be at most ${LARGEST_VALUE} bytes`),
  type: z.string('must be a text').min(1, 'must not be empty').max(200),
  url: z.string().nullish().catch(null),
  source: z.string().nullish().catch(null),
});

/**
 * The message that GitHub sends to a supplier whose tokens it found (docs.github.com, "Secret scanning partner program"):
 * ECDSA P-256 over the raw body, by a key of a list that GitHub publishes and changes. A key of such a source is that
 * list, as GitHub serves it. The answer says of each token whether it is one of ours.
 */
@Injectable()
export class GithubPartnerSource implements Source {
  readonly key = 'github-partner';
  readonly title = 'GitHub secret scanning, as a partner';
  readonly bodyLimit = BODY_LIMIT;
  readonly apiBaseUrl = 'https://api.github.com';
  readonly answersKnown = true;
  readonly settingsSchema = z.strictObject({
    inventoryIsComplete: z
      .boolean()
      .default(false)
      .describe('Whether every token that we issue is in the inventory, so that others are false positives'),
  });

  checkKey(key: Secret): string | undefined {
    return publicKeys(key).size > 0
      ? undefined
      : 'must be the key list as GitHub serves it, {"public_keys":[…]}, with a P-256 key';
  }

  publishedKeysUrl(_: SourceSettings, apiBaseUrl: string | null): string {
    return `${(apiBaseUrl ?? this.apiBaseUrl).replace(/\/+$/, '')}/meta/public_keys/secret_scanning`;
  }

  authenticate(delivery: RawDelivery, keys: readonly Secret[], _: Millis): Result<Proven, Refusal> {
    const identifier = delivery.headers['github-public-key-identifier'] ?? '';
    const given = delivery.headers['github-public-key-signature'] ?? '';
    if (identifier === '' || !/^[A-Za-z0-9+/]{80,120}={0,2}$/.test(given)) return err(UNPROVEN);
    const signature = Buffer.from(given, 'base64');
    if (signature.toString('base64') !== given) return err(UNPROVEN);
    // Chosen by its identifier: one that is not current any more signs what was sent before the change.
    const proven = keys.some((key) => {
      const publicKey = publicKeys(key).get(identifier);
      return publicKey !== undefined && verified(delivery.body, publicKey, signature);
    });
    return proven ? ok({ deliveryId: null }) : err(UNPROVEN);
  }

  read(delivery: RawDelivery): Result<ReadDelivery, Refusal> {
    const steps = this.readInSteps(delivery);
    let step = steps.next();
    while (!step.done) step = steps.next();
    return step.value;
  }

  /** Entry by entry: as large as it may be, it holds some sixty thousand of them. */
  *readInSteps(delivery: RawDelivery): Generator<void, Result<ReadDelivery, Refusal>> {
    const event = 'secret_scanning_partner';
    const found = new OwnNames();
    const unread: FieldProblem[] = [];
    let at = 0;
    for (const item of strictJsonItems(delivery.body, JSON_LIMITS)) {
      if (!item.ok) return err(unreadable(item.error));
      const read = messageSchema.safeParse(item.value);
      if (read.success) found.add(reportOf(read.data));
      else {
        // GitHub does not send a list again: one entry that cannot be read must not cost the tokens beside it.
        const [issue] = read.error.issues;
        unread.push({
          field: `body/${[at, ...(issue?.path ?? []).map(String)].join('/')}`,
          problem: issue?.message ?? 'cannot be read',
          mend: 'Send the found token as GitHub documents it.',
        });
      }
      at += 1;
      if (at % AT_ONCE === 0) yield;
    }
    const contentKey = contentKeyOf('body', delivery.body);
    if (at === 0) return ok({ event, contentKey, reports: [], acknowledged: 'a list without a token' });
    const { reports } = found;
    if (reports.length === 0) return err(malformed(unread.slice(0, 1)));
    return ok({ event, contentKey, reports, unread });
  }

  /** Of each token either the value or its SHA-256, never both: the hash, so that no answer holds a token. */
  answer(
    outcome: Result<readonly JudgedReport[], Refusal>,
    settings: SourceSettings,
  ): SourceAnswer | undefined {
    if (!outcome.ok) return undefined;
    return {
      status: 202,
      body: outcome.value.flatMap(({ report, known }) =>
        report.value && (known || settings['inventoryIsComplete'] === true)
          ? [
              {
                token_hash: report.value.useBytes((bytes) =>
                  createHash('sha256').update(bytes).digest('hex'),
                ),
                token_type: report.kind,
                label: known ? 'true_positive' : 'false_positive',
              },
            ]
          : [],
      ),
    };
  }
}

function reportOf({ token, type, url, source }: z.output<typeof messageSchema>): Report {
  const address = url?.trim() ?? '';
  const seenIn = (source ?? 'unknown').toLowerCase();
  return {
    externalRef: `${type} ${address === '' ? `in ${seenIn}` : `at ${address}`}`,
    place: placeOfUrl(address),
    value: Secret.of(token),
    kind: type,
    foundAt: [{ type: seenIn, url: address === '' ? undefined : address }],
    publiclyLeaked: true,
  };
}

/** The P-256 keys of a published list by their identifiers; none of what is no such list. */
function publicKeys(list: Secret): Map<string, KeyObject> {
  const parsed = list.useBytes((bytes) => readStrictJson(bytes, { depth: 8, items: 2000 }));
  const read = parsed.ok ? keyListSchema.safeParse(parsed.value) : undefined;
  const keys = new Map<string, KeyObject>();
  for (const { key_identifier: identifier, key } of read?.data?.public_keys ?? []) {
    const publicKey = publicKeyOf(key);
    if (publicKey) keys.set(identifier, publicKey);
  }
  return keys;
}

function publicKeyOf(text: string): KeyObject | undefined {
  try {
    const key = text.includes('-----BEGIN')
      ? createPublicKey(text)
      : createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' });
    const isP256 = key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
    return isP256 ? key : undefined;
  } catch {
    return undefined;
  }
}

function verified(body: Buffer, key: KeyObject, signature: Buffer): boolean {
  try {
    return verify('sha256', body, { key, dsaEncoding: 'der' }, signature);
  } catch {
    return false;
  }
}
