import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { Refusal } from '../../../kernel/errors.ts';
import { err, ok, type Result } from '../../../kernel/result.ts';
import { readStrictJson } from '../../../kernel/strict-json.ts';
import { malformed, unreadable } from '../../../domain/exposures/delivery.rules.ts';
import type { ReadDelivery, Report } from '../../../domain/exposures/source.ts';
import {
  FILE_LIMITS,
  FileSource,
  MOST_FINDINGS,
  fileRead,
  lineOf,
  looseInstant,
  namedBy,
  placeOfUrl,
  tooManyFindings,
  unlikeItsScanner,
  valueIn,
} from '../../vendors/scan-report/scan-report.ts';

const optionalText = z.string().nullish().catch(null);
const optionalLine = z.int().nullish().catch(null);

/** gitleaks 8: `report/finding.go`. */
const currentSchema = z.object({
  RuleID: z.string('must be a text').max(200),
  Secret: z.string('must be a text'),
  File: z.string('must be a text'),
  StartLine: optionalLine,
  Commit: optionalText,
  Date: optionalText,
  Link: optionalText,
  Fingerprint: optionalText,
});

/** gitleaks 7 and older, where `offender` is the secret. */
const olderSchema = z.object({
  offender: z.string('must be a text'),
  rule: z.string('must be a text').max(200),
  file: optionalText,
  lineNumber: optionalLine,
  commit: optionalText,
  date: optionalText,
  repo: optionalText,
  repoURL: optionalText,
  leakURL: optionalText,
});

/** The JSON report of gitleaks, of version 8 or an older one. Without findings it is `[]`, of version 7 `null`. */
@Injectable()
export class GitleaksSource extends FileSource {
  readonly key = 'gitleaks';
  readonly title = 'gitleaks report';

  readFile(file: Buffer): Result<ReadDelivery, Refusal> {
    const parsed = readStrictJson(file, FILE_LIMITS);
    if (!parsed.ok) return err(unreadable(parsed.error));
    const found = parsed.value === null ? [] : parsed.value;
    if (!Array.isArray(found)) {
      const mend = 'Hand in the report that gitleaks wrote with --report-format json.';
      return err(malformed([{ field: 'body', problem: 'is no list of findings', mend }]));
    }
    if (found.length > MOST_FINDINGS) return err(tooManyFindings());
    const reports: Report[] = [];
    for (const [at, item] of (found as unknown[]).entries()) {
      const report = reportOf(item);
      if (!report.ok) {
        return err(unlikeItsScanner(report.error, 'Hand in the report as gitleaks wrote it.', [at]));
      }
      reports.push(report.value);
    }
    return fileRead('gitleaks.report', file, reports);
  }
}

function reportOf(item: unknown): Result<Report, z.ZodError> {
  const isOlder = item !== null && typeof item === 'object' && 'offender' in item;
  if (isOlder) {
    const read = olderSchema.safeParse(item);
    if (!read.success) return err(read.error);
    const { offender, rule, file, lineNumber, commit, date, repo, repoURL, leakURL } = read.data;
    const line = lineOf(lineNumber);
    return ok({
      externalRef: namedBy([commit, file, rule, line]),
      place: placeOfUrl(repoURL ?? leakURL ?? '') ?? (repo ? `repository:${repo}` : undefined),
      value: valueIn(offender),
      kind: rule,
      // Of the commit: when the secret got there, not when anybody found it.
      occurredAt: looseInstant(date),
      foundAt: [{ type: 'file', path: file ?? undefined, line, url: leakURL ?? undefined }],
    });
  }
  const read = currentSchema.safeParse(item);
  if (!read.success) return err(read.error);
  const { RuleID, Secret, File, StartLine, Commit, Date, Link, Fingerprint } = read.data;
  const line = lineOf(StartLine);
  return ok({
    externalRef: Fingerprint ? Fingerprint : namedBy([Commit, File, RuleID, line]),
    place: placeOfUrl(Link ?? ''),
    value: valueIn(Secret),
    kind: RuleID,
    // Of the commit: when the secret got there, not when anybody found it.
    occurredAt: looseInstant(Date),
    foundAt: [{ type: Commit ? 'commit' : 'file', path: File, line, url: Link ?? undefined }],
  });
}
