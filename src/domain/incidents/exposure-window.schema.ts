import { z } from 'zod';
import { USE_LABELS } from '../usage/usage.rules.ts';

export const exposureWindowSchema = z.object({
  versionId: z.uuid(),
  credential: z.object({ id: z.uuid(), reference: z.string(), name: z.string() }),
  version: z.int(),
  from: z.iso.datetime().describe('First possible exposure'),
  basis: z.string(),
  lastAcceptedAt: z.iso.datetime().nullable(),
  deadAt: z.iso.datetime().nullable(),
  state: z.enum(['open', 'closed']),
  counts: z.object({ expected: z.int(), other_environment: z.int(), unknown_actor: z.int() }),
  uses: z.array(
    z.object({
      label: z.enum(USE_LABELS),
      within: z.boolean(),
      outcome: z.enum(['accepted', 'refused']),
      environment: z.string().nullable(),
      actor: z.string().nullable(),
      place: z.string().nullable(),
      count: z.int(),
      firstAt: z.iso.datetime(),
      lastAt: z.iso.datetime(),
    }),
  ),
  blindSpots: z.array(z.string()),
  investigation: z.enum(['not_seen', 'as_expected', 'other_environment', 'unknown_actor']),
  answer: z.string(),
});
export type ExposureWindowView = z.output<typeof exposureWindowSchema>;

export const exposureWindowsSchema = z
  .object({
    windows: z.array(exposureWindowSchema),
    next: z.string().nullable(),
  })
  .meta({ id: 'ExposureWindows' });
