import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { FieldProblem, Refusal } from '../../../kernel/errors.ts';
import { err, ok, type Result } from '../../../kernel/result.ts';
import { readStrictJson } from '../../../kernel/strict-json.ts';
import { malformed, unreadable } from '../../../domain/exposures/delivery.rules.ts';
import type { ReadDelivery, Report } from '../../../domain/exposures/source.ts';
import {
  FileSource,
  MOST_FINDINGS,
  fileRead,
  lineOf,
  looseInstant,
  placeOfUrl,
  tooManyFindings,
  valueIn,
} from '../../vendors/scan-report/scan-report.ts';

const LINE_LIMITS = { depth: 32, items: 20_000 };
const MOST_PROBLEMS = 10;

const optionalText = z.string().nullish().catch(null);

const findingSchema = z.object({
  SourceMetadata: z
    .object({ Data: z.record(z.string(), z.record(z.string(), z.unknown()).nullish().catch(null)) })
    .nullish()
    .catch(null),
  SourceName: optionalText,
  DetectorName: z.string('must be a text').min(1, 'must not be empty').max(200),
  DecoderName: optionalText,
  Verified: z.boolean('must be true or false'),
  VerificationError: optionalText,
  Raw: z.string('must be a text'),
  RawV2: optionalText,
});
type Finding = z.output<typeof findingSchema>;

/**
 * What `trufflehog --json` prints (version 3, `pkg/output/json.go`): one object a line, among lines of its own log. A
 * finding that is not verified says nothing of the credential: either nobody asked, or the question failed.
 */
@Injectable()
export class TrufflehogSource extends FileSource {
  readonly key = 'trufflehog';
  readonly title = 'TruffleHog report';

  readFile(file: Buffer): Result<ReadDelivery, Refusal> {
    let text: string;
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(file);
    } catch {
      return err(
        malformed([{ field: 'body', problem: 'is not well-formed UTF-8', mend: 'Save the file as UTF-8.' }]),
      );
    }
    const reports: Report[] = [];
    const problems: FieldProblem[] = [];
    for (const [at, line] of text.split(/\r?\n/).entries()) {
      if (line.trim() === '') continue;
      const finding = findingOf(line);
      if (finding.ok) {
        if (finding.value) reports.push(reportOf(finding.value));
      } else problems.push(...finding.error.map((problem) => ({ ...problem, line: at + 1 })));
      if (problems.length >= MOST_PROBLEMS) break;
      if (reports.length > MOST_FINDINGS) return err(tooManyFindings());
    }
    if (problems.length > 0) return err(malformed(problems.slice(0, MOST_PROBLEMS)));
    return fileRead('trufflehog.report', file, reports);
  }
}

/** A finding; null for a line of the log. */
function findingOf(line: string): Result<Finding | null, FieldProblem[]> {
  const parsed = readStrictJson(Buffer.from(line), LINE_LIMITS);
  if (!parsed.ok) return err(unreadable(parsed.error).fields!);
  const mend = 'Hand in what trufflehog --json printed, one finding a line.';
  const { value } = parsed;
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    return err([{ field: 'body', problem: 'the line is no object', mend }]);
  if ('level' in value && 'msg' in value && !('DetectorName' in value)) return ok(null);
  const read = findingSchema.safeParse(value);
  if (read.success) return ok(read.data);
  return err(
    read.error.issues.map((issue) => ({
      field: ['body', ...issue.path.map(String)].join('/'),
      problem: issue.message,
      mend,
    })),
  );
}

function reportOf(finding: Finding): Report {
  const [origin = 'unknown', details] =
    Object.entries(finding.SourceMetadata?.Data ?? {}).find(([, data]) => data) ?? [];
  const text = (name: string) => {
    const value = details?.[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const number = details?.['line'];
  const line = typeof number === 'number' ? lineOf(number) : undefined;
  const { supplierId, raw } = partsOf(finding);
  const repository = text('repository');
  const url = text('link');
  return {
    externalRef: [finding.DetectorName, repository, text('commit'), text('file'), line]
      .filter((part) => part !== undefined)
      .join(':'),
    place:
      placeOfUrl(repository ?? '') ??
      placeOfUrl(url ?? '') ??
      (repository ? `repository:${repository}` : undefined),
    value: valueIn(raw),
    supplierId,
    kind: finding.DetectorName,
    // Of the commit: when the secret got there, not when anybody found it.
    occurredAt: looseInstant(text('timestamp')),
    foundAt: [{ type: origin.toLowerCase(), path: text('file'), line, url }],
    sourceSays: finding.Verified ? 'live' : 'unknown',
  };
}

/** Where the finding is an id with its secret, as of AWS, those are `Raw` and `RawV2`: `id:secret`. */
function partsOf({ Raw, RawV2, DecoderName, DetectorName }: Finding): { supplierId?: string; raw: string } {
  const raw = DecoderName ? Raw : decoded(Raw);
  const both = RawV2 ? (DecoderName ? RawV2 : decoded(RawV2)) : '';
  return /^AWS/i.test(DetectorName) && both.startsWith(`${raw}:`) && both.length > raw.length + 1
    ? { supplierId: raw, raw: both.slice(raw.length + 1) }
    : { raw };
}

/** Older versions, which name no decoder, print the bytes in base64. */
function decoded(text: string): string {
  if (text.length < 4 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return text;
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) return text;
  const plain = bytes.toString('utf8');
  return Buffer.from(plain).equals(bytes) && /^[\x20-\x7e\r\n\t]+$/.test(plain) ? plain : text;
}
