import { type Id } from '../../kernel/ids.ts';
import { system } from '../../kernel/principal.ts';
import { MINUTE, SECOND, type Millis } from '../../kernel/time.ts';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Db, Transactions } from '../../platform/database/transactions.ts';
import type { Log } from '../../platform/log/log.ts';
import type { Outbox } from '../../platform/outbox/outbox.ts';
import type { LedgerService } from '../ledger/ledger.service.ts';
import { DEFAULT_WAIT, insertDeadlines } from './deadlines.queries.ts';
import { Heart } from './heart.ts';
import {
  endWorker,
  flagStalled,
  forgetWorkers,
  takeOver,
  wakeDue,
  whatIsDue,
  type Orphan,
} from './leases.queries.ts';
import type { Overdue } from './overdue.ts';
import type { Planner } from './planner.ts';
import type { Progress } from './progress.ts';
import type { Pump } from './pump.ts';
import type { RunContexts } from './run-contexts.ts';
import { stepParked, stepStalled } from './runs.events.ts';
import { insertEvents, rowsOf } from './runs.queries.ts';

/** How often each process looks for what is due, without any wake-up. */
const LOOK: Millis = 0.5 * SECOND;
/** How long a step that should move may stand still. */
const PATIENCE: Millis = MINUTE;
/** With more steps in hand than these, planning of more may take its time; so often it looks whether there still are. */
const AHEAD = 500;
const LOOK_AHEAD: Millis = 25;
/** What running steps get when the process stops. */
export const GRACE: Millis = 20 * SECOND;

/**
 * The engine of one process: a heart that holds the lease, a pump that moves steps, a planner that makes them, and a look
 * at the tables twice a second that finds what no wake-up told of. Any number of processes work on the same runs.
 */
export class Engine {
  readonly #by = system('engine', 'engine');
  readonly #heart = new Heart();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #planning: Promise<void> | undefined;
  #planAgain = false;
  #goOn: (() => void) | undefined;
  #started = false;
  #suspects = new Set<string>();

  constructor(
    private readonly transactions: Transactions,
    private readonly contexts: RunContexts,
    private readonly progress: Progress,
    private readonly pump: Pump,
    private readonly planner: Planner,
    private readonly overdue: Overdue,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** @param databaseUrl where the heart connects */
  start(databaseUrl: string): void {
    this.#started = true;
    this.pump.onPlan = () => this.#plan();
    this.#heart.start({
      databaseUrl,
      onReady: (worker) => {
        this.pump.worker = worker;
        this.wake();
      },
      onLost: () => {
        this.pump.lose();
        if (this.#started) this.log.warn({}, 'the lease on running steps was lost; peers may take them over');
      },
      onError: (message) => this.log.warn({ problem: message }, 'the heartbeat did not reach the database'),
    });
    this.#timer = setInterval(() => void this.look(), LOOK).unref();
  }

  /** Something may be ready, or to be planned. */
  wake(): void {
    if (!this.#started) return;
    this.pump.wake();
    this.#plan();
  }

  #plan(): void {
    this.#planAgain = true;
    this.#goOn?.();
    this.#planning ??= (async () => {
      try {
        while (this.#planAgain && this.#started) {
          this.#planAgain = false;
          const { moved, rest } = await this.planner.work({ ahead: this.#ahead });
          if (moved) this.pump.wake();
          else if (rest !== undefined && !this.#planAgain) await this.#rest(rest);
          this.#planAgain ||= moved || rest !== undefined;
        }
      } catch (thrown) {
        this.log.error({ err: thrown }, 'planning failed and will be tried again');
      } finally {
        this.#planning = undefined;
      }
    })();
  }

  get #ahead(): boolean {
    return this.pump.inHand > AHEAD;
  }

