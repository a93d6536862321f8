import { setImmediate as othersFirst } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { Secret } from '../../kernel/secret.ts';
import type { Millis } from '../../kernel/time.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { Keys } from '../../platform/signing/keys.ts';
import { Vault } from '../../platform/vault/vault.ts';
import { keyedSha256 } from '../credentials/fingerprint.rules.ts';
import { Envelopes } from './envelopes.ts';
import type { Reporter } from './exposure.rules.ts';
import { exposuresReported } from './exposures.events.ts';
import { prepare } from './record-reports.ts';
import { ReportsService } from './reports.service.ts';
import type { Report } from './source.ts';

/** A delivery of more reports than this is answered first and filed afterwards. */
export const FILED_AT_ONCE = 100;

/** Reports between two looks at what else is to be done. */
const AT_ONCE = 500;

/** What a large delivery leaves behind for whoever files it. */
export interface Waiting {
  deliveryId: Id;
  reporter: Reporter;
  fetchable: boolean;
  by: Principal;
  now: Millis;
  reports: readonly Report[];
}

/** The reports of a large delivery as they are sealed; whoever has it wipes it. */
export interface Packed {
  pieces: Buffer[];
  count: number;
}

/** The reports of one large delivery in the hand of who files them, and the order in which they are filed. */
export interface Hand extends Waiting {
  order: readonly number[];
}

/** What one transaction filed. `left`: reports that still wait. */
export interface Portion {
  /** Of the reports that carried one, by exposure; the caller's to wipe. */
  values: Map<Id, Secret>;
  left: number;
}

/**
 * Reports between the answer to a large delivery and their turn: sealed, like the values that they hold. They are filed in
 * portions, those of the riskiest credentials first, so that the first revocation does not wait for the last report.
 */
@Injectable()
export class WaitingReports {
  constructor(
    private readonly transactions: Transactions,
    private readonly keys: Keys,
    private readonly vault: Vault,
    private readonly envelopes: Envelopes,
    private readonly reports: ReportsService,
    private readonly outbox: Outbox,
  ) {}

  /** Makes ready what `keep` seals, piece by piece: others go on meanwhile, and no transaction waits for it. */
  async pack(reports: readonly Report[]): Promise<Packed> {
    const pieces: Buffer[] = [];
    for (let from = 0; from < reports.length; from += AT_ONCE) {
      if (from > 0) await othersFirst();
      const texts = reports
        .slice(from, from + AT_ONCE)
        .map((report) => JSON.stringify({ ...report, value: report.value?.use((text) => text) ?? null }));
      pieces.push(Buffer.from(`${from > 0 ? ',' : ''}${texts.join(',')}`));
    }
    return { pieces, count: reports.length };
  }

  /** Keeps them, and wakes who files them. */
  async keep(db: Db, batchId: Id, waiting: Omit<Waiting, 'reports'>, packed: Packed): Promise<void> {
    await this.envelopes.make(db, { id: batchId, correlationId: waiting.by.correlationId, now: waiting.now });
    const head = JSON.stringify(waiting).slice(0, -1);
    const sealed = Secret.ofBytes(
      Buffer.concat([Buffer.from(`${head},"reports":[`), ...packed.pieces, Buffer.from(']}')]),
    );
    const ref = await this.vault.putHere(db, binding(batchId), sealed);
    sealed.wipe();
    await db.query(`UPDATE exposure_batch SET reports_ref = $2, filed = $3 WHERE id = $1`, [
      batchId,
      ref,
      Buffer.alloc(Math.ceil(packed.count / 8)),
    ]);
    await this.outbox.put(db, exposuresReported, { batchId }, { key: batchId });
  }

