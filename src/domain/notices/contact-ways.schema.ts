import { z } from 'zod';

export const WAY_STATES = ['untried', 'taken', 'failing', 'bounced', 'confirmed'] as const;

export const contactWaysSchema = z
  .object({
    addresses: z
      .array(
        z.object({
          id: z.uuid(),
          channel: z.string(),
          address: z.string().describe('Of an address that is a secret itself what may be seen of it'),
          order: z.int().describe('In which it is tried, after the mail address of the contact'),
          addedAt: z.iso.datetime(),
          state: z
            .enum(WAY_STATES)
            .nullable()
            .describe(
              'What the newest attempt there says; confirmed: somebody typed a code that went out by it; null: not yours to see',
            ),
        }),
      )
      .describe('Those in use'),
  })
  .meta({ id: 'ContactAddresses' });
