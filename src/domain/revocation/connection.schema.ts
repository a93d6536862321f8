import { z } from 'zod';

/** How a supplier is reached. Of its secrets only the names come out. */
export const connectionSchema = z
  .object({
    id: z.uuid(),
    source: z.string(),
    externalKey: z.string().nullable(),
    partyId: z.uuid(),
    partyName: z.string(),
    name: z.string(),
    preset: z.string(),
    baseUrl: z.string().describe('Empty: as the preset says'),
    environment: z.string(),
    maxConcurrent: z.int(),
    perSecond: z.number().nullable(),
    secrets: z.array(z.string()).describe('Names of the secrets that are set'),
    control: z.object({ set: z.boolean(), supplierId: z.string().nullable() }),
    retiredAt: z.iso.datetime().nullable(),
    rowVersion: z.int(),
  })
  .meta({ id: 'Connection' });
export type ConnectionView = z.output<typeof connectionSchema>;

const value = z.string().min(1, 'must not be empty').max(10_000);

export const connectionSecretsSchema = z
  .strictObject({
    auth: z
      .record(z.string().max(60), value)
      .default({})
      .describe('Our own authentication, by the names of the preset; what is left out stays'),
    control: z
      .strictObject({
        supplierId: z.string().min(1).max(300).nullable().default(null),
        value: value.nullable().default(null),
      })
      .nullable()
      .optional()
      .describe('A credential that stays alive, to show that a probe can tell; null: none any more'),
  })
  .meta({ id: 'ConnectionSecrets' });
