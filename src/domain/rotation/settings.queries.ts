import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { MaintenanceWindow } from './cadence.rules.ts';

/** How an integration wants its credentials rotated. */
export interface RotationSettings {
  automatic: boolean;
  leadDays: number;
  overlapHours: number | null;
  windows: MaintenanceWindow[];
  zone: string;
  rowVersion: number;
}

const UNSET: RotationSettings = {
  automatic: false,
  leadDays: 7,
  overlapHours: null,
  windows: [],
  zone: 'UTC',
  rowVersion: 0,
};

/** Row version 0: nobody has set anything. */
export async function settingOf(db: Db, integrationId: Id): Promise<RotationSettings> {
  const [row] = await db.query<RotationSettings[]>(
    `SELECT automatic, lead_days AS "leadDays", overlap_hours AS "overlapHours", windows, zone, row_version AS "rowVersion"
       FROM rotation_setting WHERE integration_id = $1`,
    [integrationId],
  );
  return row ?? UNSET;
}
