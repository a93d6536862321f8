import { Body, Get, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Result } from '../../kernel/result.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { IncidentsService } from '../../domain/incidents/incidents.service.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { readForm, typedIn, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { reference } from '../shared/search.ts';
import { DecideView } from './decide.view.tsx';
import { findIncident } from './room.queries.ts';

const form = z.object({ reason: z.string().trim().min(1, 'Say why: it goes on record.').max(2000) });
const name = { schema: reference };

type Decision = 'dismiss' | 'recover' | 'close';

/** What a person decides about an incident as a whole. */
@ConsolePage()
export class DecidePage {
  constructor(
    private readonly transactions: Transactions,
    private readonly incidents: IncidentsService,
  ) {}

  @Get('incidents/:reference/decide')
  @Permission('incidents:act', { face: 'console' })
  async show(@Param('reference', name) incident: string, @By() by: Principal): Promise<Answer> {
    const head = await this.#head(incident, by);
    return shows((frame) => DecideView({ frame, head }));
  }

  @Post('incidents/:reference/acknowledge')
  @Permission('incidents:act', { face: 'console' })
  async acknowledge(@Param('reference', name) incident: string, @By() by: Principal): Promise<Answer> {
    const { id } = await this.#head(incident, by);
    const done = await this.incidents.acknowledge(id, by);
    return goes(
      `/incidents/${incident}`,
      done.ok ? { tone: 'dead', text: 'You have taken it on.' } : { tone: 'live', text: done.error.message },
    );
  }

  @Post('incidents/:reference/dismiss')
  @Permission('incidents:act', { face: 'console' })
  dismiss(
    @Param('reference', name) incident: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#decide('dismiss', incident, body, by, (id, reason) =>
      this.incidents.dismiss(id, reason, by),
    );
  }

  @Post('incidents/:reference/recover')
  @Permission('incidents:act', { face: 'console' })
  recover(
    @Param('reference', name) incident: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#decide('recover', incident, body, by, (id, reason) =>
      this.incidents.recover(id, reason, by),
    );
  }

  @Post('incidents/:reference/close')
  @Permission('incidents:act', { face: 'console' })
  close(
    @Param('reference', name) incident: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#decide('close', incident, body, by, (id, reason) => this.incidents.close(id, reason, by));
  }

  async #decide(
    decision: Decision,
    incident: string,
    body: unknown,
    by: Principal,
    act: (id: Id, reason: string) => Promise<Result<{ state: string }, Refusal>>,
  ): Promise<Answer> {
    const head = await this.#head(incident, by);
    const read = readForm(form, body);
    const typed = typedIn(body);
    const again = (problems: FormProblems, left?: Refusal['fields']) =>
      shows(
        (frame) => DecideView({ frame, head, refused: { decision, problems, left: left ?? [], typed } }),
        422,
      );
    if (!read.ok) return again(read.error);
    const done = await act(head.id, read.value.reason);
    if (!done.ok) return again({ '': done.error.message }, done.error.fields);
    const asked = decision === 'dismiss' && done.value.state !== 'dismissed';
    return goes(`/incidents/${incident}`, {
      tone: asked ? 'wait' : 'dead',
      text: asked
        ? 'You have asked to dismiss it; a second person has to decide.'
        : `The incident is ${done.value.state}.`,
    });
  }

  async #head(incident: string, by: Principal) {
    const head = await this.transactions.run(by, (db) => findIncident(db, incident));
    if (!head)
      throw new Refused(
        refusal('not_found', 'not-found', 'There is no such incident, or it is not yours to see.'),
      );
    return head;
  }
}
