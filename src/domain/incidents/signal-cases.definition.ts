import { z } from 'zod';
import { SECOND } from '../../kernel/time.ts';
import { defineJob, type EventDefinition } from '../../platform/outbox/definitions.ts';
import { signalIsWanted } from '../signals/signals.service.ts';
import {
  caseOpened,
  exposureJoined,
  incidentConfirmed,
  incidentMoved,
  incidentOpened,
} from './incidents.events.ts';

const payload = z.object({ incidentId: z.uuid() });
type Happened = z.output<typeof payload>;

/** A case came to be, or is in another state: told to the parties of its integration. */
export const signalCases = defineJob({
  name: 'incidents.signal-cases',
  queue: 'notices',
  payload,
  retry: { attempts: 8, backoff: 2 * SECOND },
  on: [caseOpened, incidentMoved],
  only: (db) => signalIsWanted(db, ['case.opened', 'case.moved']),
});

/**
 * Certain, at once or after a suspicion: the credentials are in the wrong hands. What is only suspected tells nothing, and
 * each version of a case is told once.
 */
export const signalCompromised = defineJob<Happened>({
  name: 'incidents.signal-compromised',
  queue: 'notices',
  payload,
  retry: { attempts: 8, backoff: 2 * SECOND },
  on: [incidentOpened, exposureJoined, incidentConfirmed] as unknown as EventDefinition<Happened>[],
  only: (db) => signalIsWanted(db, ['credential.compromised']),
});
