import { createHmac } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import type { Millis } from '../../kernel/time.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { inOne } from '../../platform/database/together.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Keys } from '../../platform/signing/keys.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { sightingOf, type Trust } from './exposure.rules.ts';
import { prepare, type PreparedReport } from './record-reports.ts';
import { ReportsService } from './reports.service.ts';
import type { ReadDelivery } from './source.ts';
import { FILED_AT_ONCE, WaitingReports, type Packed } from './waiting-reports.service.ts';

/** How a delivery came: the source called, was asked, or somebody handed in a file in its name. */
export type Via = 'push' | 'poll' | 'file';

/** In whose name a delivery is filed. */
export interface Reporting {
  id: Id;
  name: string;
  trust: Trust;
  partyId: Id | null;
  fetchable: boolean;
}

/** What was proven and read, and waits to be kept. */
export interface Delivered {
  /** Null: named by its content. */
  deliveryId: string | null;
  read: ReadDelivery;
  body: Buffer;
  via: Via;
}

/** The answer to a delivery; the same for the same delivery, however often it comes. */
export interface Received {
  deliveryId: string;
  event: string;
}

interface Judged {
  deliveryId: string;
  read: ReadDelivery;
  via: Via;
  /** Fingerprinted; of a large delivery packed, since its reports are fingerprinted as they are filed. */
  reports: { prepared: PreparedReport[] } | { packed: Packed };
  /** Keyed, since a body holds a secret: under every live pepper, the current one first. */
  bodyHashes: Buffer[];
  contentKeys: string[];
  size: number;
}

/** Keeps deliveries, each once: one transaction knows whether it came before. No raw body is kept. */
@Injectable()
export class Deliveries {
  constructor(
    private readonly transactions: Transactions,
    private readonly keys: Keys,
    private readonly reports: ReportsService,
    private readonly waiting: WaitingReports,
    private readonly ledger: LedgerService,
    private readonly alerts: AlertsService,
  ) {}

  /** @param o.as whose rows they are: exposures belong to the operator. `by`: who answers for it. */
  async keep(
    source: Reporting,
    delivered: Delivered,
    o: { as: Principal; by: Principal; now: Millis },
  ): Promise<Result<Received, Refusal>> {
    const judged = await this.#judge(delivered);
    try {
      // A hundred a second cost the disk a handful of commits.
      return await this.transactions.together(o.as, `delivery:${source.id}:${judged.deliveryId}`, (db) =>
        this.#keep(db, source, judged, o.by, o.now),
      );
    } finally {
      if ('packed' in judged.reports) for (const piece of judged.reports.packed.pieces) piece.fill(0);
    }
  }

