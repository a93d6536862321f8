import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { isWanted, type WantedVersion } from '../../kernel/row-version.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import type { RotationSettingInput } from './rotation.schema.ts';
import { settingOf, type RotationSettings } from './settings.queries.ts';

/** When and how the credentials of an integration are rotated. */
@Injectable()
export class RotationSettingsService {
  constructor(
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  async find(db: Db, integrationId: Id): Promise<Result<RotationSettings, Refusal>> {
    const [known] = await db.query<object[]>(`SELECT FROM integration WHERE id = $1`, [integrationId]);
    if (!known) return err(refusal('not_found', 'no-integration', 'There is no such integration.'));
    return ok(await settingOf(db, integrationId));
  }

  async put(
    db: Db,
    integrationId: Id,
    input: RotationSettingInput,
    wanted: WantedVersion,
    by: Principal,
  ): Promise<Result<RotationSettings, Refusal>> {
    // The integration's row stands for the setting's, which may not be there yet.
    await db.query(`SELECT FROM integration WHERE id = $1 FOR UPDATE`, [integrationId]);
    const found = await this.find(db, integrationId);
    if (!found.ok) return found;
    if (!isWanted(found.value.rowVersion, wanted))
      return err(
        refusal('precondition', 'stale-version', 'Somebody has changed it meanwhile. Read it again.'),
      );
    const now = this.clock.now();
    await db.query(
      `INSERT INTO rotation_setting (integration_id, automatic, lead_days, overlap_hours, windows, zone, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
       ON CONFLICT (integration_id) DO UPDATE SET automatic = excluded.automatic, lead_days = excluded.lead_days, overlap_hours = excluded.overlap_hours,
         windows = excluded.windows, zone = excluded.zone, updated_at = excluded.updated_at, row_version = rotation_setting.row_version + 1`,
      [
        integrationId,
        input.automatic,
        input.leadDays,
        input.overlapHours,
        JSON.stringify(input.windows),
        input.zone,
        new Date(now),
      ],
    );
    await this.ledger.append(db, {
      kind: 'rotation-setting.changed',
      subject: { kind: 'integration', id: integrationId },
      by,
      at: now,
      facts: {
        automatic: input.automatic,
        leadDays: input.leadDays,
        overlapHours: input.overlapHours,
        windows: input.windows.length,
        zone: input.zone,
      },
    });
    return ok(await settingOf(db, integrationId));
  }
}
