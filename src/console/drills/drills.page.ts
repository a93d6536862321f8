import { Body, Get, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { CanariesService } from '../../domain/revocation/canaries.service.ts';
import { DRILL_FAULTS } from '../../domain/revocation/drill.schema.ts';
import { drillsOf } from '../../domain/revocation/drills.queries.ts';
import { DrillsService } from '../../domain/revocation/drills.service.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { findCredential } from '../credentials/credential.queries.ts';
import { stoppersOfAll } from '../credentials/stoppers.queries.ts';
import { problemsOf, readForm, typedIn, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { reference } from '../shared/search.ts';
import { canariesOfPaths, type DrillObstacles } from './drills.queries.ts';
import { DrillsView } from './drills.view.tsx';

const name = { schema: reference };
const id = { schema: z.uuid() };
const form = z.object({
  label: z.string().trim().min(1, 'Say how people recognise it at the supplier.').max(200),
  supplierId: z
    .string()
    .trim()
    .max(300)
    .transform((text) => (text === '' ? undefined : text)),
  value: z
    .string()
    .max(64_000)
    .transform((text) => (text === '' ? undefined : text)),
});

/** The ways to stop one credential, each with what its drills showed. */
@ConsolePage()
export class DrillsPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly drills: DrillsService,
    private readonly canaries: CanariesService,
  ) {}

  @Get('credentials/:reference/drills')
  @Permission('runs:read', { face: 'console' })
  show(@Param('reference', name) credential: string, @By() by: Principal): Promise<Answer> {
    return this.#show(credential, by);
  }

  @Post('credentials/:reference/drills/:path')
  @Permission('runs:start', { face: 'console' })
  async start(
    @Param('reference', name) credential: string,
    @Param('path', id) pathId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    await this.#ownPath(credential, pathId, by);
    const typed = typedIn(body);
    const faults = DRILL_FAULTS.filter((fault) => typed[fault] === '1');
    const started = await this.drills.start(pathId, by, {
      faults,
      runbook: typed['runbook'] === 'rotation-drill' ? 'rotation-drill' : 'drill',
    });
    if (!started.ok) return this.#show(credential, by, { problem: started.error.message });
    return goes(`/credentials/${credential}/drills`, {
      tone: 'wait',
      text:
        faults.length === 0
          ? 'The drill is under way. Its result appears here.'
          : 'The drill is under way, and things will go wrong in it. What came of each appears here.',
    });
  }

  @Post('credentials/:reference/drills/:path/canary')
  @Permission('connections:write', { face: 'console' })
  async canary(
    @Param('reference', name) credential: string,
    @Param('path', id) pathId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const through = await this.#ownPath(credential, pathId, by);
    const again = (problems: FormProblems) => {
      // What was typed as a value is never shown again.
      const { value: _value, ...typed } = typedIn(body);
      return this.#show(credential, by, { form: { pathId, problems, typed } });
    };
    const read = readForm(form, body);
    if (!read.ok) return again(read.error);
    if (through === null)
      return again({ '': 'This path ends at a person, who is called: it takes no canary.' });
    const { label, supplierId, value } = read.value;
    if (supplierId === undefined && value === undefined)
      return again({ value: 'Give its value, the supplier’s id, or both.' });
    const done = await this.canaries.add(through, { label, supplierId, value }, by);
    if (!done.ok) return again(problemsOf(done.error.message, done.error.fields));
    return goes(`/credentials/${credential}/drills`, {
      tone: 'dead',
      text: `${label} is ready to be killed by a drill.`,
    });
  }

  /** @returns the connection through which the path is drilled; null: it ends at a person */
  async #ownPath(credential: string, pathId: string, by: Principal): Promise<string | null> {
    const { head, stoppers, canaries } = await this.#model(credential, by);
    const own = stoppers.some((stopper) => stopper.pathId === pathId);
    if (!own || head.retiredAt !== null)
      throw new Refused(refusal('not_found', 'no-path', 'This credential has no such path in use.'));
    return canaries.find((one) => one.pathId === pathId)?.connectionId ?? null;
  }

  async #show(
    credential: string,
    by: Principal,
    refused: {
      problem?: string;
      form?: { pathId: string; problems: FormProblems; typed: Record<string, string> };
    } = {},
  ): Promise<Answer> {
    const model = await this.#model(credential, by);
    const bad = refused.problem !== undefined || refused.form !== undefined;
    return shows((frame) => DrillsView({ frame, ...model, ...refused }), bad ? 422 : 200);
  }

  #model(credential: string, by: Principal) {
    const now = this.clock.now();
    return this.transactions.run(by, async (db) => {
      const head = await findCredential(db, credential);
      if (!head)
        throw new Refused(
          refusal('not_found', 'not-found', 'There is no such credential, or it is not yours to see.'),
        );
      const stoppers = (await stoppersOfAll(db, [head.id], now)).get(head.id) ?? [];
      const obstacles = new Map<string, DrillObstacles>();
      for (const { pathId } of stoppers) {
        const found = await this.drills.obstacles(db, pathId);
        if (found) obstacles.set(pathId, found);
      }
      return {
        head,
        stoppers,
        obstacles,
        canaries: await canariesOfPaths(db, head.id),
        drills: await drillsOf(db, { credentialId: head.id }, 30),
      };
    });
  }
}
