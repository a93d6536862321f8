import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { RunsService } from '../runbooks/runs.service.ts';
import { findPlace, type PlaceState } from './places.queries.ts';
import { RotationRecords, type RotationRow } from './rotation-records.service.ts';
import { waitingSteps } from './steps.queries.ts';

const PLACES = 'place-version';

/** Where copies of the old version lie, and which of them hold the new one by now. */
@Injectable()
export class PlacesService {
  constructor(
    private readonly transactions: Transactions,
    private readonly records: RotationRecords,
    private readonly runs: RunsService,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  /** Somebody, or a use that was seen, says which version a place holds; or why the place is left as it is. */
  async answer(
    db: Db,
    rotationId: Id,
    locationId: Id,
    said: { state: PlaceState; how: 'statement' | 'seen'; note: string },
    by: Principal,
  ): Promise<Result<void, Refusal>> {
    const row = await this.records.hold(db, rotationId);
    if (!row) return err(refusal('not_found', 'no-rotation', 'There is no such rotation.'));
    const back = said.state === 'taken_back';
    const inTurn = back
      ? row.state === 'rolling_back'
      : ['stored', 'propagating', 'validating'].includes(row.state);
    if (!inTurn || row.newVersionId === null)
      return err(
        refusal(
          'conflict',
          'out-of-turn',
          `The rotation is ${row.state.replaceAll('_', ' ')}: no place changes its version now.`,
        ),
      );
    const place = await findPlace(db, row, locationId);
    if (!place) return err(refusal('not_found', 'no-place', 'The rotation has no such place.'));
    const versionId =
      said.state === 'holds_new' ? row.newVersionId : back ? row.oldVersionId : place.versionId;
    const now = this.clock.now();
    const who = by.personId ?? `${by.kind}:${by.id}`;
    await db.query(
      `INSERT INTO rotation_place (rotation_id, location_id, integration_id, state, how, by, note, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
       ON CONFLICT (rotation_id, location_id) DO UPDATE SET state = excluded.state, how = excluded.how, by = excluded.by, note = excluded.note, at = excluded.at`,
      [row.id, place.id, place.integrationId, said.state, said.how, who, said.note, new Date(now)],
    );
    if (versionId !== place.versionId)
      await db.query(
        `UPDATE location SET version_id = $2, put_by = $3, put_at = $4, updated_at = $4, row_version = row_version + 1 WHERE id = $1`,
        [place.id, versionId, who, new Date(now)],
      );
    await this.ledger.append(db, {
      kind: `rotation.place-${said.state.replaceAll('_', '-')}`,
      subject: { kind: 'location', id: place.id },
      by,
      at: now,
      facts: {
        rotation: row.id,
        credentialId: row.credentialId,
        integrationId: place.integrationId,
        versionId,
        how: said.how,
      },
      ...(said.note === '' ? {} : { committed: { note: said.note } }),
    });
    await this.#settle(db, row, place.id, said.state, by);
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
