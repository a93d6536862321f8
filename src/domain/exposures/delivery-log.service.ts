import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import type { Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AdmittedSources } from './admitted-sources.ts';
import { Envelopes } from './envelopes.ts';
import { exposuresReported } from './exposures.events.ts';
import { fetchMissing } from './fetch-missing.job.ts';
import { RefusedDeliveries, type RefusedCount } from './refused-deliveries.service.ts';
import { WHYS } from './refused-delivery.rules.ts';

export const deliverySchema = z
  .object({
    id: z.uuid(),
    deliveryId: z.string().nullable().describe('Null of what was refused'),
    event: z.string().describe('Empty of what was refused'),
    via: z.enum(['push', 'poll', 'file']),
    outcome: z.enum(['accepted', 'acknowledged', 'repeated', 'refused']),
    why: z.enum(WHYS).nullable().describe('Why it was refused; null: it was not'),
    reason: z.string(),
    reports: z.int(),
    size: z
      .int()
      .nullable()
      .describe('Bytes; of what was refused unread what was announced, null where nothing was'),
    sha256: z
      .string()
      .nullable()
      .describe('Of the body that was refused, lower-case hex; null where it was not read to its end'),
    headers: z.record(z.string(), z.string()).describe('Of what was refused, those that hold no secret'),
    askedFor: z
      .string()
      .nullable()
      .describe('Of what was refused the key in the address; of one without a source its beginning'),
    inTriage: z.int().describe('Of its exposures, those that nobody and nothing placed'),
    redeliveries: z.int(),
    replays: z.int(),
    receivedAt: z.iso.datetime(),
    replayedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'SourceDelivery' });
export type DeliveryView = z.output<typeof deliverySchema>;

export const replayedSchema = z
  .object({
    matching: z.int().describe('Exposures that are matched anew'),
    fetching: z.int().describe('Exposures whose value is asked for anew'),
  })
  .meta({ id: 'DeliveryReplayed' });
export type Replayed = z.output<typeof replayedSchema>;

/** Which of the log: what was taken, or what was refused. */
export const LOGGED = ['taken', 'refused'] as const;

interface Asked {
  /** The id of the delivery that the page before ended with. */
  before?: Id;
  limit: number;
  only?: (typeof LOGGED)[number] | undefined;
}

/** A part of the log with what was refused in all; single refusals are cleared away, their count is not. */
export interface LogPart {
  deliveries: DeliveryView[];
  refused: RefusedCount[];
}

