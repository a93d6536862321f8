import { system } from '../../kernel/principal.ts';
import { MINUTE, SECOND, type Millis } from '../../kernel/time.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Db, Transactions } from '../../platform/database/transactions.ts';
import type { Log } from '../../platform/log/log.ts';
import type { SelectedItem } from './action.ts';
import type { Selectors } from './catalogue.ts';
import { startDeadlines } from './deadlines.queries.ts';
import { lookUp, neverHolds, skippedBecause } from './facts.rules.ts';
import { firstStates } from './next-steps.rules.ts';
import { rootsOf, type PlanNode } from './plan.rules.ts';
import {
  barGroup,
  insertSteps,
  lockGroup,
  moveCursor,
  newStep,
  nodePlans,
  parentsOf,
  planWork,
  singleOutput,
  type NewStep,
  type NodePlan,
} from './planning.queries.ts';
import { emptyMove, type Ended, type Progress } from './progress.ts';
import type { RunContext, RunContexts } from './run-contexts.ts';
import { rowsOf } from './runs.queries.ts';

/**
 * The riskiest hundred first, so that the first revocation does not wait for the last target; then pages that are written
 * before what the last one planned is worked off.
 */
const FIRST_PAGE = 100;
const NEXT_PAGES = 250;
/** Longest rest of a fan-out between two pages. */
const LONGEST_REST: Millis = SECOND;

/** What one pass of planning has come to. */
export interface Planned {
  /** A page was written: there may be more, and steps may be ready. */
  moved: boolean;
  /** How long until a fan-out that rests goes on; undefined: none rests. */
  rest: Millis | undefined;
}

/**
 * Turns fan-outs into steps, a page a transaction: the cursor moves in the transaction that writes the page, so that a
 * planner that dies leaves nothing half-planned and the next one goes on from there.
 */
export class Planner {
  readonly #by = system('engine', 'planner');
  readonly #troubles = new Map<string, { times: number; until: number }>();
  /** Until when a fan-out rests. */
  readonly #rests = new Map<string, number>();

