import { Body, Get, Param, Post } from '@nestjs/common';
import { Refused, refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { usageOf } from '../../domain/usage/usage.queries.ts';
import { knownActorsSchema } from '../../domain/usage/usage.schema.ts';
import { UsageService } from '../../domain/usage/usage.service.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { problemsOf, typedIn } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { reference } from '../shared/search.ts';
import { ActorsView, type RefusedActors } from './actors.view.tsx';
import { findCredential } from './credential.queries.ts';

const name = { schema: reference };

/** Who uses a credential as they should; everybody else is an unknown actor. */
@ConsolePage()
export class ActorsPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly usage: UsageService,
  ) {}

  @Get('credentials/:reference/actors')
  @Permission('portfolio:write', { face: 'console' })
  show(@Param('reference', name) credential: string, @By() by: Principal): Promise<Answer> {
    return this.#draw(credential, by);
  }

  @Post('credentials/:reference/actors')
  @Permission('portfolio:write', { face: 'console' })
  async declare(
    @Param('reference', name) credential: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const { head } = await this.#find(credential, by);
    const typed = typedIn(body)['actors'] ?? '';
    const actors = typed
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== '');
    const read = knownActorsSchema.safeParse({ actors });
    if (!read.success) {
      const { path, message } = read.error.issues[0]!;
      const line = path[1] === undefined ? '' : `Line ${Number(path[1]) + 1}: `;
      return this.#draw(credential, by, { typed, problems: { actors: `${line}${message}` } });
    }
    const done = await this.usage.declareActors(head.id, read.data.actors, by);
    if (done.ok) return goes(`/credentials/${credential}`, { tone: 'dead', text: 'It is saved.' });
    // What may hold a value is not written into a page again.
    const [problem] = Object.values(problemsOf(done.error.message, done.error.fields));
    return this.#draw(credential, by, { problems: { actors: problem ?? done.error.message } });
  }

  async #draw(credential: string, by: Principal, refused?: RefusedActors): Promise<Answer> {
    const found = await this.#find(credential, by);
    return shows(
      (frame) => ActorsView({ frame, ...found, ...(refused ? { refused } : {}) }),
      refused ? 422 : 200,
    );
  }

  async #find(credential: string, by: Principal) {
    const found = await this.transactions.run(by, async (db) => {
      const head = await findCredential(db, credential);
      return head && { head, actors: (await usageOf(db, head.id)).actors };
    });
    if (!found)
      throw new Refused(
        refusal('not_found', 'not-found', 'There is no such credential, or it is not yours to see.'),
      );
    return found;
  }
}
