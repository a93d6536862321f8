import { Refused } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso, MINUTE, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Log } from '../../platform/log/log.ts';
import { Sweep } from '../../platform/queue/handlers.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { dueDrills, type DueDrill } from './drills.queries.ts';
import { DrillsService } from './drills.service.ts';

/** Drills that one sweep starts, so that an agreement over many credentials does not call everybody at once. */
const AT_ONCE = 25;

/**
 * Tries the paths of credentials as often as their agreement says. Where one cannot be tried (no canary is ready, nobody
 * could look whether it died), somebody is told what is missing, and it is tried as soon as that is mended.
 */
@Sweep({ name: 'revocation.due-drills', every: 5 * MINUTE })
export class DueDrillsSweep {
  constructor(
    private readonly transactions: Transactions,
    private readonly drills: DrillsService,
    private readonly alerts: AlertsService,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  async sweep(by: Principal): Promise<void> {
    const now = this.clock.now();
    const due = await this.transactions.run(by, (db) => dueDrills(db, now));
    let started = 0;
    for (const one of due) {
      if (started === AT_ONCE) return;
      if (await this.#start(one, by)) started += 1;
    }
  }

  async #start(one: DueDrill, by: Principal): Promise<boolean> {
    const dedupeKey = `drill-due:${one.pathId}`;
    const now = this.clock.now();
    try {
      await this.transactions.run(by, async (db) => {
        await this.drills.begin(db, one.pathId, by);
        await this.alerts.settle(db, dedupeKey, now);
      });
    } catch (thrown) {
      if (!(thrown instanceof Refused)) throw thrown;
      // Somebody started it meanwhile.
      if (thrown.refusal.code === 'drill-under-way') return false;
      const { message } = thrown.refusal;
      await this.transactions.run(by, (db) => this.#tell(db, one, dedupeKey, message, now));
      return false;
    }
    this.log.info({ path: one.pathId, credential: one.credentialId }, 'a drill that is due was started');
    return true;
  }

  async #tell(db: Db, one: DueDrill, dedupeKey: string, why: string, now: Millis): Promise<void> {
    await this.alerts.raise(db, {
      kind: 'drill.due',
      severity: 'warning',
      message: `A way to stop ${one.credentialName} (${one.credentialReference}) was to be tried by ${iso(one.dueAt.getTime())}: every ${one.everyDays} days are agreed. It could not be: ${why}`,
      dedupeKey,
      subject: { kind: 'revocation_path', id: one.pathId },
      at: now,
    });
  }
}
