import { z } from 'zod';
import { defineEvent } from '../../platform/outbox/definitions.ts';
import { INCIDENT_STATES } from './incident.rules.ts';

const id = z.uuid();

export const incidentOpened = defineEvent({
  name: 'incidents.incident-opened',
  payload: z.strictObject({ incidentId: id }),
});

/** Exposures joined an incident, together. */
export const exposureJoined = defineEvent({
  name: 'incidents.exposure-joined',
  payload: z.strictObject({ incidentId: id, batchId: id }),
});

/** What was only suspected is certain. */
export const incidentConfirmed = defineEvent({
  name: 'incidents.incident-confirmed',
  payload: z.strictObject({ incidentId: id }),
});

export const caseOpened = defineEvent({
  name: 'incidents.case-opened',
  payload: z.strictObject({ incidentId: id, caseId: id, integrationId: id }),
});

export const incidentMoved = defineEvent({
  name: 'incidents.incident-moved',
  payload: z.strictObject({ incidentId: id, from: z.enum(INCIDENT_STATES), to: z.enum(INCIDENT_STATES) }),
});