  async #judge({ deliveryId, read, body, via }: Delivered): Promise<Judged> {
    const peppers = this.keys.peppers();
    const keyed = (bytes: Buffer | string) =>
      peppers.map(({ key }) => key.useBytes((pepper) => createHmac('sha256', pepper).update(bytes).digest()));
    const bodyHashes = keyed(body);
    return {
      deliveryId: deliveryId ?? bodyHashes[0]!.toString('hex'),
      read,
      via,
      reports:
        read.reports.length > FILED_AT_ONCE
          ? { packed: await this.waiting.pack(read.reports) }
          : { prepared: prepare(read.reports, peppers) },
      bodyHashes,
      contentKeys: keyed(`content ${read.contentKey}`).map((digest) => digest.toString('hex')),
      size: body.length,
    };
  }

  /**
   * Everything or nothing: the delivery, its exposures, their digests, the ledger and the wake-up. Of a large delivery the
   * reports are kept as a whole, and filed behind the answer.
   */
  async #keep(
    db: Db,
    source: Reporting,
    judged: Judged,
    by: Principal,
    now: Millis,
  ): Promise<Result<Received, Refusal>> {
    const received: Received = { deliveryId: judged.deliveryId, event: judged.read.event };
    const fresh = judged.read.acknowledged === undefined ? 'accepted' : 'acknowledged';
    for (let round = 0; round < 3; round++) {
      const { byId, byContent } = await knownAs(db, { sourceId: source.id, ...judged });
      const sighting = sightingOf(
        byId ? { sameBody: judged.bodyHashes.some((hash) => hash.equals(byId.body_hash)) } : null,
        byContent,
      );
      if (byId && sighting === 'redelivered') {
        await db.query(`UPDATE delivery SET redeliveries = redeliveries + 1 WHERE id = $1`, [byId.id]);
        return ok(received);
      }
      if (byId && sighting === 'conflicting') return err(await this.#conflict(db, source, byId.id, by, now));
      const id = await this.#insert(
        db,
        source,
        judged,
        sighting === 'repeated' ? 'repeated' : fresh,
        by,
        now,
      );
      // Undefined: the same delivery came twice in one instant, and the other one was first. Look again.
      if (id === undefined) continue;
      if (sighting === 'new' && fresh === 'accepted') {
        const request = {
          deliveryId: id,
          reporter: {
            kind: 'source' as const,
            id: source.id,
            sourceId: source.id,
            partyId: source.partyId,
            trust: source.trust,
          },
          fetchable: source.fetchable,
          by,
          now,
        };
        if ('prepared' in judged.reports)
          await this.reports.file(db, { ...request, batchId: id, reports: judged.reports.prepared });
        else await this.waiting.keep(db, id, request, judged.reports.packed);
      }
      await seen(db, { sourceId: source.id, now });
      return ok(received);
    }
    throw new Error('a delivery was neither new nor known');
  }

  async #insert(
    db: Db,
    source: Reporting,
    judged: Judged,
    outcome: 'accepted' | 'acknowledged' | 'repeated',
    by: Principal,
    now: Millis,
  ): Promise<Id | undefined> {
    const id = newId();
    const isNew = await insertDelivery(db, {
      id,
      source_id: source.id,
      delivery_id: judged.deliveryId,
      content_key: judged.contentKeys[0]!,
      body_hash: judged.bodyHashes[0]!.toString('hex'),
      size: judged.size,
      event: judged.read.event,
      reports: judged.read.reports.length,
      outcome,
      reason:
        outcome === 'repeated' ? 'the same content came under another id' : (judged.read.acknowledged ?? ''),
      correlation_id: by.correlationId,
      received_at: new Date(now).toISOString(),
      via: judged.via,
    });
    if (!isNew) return undefined;
    await this.ledger.append(db, {
      kind: 'delivery.received',
      subject: { kind: 'delivery', id },
      by,
      at: now,
      facts: {
        sourceId: source.id,
        event: judged.read.event,
        outcome,
        reports: judged.read.reports.length,
        size: judged.size,
        via: judged.via,
      },
      committed: { deliveryId: judged.deliveryId, ...(by.ip === undefined ? {} : { ip: by.ip }) },
    });
    return id;
  }

  /** Ids are not signed by every source: one that comes back with another body is a replay that was tampered with, or a fault. */
  async #conflict(db: Db, source: Reporting, deliveryId: Id, by: Principal, now: Millis): Promise<Refusal> {
    await this.alerts.raise(db, {
      kind: 'intake.delivery-conflict',
      severity: 'critical',
      subject: { kind: 'source', id: source.id },
      message: `${source.name} sent a known delivery id with another body; the second one was refused.`,
      dedupeKey: `intake.delivery-conflict:${source.id}`,
      at: now,
    });
    await this.ledger.append(db, {
      kind: 'delivery.conflicting',
      subject: { kind: 'delivery', id: deliveryId },
      by,
      at: now,
      facts: { sourceId: source.id },
      ...(by.ip === undefined ? {} : { committed: { ip: by.ip } }),
    });
    return refusal('conflict', 'delivery-id-taken', 'This delivery id was used before, with another body.');
  }
}

