import { z } from 'zod';

/**
 * SARIF Version 2.1.0, OASIS Standard with Errata 01: what the sections named here require of the objects that a gate's
 * report uses. Strict, as the published schema is: a member that the standard does not know is an error.
 */

const unique = (items: readonly unknown[]) =>
  new Set(items.map((one) => JSON.stringify(one))).size === items.length;
/** A URI reference (RFC 3986 section 4.1) without a scheme: relative, as 3.4.3 asks of files below the working folder. */
const relativeUri = z
  .string()
  .regex(/^(?:[A-Za-z0-9._~!$&'()*+,;=@/-]|%[0-9A-Fa-f]{2})+$/)
  .regex(/^[^:]*(\/|$)/);
/** 3.8: tags stand once. */
const propertyBag = z.looseObject({ tags: z.array(z.string()).refine(unique).optional() });
/** 3.11: a message of its own has its text. */
const message = z.strictObject({ text: z.string().min(1) });
/** 3.27.10 */
const level = z.enum(['none', 'note', 'warning', 'error']);
/** 3.49: an opaque id, and a name that is another one (SARIF1001 of the authoring rules). */
const reportingDescriptor = z
  .strictObject({
    id: z.string().min(1),
    name: z.string().regex(/^[A-Z][A-Za-z0-9]*$/),
    shortDescription: message,
    defaultConfiguration: z.strictObject({ level }),
    properties: propertyBag,
  })
  .refine(({ id, name }) => id !== name);
/** 3.33 */
const logicalLocation = z.strictObject({
  name: z.string(),
  fullyQualifiedName: z.string(),
  kind: z.string().min(1),
});
/** 3.28, 3.29, 3.30: lines count from 1. */
const location = z.strictObject({
  physicalLocation: z
    .strictObject({
      artifactLocation: z.strictObject({ uri: relativeUri }),
      region: z.strictObject({ startLine: z.int().min(1) }),
    })
    .optional(),
  logicalLocations: z.array(logicalLocation).refine(unique),
});
/** 3.35 */
const suppression = z.strictObject({
  kind: z.enum(['inSource', 'external']),
  justification: z.string().min(1),
});
/** 3.27 */
const result = z.strictObject({
  ruleId: z.string(),
  ruleIndex: z.int().min(0),
  level,
  message,
  locations: z.array(location),
  partialFingerprints: z.record(z.string().min(1), z.string()),
  suppressions: z.array(suppression).refine(unique).optional(),
});
/** 3.14, 3.18, 3.19 */
const run = z
  .strictObject({
    tool: z.strictObject({
      driver: z.strictObject({ name: z.string().min(1), rules: z.array(reportingDescriptor).refine(unique) }),
    }),
    columnKind: z.enum(['utf16CodeUnits', 'unicodeCodePoints']),
    results: z.array(result),
  })
  // 3.27.5 and 3.27.6: the index finds the rule of that id.
  .refine(({ tool, results }) =>
    results.every(({ ruleId, ruleIndex }) => tool.driver.rules[ruleIndex]?.id === ruleId),
  )
  .refine(({ tool }) => unique(tool.driver.rules.map(({ id }) => id)));

/** 3.13 */
export const sarifLog = z.strictObject({
  $schema: z.url(),
  version: z.literal('2.1.0'),
  runs: z.array(run),
});
