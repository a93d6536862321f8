import { z } from 'zod';
import { instant } from '../parties/fields.schema.ts';
import { DOWNSTREAM_BASES, DOWNSTREAM_KINDS, DOWNSTREAM_STATES } from './downstream.rules.ts';

const party = z.object({ id: z.uuid(), name: z.string().nullable() });

export const downstreamItemSchema = z
  .object({
    id: z.uuid(),
    incidentId: z.uuid().nullable().describe('Only for the operator'),
    caseId: z.uuid().nullable(),
    credential: z
      .object({ reference: z.string(), name: z.string(), version: z.int() })
      .nullable()
      .describe('null: of an integration that is not yours'),
    system: z.string(),
    kind: z.enum(DOWNSTREAM_KINDS),
    basis: z.enum(DOWNSTREAM_BASES),
    why: z.string(),
    owner: party.describe('The party that has to look'),
    contact: party.nullable(),
    dueAt: z.iso.datetime(),
    state: z.enum(DOWNSTREAM_STATES),
    overdue: z.boolean(),
    note: z.string().describe('What was found, why nobody looks, or why it was opened again'),
    settledAt: z.iso.datetime().nullable(),
    rowVersion: z.int(),
  })
  .meta({ id: 'DownstreamItem' });
export type DownstreamItemView = z.infer<typeof downstreamItemSchema>;

export const downstreamItemsSchema = z
  .object({ items: z.array(downstreamItemSchema), next: z.string().nullable() })
  .meta({ id: 'DownstreamItems' });

const note = z
  .string('Say what was found, or why nobody looks: it goes on record.')
  .trim()
  .min(3, 'Say what was found, or why nobody looks: it goes on record.')
  .max(4000);

export const settleDownstreamSchema = z
  .strictObject({
    state: z
      .enum(['done', 'not_doing'])
      .describe('done: looked for and treated; not_doing: nobody will, for the reason given'),
    note: note.describe('What was found and done, and where the evidence is; or the reason'),
  })
  .meta({ id: 'SettleDownstream' });
export type SettleDownstream = z.output<typeof settleDownstreamSchema>;

export const reopenDownstreamSchema = z
  .strictObject({
    reason: z
      .string('Say why it has to be looked at again: it goes on record.')
      .trim()
      .min(3, 'Say why it has to be looked at again: it goes on record.')
      .max(4000),
  })
  .meta({ id: 'ReopenDownstream' });

export const assignDownstreamSchema = z
  .strictObject({
    partyId: z.uuid('must be the id of a party'),
    contactId: z.uuid('must be the id of a contact').nullable(),
    dueAt: instant,
  })
  .partial()
  .refine((one) => Object.keys(one).length > 0, 'must change something')
  .meta({ id: 'AssignDownstream' });
export type AssignDownstream = z.output<typeof assignDownstreamSchema>;