interface Sought {
  sourceId: Id;
  deliveryId: string;
  contentKeys: readonly string[];
}

interface Found {
  byId: { id: Id; body_hash: Buffer } | null;
  byContent: boolean;
}

/** Whether a delivery came before, by its id and by its content. */
const knownAs = inOne(async (db: Db, all: readonly Sought[]): Promise<Found[]> => {
  const rows = await rowsOf<{ n: number; id: Id | null; body_hash: Buffer | null; by_content: boolean }>(
    db,
    `SELECT r.n, d.id, d.body_hash, c.id IS NOT NULL AS by_content
       FROM unnest($1::int[], $2::uuid[], $3::text[], $4::text[]) AS r(n, source_id, delivery_id, content_keys)
       LEFT JOIN LATERAL (SELECT id, body_hash FROM delivery WHERE source_id = r.source_id AND delivery_id = r.delivery_id OFFSET 0) d ON true
       LEFT JOIN LATERAL (SELECT id FROM delivery WHERE source_id = r.source_id AND content_key = ANY(string_to_array(r.content_keys, ','))
                             AND outcome = 'accepted' LIMIT 1) c ON true`,
    [
      all.map((_, n) => n),
      all.map(({ sourceId }) => sourceId),
      all.map(({ deliveryId }) => deliveryId),
      all.map(({ contentKeys }) => contentKeys.join(',')),
    ],
  );
  const found = new Map(rows.map((row) => [row.n, row]));
  return all.map((_, n) => {
    const { id, body_hash: hash, by_content: byContent } = found.get(n)!;
    return { byId: id !== null && hash !== null ? { id, body_hash: hash } : null, byContent };
  });
});

interface DeliveryRow {
  id: Id;
  source_id: Id;
  delivery_id: string;
  content_key: string;
  /** Hex. */
  body_hash: string;
  size: number;
  event: string;
  reports: number;
  outcome: string;
  reason: string;
  correlation_id: string;
  received_at: string;
  via: Via;
}

/** Whether it was new. */
const insertDelivery = inOne(async (db: Db, all: readonly DeliveryRow[]): Promise<boolean[]> => {
  const made = await rowsOf<{ id: Id }>(
    db,
    `INSERT INTO delivery (id, source_id, delivery_id, content_key, body_hash, size, event, reports, outcome, reason, correlation_id, received_at, via)
     SELECT id, source_id, delivery_id, content_key, decode(body_hash, 'hex'), size, event, reports, outcome, reason, correlation_id, received_at, via
       FROM jsonb_to_recordset($1::jsonb) AS r(id uuid, source_id uuid, delivery_id text, content_key text, body_hash text, size int, event text,
                                               reports int, outcome text, reason text, correlation_id text, received_at timestamptz, via text)
     ON CONFLICT DO NOTHING RETURNING id`,
    [JSON.stringify(all)],
  );
  const ids = new Set(made.map(({ id }) => id));
  return all.map(({ id }) => ids.has(id));
});

/** By the minute, and never waiting for another delivery that does the same. */
const seen = inOne(async (db: Db, all: readonly { sourceId: Id; now: Millis }[]): Promise<void[]> => {
  const latest = new Map(all.map(({ sourceId, now }) => [sourceId, now]));
  await db.query(
    `UPDATE source s SET last_seen_at = f.at FROM (
       SELECT x.id, r.at FROM unnest($1::uuid[], $2::timestamptz[]) AS r(id, at) JOIN source x ON x.id = r.id
        WHERE x.last_seen_at IS NULL OR x.last_seen_at < r.at - interval '1 minute' FOR NO KEY UPDATE OF x SKIP LOCKED) f
      WHERE s.id = f.id`,
    [[...latest.keys()], [...latest.values()].map((at) => new Date(at))],
  );
  return all.map(() => undefined);
});
