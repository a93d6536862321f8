import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { Id } from '../../kernel/ids.ts';
import { SECOND, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { defineJob, type EventDefinition } from '../../platform/outbox/definitions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { JobHandler, type JobCall } from '../../platform/queue/handlers.ts';
import { cameBackToLife, copyShown, statementSigned } from '../revocation/revocation.events.ts';
import { runFinished, stepSettled } from '../runbooks/runs.events.ts';
import { ContainmentRollUp } from './containment-roll-up.ts';

/** A look that takes longer is followed by a rest of so many times as long. */
const DEAR: Millis = 50;
const REST = 4;

/** Whatever may change what is contained says so in its own words; only the subject matters here. */
const noticed = z.object({
  subject: z.object({ kind: z.string(), id: z.uuid() }).optional(),
  versionId: z.uuid().optional(),
  subjectId: z.uuid().optional(),
});
type Noticed = z.output<typeof noticed>;

export const noteProgress = defineJob<Noticed>({
  name: 'incidents.note-progress',
  queue: 'intake',
  payload: noticed,
  retry: { attempts: 10, backoff: SECOND },
  on: [
    stepSettled,
    runFinished,
    cameBackToLife,
    copyShown,
    statementSigned,
  ] as unknown as EventDefinition<Noticed>[],
  key: ({ subject }) => (subject?.kind === 'incident' ? subject.id : null),
});

export const rollUpContainment = defineJob({
  name: 'incidents.roll-up-containment',
  queue: 'intake',
  payload: z.strictObject({ incidentId: z.uuid() }),
  retry: { attempts: 10, backoff: SECOND },
});

export const takeUpAgain = defineJob({
  name: 'incidents.take-up-again',
  queue: 'intake',
  payload: cameBackToLife.payload,
  retry: { attempts: 10, backoff: SECOND },
  on: [cameBackToLife],
});

/** Says which incidents to look at again; many hints make one look. */
@JobHandler(noteProgress)
export class NoteProgressJob {
  constructor(
    private readonly transactions: Transactions,
    private readonly outbox: Outbox,
  ) {}

  async handle(payload: Noticed, call: JobCall): Promise<void> {
    await this.transactions.run(call.by, async (db) => {
      const ids =
        payload.subject?.kind === 'incident'
          ? [{ id: payload.subject.id }]
          : await rowsOf<{ id: Id }>(
              db,
              `SELECT DISTINCT x.incident_id AS id FROM incident_credential x
                WHERE x.version_id = $1 OR x.credential_id IN (SELECT l.credential_id FROM location l WHERE l.id = $1)`,
              [payload.versionId ?? payload.subjectId ?? payload.subject?.id ?? null],
            );
      await this.outbox.putAll(
        db,
        rollUpContainment,
        ids.map(({ id }) => ({ payload: { incidentId: id }, key: id })),
      );
    });
  }
}

@JobHandler(rollUpContainment)
export class RollUpContainmentJob {
  constructor(
    private readonly transactions: Transactions,
    private readonly rollUp: ContainmentRollUp,
    private readonly clock: Clock,
  ) {}

  async handle({ incidentId }: { incidentId: string }, call: JobCall): Promise<void> {
    const began = performance.now();
    await this.transactions.run(call.by, (db) =>
      this.rollUp.rollUp(db, incidentId, call.by, this.clock.now()),
    );
    // Of thousands of versions it costs something, and is asked for without a pause while they die: the next look, which
    // waits for this job's end, leaves most of the time to them.
    const took = performance.now() - began;
    if (took > DEAR) await pause(Math.min(SECOND, REST * took), undefined, { signal: call.signal });
  }
}

@JobHandler(takeUpAgain)
export class TakeUpAgainJob {
  constructor(
    private readonly transactions: Transactions,
    private readonly rollUp: ContainmentRollUp,
    private readonly clock: Clock,
  ) {}

  async handle({ versionId }: z.infer<typeof takeUpAgain.payload>, call: JobCall): Promise<void> {
    await this.transactions.run(call.by, (db) =>
      this.rollUp.cameBack(db, versionId, call.by, this.clock.now()),
    );
  }
}
