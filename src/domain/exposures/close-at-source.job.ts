import type { z } from 'zod';
import type { Id } from '../../kernel/ids.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { JobHandler, type JobCall } from '../../platform/queue/handlers.ts';
import { CLOSE_ATTEMPTS, closeAtSource, closeReported, OPEN_REPORTS } from './close-at-source.definition.ts';
import { ClosedLoops } from './closed-loops.service.ts';

@JobHandler(closeReported)
export class CloseReportedJob {
  constructor(
    private readonly transactions: Transactions,
    private readonly outbox: Outbox,
  ) {}

  async handle({ versionId }: z.infer<typeof closeReported.payload>, call: JobCall): Promise<void> {
    await this.transactions.run(call.by, async (db) => {
      const open = await rowsOf<{ id: Id }>(db, OPEN_REPORTS, [[versionId]]);
      await this.outbox.putAll(
        db,
        closeAtSource,
        open.map(({ id }) => ({ payload: { exposureId: id }, key: id })),
      );
    });
  }
}

/** Tells one source that what it reported is revoked. */
@JobHandler(closeAtSource)
export class CloseAtSourceJob {
  constructor(private readonly loops: ClosedLoops) {}

  async handle({ exposureId }: { exposureId: Id }, call: JobCall): Promise<void> {
    const last = call.attempt >= CLOSE_ATTEMPTS;
    const { again } = await this.loops.close(exposureId, call.by, call.signal, last);
    if (again !== undefined) throw new Error(again);
  }
}
