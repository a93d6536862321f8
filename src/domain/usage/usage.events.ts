import { z } from 'zod';
import { defineEvent } from '../../platform/outbox/definitions.ts';
import { ALARM_KINDS } from './usage.rules.ts';

/** Use that should not be: after a revocation, or in a burst. Once a day for a credential and kind. */
export const usageAlarmed = defineEvent({
  name: 'usage.alarmed',
  payload: z.strictObject({
    alarmId: z.uuid(),
    raisedAt: z.int(),
    credentialId: z.uuid(),
    integrationId: z.uuid(),
    versionId: z.uuid(),
    kind: z.enum(ALARM_KINDS),
    firstAt: z.int(),
  }),
});
