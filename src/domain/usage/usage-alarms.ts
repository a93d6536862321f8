import { Injectable } from '@nestjs/common';
import { newId } from '../../kernel/ids.ts';
import { ELAPSED_DAY, type Millis } from '../../kernel/time.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { KEEP_SLOTS } from './retention.rules.ts';
import { usageAlarmed } from './usage.events.ts';
import {
  BURST_FLOOR,
  burstOf,
  isAfterRevocation,
  LEARNING,
  REFUSED_FLOOR,
  type AlarmKind,
} from './usage.rules.ts';
import { countSlots, usualOf, type UseRow } from './write-usage.ts';

/** One exposure a day for a credential and a kind: what follows counts, and pages nobody again. */
const QUIET = ELAPSED_DAY;

interface Alarming {
  kind: AlarmKind;
  row: UseRow;
  uses: number;
  firstAt: Millis;
  lastAt: Millis;
}

/** Sees in what was just reported whatever should not be, and tells it once. */
@Injectable()
export class Alarms {
  constructor(private readonly outbox: Outbox) {}

  async look(db: Db, rows: readonly (UseRow & { endedAt: Millis | null })[], now: Millis): Promise<void> {
    const alarming = new Map<string, Alarming>();
    const note = (kind: AlarmKind, row: UseRow, uses: number) => {
      const key = `${row.credentialId} ${kind}`;
      const known = alarming.get(key);
      if (!known) {
        alarming.set(key, { kind, row, uses, firstAt: row.at, lastAt: row.at });
        return;
      }
      known.uses += uses;
      known.firstAt = Math.min(known.firstAt, row.at);
      known.lastAt = Math.max(known.lastAt, row.at);
    };
    for (const row of rows) if (isAfterRevocation(row, row.endedAt)) note('after_revocation', row, 1);

    const since = now - KEEP_SLOTS;
    const high = (await countSlots(db, rows, since)).filter(
      ({ accepted, refused }) => accepted >= BURST_FLOOR || refused >= REFUSED_FLOOR,
    );
    if (high.length > 0) {
      const byVersion = new Map(rows.map((row) => [row.versionId, row]));
      const usual = await usualOf(db, high, since);
      for (const slot of high) {
        const at = slot.slot.getTime();
        const before = usual.get(`${slot.version_id} ${String(at)}`);
        const kind = burstOf({
          accepted: slot.accepted,
          refused: slot.refused,
          usual: before && at - before.first >= LEARNING ? before.peak : null,
        });
        const row = byVersion.get(slot.version_id);
        if (kind && row) note(kind, { ...row, at }, kind === 'burst' ? slot.accepted : slot.refused);
      }
    }
    if (alarming.size > 0) await this.#raise(db, [...alarming.values()], now);
  }

  async #raise(db: Db, alarming: readonly Alarming[], now: Millis): Promise<void> {
    const lines = alarming.toSorted((a, b) => (a.row.credentialId < b.row.credentialId ? -1 : 1));
    const raised = await rowsOf<{
      id: string;
      credential_id: string;
      integration_id: string;
      version_id: string;
      kind: AlarmKind;
      first_at: Date;
    }>(
      db,
      // The row tells which of two batches was first: the other one sees it raised already.
      `WITH noted AS (
         INSERT INTO usage_alarm AS a (id, credential_id, integration_id, version_id, kind, uses, first_at, last_at, raised_at)
         SELECT r.*, $9::timestamptz
           FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::bigint[], $7::timestamptz[], $8::timestamptz[]) AS r
         ON CONFLICT (credential_id, kind) DO UPDATE
            SET uses = CASE WHEN a.raised_at <= $10 THEN excluded.uses ELSE a.uses + excluded.uses END,
                version_id = CASE WHEN a.raised_at <= $10 THEN excluded.version_id ELSE a.version_id END,
                first_at = CASE WHEN a.raised_at <= $10 THEN excluded.first_at ELSE least(a.first_at, excluded.first_at) END,
                last_at = greatest(a.last_at, excluded.last_at),
                id = CASE WHEN a.raised_at <= $10 THEN excluded.id ELSE a.id END,
                filed_at = CASE WHEN a.raised_at <= $10 THEN NULL ELSE a.filed_at END,
                raised_at = CASE WHEN a.raised_at <= $10 THEN $9 ELSE a.raised_at END
         RETURNING id, credential_id, integration_id, version_id, kind, first_at)
       SELECT * FROM noted WHERE id = ANY($1::uuid[])`,
      [
        lines.map(() => newId()),
        lines.map(({ row }) => row.credentialId),
        lines.map(({ row }) => row.integrationId),
        lines.map(({ row }) => row.versionId),
        lines.map(({ kind }) => kind),
        lines.map(({ uses }) => uses),
        lines.map(({ firstAt }) => new Date(firstAt)),
        lines.map(({ lastAt }) => new Date(lastAt)),
        new Date(now),
        new Date(now - QUIET),
      ],
    );
    await this.outbox.putAll(
      db,
      usageAlarmed,
      raised.map((row) => ({
        payload: {
          alarmId: row.id,
          raisedAt: now,
          credentialId: row.credential_id,
          integrationId: row.integration_id,
          versionId: row.version_id,
          kind: row.kind,
          firstAt: row.first_at.getTime(),
        },
        key: row.id,
      })),
    );
  }
}
