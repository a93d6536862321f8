import { z } from 'zod';
import type { Id } from '../../kernel/ids.ts';
import { MINUTE, SECOND } from '../../kernel/time.ts';
import { inOne } from '../../platform/database/together.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';
import { facetChanged } from '../revocation/revocation.events.ts';

/** How often a source that is busy or away is told before a person has to. */
export const CLOSE_ATTEMPTS = 8;

export const closeAtSource = defineJob({
  name: 'exposures.close-at-source',
  queue: 'intake',
  payload: z.strictObject({ exposureId: z.uuid() }),
  retry: { attempts: CLOSE_ATTEMPTS + 2, backoff: MINUTE },
});

/**
 * A version is proven dead: whoever reported it may be told, where the source can be. Deaths are seen by the system, which
 * sees every exposure.
 */
export const closeReported = defineJob({
  name: 'exposures.close-reported',
  queue: 'intake',
  payload: facetChanged.payload,
  retry: { attempts: 8, backoff: 2 * SECOND },
  on: [facetChanged],
  only: async (db, { facet, to, versionId }) =>
    facet === 'liveness' && to === 'dead' && reportedOpen(db, versionId),
});

/** Exposures of a version that their source still has as open, where there is a token to tell it. */
export const OPEN_REPORTS = `SELECT e.id, e.version_id FROM exposure e JOIN source s ON s.id = e.source_id
  WHERE e.version_id = ANY($1::uuid[]) AND e.resolution IS NULL AND e.state <> 'dismissed' AND s.active AND s.api_token_ref IS NOT NULL`;

const reportedOpen = inOne(async (db: Db, versionIds: readonly Id[]): Promise<boolean[]> => {
  const rows = await db.query<{ version_id: Id }[]>(OPEN_REPORTS, [[...new Set(versionIds)]]);
  const open = new Set(rows.map((row) => row.version_id));
  return versionIds.map((id) => open.has(id));
});
