import { z } from 'zod';
import { CONTACT_ROLES } from '../parties/party.schema.ts';
import { DUTIES } from './matrix.rules.ts';

const id = z.uuid('must be an id');
/** Integrations that one request may touch. */
const MOST = 200;

export const assignGapsSchema = z
  .strictObject({
    integrations: z
      .array(
        z.strictObject({
          id,
          rowVersion: z.int().min(0).describe('Of its draft as it was read; 0 before the first edit'),
          duties: z.array(z.enum(DUTIES)).min(1, 'must name at least one duty').max(DUTIES.length),
        }),
      )
      .min(1, 'must name at least one integration')
      .max(MOST, `must have at most ${MOST} items`),
    accountable: z
      .union(
        [z.strictObject({ partyId: id }), z.strictObject({ role: z.enum(['supplier', 'customer']) })],
        'must be {"partyId": …} or {"role": "supplier"}',
      )
      .describe('One party, or in each integration the one that has the role'),
    contactRole: z
      .enum(CONTACT_ROLES)
      .nullable()
      .default(null)
      .describe(
        'Which of its contacts to name: this one, else its first that can be reached; null: nobody yet',
      ),
  })
  .refine(({ integrations }) => new Set(integrations.map((one) => one.id)).size === integrations.length, {
    path: ['integrations'],
    message: 'must name each integration once',
  })
  .meta({ id: 'AssignGaps' });
export type AssignGaps = z.output<typeof assignGapsSchema>;

export const assignedSchema = z
  .object({
    outcomes: z.array(
      z.object({
        integrationId: z.uuid(),
        reference: z.string().nullable(),
        name: z.string().nullable(),
        rowVersion: z.int(),
        named: z.array(z.enum(DUTIES)).describe('Duties that the draft now answers for'),
        leftOut: z.array(z.object({ duty: z.enum(DUTIES), part: z.string(), why: z.string() })),
        fell: z.boolean().describe('Whether signatures fell'),
        refused: z
          .object({
            code: z.string(),
            message: z.string(),
            fields: z.array(z.object({ field: z.string(), problem: z.string(), mend: z.string() })),
          })
          .nullable()
          .describe('Why nothing was changed here; the others are not held up'),
      }),
    ),
  })
  .meta({ id: 'AssignedGaps' });
export type Assigned = z.infer<typeof assignedSchema>;
