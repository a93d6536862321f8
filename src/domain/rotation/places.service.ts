import { Injectable } from '@nestjs/common';
import type { Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { ok, type Result } from '../../kernel/result.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { RunsService } from '../runbooks/runs.service.ts';
import { PlaceRecords, type PlaceSaid } from './place-records.service.ts';
import type { PlaceState } from './places.queries.ts';
import type { RotationRow } from './rotation-records.service.ts';
import { waitingSteps } from './steps.queries.ts';

const PLACES = 'place-version';

/** Where copies of the old version lie, and which of them hold the new one by now. */
@Injectable()
export class PlacesService {
  constructor(
    private readonly transactions: Transactions,
    private readonly places: PlaceRecords,
    private readonly runs: RunsService,
  ) {}

  /** Which version a place holds, as it was told, goes on record; and whoever waited for that goes on. */
  async answer(
    db: Db,
    rotationId: Id,
    locationId: Id,
    said: PlaceSaid,
    by: Principal,
  ): Promise<Result<void, Refusal>> {
    const noted = await this.places.record(db, rotationId, locationId, said, by);
    if (!noted.ok) return noted;
    await this.#settle(db, noted.value, locationId, said.state, by);
    return ok(undefined);
  }

  async #settle(db: Db, row: RotationRow, locationId: Id, state: PlaceState, by: Principal): Promise<void> {
    const runId = state === 'taken_back' ? row.rollBackRunId : row.runId;
    if (runId === null) return;
    for (const { id } of await waitingSteps(db, runId, { uses: PLACES, itemKey: locationId }))
      await this.runs.settle(db, id, { answer: 'done', output: { place: state } }, by);
    // Whoever asked for the last ones may go on.
    for (const { id } of await waitingSteps(db, runId, { uses: 'validate-version' }))
      await this.runs.retryStep(db, id, { reason: 'a place changed', by });
  }

  /** Uses of the new version that were seen at a place confirm it: nobody has to be asked. */
  async confirmSeen(by: Principal): Promise<number> {
    const seen = await this.transactions.run(by, (db) =>
      db.query<{ rotationId: Id; locationId: Id }[]>(
        `SELECT r.id AS "rotationId", l.id AS "locationId" FROM rotation r
           JOIN location l ON l.credential_id = r.credential_id AND l.retired_at IS NULL AND (l.version_id = r.old_version_id OR l.version_id IS NULL)
          WHERE r.closed_at IS NULL AND r.state IN ('stored', 'propagating', 'validating') AND r.new_version_id IS NOT NULL
            AND EXISTS (SELECT FROM usage_event e WHERE e.version_id = r.new_version_id AND e.location_id = l.id AND e.outcome = 'accepted' AND e.at >= r.stored_at)
          LIMIT 200`,
      ),
    );
    for (const { rotationId, locationId } of seen)
      await this.transactions.run(by, (db) =>
        this.answer(
          db,
          rotationId,
          locationId,
          { state: 'holds_new', how: 'seen', note: 'a use of it was seen there' },
          by,
        ),
      );
    return seen.length;
  }
}
