import { z } from 'zod';
import { SECOND } from '../../kernel/time.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';
import { signalIsWanted } from '../signals/signals.service.ts';
import { caseOpened, incidentConfirmed, incidentMoved } from './incidents.events.ts';

const payload = z.object({ incidentId: z.uuid() });

/** A case came to be, or is in another state: told to the parties of its integration. */
export const signalCases = defineJob({
  name: 'incidents.signal-cases',
  queue: 'notices',
  payload,
  retry: { attempts: 8, backoff: 2 * SECOND },
  on: [caseOpened, incidentMoved],
  only: (db) => signalIsWanted(db, ['case.opened', 'case.moved']),
});

/** What was only suspected is certain: the credentials are in the wrong hands. */
export const signalCompromised = defineJob({
  name: 'incidents.signal-compromised',
  queue: 'notices',
  payload,
  retry: { attempts: 8, backoff: 2 * SECOND },
  on: [incidentConfirmed],
  only: (db) => signalIsWanted(db, ['credential.compromised']),
});
