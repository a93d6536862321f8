import { z } from 'zod';
import { SECOND } from '../../kernel/time.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';
import { canaryAdded, facetChanged, riskAccepted, statementSigned } from '../revocation/revocation.events.ts';
import { wentLive } from './policy.events.ts';

/** Something of an integration changed that is on its way in or out: steps that waited for it go on. */
export const advanceWay = defineJob({
  name: 'policy.advance-way',
  queue: 'engine',
  payload: z.object({ integrationId: z.uuid() }),
  retry: { attempts: 8, backoff: 2 * SECOND },
  on: [wentLive],
});

/** Tries the paths of a credential in their order until one can be drilled. */
export const startDrills = defineJob({
  name: 'policy.start-drills',
  queue: 'engine',
  payload: z.object({ credentialId: z.uuid(), runId: z.uuid() }),
  retry: { attempts: 5, backoff: 10 * SECOND },
});

/** A canary was recorded: what waited for one is tried again. */
export const tryIssuanceAgain = defineJob({
  name: 'policy.try-issuance-again',
  queue: 'engine',
  payload: canaryAdded.payload,
  retry: { attempts: 5, backoff: 10 * SECOND },
  on: [canaryAdded],
});

/**
 * Something of a credential's death or of a copy is known now: an offboarding may be able to end. Few are open and facets
 * change by thousands; what a question in the same moment misses, the waiting step finds by itself. A party cannot see
 * whether one is open, and is taken to concern it.
 */
export const retireAgain = defineJob({
  name: 'policy.retire-again',
  queue: 'engine',
  payload: z.object({ integrationId: z.uuid() }),
  retry: { attempts: 8, backoff: 2 * SECOND },
  on: [facetChanged, riskAccepted, statementSigned],
  only: async (db, { integrationId }) => {
    const [row] = await db.query<{ open: boolean }[]>(
      `SELECT NOT (SELECT cs_installation()) OR EXISTS (SELECT FROM offboarding WHERE integration_id = $1 AND state = 'open') AS open`,
      [integrationId],
    );
    return row!.open;
  },
});
