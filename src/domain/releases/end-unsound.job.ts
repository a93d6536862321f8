import type { z } from 'zod';
import type { Id } from '../../kernel/ids.ts';
import { SECOND } from '../../kernel/time.ts';
import { inOne } from '../../platform/database/together.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';
import { JobHandler, type Handler, type JobCall } from '../../platform/queue/handlers.ts';
import { facetChanged } from '../revocation/revocation.events.ts';
import { UnsoundCheckouts } from './unsound-checkouts.service.ts';

type Changed = z.infer<typeof facetChanged.payload>;

/** Facets change by thousands and few versions are out on lease; one that goes out in the same moment the sweep finds. */
export const endUnsound = defineJob({
  name: 'releases.end-unsound',
  queue: 'engine',
  payload: facetChanged.payload,
  retry: { attempts: 10, backoff: SECOND },
  on: [facetChanged],
  only: async (db, changed) => isUnsound(changed) && leased(db, changed.credentialId),
});

/** Somebody asked for its end, or it has ended. */
function isUnsound({ facet, to }: Changed): boolean {
  return (facet === 'revocation' && to !== 'none') || (facet === 'liveness' && to === 'dead');
}

/** Of which of these credentials a lease is open. A party cannot see that, and is taken to concern one. */
const leased = inOne(async (db: Db, credentialIds: readonly Id[]): Promise<boolean[]> => {
  const rows = await db.query<{ id: Id }[]>(
    `SELECT c.id FROM unnest($1::uuid[]) AS c(id)
      WHERE NOT (SELECT cs_installation()) OR EXISTS (SELECT FROM checkout k WHERE k.credential_id = c.id AND k.state = 'open')`,
    [[...new Set(credentialIds)]],
  );
  const open = new Set(rows.map(({ id }) => id));
  return credentialIds.map((id) => open.has(id));
});

/** A version is being revoked, or was shown dead: no lease of it goes on. The sweep sees to what nobody announced. */
@JobHandler(endUnsound)
export class EndUnsoundJob implements Handler<Changed> {
  constructor(private readonly checkouts: UnsoundCheckouts) {}

  async handle(changed: Changed, call: JobCall): Promise<void> {
    if (isUnsound(changed)) await this.checkouts.end(call.by);
  }
}