  constructor(
    private readonly transactions: Transactions,
    private readonly contexts: RunContexts,
    private readonly selectors: Selectors,
    private readonly progress: Progress,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /**
   * One page for each group that has work.
   *
   * @param o.ahead  there is enough to do: a fan-out that has written a page rests for as long as that took, so that
   *                 planning thousands leaves half of the time to those that are planned
   */
  async work(o: { ahead: boolean }): Promise<Planned> {
    const found = await this.transactions.run(this.#by, async (db) => {
      const work = await planWork(db);
      await this.contexts.load(db, work);
      return work;
    });
    const groups = new Map<string, { runId: Id; group: number }>();
    let moved = false;
    for (const { runId, node, draining } of found) {
      if (draining) moved = (await this.#drain(runId, node)) || moved;
      else {
        const group = this.contexts.node(runId, node)!.group;
        groups.set(`${runId}:${group}`, { runId, group });
      }
    }
    let rest: Millis | undefined;
    for (const [key, { runId, group }] of groups) {
      const left = o.ahead ? (this.#rests.get(key) ?? 0) - performance.now() : 0;
      if (left > 0) {
        rest = Math.min(rest ?? left, left);
        continue;
      }
      const began = performance.now();
      if (!(await this.#guarded(runId, group))) continue;
      moved = true;
      const ended = performance.now();
      this.#rests.set(key, ended + Math.min(LONGEST_REST, ended - began));
    }
    for (const key of this.#rests.keys()) if (!groups.has(key)) this.#rests.delete(key);
    return { moved, rest };
  }

  /** One group's trouble (a selector that fails) stops no other; it is tried again later and later, up to a minute. */
  async #guarded(runId: Id, group: number): Promise<boolean> {
    const key = `${runId}:${group}`;
    const trouble = this.#troubles.get(key);
    if (trouble && trouble.until > performance.now()) return false;
    try {
      const moved = await this.#page(runId, group);
      this.#troubles.delete(key);
      return moved;
    } catch (thrown) {
      if (thrown instanceof Cancelled) return false;
      const times = (trouble?.times ?? 0) + 1;
      this.#troubles.set(key, { times, until: performance.now() + Math.min(MINUTE, 250 * 2 ** times) });
      this.log.error(
        { err: thrown, run: runId, times },
        'a fan-out could not be planned and will be tried again',
      );
      return false;
    }
  }

  async #drain(runId: Id, node: number): Promise<boolean> {
    return this.transactions.run(this.#by, async (db) => {
      if (!(await lockGroup(db, runId, node))) return false;
      await this.contexts.load(db, [{ runId, node }]);
      const [at] = await nodePlans(db, runId, [node], true);
      const now = this.clock.now();
      const { readied, cancelled } = await this.progress.drain(db, runId, node, at!.gateBarred, now);
      await startDeadlines(db, this.contexts, readied, now);
      await this.progress.advance(db, await this.progress.cancelled(db, cancelled, now), now);
      return true;
    });
  }

  /** Plans the next page of a group. @returns whether anything was written. */
  async #page(runId: Id, groupNo: number): Promise<boolean> {
    return this.transactions.run(this.#by, async (db) => {
      if (!(await lockGroup(db, runId, groupNo))) return false;
      await this.contexts.load(db, [{ runId, node: groupNo }]);
      const run = this.contexts.of(runId);
      const group = run.plan.groups.get(groupNo) ?? [];
      const numbers = group.map((node) => node.no);
      const before = await nodePlans(db, runId, numbers, false);
      if (!(await this.#plannable(db, run, group, before))) return false;
      const now = this.clock.now();
      const roots = rootsOf(group).map((root) => before.find((plan) => plan.node === root.no)!);
      if (roots.every((root) => root.gate === 0 && root.gateBarred)) {
        await nodePlans(db, runId, numbers, true);
        await barGroup(db, runId, numbers);
        await this.progress.advance(
          db,
          [],
          now,
          numbers.map((no) => emptyMove(runId, no)),
        );
        return true;
      }
      const leader = before.find((plan) => plan.node === groupNo)!;
      const page = await this.#items(db, run, group[0]!, leader);
      // More are on the way, and none has come yet.
      if (page.items.length === 0 && page.next !== null && page.next === leader.cursor) return false;
      const steps = await this.#steps(db, run, group, page.items, before);
      const fresh = await insertSteps(db, runId, steps, now, parentFactsOf(group));
      const added = steps.filter((step) => fresh.has(step.id));
      const moves = numbers.map((no) => {
        const count = added.filter((step) => step.node === no).length;
        return { ...emptyMove(runId, no), total: count, open: count };
      });
      const ready = added
        .filter((step) => step.state === 'ready')
        .map((step) => ({ id: step.id, runId, node: step.node }));
      await startDeadlines(db, this.contexts, ready, now);
      const over = await this.#overOnArrival(db, runId, added, now);
      // The cursor stands in the counters' rows, which all who work on the run share: both come last.
      await this.progress.advance(db, over, now, moves, async () => {
        if (!(await moveCursor(db, runId, numbers, page.next, page.expected))) throw new Cancelled();
      });
      return true;
    });
  }

  async #plannable(
    db: Db,
    run: RunContext,
    group: readonly PlanNode[],
    plans: readonly NodePlan[],
  ): Promise<boolean> {
    if (plans.length === 0 || plans.some((plan) => plan.planned)) return false;
    if (!rootsOf(group).some((root) => plans.find((plan) => plan.node === root.no)!.gate === 0)) return false;
    const parents = [
      ...new Set(
        group.flatMap((node) => node.needs.filter((need) => need.kind === 'parent').map((need) => need.node)),
      ),
    ];
    if (parents.length === 0) return true;
    return (await nodePlans(db, run.id, parents, false)).every((plan) => plan.planned);
  }

  async #items(
    db: Db,
    run: RunContext,
    first: PlanNode,
    leader: NodePlan,
  ): Promise<{ items: SelectedItem[]; next: string | null; expected: number | null }> {
    const over = first.step.forEach!;
    const limit = leader.cursor === null ? FIRST_PAGE : NEXT_PAGES;
    if (over.startsWith('$')) {
      const [, id] = over.split('.');
      const source = run.plan.byId.get(id!)!;
      const steps = { [id!]: await singleOutput(db, run.id, source.no) };
      const list = lookUp(over, { input: run.input, steps, subject: run.subject, run: { id: run.id } });
      const all = Array.isArray(list) ? list.flatMap((one) => itemOf(one, run)) : [];
      const from = Number(leader.cursor ?? 0);
      const to = from + limit;
      return { items: all.slice(from, to), next: to < all.length ? String(to) : null, expected: all.length };
    }
    const selector = this.selectors.get(over);
    if (!selector) throw new Error(`the selector ${over} is not installed`);
    const request = { subject: run.subject, input: run.input };
    const page = await selector.page(db, { ...request, cursor: leader.cursor, limit });
    // Counting may cost more than the first page, which must not wait for it.
    const counts = leader.cursor !== null && leader.expected === null;
    return { ...page, expected: counts ? await selector.count(db, request) : null };
  }

