import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { SECOND } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { Sweep } from '../../platform/queue/handlers.ts';
import { RunsService } from '../runbooks/runs.service.ts';
import { LostAnswers } from './lost-answers.service.ts';
import { PlacesService } from './places.service.ts';
import { answeredSteps } from './steps.queries.ts';

/**
 * What no run looks after: places at which the new version was seen in use, steps that were answered as they were asked, and
 * lost versions of rotations that have ended.
 */
@Sweep({ name: 'rotation.loose-ends', every: 15 * SECOND })
export class LooseEndsSweep {
  constructor(
    private readonly transactions: Transactions,
    private readonly places: PlacesService,
    private readonly lost: LostAnswers,
    private readonly runs: RunsService,
    private readonly clock: Clock,
  ) {}

  async sweep(by: Principal): Promise<void> {
    await this.places.confirmSeen(by);
    await this.#wakeAnswered(by);
    const open = await this.transactions.run(by, (db) =>
      db.query<{ id: Id; issue: Id }[]>(
        `SELECT r.id, i.id AS issue FROM rotation_issue i JOIN rotation r ON r.id = i.rotation_id
          WHERE i.state IN ('asked', 'orphaned') AND r.closed_at IS NOT NULL ORDER BY i.asked_at LIMIT 50`,
      ),
    );
    for (const { id, issue } of open) {
      await this.lost.settleOpen(id, {
        by,
        stepId: null,
        idempotencyKey: `loose-end:${issue}`,
        attempt: 1,
        takenOver: true,
        signal: AbortSignal.timeout(30 * SECOND),
      });
    }
  }

  /** An answer that came while its step was just being asked found nothing to wake: the step looks again. */
  async #wakeAnswered(by: Principal): Promise<void> {
    const steps = await this.transactions.run(by, (db) => answeredSteps(db, this.clock.now()));
    for (const { id } of steps)
      await this.transactions.run(by, (db) =>
        this.runs.retryStep(db, id, { reason: 'it was answered while it was being asked', by }),
      );
  }
}
