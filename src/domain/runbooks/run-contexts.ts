import type { Id } from '../../kernel/ids.ts';
import { system, type Principal } from '../../kernel/principal.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { Subject } from './action.ts';
import type { Definition, StepDefinition } from './definition.schema.ts';
import { planOf, type Plan, type PlanNode } from './plan.rules.ts';
import { rowsOf } from './runs.queries.ts';

/** What of a run never changes, so that steps need not read it again. */
export interface RunContext {
  id: Id;
  subject: Subject;
  input: Readonly<Record<string, unknown>>;
  requestedBy: string;
  definition: Definition;
  plan: Plan;
  /** The engine acting for this run. */
  by: Principal;
  /** Steps that people added, by node number. They only ever grow. */
  adHoc: Map<number, PlanNode>;
}

const MOST_RUNS = 2000;

/** The runs that this process works on, with their definitions. A cache: it may be dropped at any time. */
export class RunContexts {
  readonly #runs = new Map<Id, RunContext>();
  readonly #definitions = new Map<string, { definition: Definition; plan: Plan }>();

  /** Loads what is missing, so that `of` answers for these runs. */
  async load(db: Db, nodes: readonly { runId: Id; node: number }[]): Promise<void> {
    const missing = [...new Set(nodes.map((at) => at.runId))].filter((id) => !this.#runs.has(id));
    if (missing.length > 0) await this.#loadRuns(db, missing);
    const unknown = nodes.filter((at) => this.node(at.runId, at.node) === undefined);
    if (unknown.length > 0) await this.#loadAdHoc(db, [...new Set(unknown.map((at) => at.runId))]);
    while (this.#runs.size > MOST_RUNS) this.#runs.delete(this.#runs.keys().next().value!);
  }

  async #loadRuns(db: Db, ids: Id[]): Promise<void> {
    const rows = await rowsOf<{
      id: Id;
      kind: string;
      subjectId: Id;
      input: Record<string, unknown>;
      requestedBy: string;
      correlationId: string;
      hash: string;
      body: Definition;
    }>(
      db,
      `SELECT r.id, r.subject_kind AS kind, r.subject_id AS "subjectId", r.input, r.requested_by AS "requestedBy",
              r.correlation_id AS "correlationId", r.definition_hash AS hash, d.body
         FROM run r JOIN runbook_definition d ON d.hash = r.definition_hash WHERE r.id = ANY($1::uuid[])`,
      [ids],
    );
    for (const row of rows) {
      const known = this.#definitions.get(row.hash) ?? { definition: row.body, plan: planOf(row.body) };
      this.#definitions.set(row.hash, known);
      this.#runs.set(row.id, {
        id: row.id,
        subject: { kind: row.kind, id: row.subjectId },
        input: row.input,
        requestedBy: row.requestedBy,
        ...known,
        by: system('engine', row.correlationId),
        adHoc: new Map(),
      });
    }
  }

  async #loadAdHoc(db: Db, ids: Id[]): Promise<void> {
    const rows = await rowsOf<{ runId: Id; node: number; step: StepDefinition }>(
      db,
      `SELECT run_id AS "runId", node, ad_hoc AS step FROM run_node WHERE run_id = ANY($1::uuid[]) AND ad_hoc IS NOT NULL`,
      [ids],
    );
    for (const { runId, node, step } of rows) {
      this.#runs.get(runId)?.adHoc.set(node, {
        no: node,
        step,
        fan: false,
        onDemand: false,
        group: node,
        needs: [],
        dependants: [],
      });
    }
  }

  /** @throws Error when the run was not loaded: our bug. */
  of(runId: Id): RunContext {
    const found = this.#runs.get(runId);
    if (!found) throw new Error(`run ${runId} is not loaded`);
    return found;
  }

  node(runId: Id, no: number): PlanNode | undefined {
    const run = this.#runs.get(runId);
    return run?.plan.nodes[no] ?? run?.adHoc.get(no);
  }
}
