import type { z } from 'zod';
import { SECOND } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';
import { JobHandler, type JobCall } from '../../platform/queue/handlers.ts';
import { signalIsWanted, SignalsService } from '../signals/signals.service.ts';
import type { SignalType } from '../signals/signal.rules.ts';
import { facetChanged } from './revocation.events.ts';

type Changed = z.infer<typeof facetChanged.payload>;

/** What of a facet's change is worth telling outside, in the words of signals. */
export function signalOf({ facet, from, to }: Pick<Changed, 'facet' | 'from' | 'to'>): SignalType | null {
  if (facet === 'revocation') return to === 'none' ? null : 'credential.revocation_moved';
  if (facet !== 'liveness') return null;
  if (to === 'dead') return 'credential.dead';
  return from === 'dead' && to === 'live' ? 'credential.alive_again' : null;
}

/** Tells subscribers how a credential dies. Facets change by thousands and few installations have subscribers. */
export const signalDeaths = defineJob({
  name: 'revocation.signal-deaths',
  queue: 'notices',
  payload: facetChanged.payload,
  retry: { attempts: 8, backoff: 2 * SECOND },
  on: [facetChanged],
  only: async (db, changed) => {
    const type = signalOf(changed);
    return type !== null && (await signalIsWanted(db, [type]));
  },
});

@JobHandler(signalDeaths)
export class SignalDeathsJob {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly signals: SignalsService,
  ) {}

  async handle(changed: Changed, call: JobCall): Promise<void> {
    const type = signalOf(changed);
    if (type === null) return;
    await this.transactions.together(call.by, `${changed.versionId}:${changed.facet}`, async (db) => {
      const [row] = await db.query<
        { number: number; liveness: string | null; liveness_at: Date | null; updated_at: Date }[]
      >(
        `SELECT v.number, d.liveness, d.liveness_at, d.updated_at
           FROM credential_version v JOIN version_death d ON d.version_id = v.id WHERE v.id = $1`,
        [changed.versionId],
      );
      if (!row) return;
      const seen = changed.facet === 'liveness' && row.liveness === changed.to ? row.liveness_at : null;
      const at = (seen ?? row.updated_at).getTime();
      await this.signals.publish(db, {
        type,
        at: Math.min(at, this.clock.now()),
        credentialId: changed.credentialId,
        facts: {
          version: { id: changed.versionId, number: row.number },
          facet: changed.facet,
          from: changed.from,
          to: changed.to,
        },
        once: `${changed.facet}:${changed.versionId}:${changed.to}:${at}`,
      });
    });
  }
}
