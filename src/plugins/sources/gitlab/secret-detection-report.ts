import { z } from 'zod';
import type { Refusal } from '../../../kernel/errors.ts';
import { err, type Result } from '../../../kernel/result.ts';
import { readStrictJson } from '../../../kernel/strict-json.ts';
import { malformed, unreadable } from '../../../domain/exposures/delivery.rules.ts';
import type { ReadDelivery } from '../../../domain/exposures/source.ts';
import {
  FILE_LIMITS,
  lineOf,
  looseInstant,
  fileRead,
  namedBy,
  valueIn,
} from '../../vendors/scan-report/scan-report.ts';

const optionalText = z.string().nullish().catch(null);

const findingSchema = z.object({
  id: optionalText,
  category: optionalText,
  name: optionalText,
  raw_source_code_extract: optionalText,
  identifiers: z
    .array(z.object({ value: optionalText, name: optionalText }))
    .nullish()
    .catch(null),
  location: z
    .object({
      file: optionalText,
      start_line: z.int().nullish().catch(null),
      commit: z.object({ sha: optionalText }).nullish().catch(null),
    })
    .nullish()
    .catch(null),
});

const reportSchema = z.object({
  vulnerabilities: z.array(findingSchema, 'must be a list'),
  scan: z.object({ end_time: optionalText }).nullish().catch(null),
});

/** `gl-secret-detection-report.json`: `raw_source_code_extract` is the secret itself. */
export function readSecretDetectionReport(file: Buffer): Result<ReadDelivery, Refusal> {
  const parsed = readStrictJson(file, FILE_LIMITS);
  if (!parsed.ok) return err(unreadable(parsed.error));
  const read = reportSchema.safeParse(parsed.value);
  if (!read.success) {
    return err(
      malformed(
        read.error.issues.slice(0, 10).map((issue) => ({
          field: ['body', ...issue.path.map(String)].join('/'),
          problem: issue.message,
          mend: 'Hand in the artifact as GitLab wrote it.',
        })),
      ),
    );
  }
  const { vulnerabilities, scan } = read.data;
  const reports = vulnerabilities
    .filter(({ category }) => !category || category === 'secret_detection')
    .map((found) => {
      const file = found.location?.file ?? undefined;
      const commit = found.location?.commit?.sha;
      const line = lineOf(found.location?.start_line);
      const kind = found.identifiers?.[0]?.value ?? found.name ?? undefined;
      return {
        externalRef: found.id ?? namedBy([commit, file, kind, line]),
        value: valueIn(found.raw_source_code_extract),
        kind,
        detectedAt: looseInstant(scan?.end_time),
        foundAt: [{ type: 'file', path: file, line }],
      };
    });
  return fileRead('gl-secret-detection-report', file, reports);
}