  /** Opens them and puts them into order, without changing anything. Null: none wait. */
  open(batchId: Id, by: Principal): Promise<Hand | null> {
    return this.transactions.run(by, async (db) => {
      const [row] = await rowsOf<{ reports_ref: string | null }>(
        db,
        `SELECT reports_ref FROM exposure_batch WHERE id = $1`,
        [batchId],
      );
      if (!row?.reports_ref) return null;
      const sealed = await this.vault.get(db, row.reports_ref, binding(batchId));
      const waiting = unpacked(sealed);
      sealed.wipe();
      return { ...waiting, order: await this.#order(db, waiting.reports) };
    });
  }

  /**
   * Files the next ones of those that wait, at most `size`; who asks while another transaction files waits for it. With the
   * last of them the sealed reports are destroyed.
   */
  async file(db: Db, batchId: Id, hand: Hand, size: number): Promise<Portion> {
    const [row] = await rowsOf<{ reports_ref: string | null; filed: Buffer | null }>(
      db,
      `SELECT reports_ref, filed FROM exposure_batch WHERE id = $1 FOR NO KEY UPDATE`,
      [batchId],
    );
    const filed = row?.filed;
    if (!row?.reports_ref || !filed) return { values: new Map(), left: 0 };
    const open = hand.order.filter((n) => ((filed[n >> 3]! >> (n & 7)) & 1) === 0);
    const taken = open.slice(0, size);
    for (const n of taken) filed[n >> 3]! |= 1 << (n & 7);
    const left = open.length - taken.length;
    const prepared = prepare(
      taken.map((n) => hand.reports[n]!),
      this.keys.peppers(),
    );
    const recorded = await this.reports.record(db, { ...hand, batchId, reports: prepared });
    if (left === 0) await this.vault.destroy(db, row.reports_ref);
    await db.query(`UPDATE exposure_batch SET reports_ref = $2, filed = $3 WHERE id = $1`, [
      batchId,
      left === 0 ? null : row.reports_ref,
      left === 0 ? null : filed,
    ]);
    const values = recorded.flatMap(({ exposureId, state, prepared: { value } }): [Id, Secret][] =>
      state === 'received' && value ? [[exposureId, value]] : [],
    );
    return { values: new Map(values), left };
  }

  /** What is known, riskiest first; then the others as they came. By the value as it stands: this decides order only. */
  async #order(db: Db, reports: readonly Report[]): Promise<number[]> {
    const peppers = this.keys.peppers();
    const digests = keyedSha256(
      reports.map(({ value, sha256 }) => value ?? sha256 ?? null),
      peppers,
    );
    // One parameter and one answer: ten thousand of either cost more than the look-ups between them.
    const [row] = await rowsOf<{ known: string | null }>(
      db,
      `SELECT string_agg(o.n::text, ',' ORDER BY o.risk DESC, o.n) AS known
         FROM (SELECT i / cardinality($2::text[]) AS n, max(c.risk) AS risk
                 FROM generate_series(0, $3::int - 1) AS i
                 JOIN fingerprint f ON f.digest = substring($1::bytea FROM i * 32 + 1 FOR 32)
                                   AND f.key_id = ($2::text[])[i % cardinality($2::text[]) + 1]
                 JOIN credential c ON c.id = f.credential_id
                GROUP BY 1) o`,
      [digests, peppers.map(({ id }) => id), reports.length * peppers.length],
    );
    const known = row?.known ? row.known.split(',').map(Number) : [];
    return [...new Set([...known, ...reports.keys()])];
  }

  /** Those that nobody could file for long: gone, since a value is not kept because a job failed. @returns of how many deliveries */
  async destroyOlder(db: Db, before: Date): Promise<Id[]> {
    const stale = await rowsOf<{ id: Id; reports_ref: string }>(
      db,
      `SELECT id, reports_ref FROM exposure_batch WHERE reports_ref IS NOT NULL AND created_at < $1
        ORDER BY created_at LIMIT 200 FOR NO KEY UPDATE SKIP LOCKED`,
      [before],
    );
    for (const { id, reports_ref: ref } of stale) {
      await this.vault.destroy(db, ref);
      await db.query(`UPDATE exposure_batch SET reports_ref = NULL, filed = NULL WHERE id = $1`, [id]);
    }
    return stale.map(({ id }) => id);
  }
}

function binding(batchId: Id): string {
  return `exposure_batch:${batchId}:reports`;
}

function unpacked(sealed: Secret): Waiting {
  return sealed.use((text) => {
    const waiting = JSON.parse(text) as Omit<Waiting, 'reports'> & {
      reports: (Omit<Report, 'value'> & { value: string | null })[];
    };
    return {
      ...waiting,
      reports: waiting.reports.map((report) => ({
        ...report,
        value: report.value === null ? null : Secret.of(report.value),
      })),
    };
  });
}
