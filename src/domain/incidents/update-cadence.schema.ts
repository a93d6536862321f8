import { z } from 'zod';
import { whole } from '../parties/fields.schema.ts';

export const updateCadenceSchema = z
  .object({
    everyHours: z.int().describe('How long those who were told of an open case may hear nothing more'),
    severity: z.string(),
    setByHand: z.boolean().describe('Set for this incident; else as its severity says'),
    told: z
      .array(
        z.object({
          partyName: z.string(),
          caseReference: z.string(),
          lastAt: z.iso.datetime(),
          dueAt: z.iso.datetime().describe('When whoever is on call is reminded to write'),
        }),
      )
      .describe('Who was told of an open case, the next to hear first; the first 50'),
  })
  .meta({ id: 'UpdateCadence' });
export type UpdateCadenceView = z.output<typeof updateCadenceSchema>;

export const setUpdateCadenceSchema = z
  .strictObject({ everyHours: whole(1, 720).nullable().describe('null: as the severity says') })
  .meta({ id: 'SetUpdateCadence' });
