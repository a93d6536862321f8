import { createHash } from 'node:crypto';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { HOUR, iso, MINUTE, SECOND, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { PublicUrl } from '../../platform/config/public-url.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Mailer } from '../../platform/mail/mailer.ts';
import { Sweep, type Sweeper } from '../../platform/queue/handlers.ts';
import { onCallNow } from '../parties/on-call.queries.ts';
import { readsIn } from '../parties/contact-language.ts';
import { alertWords } from './alert-words.rules.ts';
import { NoticeTexts } from './notice-texts.service.ts';

/** Named one by one; of the others the number. */
const MOST_NAMED = 20;
const CRITICAL_EVERY = 10 * MINUTE;
const OTHERS_EVERY = HOUR;

interface AlertRow {
  id: Id;
  severity: string;
  message: string;
  occurrences: number;
  first_at: Date;
}

/**
 * Alerts are many, and none of them is a duty: what nobody has looked at goes to whoever of the operator is on call as one
 * mail, at most every ten minutes where something is critical and every hour otherwise. Without a mail server, or without
 * a contact of the operator, the page carries them alone. A notice is never part of it.
 */
@Sweep({ name: 'notices.alert-digest', every: 30 * SECOND })
export class AlertDigest implements Sweeper {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly mailer: Mailer,
    private readonly texts: NoticeTexts,
    private readonly publicUrl: PublicUrl,
  ) {}

  async sweep(by: Principal): Promise<void> {
    if (!this.mailer.configured) return;
    const now = this.clock.now();
    const due = await this.transactions.run(by, async (db) => {
      const alerts = await dueAlerts(db, now);
      return alerts.length === 0 ? undefined : { alerts, to: await recipientOf(db, now) };
    });
    if (!due?.to) return;
    const { alerts, to } = due;
    const ids = alerts.map(({ id }) => id);
    const facts = {
      name: to.name,
      total: alerts.length,
      critical: alerts.filter(({ severity }) => severity === 'critical').length,
      more: Math.max(0, alerts.length - MOST_NAMED),
      alerts: alerts.slice(0, MOST_NAMED).map(({ severity, message, occurrences, first_at: at }) => ({
        severity,
        message: alertWords(message, to.language),
        occurrences,
        at: at.toISOString(),
      })),
      link: `${this.publicUrl.get()}/alerts`,
    };
    const rendered = await this.transactions.run(by, (db) =>
      this.texts.mail(db, 'alert-digest', to.language, facts),
    );
    const answer = await this.mailer.send(
      {
        // The same alerts to the same person are the same mail, however often its answer is lost.
        messageId: `${createHash('sha256')
          .update([to.id, ...ids].join())
          .digest('hex')
          .slice(0, 32)}@alerts.countersign`,
        to: to.email,
        language: to.language,
        ...rendered,
      },
      AbortSignal.timeout(15 * SECOND),
    );
    if (answer.outcome !== 'accepted') return;
    await this.transactions.run(by, (db) =>
      db.query(`UPDATE alert SET mailed_at = $2 WHERE id = ANY ($1)`, [ids, iso(now)]),
    );
  }
}

/** Everything that nobody has been told of yet, once the time for it has come: the worst first. */
async function dueAlerts(db: Db, now: Millis): Promise<AlertRow[]> {
  const [last] = await db.query<{ at: Date | null }[]>(`SELECT max(mailed_at) AS at FROM alert`);
  const since = now - (last?.at?.getTime() ?? 0);
  if (since < CRITICAL_EVERY) return [];
  const rows = await db.query<AlertRow[]>(
    `SELECT id, severity, message, occurrences, first_at FROM alert
      WHERE handled_at IS NULL AND mailed_at IS NULL AND severity <> 'info'
      ORDER BY (severity = 'critical') DESC, first_at, id LIMIT 1000`,
  );
  const [first] = rows;
  // A first warning waits for company, too.
  const ripe =
    first &&
    (first.severity === 'critical' ||
      (since >= OTHERS_EVERY && rows.some((one) => now - one.first_at.getTime() >= 5 * MINUTE)));
  return ripe ? rows : [];
}

async function recipientOf(
  db: Db,
  now: Millis,
): Promise<{ id: Id; name: string; email: string; language: string } | undefined> {
  const [operator] = await db.query<{ id: Id }[]>(
    `SELECT id FROM party WHERE is_operator AND retired_at IS NULL LIMIT 1`,
  );
  if (!operator) return undefined;
  const called = await onCallNow(db, operator.id, now);
  const rows = await db.query<{ id: Id; name: string; email: string | null; language: string }[]>(
    `SELECT id, name, email, ${readsIn('contact')} AS language FROM contact WHERE id = ANY ($1)`,
    [called.map(({ id }) => id)],
  );
  for (const { id } of called) {
    const found = rows.find((one) => one.id === id);
    if (found?.email) return { id, name: found.name, email: found.email, language: found.language };
  }
  return undefined;
}
