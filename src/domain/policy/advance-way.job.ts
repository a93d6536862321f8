import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { JobHandler, type JobCall } from '../../platform/queue/handlers.ts';
import { DrillsService } from '../revocation/drills.service.ts';
import { RunsService } from '../runbooks/runs.service.ts';
import { advanceWay, retireAgain, startDrills, tryIssuanceAgain } from './advance-way.definition.ts';
import { GateService } from './gate.service.ts';
import {
  awaitingSteps,
  findingsGone,
  gateWouldPass,
  isLive,
  onTheirWay,
  scopesReviewed,
  type AwaitingStep,
  type Condition,
} from './ways.queries.ts';

/** Settles the steps whose condition has come true. Nobody has to look, and nobody has to press anything. */
@JobHandler(advanceWay)
export class AdvanceWayJob {
  constructor(
    private readonly transactions: Transactions,
    private readonly runs: RunsService,
    private readonly gate: GateService,
  ) {}

  async handle({ integrationId }: { integrationId: string }, call: JobCall): Promise<void> {
    const steps = await this.transactions.run(call.by, (db) => awaitingSteps(db, integrationId));
    for (const step of steps) {
      if (step.uses === 'ask-gate') await this.#askGate(integrationId, step, call);
      if (!step.waits) continue;
      await this.transactions.run(call.by, async (db) => {
        const condition = await conditionOf(db, integrationId, step);
        // A refusal here means that somebody else has moved the step meanwhile.
        if (condition?.met)
          await this.runs.settle(
            db,
            step.id,
            { answer: 'done', ...(condition.output ? { output: condition.output } : {}) },
            call.by,
          );
      });
    }
  }

  /** Once when the step begins, so that everybody sees what is missing; then when nothing is. */
  async #askGate(integrationId: string, step: AwaitingStep, call: JobCall): Promise<void> {
    const due = await this.transactions.run(call.by, async (db) => {
      const [row] = await db.query<{ due: boolean }[]>(
        `SELECT (s.verdict = 'pass' OR NOT EXISTS (SELECT FROM gate_decision d WHERE d.integration_id = s.integration_id AND d.kind = 'dry_run' AND d.at >= $2)) AS due
           FROM gate_standing s WHERE s.integration_id = $1`,
        [integrationId, new Date(step.since)],
      );
      return row?.due ?? true;
    });
    if (due) await this.gate.dryRun(integrationId, call.by);
  }
}

function conditionOf(db: Db, integrationId: string, step: AwaitingStep): Promise<Condition> | null {
  switch (step.uses) {
    case 'await-findings-gone':
    case 'drill-unproven':
      return findingsGone(db, integrationId, step.rules ?? ['untried-stop-path']);
    case 'await-scope-review':
      return scopesReviewed(db, step.runId);
    case 'ask-gate':
      return gateWouldPass(db, integrationId, step.since);
    case 'await-live':
      return isLive(db, integrationId);
    default:
      return null;
  }
}

@JobHandler(startDrills)
export class StartDrillsJob {
  constructor(
    private readonly transactions: Transactions,
    private readonly drills: DrillsService,
  ) {}

  /** Where none can be drilled, the step that asked says what to do. */
  async handle({ credentialId }: { credentialId: string; runId: string }, { by }: JobCall): Promise<void> {
    const paths = await this.transactions.run(by, (db) =>
      db.query<{ id: string }[]>(`SELECT id FROM revocation_path WHERE credential_id = $1 ORDER BY ordinal`, [
        credentialId,
      ]),
    );
    for (const { id } of paths) {
      const started = await this.drills.start(id, by);
      if (started.ok || started.error.code === 'drill-under-way') return;
    }
  }
}

@JobHandler(tryIssuanceAgain)
export class TryIssuanceAgainJob {
  constructor(
    private readonly transactions: Transactions,
    private readonly runs: RunsService,
  ) {}

  async handle({ connectionId }: { connectionId: string }, { by }: JobCall): Promise<void> {
    await this.transactions.run(by, async (db) => {
      const integrations = await db.query<{ id: string }[]>(
        `SELECT DISTINCT u.integration_id AS id FROM connection n
           JOIN revocation_path p ON p.connection_id = n.id
           JOIN credential_use u ON u.credential_id = p.credential_id
          WHERE n.id = $1 OR n.sandbox_connection_id = $1`,
        [connectionId],
      );
      for (const id of await onTheirWay(
        db,
        integrations.map((one) => one.id),
      )) {
        for (const step of await awaitingSteps(db, id))
          if (step.uses === 'simulate-issuance' || step.uses === 'drill-unproven')
            await this.runs.retryStep(db, step.id, { reason: 'a canary was recorded', by });
      }
    });
  }
}

@JobHandler(retireAgain)
export class RetireAgainJob {
  constructor(
    private readonly transactions: Transactions,
    private readonly runs: RunsService,
  ) {}

  async handle({ integrationId }: { integrationId: string }, { by }: JobCall): Promise<void> {
    await this.transactions.run(by, async (db) => {
      for (const step of await awaitingSteps(db, integrationId))
        if (step.uses === 'retire-integration')
          await this.runs.retryStep(db, step.id, { reason: 'something of it has changed', by });
    });
  }
}