  async #steps(
    db: Db,
    run: RunContext,
    group: readonly PlanNode[],
    items: readonly SelectedItem[],
    before: readonly NodePlan[],
  ): Promise<NewStep[]> {
    const parentNodes = [
      ...new Set(
        group.flatMap((node) => node.needs.filter((need) => need.kind === 'parent').map((need) => need.node)),
      ),
    ];
    const keys = [...new Set(group.flatMap((node) => items.map((item) => parentKeyOf(item, node))))].filter(
      (key) => key !== null,
    );
    const parents = keys.length > 0 ? await parentsOf(db, run.id, parentNodes, keys) : [];
    const standing = new Map(parents.map((parent) => [`${parent.node}:${parent.key}`, parent.passed]));
    // Barriers that are still closed are read under lock: one that opens from here on finds this page's rows. An open one
    // stays as it is, and its counters are not held up.
    const closed = before.some((plan) => plan.gate > 0);
    const locked = closed
      ? await nodePlans(
          db,
          run.id,
          group.map((node) => node.no),
          true,
        )
      : before;
    const gates = new Map(
      locked.flatMap((plan): [number, 'closed' | 'barred'][] =>
        plan.gate > 0 ? [[plan.node, 'closed']] : plan.gateBarred ? [[plan.node, 'barred']] : [],
      ),
    );
    return items.flatMap((item) => {
      const at = new Map<number, 'open' | 'passed' | 'barred'>();
      for (const node of group) {
        for (const need of node.needs.filter((one) => one.kind === 'parent')) {
          const passed = standing.get(`${need.node}:${parentKeyOf(item, node) ?? ''}`);
          if (passed !== undefined)
            at.set(need.node, passed === null ? 'open' : passed ? 'passed' : 'barred');
        }
      }
      const { input, subject, id } = run;
      return firstStates(group, gates, at).map((first) => {
        const step = newStep(first, item);
        const { when } = this.contexts.node(id, first.node)!.step;
        // Nobody has to take it up to find that out.
        return first.state === 'ready' && neverHolds(when, { item, input, subject, run: { id } })
          ? { ...step, state: 'skipped', reason: skippedBecause(when) }
          : step;
      });
    });
  }

  /** What of a page has ended before it began. */
  async #overOnArrival(db: Db, runId: Id, added: readonly NewStep[], now: number): Promise<Ended[]> {
    const rows = (state: NewStep['state']) =>
      added
        .filter((step) => step.state === state)
        .map(({ id, node, item, reason }) => {
          return { id, runId, node, itemKey: item?.key ?? '', covers: null, fence: 0, reason };
        });
    return [
      ...(await this.progress.cancelled(db, rows('cancelled'), now)),
      ...(await this.progress.skipped(db, rows('skipped'), now)),
    ];
  }

  /** How many steps are planned and open: what tests and benches wait for. */
  openSteps(): Promise<number> {
    return this.transactions.run(this.#by, async (db) => {
      const [row] = await rowsOf<{ open: number }>(
        db,
        `SELECT coalesce(sum(n.open), 0)::int AS open FROM run_node n JOIN run r ON r.id = n.run_id WHERE r.finished_at IS NULL`,
        [],
      );
      return row!.open;
    });
  }
}

/** The run was cancelled while the page was being written: the page is rolled back. */
class Cancelled extends Error {}

/** Which fact names the parent, for the nodes that have parents. */
function parentFactsOf(group: readonly PlanNode[]): ReadonlyMap<number, string> {
  return new Map(
    group.flatMap((node) => (node.parentFact === undefined ? [] : [[node.no, node.parentFact]])),
  );
}

/** The key of the item that this one belongs to, where the step asks for it. */
function parentKeyOf(item: SelectedItem, node: PlanNode): string | null {
  const value = node.parentFact === undefined ? null : item.facts[node.parentFact];
  return value === undefined || value === null ? null : String(value);
}

/** An element of an earlier step's output as an item: a text, or the item's own shape. Anything else is left out. */
function itemOf(one: unknown, run: RunContext): SelectedItem[] {
  if (typeof one === 'string')
    return [{ key: one, label: one, subject: run.subject, facts: {}, priority: 500 }];
  if (one === null || typeof one !== 'object' || typeof (one as SelectedItem).key !== 'string') return [];
  const item = one as Partial<SelectedItem> & { key: string };
  return [{ label: item.key, subject: run.subject, facts: {}, priority: 500, ...item }];
}
