import type { SelectedItem, Subject } from './action.ts';
import type { Db } from '../../platform/database/transactions.ts';

/**
 * What a runbook may fan out over (`forEach: exposed-versions`). Implemented under `plugins/selectors/<name>/`,
 * registered in `plugins/selectors/registry.ts`, proven by `test/contracts/selector.contract.ts`.
 *
 * The engine plans a large fan-out as a stream: it asks for a page, makes its steps ready, and asks for the next while
 * the first already run. So pages come riskiest first, and a cursor stays valid while rows are added behind it.
 */
export interface Selector {
  /** Kebab-case; what a runbook writes behind `forEach:`. */
  readonly name: string;
  readonly title: string;
  /**
   * @param cursor null for the first page. @returns at most `limit` items, and the next cursor or null at the end. The
   *   cursor that it was asked with and no item: there will be more, but not yet.
   */
  page(
    db: Db,
    request: {
      subject: Subject;
      input: Readonly<Record<string, unknown>>;
      cursor: string | null;
      limit: number;
    },
  ): Promise<{ items: SelectedItem[]; next: string | null }>;
  /** How many there will be, for progress; an estimate is allowed. */
  count(db: Db, request: { subject: Subject; input: Readonly<Record<string, unknown>> }): Promise<number>;
}
