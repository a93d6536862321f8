import type { Clock } from '../../platform/clock/clock.ts';
import type { Transactions } from '../../platform/database/transactions.ts';
import type { Log } from '../../platform/log/log.ts';
import type { Outbox } from '../../platform/outbox/outbox.ts';
import type { LedgerService } from '../ledger/ledger.service.ts';
import { installedOf, type Actions, type Selectors } from './catalogue.ts';
import { Engine } from './engine.service.ts';
import { Overdue } from './overdue.ts';
import { Planner } from './planner.ts';
import { Progress } from './progress.ts';
import { Pump } from './pump.ts';
import { Recorder } from './recorder.ts';
import { RunContexts } from './run-contexts.ts';
import { Runbooks } from './runbooks.service.ts';
import { Runner } from './runner.ts';
import { RunsService } from './runs.service.ts';
import { StepsService } from './steps.service.ts';
import { Turns } from './turns.ts';

/** What an engine is built from. */
export interface EngineNeeds {
  transactions: Transactions;
  clock: Clock;
  log: Log;
  outbox: Outbox;
  ledger: LedgerService;
  actions: Actions;
  selectors: Selectors;
}

/** An engine with all its parts: the same in the application, in a test of two processes, and in a bench. */
export class EngineParts {
  readonly runbooks: Runbooks;
  readonly runs: RunsService;
  readonly steps: StepsService;
  readonly engine: Engine;
  readonly planner: Planner;

  constructor(needs: EngineNeeds) {
    const { transactions, clock, log, outbox, ledger, actions, selectors } = needs;
    const installed = installedOf(actions, selectors);
    const contexts = new RunContexts();
    const turns = new Turns();
    const progress = new Progress(contexts, ledger, outbox);
    const recorder = new Recorder(progress, ledger, outbox);
    const pump = new Pump(
      transactions,
      contexts,
      recorder,
      new Runner(actions, turns, clock),
      actions,
      turns,
      clock,
      log,
    );
    this.planner = new Planner(transactions, contexts, selectors, progress, clock, log);
    this.steps = new StepsService(contexts, progress, ledger, outbox, clock);
    this.runbooks = new Runbooks(transactions, installed, clock);
    this.runs = new RunsService(this.runbooks, contexts, this.steps, ledger, outbox, clock, installed);
    const overdue = new Overdue(transactions, contexts, progress, this.steps, ledger, outbox, clock);
    this.engine = new Engine(
      transactions,
      contexts,
      progress,
      pump,
      this.planner,
      overdue,
      ledger,
      outbox,
      clock,
      log,
    );
  }
}
