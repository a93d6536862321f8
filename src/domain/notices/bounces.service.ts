import { Inject, Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { withCorrelation } from '../../platform/log/log.ts';
import type { Config } from '../../platform/config/config.ts';
import { CONFIG } from '../../platform/config/token.ts';
import { bounceTokensIn } from '../../platform/mail/bounce-address.ts';
import { readReturnedMail, type ReportedRecipient } from '../../platform/mail/delivery-report.ts';
import { Keys } from '../../platform/signing/keys.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AlertsService } from './alerts.service.ts';
import { readBounceToken } from './bounce-token.ts';
import { isFulfilled, type FulfilledBy, type Receipt } from './notice.rules.ts';

/** What became of a message that was handed in. */
export type Handed =
  /** No delivery report: it is somebody else's to read. */
  | { is: 'no-report' }
  /** A report of nothing that we sent, or of what was said before. */
  | { is: 'unknown' }
  | { is: 'bounced' | 'delayed' | 'delivered'; reference: string };

interface AttemptRow {
  id: Id;
  notice_id: Id;
  address: string;
}

interface NoticeRow {
  id: Id;
  reference: string;
  correlation_id: string;
  due_at: Date | null;
  timeliness: string;
  receipt: Receipt;
  fulfilled_by: FulfilledBy;
  fulfilled_at: Date | null;
}

/**
 * What mail servers say after they took a message. A bounce re-opens the notice under the same deadline: what was counted
 * as told was not, as long as the window is open; once it has closed the decision stands, and the notice is told all the
 * same. Who hands in a report proves nothing by it, so a report only ever undoes an attempt of ours, once, and costs at
 * most another message to the same party.
 */
@Injectable()
export class BouncesService {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly alerts: AlertsService,
    private readonly keys: Keys,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * By the address that it came to, where that is one of our return paths; else by what the report says of the message.
   *
   * @param raw the whole message as it came (RFC 5322)
   * @param cameTo the address that it came to, where whoever hands it in knows
   */
  async take(raw: Uint8Array, by: Principal, cameTo = ''): Promise<Handed> {
    const returned = await readReturnedMail(raw);
    if (!returned) return { is: 'no-report' };
    const { report, said } = returned;
    const reported = report ? worstOf(report.recipients) : said;
    const ours = this.#attemptsBehind(`${cameTo}\n${returned.cameTo}`);
    if (reported)
      for (const attemptId of ours) {
        const done = await this.#one(reported, (db) => attemptById(db, attemptId), by);
        if (done.is !== 'unknown') return done;
      }
    if (!report) return reported && ours.length > 0 ? { is: 'unknown' } : { is: 'no-report' };
    const { messageId } = report;
    if (messageId === null) return { is: 'unknown' };
    let handed: Handed = { is: 'unknown' };
    for (const recipient of report.recipients) {
      const done = await this.#one(recipient, (db) => attemptOf(db, messageId, recipient.address), by);
      if (done.is === 'bounced' || handed.is === 'unknown') handed = done;
    }
    return handed;
  }

  #attemptsBehind(addresses: string): Id[] {
    const { mailBounce } = this.config;
    if (mailBounce === undefined) return [];
    return bounceTokensIn(addresses, mailBounce).flatMap(
      (token) => readBounceToken(token, this.keys.linkKey()) ?? [],
    );
  }

  async #one(
    reported: Reported,
    find: (db: Db) => Promise<AttemptRow | undefined>,
    by: Principal,
  ): Promise<Handed> {
    const attempt = await this.transactions.run(by, find);
    if (!attempt) return { is: 'unknown' };
    return this.transactions.run(by, async (db) => {
      const [notice] = await db.query<NoticeRow[]>(
        `SELECT id, reference, correlation_id, due_at, timeliness, receipt, fulfilled_by, fulfilled_at
           FROM notice WHERE id = $1 FOR UPDATE`,
        [attempt.notice_id],
      );
      if (!notice) return { is: 'unknown' };
      const trailed = { ...by, correlationId: notice.correlation_id };
      return withCorrelation(notice.correlation_id, () => {
        switch (reported.action) {
          case 'failed':
            return this.#bounced(db, notice, attempt, reported, trailed);
          case 'delivered':
            return this.#delivered(db, notice, trailed);
          case 'delayed':
            return this.#delayed(db, notice);
        }
      });
    });
  }

  async #bounced(
    db: Db,
    notice: NoticeRow,
    attempt: AttemptRow,
    { status, why }: Reported,
    by: Principal,
  ): Promise<Handed> {
    const now = this.clock.now();
    const marked = await rowsOf(
      db,
      `UPDATE notice_attempt SET bounced_at = $2, bounce = $3 WHERE id = $1 AND bounced_at IS NULL RETURNING id`,
      [attempt.id, iso(now), `${status} ${why}`.trim().slice(0, 500)],
    );
    if (marked.length === 0) return { is: 'unknown' };
    await this.ledger.append(db, {
      kind: 'notice.bounced',
      subject: { kind: 'notice', id: notice.id },
      by,
      at: now,
      facts: { reference: notice.reference, attempt: attempt.id, status },
      committed: { address: attempt.address, peerAnswer: why },
    });
    const [other] = await db.query<object[]>(
      `SELECT FROM notice_attempt WHERE notice_id = $1 AND outcome = 'accepted' AND bounced_at IS NULL LIMIT 1`,
      [notice.id],
    );
    // Somebody has it all the same, or a person has answered: one way less, and nothing owed anew.
    if (!other && notice.receipt !== 'acknowledged') await this.#reopen(db, notice, status, now);
    return { is: 'bounced', reference: notice.reference };
  }

  async #reopen(db: Db, notice: NoticeRow, status: string, now: Millis): Promise<void> {
    const inTime = notice.due_at === null || now <= notice.due_at.getTime();
    const undone = inTime && notice.timeliness !== 'missed';
    await db.query(
      `UPDATE notice SET receipt = 'bounced', dispatch = 'attempting', next_attempt_at = $2, updated_at = $2, row_version = row_version + 1,
              fulfilled_at = CASE WHEN $3 THEN NULL ELSE fulfilled_at END,
              timeliness = CASE WHEN $3 THEN 'open' ELSE timeliness END,
              decided_at = CASE WHEN $3 THEN NULL ELSE decided_at END,
              next_clock_at = CASE WHEN $3 THEN $2 ELSE next_clock_at END
        WHERE id = $1 AND obligation = 'required'`,
      [notice.id, iso(now), undone],
    );
    await this.alerts.raise(db, {
      kind: 'notice.bounced',
      severity: 'warning',
      message: `Notice ${notice.reference} came back (${status}): it is tried again at once, by another way where there is one.`,
      dedupeKey: `notice.bounced:${notice.id}`,
      subject: { kind: 'notice', id: notice.id },
      at: now,
    });
  }

  async #delivered(db: Db, notice: NoticeRow, by: Principal): Promise<Handed> {
    const now = this.clock.now();
    if (notice.receipt === 'none') {
      const fulfilled =
        notice.fulfilled_at === null && isFulfilled(notice.fulfilled_by, 'accepted', 'delivered');
      await db.query(
        `UPDATE notice SET receipt = 'delivered', fulfilled_at = CASE WHEN $3 THEN $2 ELSE fulfilled_at END,
                next_clock_at = CASE WHEN $3 THEN $2 ELSE next_clock_at END, updated_at = $2, row_version = row_version + 1
          WHERE id = $1`,
        [notice.id, iso(now), fulfilled],
      );
      await this.ledger.append(db, {
        kind: 'notice.delivered',
        subject: { kind: 'notice', id: notice.id },
        by,
        at: now,
        facts: { reference: notice.reference },
      });
    }
    return { is: 'delivered', reference: notice.reference };
  }

  async #delayed(db: Db, notice: NoticeRow): Promise<Handed> {
    await this.alerts.raise(db, {
      kind: 'notice.delayed',
      severity: 'warning',
      message: `Notice ${notice.reference} lies at a mail server that cannot pass it on yet. Call the contact if it is urgent.`,
      dedupeKey: `notice.delayed:${notice.id}`,
      subject: { kind: 'notice', id: notice.id },
      at: this.clock.now(),
    });
    return { is: 'delayed', reference: notice.reference };
  }
}

