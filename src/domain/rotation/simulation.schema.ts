import { z } from 'zod';
import { recipeSchema } from './rotation.schema.ts';
import { PLACE_FATES } from './simulation.rules.ts';

const at = z.iso.datetime();

/** What a rotation would do, without doing any of it. */
export const simulationSchema = z
  .object({
    credential: z.object({ id: z.uuid(), reference: z.string(), name: z.string() }),
    at,
    recipe: recipeSchema.nullable().describe('null: none fits'),
    obstacles: z.array(z.string()).describe('What would stop it, or leave it to people'),
    due: z.object({ at, why: z.string() }).nullable(),
    overlapUntil: at.nullable().describe('If it began and were through now'),
    places: z.array(
      z.object({
        locationId: z.uuid(),
        name: z.string(),
        kind: z.string(),
        path: z.string(),
        integration: z.string().nullable(),
        owner: z.string().nullable(),
        fate: z.enum(PLACE_FATES),
        why: z.string(),
        lastUsedAt: at.nullable(),
        systems: z.array(z.string()).describe('What runs there, as recorded'),
      }),
    ),
    users: z
      .array(z.object({ integration: z.string().nullable(), label: z.string(), places: z.int() }))
      .describe('Integrations that use the credential; without a place, nobody knows where it keeps it'),
    systems: z
      .array(z.object({ name: z.string(), basis: z.string(), scope: z.string() }))
      .describe('What can be reached with it: all of that waits if it breaks'),
    elsewhere: z
      .object({
        uses: z.int().describe('As reported, the refused ones among them'),
        lastUsedAt: at.describe('The last accepted one'),
        actors: z.array(z.string()).describe('Who used it, the most uses first; at most 20. Empty: not told'),
        why: z.string(),
      })
      .nullable()
      .describe('Uses that named no place on record: what they break is not known. null: none was accepted'),
    counts: z
      .record(z.enum(PLACE_FATES), z.int())
      .describe(
        'Places by what becomes of them; `unknown` counts `elsewhere`, where there is one, as one more',
      ),
  })
  .meta({ id: 'RotationSimulation' });
export type SimulationView = z.infer<typeof simulationSchema>;
