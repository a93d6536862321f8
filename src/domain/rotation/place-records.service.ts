import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { findPlace, type PlaceState } from './places.queries.ts';
import { RotationRecords, type RotationRow } from './rotation-records.service.ts';

export interface PlaceSaid {
  state: PlaceState;
  how: 'statement' | 'seen' | 'store';
  note: string;
}

/** What is known of the places of a rotation, as rows. */
@Injectable()
export class PlaceRecords {
  constructor(
    private readonly records: RotationRecords,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  /** Somebody, a use that was seen, or its store says which version a place holds; or why the place is left as it is. */
  async record(
    db: Db,
    rotationId: Id,
    locationId: Id,
    said: PlaceSaid,
    by: Principal,
  ): Promise<Result<RotationRow, Refusal>> {
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
    return ok(row);
  }
}
