import type { z } from 'zod';
import { SECOND } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';
import { JobHandler, type JobCall } from '../../platform/queue/handlers.ts';
import { endpointChanged } from '../signals/signals.events.ts';
import { AlertsService } from './alerts.service.ts';

/** An endpoint that takes no signals is for somebody of the operator to look at, until it takes them again. */
export const alertOfEndpoint = defineJob({
  name: 'notices.alert-of-endpoint',
  queue: 'notices',
  payload: endpointChanged.payload,
  retry: { attempts: 8, backoff: SECOND },
  on: [endpointChanged],
});

@JobHandler(alertOfEndpoint)
export class AlertOfEndpointJob {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly alerts: AlertsService,
  ) {}

  async handle({ subscriptionId, to, why }: z.infer<typeof endpointChanged.payload>, call: JobCall) {
    await this.transactions.run(call.by, async (db) => {
      const [row] = await db.query<{ name: string; party: string; reference: string }[]>(
        `SELECT s.name, p.name AS party, p.reference FROM subscription s JOIN party p ON p.id = s.party_id
          WHERE s.id = $1 AND s.removed_at IS NULL`,
        [subscriptionId],
      );
      const key = (what: string) => `signals.endpoint:${what}:${subscriptionId}`;
      const at = this.clock.now();
      if (!row || to === 'well') {
        for (const what of Object.keys(SAID)) await this.alerts.settle(db, key(what), at);
        return;
      }
      await this.alerts.raise(db, {
        kind: `signals.endpoint-${to === 'given_up' ? 'missed' : to}`,
        severity: to === 'failing' ? 'warning' : 'critical',
        message: `The endpoint ${row.name || subscriptionId} of ${row.party} ${SAID[to]}: ${why}. Its log is under /parties/${row.reference}/signals.`,
        dedupeKey: key(to),
        subject: { kind: 'subscription', id: subscriptionId },
        at,
      });
    });
  }
}

const SAID = {
  disabled: 'was disabled',
  given_up: 'missed something',
  failing: 'is failing',
} as const;
