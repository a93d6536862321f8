import { z } from 'zod';
import { parseDuration } from '../runbooks/definition.schema.ts';
import { OLD_FATES } from './rotation.rules.ts';

const duration = z
  .string()
  .refine((text) => parseDuration(text) !== undefined, 'must be a duration such as 4h or 2d');

/** What the first step of a recipe says of it: a runbook that makes a version is a recipe of rotation. */
export const makingSchema = z.strictObject({
  rotationId: z.uuid(),
  /** Who makes the new version. */
  by: z.enum(['machine', 'person']),
  /** What becomes of the old one then. */
  old: z.enum(OLD_FATES),
  /** For which kinds of credentials this recipe is meant, before any that is for all; empty: for all. */
  kinds: z.array(z.string().min(1).max(120)).default([]),
  /** What is said plainly before it begins. */
  says: z.string().min(1).max(1000),
  /** For the person who makes it; of no use to a machine. */
  what: z.string().min(1).max(1000).optional(),
});
export type Making = z.output<typeof makingSchema>;

/** How long both versions work, unless asked otherwise, and how long at most. */
export const overlapSchema = z.strictObject({ rotationId: z.uuid(), for: duration, most: duration });