/** What sources delivered and what was refused, newest first, and the replay of a delivery of which something is still open. */
@Injectable()
export class DeliveryLog {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly envelopes: Envelopes,
    private readonly sources: AdmittedSources,
    private readonly outbox: Outbox,
    private readonly ledger: LedgerService,
    private readonly refused: RefusedDeliveries,
  ) {}

  async list(sourceId: Id, o: Asked, by: Principal): Promise<Result<LogPart, Refusal>> {
    return this.transactions.run(by, async (db) => {
      const [source] = await rowsOf<{ id: Id }>(db, `SELECT id FROM source WHERE id = $1`, [sourceId]);
      if (!source) return err(refusal('not_found', 'no-such-source', 'There is no such source.'));
      return ok(await this.#part(db, sourceId, o));
    });
  }

  /** What was refused because there is no source at the address. */
  elsewhere(o: Omit<Asked, 'only'>, by: Principal): Promise<LogPart> {
    return this.transactions.run(by, (db) => this.#part(db, null, o));
  }

  async #part(db: Db, sourceId: Id | null, o: Asked): Promise<LogPart> {
    type Row = Omit<DeliveryView, 'receivedAt' | 'replayedAt'> & {
      receivedAt: Date;
      replayedAt: Date | null;
    };
    const rows = await rowsOf<Row>(
      db,
      `WITH b AS (SELECT received_at, id FROM delivery WHERE id = $2 UNION ALL SELECT received_at, id FROM refused_delivery WHERE id = $2)
       SELECT * FROM (
         (SELECT d.id, d.delivery_id AS "deliveryId", d.event, d.via, d.outcome, NULL AS why, d.reason, d.reports, d.size::float8 AS size,
                 NULL AS sha256, '{}'::jsonb AS headers, NULL AS "askedFor", d.redeliveries, d.replays, d.received_at AS "receivedAt", d.replayed_at AS "replayedAt",
                 (SELECT count(*)::int FROM exposure e WHERE e.delivery_id = d.id AND e.state = 'triage') AS "inTriage"
            FROM delivery d
           WHERE d.source_id = $1 AND $4 <> 'refused' AND ($2::uuid IS NULL OR (d.received_at, d.id) < (SELECT received_at, id FROM b))
           ORDER BY d.received_at DESC, d.id DESC LIMIT $3)
         UNION ALL
         (SELECT r.id, NULL, '', r.via, 'refused', r.why, r.said, 0, r.size::float8, encode(r.body_sha256, 'hex'), r.headers, r.asked_for, 0, 0, r.received_at, NULL, 0
            FROM refused_delivery r
           WHERE ${sourceId === null ? 'r.source_id IS NULL' : 'r.source_id = $1'} AND $4 <> 'taken' AND ($2::uuid IS NULL OR (r.received_at, r.id) < (SELECT received_at, id FROM b))
           ORDER BY r.received_at DESC, r.id DESC LIMIT $3)) l
        ORDER BY "receivedAt" DESC, id DESC LIMIT $3`,
      [sourceId, o.before ?? null, o.limit, o.only ?? ''],
    );
    const deliveries = rows.map((row) => ({
      ...row,
      receivedAt: row.receivedAt.toISOString(),
      replayedAt: row.replayedAt?.toISOString() ?? null,
    }));
    return { deliveries, refused: await this.refused.counts(db, sourceId) };
  }

  /**
   * Goes through what a delivery brought once more: what is in triage is matched anew against today's inventory, or its
   * value is asked for anew; what waits is woken. What was accepted or dismissed stays as it is. The raw body was never
   * kept, so that nothing is read anew.
   */
  async replay(id: Id, by: Principal): Promise<Result<Replayed, Refusal>> {
    const now = this.clock.now();
    try {
      return ok(await this.transactions.run(by, (db) => this.#replay(db, id, by, now)));
    } catch (thrown) {
      if (thrown instanceof Refused) return err(thrown.refusal);
      throw thrown;
    }
  }

  async #replay(db: Db, id: Id, by: Principal, now: Millis): Promise<Replayed> {
    const [delivery] = await rowsOf<{ source_id: Id; outcome: string }>(
      db,
      `SELECT source_id, outcome FROM delivery WHERE id = $1 FOR NO KEY UPDATE`,
      [id],
    );
    if (!delivery) throw new Refused(refusal('not_found', 'no-such-delivery', 'There is no such delivery.'));
    if (delivery.outcome !== 'accepted') {
      const message = 'The delivery reported nothing of its own: there is nothing to go through again.';
      throw new Refused(refusal('conflict', 'nothing-to-replay', message));
    }
    const source = await this.sources.find(db, { id: delivery.source_id });
    const exposures = await rowsOf<{ id: Id; batch_id: Id; state: string; clue: boolean }>(
      db,
      `SELECT e.id, e.batch_id, e.state,
              e.supplier_id IS NOT NULL OR EXISTS (SELECT FROM exposure_digest d WHERE d.exposure_id = e.id) AS clue
         FROM exposure e WHERE e.delivery_id = $1 AND e.state IN ('triage', 'received') ORDER BY e.id FOR NO KEY UPDATE OF e`,
      [id],
    );
    const triage = exposures.filter(({ state }) => state === 'triage');
    const matching = triage.filter(({ clue }) => clue).map((one) => one.id);
    const fetching = source?.fetchable ? triage.filter(({ clue }) => !clue).map((one) => one.id) : [];
    const batches = new Set(exposures.filter(({ state }) => state === 'received').map((one) => one.batch_id));
    const [waiting] = await rowsOf<{ id: Id }>(
      db,
      `SELECT id FROM exposure_batch WHERE id = $1 AND reports_ref IS NOT NULL`,
      [id],
    );
    if (waiting) batches.add(waiting.id);
    if (matching.length > 0) {
      const batchId = newId();
      await this.envelopes.make(db, { id: batchId, correlationId: by.correlationId, now });
      await db.query(
        `UPDATE exposure SET state = 'received', triage_reason = NULL, batch_id = $2, updated_at = $3, row_version = row_version + 1
          WHERE id = ANY($1::uuid[])`,
        [matching, batchId, new Date(now)],
      );
      batches.add(batchId);
    }
    if (fetching.length > 0) {
      await db.query(
        `UPDATE exposure SET state = 'fetching', triage_reason = NULL, updated_at = $2, row_version = row_version + 1
          WHERE id = ANY($1::uuid[])`,
        [fetching, new Date(now)],
      );
      await this.outbox.putAll(
        db,
        fetchMissing,
        fetching.map((exposureId) => ({ payload: { exposureId }, key: exposureId })),
      );
    }
    for (const batchId of batches)
      await this.outbox.put(db, exposuresReported, { batchId }, { key: batchId });
    await db.query(`UPDATE delivery SET replays = replays + 1, replayed_at = $2 WHERE id = $1`, [
      id,
      new Date(now),
    ]);
    const done = { matching: matching.length, fetching: fetching.length };
    await this.ledger.append(db, {
      kind: 'delivery.replayed',
      subject: { kind: 'delivery', id },
      by,
      at: now,
      facts: { sourceId: delivery.source_id, ...done },
    });
    return done;
  }
}