  /** Waits, until somebody asks for planning or there is too little to do. */
  async #rest(wait: Millis): Promise<void> {
    const over = performance.now() + wait;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#goOn = resolve;
      timer = setInterval(
        () => {
          if (!this.#ahead || performance.now() >= over) resolve();
        },
        Math.min(wait, LOOK_AHEAD),
      );
    });
    clearInterval(timer);
    this.#goOn = undefined;
  }

  /** One look at everything that time or a dead peer may have made due. Never throws: the next look comes anyway. */
  async look(): Promise<void> {
    this.#looking ??= this.#look()
      .catch((thrown: unknown) => this.#complain(thrown))
      .finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  #complainedAt = -Infinity;

  /** A database that is down fails every look; one line in ten seconds says the same. */
  #complain(thrown: unknown): void {
    if (performance.now() - this.#complainedAt < 10 * SECOND) return;
    this.#complainedAt = performance.now();
    this.log.error({ err: thrown }, 'a look for due steps failed and is repeated');
  }

  async #look(): Promise<void> {
    const due = await this.transactions.run(this.#by, (db) => whatIsDue(db, this.clock.now()));
    if (due.lapsed) await this.#takeOver();
    if (due.deadlines) await this.overdue.decide();
    if (due.waits)
      while ((await this.transactions.run(this.#by, (db) => wakeDue(db, this.clock.now(), 500))) === 500);
    await this.#findForgotten();
    if (due.ready || due.waits || due.lapsed || due.deadlines || due.plans) this.wake();
  }

  /** Steps of dead workers go to whoever comes next, who probes first; those that keep killing go to a person. */
  async #takeOver(): Promise<void> {
    for (;;) {
      const orphans = await this.transactions.run(this.#by, async (db) => {
        const now = this.clock.now();
        const found = await takeOver(db, now, 500);
        await this.contexts.load(db, found);
        await this.#recordTakeOver(db, found, now);
        if (found.length === 0) await forgetWorkers(db);
        return found;
      });
      if (orphans.length > 0)
        this.log.warn({ steps: orphans.length }, 'steps of a dead worker were taken over');
      if (orphans.length < 500) return;
    }
  }

  async #recordTakeOver(db: Db, orphans: readonly Orphan[], now: Millis): Promise<void> {
    if (orphans.length === 0) return;
    const event = (orphan: Orphan) => ({
      stepId: orphan.id,
      runId: orphan.runId,
      worker: orphan.worker,
      fence: orphan.fence,
      attempt: orphan.attempt,
    });
    await insertEvents(
      db,
      orphans.map((orphan) => ({
        ...event(orphan),
        kind: 'taken-over',
        state: orphan.state,
        reason: orphan.reason,
        by: null,
        evidence: null,
      })),
      now,
    );
    await this.ledger.append(
      db,
      orphans.map((orphan) =>
        this.progress.entry(orphan.runId, orphan.node, orphan.itemKey, orphan.id, 'step.taken-over', now, {
          state: orphan.state,
          deaths: orphan.deaths,
        }),
      ),
    );
    const poison = orphans.filter((orphan) => orphan.state === 'parked');
    const roleOf = (orphan: Orphan) =>
      this.contexts.node(orphan.runId, orphan.node)!.step.owner ??
      this.contexts.of(orphan.runId).definition.owner;
    await insertDeadlines(
      db,
      poison.map((orphan) => ({
        stepId: orphan.id,
        kind: 'answer' as const,
        otherwise: 'escalate' as const,
        ownerRole: roleOf(orphan),
        ownerContactId: null,
        warnAt: null,
        dueAt: now + DEFAULT_WAIT,
      })),
    );
    await this.outbox.putAll(
      db,
      stepParked,
      poison.map((orphan) => ({
        payload: {
          runId: orphan.runId,
          subject: this.contexts.of(orphan.runId).subject,
          stepId: orphan.id,
          step: this.contexts.node(orphan.runId, orphan.node)!.step.id,
          ownerRole: roleOf(orphan),
          ownerContactId: null,
        },
      })),
    );
  }

  /**
   * Steps that the table says are ours and we do not have: a claim whose commit succeeded while its answer was lost. Seen
   * twice, they go back.
   */
  async #findForgotten(): Promise<void> {
    const { worker } = this.pump;
    if (worker === undefined) return;
    await this.transactions.run(this.#by, async (db) => {
      const mine = await rowsOf<{ id: Id; fence: number }>(
        db,
        `SELECT id, fence FROM step WHERE state = 'running' AND worker = $1`,
        [worker],
      );
      const forgotten = mine.filter((step) => !this.pump.holds(step.id, step.fence));
      const twice = forgotten.filter((step) => this.#suspects.has(`${step.id}:${step.fence}`));
      this.#suspects = new Set(forgotten.map((step) => `${step.id}:${step.fence}`));
      if (twice.length === 0) return;
      await db.query(
        `UPDATE step s SET state = 'ready', taken_over = true, lease_until = NULL, wake_at = $3 FROM unnest($1::uuid[], $2::int[]) AS f(id, fence)
          WHERE s.id = f.id AND s.fence = f.fence AND s.state = 'running'`,
        [twice.map((step) => step.id), twice.map((step) => step.fence), this.clock.date()],
      );
    });
  }

  /** Flags steps that should have moved and have not, and says so once for each. */
  async flagStalled(): Promise<void> {
    await this.transactions.run(this.#by, async (db) => {
      const now = this.clock.now();
      const stalled = await flagStalled(db, now, PATIENCE);
      if (stalled.length === 0) return;
      await this.contexts.load(db, stalled);
      const byRun = new Map<Id, Id[]>();
      for (const step of stalled) byRun.set(step.runId, [...(byRun.get(step.runId) ?? []), step.id]);
      const payloads = [...byRun].flatMap(([runId, stepIds]) => {
        const { subject } = this.contexts.of(runId);
        return Array.from({ length: Math.ceil(stepIds.length / 50) }, (_, i) => ({
          payload: { runId, subject, stepIds: stepIds.slice(i * 50, i * 50 + 50) },
        }));
      });
      await this.outbox.putAll(db, stepStalled, payloads);
      this.log.warn({ steps: stalled.length }, 'steps have stalled');
    });
  }

  /** Runs until nothing is ready, nothing due and nothing to plan: what a sweep and a test wait for. */
  async settle(limit: Millis = 5 * SECOND): Promise<boolean> {
    const until = performance.now() + limit;
    while (performance.now() < until) {
      await this.look();
      await this.#planning;
      await this.pump.whenIdle();
      const due = await this.transactions.run(this.#by, (db) => whatIsDue(db, this.clock.now()));
      const mine = this.#planning === undefined && this.pump.inHand === 0;
      if (mine && !due.ready && !due.waits && !due.lapsed && !due.deadlines) return true;
      this.wake();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return false;
  }

  /** Hands over: takes nothing more, lets what runs end, writes it, and gives the rest to peers at once. */
  async stop(grace: Millis = GRACE): Promise<void> {
    if (!this.#started) return;
    this.#started = false;
    clearInterval(this.#timer);
    const { worker } = this.pump;
    await this.pump.stop(grace);
    this.#goOn?.();
    await this.#planning;
    await this.#looking;
    await this.#heart.stop();
    if (worker !== undefined) {
      await this.transactions
        .run(this.#by, (db) => endWorker(db, worker))
        .catch((thrown: unknown) => this.log.warn({ err: thrown }, 'the lease could not be given back'));
    }
  }
}
