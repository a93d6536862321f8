import { z } from 'zod';
import { listOf, whole } from '../parties/fields.schema.ts';

const newPathSchema = z
  .strictObject({
    connectionId: z.uuid('must be the id of a connection').optional(),
    contactId: z.uuid('must be the id of a contact').optional(),
    expectedMinutes: whole(0, 43_200)
      .nullable()
      .default(null)
      .describe('From the call to the credential being dead'),
  })
  .refine((path) => (path.connectionId === undefined) !== (path.contactId === undefined), {
    path: ['connectionId'],
    message: 'must name either a connection or a contact',
  });
export type NewPath = z.output<typeof newPathSchema>;

/** All revocation paths of a credential, in the order to try them. */
export const pathsSchema = z
  .strictObject({
    paths: listOf(newPathSchema).refine(
      (paths) =>
        new Set(paths.map(({ connectionId, contactId }) => connectionId ?? contactId)).size === paths.length,
      'must lead to each connection and contact once',
    ),
  })
  .meta({ id: 'RevocationPaths' });
