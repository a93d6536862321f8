import { z } from 'zod';

const key = z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'must be kebab-case');

/**
 * A connector preset: one supplier's facts, as data. Files stand in `templates/connectors/`, an import may bring more;
 * an imported one of the same key wins. `settings` is checked by the connector that it names.
 */
export const presetSchema = z.strictObject({
  key,
  /** By which name the supplier is asked for on a command line, and which of its kinds of credentials this is. */
  supplier: key.optional(),
  variant: key.optional(),
  /** The one that is meant where nobody names a variant. */
  usual: z.boolean().optional(),
  title: z.string().min(1).max(120),
  connector: key,
  /** Credential kinds that it speaks of. */
  kinds: z.array(z.string().min(1)).min(1),
  /** Empty where every connection names its own. */
  baseUrl: z.union([z.literal(''), z.url({ protocol: /^https?$/ })]),
  /** The secrets that a connection must hold, by the name that `settings` uses behind `auth.`. */
  auth: z.record(z.string().regex(/^[a-z][a-z0-9_]*$/), z.string().min(1)).default({}),
  /** How to make a control canary here, or why none can be made. */
  canary: z.union([
    z.strictObject({ how: z.string().min(1) }),
    z.strictObject({ impossible: z.string().min(1) }),
  ]),
  /** The product that it was run against; absent: written from documentation, and never run against the product. */
  ranAgainst: z.string().min(1).max(200).optional(),
  /** What the settings rest on. */
  facts: z
    .array(
      z.strictObject({
        /** By which a row of an answer table names it. */
        id: key.optional(),
        fact: z.string().min(1),
        source: z.string().min(1),
        status: z.enum(['verified', 'unverified']),
      }),
    )
    .min(1),
  settings: z.record(z.string(), z.unknown()),
});

export type Preset = z.infer<typeof presetSchema>;
