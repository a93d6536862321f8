import { Refused } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso, MINUTE, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Log } from '../../platform/log/log.ts';
import { Sweep } from '../../platform/queue/handlers.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { nextInWindow } from './cadence.rules.ts';
import { dueOfPage, type DueCredential } from './due.queries.ts';
import { RotationIntervals } from './intervals.ts';
import { RotationsService } from './rotations.service.ts';

const PAGE = 500;

/**
 * Opens rotations ahead of the day on which they are due, within the maintenance windows of integrations that ask for it.
 * For the others an alert says that one is due: nothing is changed at a supplier that nobody asked for.
 */
@Sweep({ name: 'rotation.due', every: 5 * MINUTE })
export class DueSweep {
  constructor(
    private readonly transactions: Transactions,
    private readonly intervals: RotationIntervals,
    private readonly rotations: RotationsService,
    private readonly alerts: AlertsService,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  async sweep(by: Principal): Promise<void> {
    let after: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof dueOfPage>> = await this.transactions.run(by, (db) =>
        dueOfPage(db, this.intervals, { after, limit: PAGE }),
      );
      const now = this.clock.now();
      for (const one of page.due) if (now >= one.from) await this.#act(one, now, by);
      after = page.last;
    } while (after !== null);
  }

  async #act(one: DueCredential, now: Millis, by: Principal): Promise<void> {
    if (!one.automatic) return this.transactions.run(by, (db) => this.#tell(db, one, now, ''));
    if (nextInWindow(now, one.windows, one.zone) > now) return;
    try {
      await this.transactions.run(by, async (db) => {
        const reason = `due at ${iso(one.at)}: ${one.why}`;
        const begun = await this.rotations.begin(db, one.credentialId, { emergency: false, reason }, by);
        if (!begun.ok) throw new Refused(begun.error);
      });
      this.log.info({ credential: one.credentialId }, 'a rotation that is due was opened');
    } catch (thrown) {
      if (!(thrown instanceof Refused)) throw thrown;
      await this.transactions.run(by, (db) =>
        this.#tell(db, one, now, ` It could not be opened: ${thrown.refusal.message}`),
      );
    }
  }

  /** Once; the alert stays open until the rotation is through. */
  async #tell(db: Db, one: DueCredential, now: Millis, more: string): Promise<void> {
    const dedupeKey = `rotation-due:${one.credentialId}`;
    const late = now > one.at;
    const [known] = await db.query<{ severity: string }[]>(
      `SELECT severity FROM alert WHERE dedupe_key = $1 AND handled_at IS NULL`,
      [dedupeKey],
    );
    if (known && (known.severity === 'warning' || !late)) return;
    if (known) await this.alerts.settle(db, dedupeKey, now);
    await this.alerts.raise(db, {
      kind: 'rotation.due',
      severity: late ? 'warning' : 'info',
      message: `${one.name} (${one.reference}) ${late ? 'was' : 'is'} to be rotated by ${iso(one.at)}: ${one.why}.${more}`,
      dedupeKey,
      subject: { kind: 'credential', id: one.credentialId },
      at: now,
    });
  }
}
