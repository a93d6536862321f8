import { z } from 'zod';
import { MINUTE } from '../../kernel/time.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';
import { scopesChanged } from '../credentials/credentials.events.ts';

/** A credential may do more than was declared when the matrix was signed: then nobody has signed what it is now. */
export const judgeDeclared = defineJob({
  name: 'responsibility.judge-declared',
  queue: 'housekeeping',
  payload: z.object({ credentialId: z.uuid(), integrationId: z.uuid() }),
  retry: { attempts: 8, backoff: MINUTE },
  on: [scopesChanged],
});
