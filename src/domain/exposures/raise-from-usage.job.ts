import type { z } from 'zod';
import { newId } from '../../kernel/ids.ts';
import { SECOND } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { JobHandler, type JobCall } from '../../platform/queue/handlers.ts';
import { reprobeVersion } from '../revocation/reprobe-version.definition.ts';
import { usageAlarmed } from '../usage/usage.events.ts';
import { exposuresReported } from './exposures.events.ts';
import { NamedReports } from './named-reports.service.ts';

export const raiseFromUsage = defineJob({
  name: 'exposures.raise-from-usage',
  queue: 'intake',
  payload: usageAlarmed.payload,
  retry: { attempts: 20, backoff: SECOND },
  on: [usageAlarmed],
});

/**
 * Use that should not be becomes an exposure like any other report, exactly once. It only informs: a person decides what
 * it means. Of what was revoked and seems to live, the verifier is asked at once, whose answer is the proof.
 */
@JobHandler(raiseFromUsage)
export class RaiseFromUsageJob {
  constructor(
    private readonly transactions: Transactions,
    private readonly named: NamedReports,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  async handle(alarm: z.output<typeof usageAlarmed.payload>, call: JobCall): Promise<void> {
    const now = this.clock.now();
    await this.transactions.run(call.by, async (db) => {
      const first = await rowsOf(
        db,
        `UPDATE usage_alarm SET filed_at = $2 WHERE id = $1 AND filed_at IS NULL RETURNING id`,
        [alarm.alarmId, new Date(now)],
      );
      if (first.length === 0) return;
      const batchId = newId();
      await this.named.file(db, {
        batchId,
        reports: [
          {
            versionId: alarm.versionId,
            credentialId: alarm.credentialId,
            integrationId: alarm.integrationId,
            ref: `usage:${alarm.kind}:${alarm.alarmId}`,
            says: alarm.kind === 'refused_burst' ? 'unknown' : 'live',
            detectedAt: alarm.firstAt,
          },
        ],
        reporter: { kind: 'system', id: 'usage' },
        trust: 'inform',
        by: call.by,
        now,
      });
      await this.outbox.put(db, exposuresReported, { batchId }, { key: batchId });
      if (alarm.kind === 'after_revocation')
        await this.outbox.put(
          db,
          reprobeVersion,
          { versionId: alarm.versionId, round: 0 },
          { key: alarm.versionId },
        );
    });
  }
}
