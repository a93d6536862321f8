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

/** A look at more versions than these is followed by a rest of so much for each. */
const MANY = 200;
const REST_FOR_EACH: Millis = 0.1;
const LONGEST_REST: Millis = 2 * SECOND;

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
  only: async (_, { subject }) => subject?.kind !== 'incident',
});

const looked = z.union([
  z.strictObject({ incidentId: z.uuid() }),
  z.object({ subject: z.object({ kind: z.string(), id: z.uuid() }) }),
]);
type Looked = z.output<typeof looked>;
const incidentOf = (of: Looked): Id => ('incidentId' in of ? of.incidentId : of.subject.id);

/** Started by an incident's own steps, too: what they say while a look is under way, or rests, makes one more look. */
export const rollUpContainment = defineJob<Looked>({
  name: 'incidents.roll-up-containment',
  queue: 'intake',
  payload: looked,
  retry: { attempts: 10, backoff: SECOND },
  on: [stepSettled, runFinished] as unknown as EventDefinition<Looked>[],
  only: async (_, of) => 'incidentId' in of || of.subject.kind === 'incident',
  key: incidentOf,
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

  async handle(of: Looked, call: JobCall): Promise<void> {
    const versions = await this.transactions.run(call.by, (db) =>
      this.rollUp.rollUp(db, incidentOf(of), call.by, this.clock.now()),
    );
    // Of thousands of versions it costs something, and is asked for without a pause while they die: the next look, which
    // waits for this job's end, leaves most of the time to them.
    if (versions > MANY)
      await pause(Math.min(LONGEST_REST, versions * REST_FOR_EACH), undefined, { signal: call.signal });
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
