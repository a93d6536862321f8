import { z } from 'zod';
import { SECOND } from '../../kernel/time.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';
import { JobHandler, type Handler } from '../../platform/queue/handlers.ts';
import { Kick } from '../../platform/queue/kick.ts';

/** A wake-up: something of this run may be ready. Carries no work; the engine asks its tables. */
export const pumpJob = defineJob({
  name: 'runbooks.pump',
  queue: 'engine',
  payload: z.object({ runId: z.uuid() }),
  retry: { attempts: 5, backoff: SECOND },
});

/** The topic on which an engine listens in its process. */
export const ENGINE = 'engine';

@JobHandler(pumpJob)
export class PumpJob implements Handler<{ runId: string }> {
  constructor(private readonly kick: Kick) {}

  /** Wakes this process's engine and returns: a pump that runs for long must not hold a job's lease. */
  async handle(): Promise<void> {
    this.kick.now(ENGINE);
  }
}
