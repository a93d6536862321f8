import { z } from 'zod';
import type { Id } from '../../kernel/ids.ts';
import { SECOND } from '../../kernel/time.ts';
import { inOne } from '../../platform/database/together.ts';
import type { Db } from '../../platform/database/transactions.ts';
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
  only: (db, { integrationId }) => concerned(db, integrationId),
});

const concerned = inOne(async (db: Db, integrationIds: readonly Id[]): Promise<boolean[]> => {
  const rows = await db.query<{ id: Id }[]>(
    `SELECT i.id FROM unnest($1::uuid[]) AS i(id)
      WHERE NOT (SELECT cs_installation()) OR EXISTS (SELECT FROM offboarding o WHERE o.integration_id = i.id AND o.state = 'open')`,
    [[...new Set(integrationIds)]],
  );
  const open = new Set(rows.map((row) => row.id));
  return integrationIds.map((id) => open.has(id));
});