type Reported = Pick<ReportedRecipient, 'action' | 'status' | 'why'>;

/** One return path is one recipient: of several lines about it the gravest counts. */
function worstOf(recipients: readonly ReportedRecipient[]): Reported | undefined {
  return (
    recipients.find(({ action }) => action === 'failed') ??
    recipients.find(({ action }) => action === 'delayed') ??
    recipients[0]
  );
}

async function attemptById(db: Db, attemptId: Id): Promise<AttemptRow | undefined> {
  const [row] = await db.query<AttemptRow[]>(
    `SELECT id, notice_id, address FROM notice_attempt
      WHERE id = $1 AND channel = 'mail' AND outcome IN ('accepted', 'unknown') AND bounced_at IS NULL`,
    [attemptId],
  );
  return row;
}

/**
 * The attempt that a report is about: the one to that address. Where mail was forwarded the report names another; it can
 * be told then only if the message went to one address alone. What was reported once is not told of the next attempt.
 */
async function attemptOf(db: Db, messageId: string, address: string): Promise<AttemptRow | undefined> {
  const rows: (AttemptRow & { bounced: boolean })[] = await db.query(
    `SELECT id, notice_id, address, bounced_at IS NOT NULL AS bounced FROM notice_attempt
      WHERE message_id = $1 AND channel = 'mail' AND outcome IN ('accepted', 'unknown')
      ORDER BY bounced_at IS NOT NULL, number DESC LIMIT 50`,
    [messageId],
  );
  const addresses = new Set(rows.map((one) => one.address.toLowerCase()));
  const meant = addresses.has(address) || addresses.size !== 1 ? address : [...addresses][0]!;
  const found = rows.find((one) => one.address.toLowerCase() === meant);
  return found && !found.bounced ? found : undefined;
}
