import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { MINUTE, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import type { ShownBy } from './convergence.rules.ts';
import type { NewHolding } from './credential.schema.ts';

/** How far the clocks of those who tell may be ahead of ours. */
const AHEAD = 5 * MINUTE;
export const NOT_YET_PUT = ['has not come yet', 'Give the time at which it was put there.'] as const;

/** Whether what is said to have happened lies in the future. */
export function isAhead(at: string | undefined, now: Millis): boolean {
  return at !== undefined && Date.parse(at) > now + AHEAD;
}

/** Which version lies where: a place that takes another one keeps its history. */
@Injectable()
export class HoldingsService {
  constructor(
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  /**
   * A place holds another version from now on, as somebody says or as was seen. What it held before stays in its history,
   * and counts as there until somebody shows that it is gone.
   */
  async record(
    db: Db,
    locationId: Id,
    held: NewHolding & { shownBy: ShownBy },
    by: Principal,
  ): Promise<Result<{ moved: boolean }, Refusal>> {
    const [place] = await rowsOf<{
      credential_id: Id;
      integration_id: Id;
      version_id: Id | null;
      arrived_by: string;
      put_by: string | null;
      put_at: Date | null;
    }>(
      db,
      `SELECT credential_id, integration_id, version_id, arrived_by, put_by, put_at FROM location
        WHERE id = $1 AND retired_at IS NULL FOR NO KEY UPDATE`,
      [locationId],
    );
    if (!place) return err(refusal('not_found', 'no-location', 'There is no such location.'));
    const [version] = await rowsOf<{ number: number }>(
      db,
      `SELECT number FROM credential_version WHERE id = $1 AND credential_id = $2`,
      [held.versionId, place.credential_id],
    );
    const wrong = (field: string, problem: string, mend: string) =>
      err(
        refusal('invalid', 'bad-holding', 'The location cannot hold that.', {
          fields: [{ field, problem, mend }],
        }),
      );
    if (!version) return wrong('/versionId', 'is no version of this credential', 'Give one of its versions.');
    const at = this.clock.now();
    if (isAhead(held.putAt, at)) return wrong('/putAt', ...NOT_YET_PUT);
    const moved = place.version_id !== held.versionId;
    const arrivedBy = held.arrivedBy ?? place.arrived_by;
    // Seen again where it was put: by whom and when stays.
    const putBy = held.putBy ?? (moved ? null : place.put_by);
    const putAt = held.putAt ?? (moved ? null : place.put_at);
    // What was seen is written by its own row; the table itself notes whatever is only written down.
    if (held.shownBy !== 'record') {
      await db.query(
        `INSERT INTO location_holding (location_id, integration_id, version_id, arrived_by, put_by, put_at, shown_by, recorded_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [
          locationId,
          place.integration_id,
          held.versionId,
          arrivedBy,
          putBy,
          putAt,
          held.shownBy,
          new Date(at),
        ],
      );
    }
    await db.query(
      `UPDATE location SET version_id = $2, arrived_by = $3, put_by = $4, put_at = $5, updated_at = $6, row_version = row_version + 1
        WHERE id = $1`,
      [locationId, held.versionId, arrivedBy, putBy, putAt, new Date(at)],
    );
    await this.ledger.append(db, {
      kind: 'location.holds',
      subject: { kind: 'location', id: locationId },
      by,
      at,
      facts: {
        credentialId: place.credential_id,
        integrationId: place.integration_id,
        versionId: held.versionId,
        number: version.number,
        before: place.version_id,
        arrivedBy,
        shownBy: held.shownBy,
      },
      ...(held.putBy === undefined ? {} : { committed: { putBy: held.putBy } }),
    });
    return ok({ moved });
  }
}
