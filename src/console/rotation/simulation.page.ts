import { Body, Get, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { fitsKind, Recipes } from '../../domain/rotation/recipes.ts';
import { listRotations } from '../../domain/rotation/rotations.queries.ts';
import { RotationsService } from '../../domain/rotation/rotations.service.ts';
import { Simulation } from '../../domain/rotation/simulation.service.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { findCredential } from '../credentials/credential.queries.ts';
import { problemsOf, readForm, typedIn, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { reference } from '../shared/search.ts';
import { SimulationView } from './simulation.view.tsx';

const name = { schema: reference };
const form = z.object({
  recipe: z.string().max(60).default(''),
  overlap: z
    .string()
    .trim()
    .default('')
    .refine((text) => text === '' || /^\d{1,4}$/.test(text), 'Give whole hours.'),
  emergency: z.enum(['yes']).optional(),
  reason: z.string().trim().min(1, 'Say why.').max(1000),
});

/** What rotating one credential would do, and the way to start it. */
@ConsolePage()
export class SimulationPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly simulation: Simulation,
    private readonly rotations: RotationsService,
    private readonly recipes: Recipes,
  ) {}

  @Get('credentials/:reference/rotation')
  @Permission('rotations:read', { face: 'console' })
  show(@Param('reference', name) credential: string, @By() by: Principal): Promise<Answer> {
    return this.#show(credential, by);
  }

  @Post('credentials/:reference/rotation')
  @Permission('rotations:operate', { face: 'console' })
  async start(
    @Param('reference', name) credential: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const { head } = await this.#model(credential, by);
    const again = (problems: FormProblems) => this.#show(credential, by, { problems, typed: typedIn(body) });
    const read = readForm(form, body);
    if (!read.ok) return again(read.error);
    const { recipe, overlap, emergency, reason } = read.value;
    const started = await this.rotations.start(
      head.id,
      {
        reason,
        emergency: emergency === 'yes',
        ...(recipe === '' ? {} : { recipe }),
        ...(overlap === '' ? {} : { overlapMinutes: Number(overlap) * 60 }),
      },
      by,
    );
    if (!started.ok) {
      const { overlapMinutes, ...problems } = problemsOf(started.error.message, started.error.fields);
      return again({ ...problems, ...(overlapMinutes === undefined ? {} : { overlap: overlapMinutes }) });
    }
    return goes(`/rotations/${started.value.reference}`, {
      tone: 'wait',
      text: 'The rotation is under way.',
    });
  }

  async #show(
    credential: string,
    by: Principal,
    refused?: { problems: FormProblems; typed: Readonly<Record<string, string>> },
  ): Promise<Answer> {
    const { head, simulation, rotations } = await this.#model(credential, by);
    const recipes = this.recipes.all().filter((recipe) => fitsKind(recipe, head.kind));
    return shows(
      (frame) =>
        SimulationView({ frame, head, simulation, rotations, recipes, ...(refused ? { refused } : {}) }),
      refused ? 422 : 200,
    );
  }

  #model(credential: string, by: Principal) {
    return this.transactions.run(by, async (db) => {
      const head = await findCredential(db, credential);
      const simulation = head && (await this.simulation.of(db, head.id));
      if (!head || !simulation)
        throw new Refused(refusal('not_found', 'not-found', 'There is no such credential in use.'));
      return { head, simulation, rotations: await listRotations(db, { credentialId: head.id, limit: 20 }) };
    });
  }
}
