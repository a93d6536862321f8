import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { Refusal } from '../../../kernel/errors.ts';
import { err, type Result } from '../../../kernel/result.ts';
import { readStrictJson } from '../../../kernel/strict-json.ts';
import { unreadable } from '../../../domain/exposures/delivery.rules.ts';
import type { ReadDelivery, Report } from '../../../domain/exposures/source.ts';
import {
  FILE_LIMITS,
  FileSource,
  fileRead,
  lineOf,
  looseInstant,
  namedBy,
  placeOfUrl,
  unlikeItsScanner,
  valueIn,
} from '../../vendors/scan-report/scan-report.ts';

const optionalText = z.string().nullish().catch(null);

const resultSchema = z.object({
  ruleId: optionalText,
  rule: z.object({ id: optionalText }).nullish().catch(null),
  locations: z
    .array(
      z.object({
        physicalLocation: z
          .object({
            artifactLocation: z.object({ uri: optionalText }).nullish().catch(null),
            region: z
              .object({
                startLine: z.int().nullish().catch(null),
                snippet: z.object({ text: optionalText }).nullish().catch(null),
              })
              .nullish()
              .catch(null),
          })
          .nullish()
          .catch(null),
      }),
    )
    .nullish()
    .catch(null),
  partialFingerprints: z.object({ commitSha: optionalText, date: optionalText }).nullish().catch(null),
  suppressions: z
    .array(z.object({ status: optionalText }))
    .nullish()
    .catch(null),
  baselineState: optionalText,
});

const logSchema = z.object({
  runs: z.array(
    z.object({
      tool: z.object({
        driver: z.object({ name: z.string('must be a text').min(1, 'must not be empty') }),
      }),
      results: z.array(resultSchema, 'must be a list').nullish(),
      versionControlProvenance: z
        .array(z.object({ repositoryUri: optionalText }))
        .nullish()
        .catch(null),
    }),
    'must be a list',
  ),
});

/** SARIF 2.1.0 of a secret scanner: the snippet of the region is the secret itself. */
@Injectable()
export class SarifSource extends FileSource {
  readonly key = 'sarif';
  readonly title = 'SARIF report of a secret scanner';

  readFile(file: Buffer): Result<ReadDelivery, Refusal> {
    const parsed = readStrictJson(file, FILE_LIMITS);
    if (!parsed.ok) return err(unreadable(parsed.error));
    const read = logSchema.safeParse(parsed.value);
    if (!read.success) return err(unlikeItsScanner(read.error, 'Hand in a SARIF 2.1.0 log.'));
    const reports = read.data.runs.flatMap((run) => {
      const place = placeOfUrl(run.versionControlProvenance?.[0]?.repositoryUri ?? '');
      return (run.results ?? []).map((result) => reportOf(result, run.tool.driver.name.toLowerCase(), place));
    });
    return fileRead('sarif.report', file, reports);
  }
}

function reportOf(result: z.output<typeof resultSchema>, tool: string, place: string | undefined): Report {
  const at = result.locations?.[0]?.physicalLocation;
  const path = at?.artifactLocation?.uri ?? undefined;
  const line = lineOf(at?.region?.startLine);
  const rule = result.ruleId ?? result.rule?.id ?? undefined;
  const commit = result.partialFingerprints?.commitSha;
  const suppressed = result.suppressions?.some(
    ({ status }) => status !== 'rejected' && status !== 'underReview',
  );
  return {
    externalRef: namedBy([tool, commit, path, rule, line]),
    place,
    value: valueIn(at?.region?.snippet?.text),
    kind: rule,
    // Of the commit: when the secret got there, not when anybody found it.
    occurredAt: looseInstant(result.partialFingerprints?.date),
    foundAt: [{ type: commit ? 'commit' : 'file', path, line }],
    resolved: result.baselineState === 'absent' ? 'absent' : suppressed ? 'suppressed' : undefined,
  };
}
