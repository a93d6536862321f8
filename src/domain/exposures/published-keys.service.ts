import { Inject, Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { Secret } from '../../kernel/secret.ts';
import { ELAPSED_DAY, MINUTE, SECOND, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbound } from '../../platform/http/outbound.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { SOURCES, type Source, type SourceSettings } from './source.ts';

const MAX_BYTES = 512 * 1024;
/** How long keys go without being asked for again. A key that was withdrawn must not stay good for longer. */
const FRESH: Millis = 15 * MINUTE;
/** Between two questions that unproven deliveries cause. */
const PAUSE: Millis = MINUTE;

interface Row {
  id: Id;
  kind: string;
  name: string;
  settings: SourceSettings;
  api_base_url: string | null;
  published_keys: string | null;
  published_tag: string | null;
  published_at: Date | null;
}

/**
 * The keys that senders publish, kept until they change: asked for under their tag, so that an unchanged list costs the
 * sender nothing (RFC 9110 §13.1.2).
 */
@Injectable()
export class PublishedKeys {
  readonly #asked = new Map<Id, Millis>();

  constructor(
    @Inject(SOURCES) private readonly sources: readonly Source[],
    private readonly transactions: Transactions,
    private readonly outbound: Outbound,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly alerts: AlertsService,
  ) {}

  /** For a delivery whose key is not known: at most once in a while, since anybody can send one. @returns whether there are other keys now */
  async learn(sourceId: Id, by: Principal): Promise<boolean> {
    const now = this.clock.now();
    const last = this.#asked.get(sourceId);
    if (last !== undefined && now - last < PAUSE && now >= last) return false;
    this.#asked.set(sourceId, now);
    const row = await this.transactions.run(by, (db) => this.#row(db, sourceId));
    return row !== undefined && this.#ask(row, by);
  }

  /** Asks for all that are due. */
  async refresh(by: Principal): Promise<void> {
    const due = await this.transactions.run(by, (db) =>
      rowsOf<Row>(
        db,
        `SELECT ${COLUMNS} FROM source WHERE active AND kind = ANY($1::text[]) AND (published_at IS NULL OR published_at < $2)
          ORDER BY published_at NULLS FIRST LIMIT 100`,
        [
          this.sources.filter((kind) => kind.publishedKeysUrl).map(({ key }) => key),
          new Date(this.clock.now() - FRESH),
        ],
      ),
    );
    for (const row of due) await this.#ask(row, by);
  }

  async #row(db: Db, id: Id): Promise<Row | undefined> {
    const [row] = await rowsOf<Row>(db, `SELECT ${COLUMNS} FROM source WHERE id = $1`, [id]);
    return row;
  }

  async #ask(row: Row, by: Principal): Promise<boolean> {
    const kind = this.sources.find(({ key }) => key === row.kind);
    const url = kind?.publishedKeysUrl?.(row.settings, row.api_base_url);
    if (!kind || url === undefined) return false;
    const answer = await this.outbound.request({
      method: 'GET',
      url,
      headers: {
        accept: 'application/json',
        ...(row.published_tag === null ? {} : { 'if-none-match': row.published_tag }),
      },
      timeout: 10 * SECOND,
      maxBytes: MAX_BYTES,
    });
    const now = this.clock.now();
    if (answer.ok && answer.status === 304 && row.published_keys !== null) {
      await this.#store(row, row.published_keys, row.published_tag, by, now);
      return false;
    }
    const document = answer.ok && answer.status === 200 ? answer.body.toString('utf8') : undefined;
    const wrong = document === undefined ? undefined : kind.checkKey(Secret.of(document));
    if (!answer.ok || document === undefined || wrong !== undefined) {
      const why = answer.ok
        ? wrong === undefined
          ? `it answered ${answer.status}`
          : `what is published at ${new URL(url).host} ${wrong}`
        : answer.why;
      await this.#missed(row, why, answer.ok && wrong !== undefined, by, now);
      return false;
    }
    const tag = answer.headers['etag'] ?? null;
    await this.#store(row, document, tag !== null && tag.length <= 500 ? tag : null, by, now);
    return document !== row.published_keys;
  }

  async #store(row: Row, document: string, tag: string | null, by: Principal, now: Millis): Promise<void> {
    const changed = document !== row.published_keys;
    await this.transactions.run(by, async (db) => {
      await db.query(
        `UPDATE source SET published_keys = $2, published_tag = $3, published_at = $4 WHERE id = $1`,
        [row.id, document, tag, new Date(now)],
      );
      await this.alerts.settle(db, keysMissedKey(row.id), now);
      if (!changed) return;
      await this.ledger.append(db, {
        kind: 'source.published-keys-changed',
        subject: { kind: 'source', id: row.id },
        by,
        at: now,
        facts: { bytes: Buffer.byteLength(document) },
      });
    });
  }

  /** The known keys stay good for a day; nobody knows of a change in the meantime, and somebody should. */
  async #missed(row: Row, why: string, unusable: boolean, by: Principal, now: Millis): Promise<void> {
    const never = row.published_at === null;
    const overdue = row.published_at !== null && now - row.published_at.getTime() > ELAPSED_DAY;
    await this.transactions.run(by, async (db) => {
      if (overdue)
        await db.query(`UPDATE source SET published_keys = NULL, published_tag = NULL WHERE id = $1`, [
          row.id,
        ]);
      await this.alerts.raise(db, {
        kind: 'source.keys-not-fetched',
        severity: never || overdue ? 'critical' : 'warning',
        subject: { kind: 'source', id: row.id },
        message: `The keys of ${row.name} could not be ${unusable ? 'used' : 'fetched'}: ${why}.${never || overdue ? ' Its deliveries are refused until they can be, unless it has a key of its own here.' : ''}`,
        dedupeKey: keysMissedKey(row.id),
        at: now,
      });
    });
  }
}

/** Of the alert that says why the keys that a sender publishes are not there. */
export function keysMissedKey(sourceId: Id): string {
  return `source.keys-not-fetched:${sourceId}`;
}

const COLUMNS = `id, kind, name, settings, api_base_url, published_keys, published_tag, published_at`;
