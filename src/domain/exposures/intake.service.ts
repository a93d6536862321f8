import { createHmac } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { system, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import type { Secret } from '../../kernel/secret.ts';
import { HOUR, MINUTE, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { correlationId } from '../../platform/log/log.ts';
import { Keys } from '../../platform/signing/keys.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AlertsService, type AlertInput } from '../notices/alerts.service.ts';
import { STALE, UNPROVEN } from './delivery.rules.ts';
import { sightingOf, type Trust } from './exposure.rules.ts';
import { Quota } from './quota.ts';
import { prepare, type PreparedReport } from './record-reports.ts';
import { ReportsService } from './reports.service.ts';
import { SOURCES, type RawDelivery, type ReadDelivery, type Source } from './source.ts';
import { SourceKeys, type KeyRef } from './source-keys.ts';
import { FILED_AT_ONCE, WaitingReports } from './waiting-reports.service.ts';

/** A source that may deliver: known, active, with at least one key. */
export interface Admitted {
  id: Id;
  key: string;
  name: string;
  kind: Source;
  keys: readonly Secret[];
  trust: Trust;
  partyId: Id | null;
  quotaPerHour: number;
  fetchable: boolean;
}

/** The answer to a delivery; the same for the same delivery, however often it comes. */
export interface Received {
  deliveryId: string;
  event: string;
}

interface Judged {
  deliveryId: string;
  read: ReadDelivery;
  /** Of a large delivery: null, since its reports are fingerprinted as they are filed. */
  prepared: PreparedReport[] | null;
  /** Keyed, since a body holds a secret: under every live pepper, the current one first. */
  bodyHashes: Buffer[];
  contentKeys: string[];
  size: number;
}

/**
 * The door for signed deliveries. In order: is there such a source with a key; is the body small enough; is it signed; is
 * there quota; can it be read; and then one transaction that knows whether it came before. No raw body is kept.
 */
@Injectable()
export class IntakeService {
  readonly #quota = new Quota();
  readonly #warned = new Map<string, Millis>();

  constructor(
    @Inject(SOURCES) private readonly sources: readonly Source[],
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly keys: Keys,
    private readonly sourceKeys: SourceKeys,
    private readonly reports: ReportsService,
    private readonly waiting: WaitingReports,
    private readonly ledger: LedgerService,
    private readonly alerts: AlertsService,
  ) {}

  /** Before a byte of the body is read. A source without a key is refused, never open. */
  async admit(sourceKey: string): Promise<Result<Admitted, Refusal>> {
    if (!/^[a-z0-9-]{1,60}$/.test(sourceKey)) return err(UNPROVEN);
    return this.transactions.run(this.#self(), async (db) => {
      const [row] = await rowsOf<{
        id: Id;
        key: string;
        kind: string;
        name: string;
        trust: Trust;
        party_id: Id | null;
        key_refs: KeyRef[];
        api_base_url: string | null;
        quota_per_hour: number;
      }>(
        db,
        `SELECT id, key, kind, name, trust, party_id, key_refs, api_base_url, quota_per_hour FROM source WHERE key = $1 AND active`,
        [sourceKey],
      );
      const kind = row && this.sources.find((source) => source.key === row.kind);
      if (!row || !kind || row.key_refs.length === 0) return err(UNPROVEN);
      return ok({
        id: row.id,
        key: row.key,
        name: row.name,
        kind,
        keys: await this.sourceKeys.open(db, row.id, row.key_refs),
        trust: row.trust,
        partyId: row.party_id,
        quotaPerHour: row.quota_per_hour,
        fetchable: kind.fetchMissing !== undefined,
      });
    });
  }

  /** @param limit bytes that were read when it was given up, or that the sender announced */
  async tooLarge(source: Admitted): Promise<Refusal> {
    // Nobody read it, so nobody knows whose it was: whoever knows the source's key can send one.
    await this.#warn(
      source,
      'too-large',
      {
        severity: 'warning',
        message: `A body over the limit of ${source.kind.bodyLimit} bytes came in the name of ${source.name}. If it was the source's, a delivery is lost: look there, and fetch it.`,
      },
      HOUR,
    );
    return refusal(
      'too_large',
      'delivery-too-large',
      `The delivery is larger than ${source.kind.bodyLimit} bytes.`,
    );
  }

  async receive(
    source: Admitted,
    delivery: RawDelivery,
    ip: string | undefined,
  ): Promise<Result<Received, Refusal>> {
    if (delivery.body.length > source.kind.bodyLimit) return err(await this.tooLarge(source));
    const now = this.clock.now();
    const proven = source.kind.authenticate(delivery, source.keys, now);
    if (!proven.ok) {
      if (proven.error.kind === 'unauthenticated') {
        const stale = proven.error.code === STALE.code;
        await this.#warn(source, stale ? 'stale' : 'not-signed', {
          severity: 'warning',
          message: stale
            ? `A delivery of ${source.name} was signed more than 5 minutes off our time, and refused: look at both clocks.`
            : `A delivery in the name of ${source.name} was not signed with one of its keys. If it was the source, its key changed and its reports are lost.`,
        });
      }
      return proven;
    }
    const wait = this.#quota.take(source.id, 1, source.quotaPerHour, now);
    if (wait !== undefined) {
      await this.#warn(source, 'over-quota', {
        severity: 'critical',
        message: `${source.name} delivers more than ${source.quotaPerHour} times an hour; what is beyond is refused.`,
      });
      return err(
        refusal('too_many', 'source-over-quota', 'The source delivers too often.', { retryAfter: wait }),
      );
    }
    const read = source.kind.read(delivery);
    if (!read.ok) {
      await this.#warn(source, 'unreadable', {
        severity: 'critical',
        message: `A signed delivery of ${source.name} cannot be read and is lost: ${read.error.fields?.[0]?.field ?? 'body'} ${read.error.fields?.[0]?.problem ?? ''}`,
      });
      return read;
    }
    const judged = this.#judge(proven.value.deliveryId, read.value, delivery);
    const by = this.#asSource(source, ip);
    const result = await this.transactions.run(this.#self(), (db) => this.#keep(db, source, judged, by, now));
    for (const { value } of read.value.reports) value?.wipe();
    return result;
  }

  #judge(deliveryId: string, read: ReadDelivery, delivery: RawDelivery): Judged {
    const peppers = this.keys.peppers();
    const keyed = (bytes: Buffer | string) =>
      peppers.map(({ key }) => key.useBytes((pepper) => createHmac('sha256', pepper).update(bytes).digest()));
    return {
      deliveryId,
      read,
      prepared: read.reports.length > FILED_AT_ONCE ? null : prepare(read.reports, peppers),
      bodyHashes: keyed(delivery.body),
      contentKeys: keyed(`content ${read.contentKey}`).map((digest) => digest.toString('hex')),
      size: delivery.body.length,
    };
  }

  /**
   * Everything or nothing: the delivery, its exposures, their digests, the ledger and the wake-up. Of a large delivery the
   * reports are kept as a whole, and filed behind the answer.
   */
  async #keep(
    db: Db,
    source: Admitted,
    judged: Judged,
    by: Principal,
    now: Millis,
  ): Promise<Result<Received, Refusal>> {
    const received: Received = { deliveryId: judged.deliveryId, event: judged.read.event };
    const fresh = judged.read.acknowledged === undefined ? 'accepted' : 'acknowledged';
    for (let round = 0; round < 3; round++) {
      const [byId] = await rowsOf<{ id: Id; body_hash: Buffer }>(
        db,
        `SELECT id, body_hash FROM delivery WHERE source_id = $1 AND delivery_id = $2`,
        [source.id, judged.deliveryId],
      );
      const [byContent] = await rowsOf<{ id: Id }>(
        db,
        `SELECT id FROM delivery WHERE source_id = $1 AND content_key = ANY($2::text[]) AND outcome = 'accepted' LIMIT 1`,
        [source.id, judged.contentKeys],
      );
      const sighting = sightingOf(
        byId ? { sameBody: judged.bodyHashes.some((hash) => hash.equals(byId.body_hash)) } : null,
        byContent !== undefined,
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
        if (judged.prepared)
          await this.reports.file(db, { ...request, batchId: id, reports: judged.prepared });
        else await this.waiting.keep(db, id, { ...request, reports: judged.read.reports });
      }
      await seen(db, source.id, now);
      return ok(received);
    }
    throw new Error('a delivery was neither new nor known');
  }

  async #insert(
    db: Db,
    source: Admitted,
    judged: Judged,
    outcome: 'accepted' | 'acknowledged' | 'repeated',
    by: Principal,
    now: Millis,
  ): Promise<Id | undefined> {
    const [row] = await rowsOf<{ id: Id }>(
      db,
      `INSERT INTO delivery (id, source_id, delivery_id, content_key, body_hash, size, event, reports, outcome, reason, correlation_id, received_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING RETURNING id`,
      [
        newId(),
        source.id,
        judged.deliveryId,
        judged.contentKeys[0],
        judged.bodyHashes[0],
        judged.size,
        judged.read.event,
        judged.read.reports.length,
        outcome,
        outcome === 'repeated' ? 'the same content came under another id' : (judged.read.acknowledged ?? ''),
        by.correlationId,
        new Date(now),
      ],
    );
    if (!row) return undefined;
    await this.ledger.append(db, {
      kind: 'delivery.received',
      subject: { kind: 'delivery', id: row.id },
      by,
      at: now,
      facts: {
        sourceId: source.id,
        event: judged.read.event,
        outcome,
        reports: judged.read.reports.length,
        size: judged.size,
      },
      committed: { deliveryId: judged.deliveryId, ...(by.ip === undefined ? {} : { ip: by.ip }) },
    });
    return row.id;
  }

  /** Ids are not signed by every source: one that comes back with another body is a replay that was tampered with, or a fault. */
  async #conflict(db: Db, source: Admitted, deliveryId: Id, by: Principal, now: Millis): Promise<Refusal> {
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

  /**
   * An alert of its own transaction, at most once in a while for each source and kind: forgers must not write our disk
   * full. While one is open a further one is counted on it.
   */
  async #warn(
    source: Admitted,
    kind: string,
    alert: Pick<AlertInput, 'severity' | 'message'>,
    atMostEvery: Millis = MINUTE,
  ): Promise<void> {
    const now = this.clock.now();
    const dedupeKey = `intake.${kind}:${source.id}`;
    const last = this.#warned.get(dedupeKey);
    if (last !== undefined && now - last < atMostEvery && now >= last) return;
    this.#warned.set(dedupeKey, now);
    await this.transactions.run(this.#self(), (db) =>
      this.alerts.raise(db, {
        ...alert,
        kind: `intake.${kind}`,
        subject: { kind: 'source', id: source.id },
        dedupeKey,
        at: now,
      }),
    );
  }

  #self(): Principal {
    return system('intake', correlationId());
  }

  #asSource(source: Admitted, ip: string | undefined): Principal {
    return {
      kind: 'source',
      id: source.id,
      roles: [],
      partyId: source.partyId,
      correlationId: correlationId(),
      ...(ip === undefined ? {} : { ip }),
    };
  }
}

/** By the minute, and never waiting for another delivery that does the same. */
async function seen(db: Db, sourceId: Id, now: Millis): Promise<void> {
  await db.query(
    `UPDATE source SET last_seen_at = $2 WHERE id = (
       SELECT id FROM source WHERE id = $1 AND (last_seen_at IS NULL OR last_seen_at < $3) FOR NO KEY UPDATE SKIP LOCKED)`,
    [sourceId, new Date(now), new Date(now - MINUTE)],
  );
}
