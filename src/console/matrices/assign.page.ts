import { Body, Post } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { MatrixAssignments } from '../../domain/responsibility/matrix-assignments.service.ts';
import { DUTIES, type Duty } from '../../domain/responsibility/matrix.rules.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { ConsolePage, shows, type Answer } from '../shared/page.ts';
import { AssignedView, AssignView, NothingChosenView } from './assign.view.tsx';
import { assignForm, chosenForm } from './bulk.schema.ts';
import { chosenIntegrations } from './choices.queries.ts';

/** Gaps of many integrations given to somebody: first what was chosen, then what became of each. */
@ConsolePage()
export class AssignPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly assignments: MatrixAssignments,
  ) {}

  /** Changes nothing: the gaps come as fields, as there may be more of them than an address can hold. */
  @Post('matrices/chosen')
  @Permission('matrices:write', { face: 'console' })
  async chosen(@Body() body: unknown, @By() by: Principal): Promise<Answer> {
    const read = chosenForm.safeParse(body);
    if (!read.success) {
      const problem = read.error.issues[0]?.message ?? '';
      return shows((frame) => NothingChosenView({ frame, problem }), 422);
    }
    return this.#draw(dutiesOf(read.data.cell), by);
  }

  @Post('matrices/assign')
  @Permission('matrices:write', { face: 'console' })
  async assign(@Body() body: unknown, @By() by: Principal): Promise<Answer> {
    const chosen = chosenForm.safeParse(body);
    const read = assignForm.safeParse(body);
    if (!chosen.success) {
      const problem = chosen.error.issues[0]?.message ?? '';
      return shows((frame) => NothingChosenView({ frame, problem }), 422);
    }
    if (!read.success)
      return this.#draw(
        dutiesOf(chosen.data.cell),
        by,
        read.error.issues.map(({ message }) => message),
      );
    const { cell, version, accountable, contact } = read.data;
    const versions = new Map(version.map((one) => [one.slice(0, 36), Number(one.slice(37))]));
    const role = accountable === 'role:supplier' ? 'supplier' : 'customer';
    const outcomes = await this.assignments.fillGaps(
      {
        integrations: [...dutiesOf(cell)].map(([id, duties]) => ({
          id,
          duties,
          rowVersion: versions.get(id) ?? 0,
        })),
        accountable: accountable.startsWith('role:') ? { role } : { partyId: accountable },
        contactRole: contact,
      },
      by,
    );
    const refused = outcomes.filter((one) => one.refused);
    const status =
      refused.length < outcomes.length
        ? 200
        : refused.some((one) => one.refused?.code === 'stale-version')
          ? 412
          : 422;
    return shows((frame) => AssignedView({ frame, outcomes }), status);
  }

  async #draw(
    chosen: ReadonlyMap<Id, Duty[]>,
    by: Principal,
    problems: readonly string[] = [],
  ): Promise<Answer> {
    const lines = await this.transactions.run(by, (db) => chosenIntegrations(db, [...chosen.keys()]));
    const known = lines.map((line) => ({ ...line, duties: chosen.get(line.id) ?? [] }));
    return shows((frame) => AssignView({ frame, lines: known, problems }), problems.length > 0 ? 422 : 200);
  }
}

/** What was chosen, by integration; at most 200 of them, as the page shows fewer. */
function dutiesOf(cells: readonly string[]): Map<Id, Duty[]> {
  const chosen = new Map<Id, Set<Duty>>();
  for (const text of cells) {
    const [id, what] = [text.slice(0, 36), text.slice(37)];
    const duties = chosen.get(id) ?? new Set<Duty>();
    for (const duty of DUTIES) if (what === '*' || what === duty) duties.add(duty);
    if (chosen.size < 200 || chosen.has(id)) chosen.set(id, duties);
  }
  return new Map([...chosen].map(([id, duties]) => [id, [...duties]]));
}
