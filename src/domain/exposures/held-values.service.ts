import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Secret } from '../../kernel/secret.ts';
import { ELAPSED_DAY, type Millis } from '../../kernel/time.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { Deaths } from '../revocation/deaths.service.ts';
import { Presets } from '../revocation/presets.service.ts';
import { Envelopes } from './envelopes.ts';
import type { MatchedExposure } from './matching.service.ts';

/** How long a value is kept at most for a revocation that does not come to its end. */
export const VALUE_HOLD: Millis = 30 * ELAPSED_DAY;

interface NeedRow {
  version_id: Id;
  credential_id: Id;
  integration_id: Id;
  preset_key: string;
}

/** Keeps of a batch's values those that a revocation or its proof needs, and destroys the envelope with the rest. */
@Injectable()
export class HeldValues {
  constructor(
    private readonly envelopes: Envelopes,
    private readonly deaths: Deaths,
    private readonly presets: Presets,
  ) {}

  async settle(db: Db, batchId: Id, matched: readonly MatchedExposure[], now: Millis): Promise<void> {
    const values = await this.envelopes.open(db, batchId);
    if (values.size === 0) return;
    await this.keep(db, values, matched, now);
    for (const value of values.values()) value.wipe();
    await this.envelopes.destroy(db, batchId);
  }

  /** @param values by exposure; the caller's to wipe */
  async keep(
    db: Db,
    values: ReadonlyMap<Id, Secret>,
    matched: readonly MatchedExposure[],
    now: Millis,
  ): Promise<void> {
    const byVersion = new Map<Id, Id>();
    for (const { exposureId, match, versions } of matched) {
      if (match !== 'value' || !values.has(exposureId)) continue;
      for (const { versionId } of versions) byVersion.set(versionId, exposureId);
    }
    const needs = await this.#needs(db, [...byVersion.keys()]);
    await this.deaths.keepValues(
      db,
      needs.map((row) => ({
        version: { id: row.version_id, credentialId: row.credential_id, integrationId: row.integration_id },
        value: values.get(byVersion.get(row.version_id)!)!,
      })),
      now + VALUE_HOLD,
    );
  }

  /** Versions whose supplier can be asked only with the value, where no store of ours has it. */
  async #needs(db: Db, versionIds: readonly Id[]): Promise<NeedRow[]> {
    if (versionIds.length === 0) return [];
    const rows = await rowsOf<NeedRow>(
      db,
      `SELECT v.id AS version_id, v.credential_id, v.integration_id, n.preset_key
         FROM credential_version v
         JOIN credential c ON c.id = v.credential_id
         LEFT JOIN version_death d ON d.version_id = v.id
         JOIN connection n ON n.retired_at IS NULL AND n.id = coalesce(
              (SELECT p.connection_id FROM revocation_path p
                WHERE p.credential_id = c.id AND p.kind = 'connector' ORDER BY p.ordinal LIMIT 1), c.connection_id)
        WHERE v.id = ANY($1::uuid[]) AND v.store_ref IS NULL AND d.value_ref IS NULL
        ORDER BY c.risk DESC, v.id`,
      [versionIds],
    );
    const needs = new Map<string, boolean>();
    for (const key of new Set(rows.map((row) => row.preset_key))) {
      const preset = await this.presets.get(db, key);
      const abilities = preset?.connector.abilities(preset.settings);
      needs.set(key, abilities?.revoke === 'value' || abilities?.probe === 'value');
    }
    return rows.filter((row) => needs.get(row.preset_key));
  }
}
