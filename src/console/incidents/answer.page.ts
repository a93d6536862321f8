import { Body, Get, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Result } from '../../kernel/result.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { joinedSince } from '../../domain/incidents/arrivals.ts';
import { ContainmentService } from '../../domain/revocation/containment.service.ts';
import { CopiesService } from '../../domain/revocation/copies.service.ts';
import { RisksService } from '../../domain/revocation/risks.service.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { problemsOf, readForm, typedIn, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { reference } from '../shared/search.ts';
import { itemOf, risksOf, looksAt, statementsOn, type ItemKind } from './answer.queries.ts';
import { AnswerView, type AnswerForm } from './answer.view.tsx';
import { findIncident } from './room.queries.ts';

const why = (missing: string, most: number) => z.string().trim().min(1, missing).max(most);
const riskForm = z.object({
  until: z
    .string()
    .trim()
    .regex(/^\d{4}-\d{2}-\d{2}$/, 'A day, like 2027-01-31: no risk is carried for ever.'),
  reason: why('Say why the risk can be carried: it goes on record.', 2000),
});
const endForm = z.object({
  request: z.uuid(),
  how: z.enum(['withdrawn', 'refused']),
  reason: why('Say why: it goes on record.', 2000),
});
const statementForm = z.object({
  kind: z.enum(['revoked', 'replaced', 'sessions_ended', 'not_affected', 'copy_gone']),
  signsFor: why('Type your name and position.', 200),
  text: why('Write what was done, by whom and when.', 4000),
});
const name = { schema: reference };
const kinds = { schema: z.enum(['version', 'copy']) };
const ids = { schema: z.uuid() };

/** One thing that stands between an incident and its end: a person signs that it is so, or two carry the risk. */
@ConsolePage()
export class AnswerPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly containment: ContainmentService,
    private readonly copies: CopiesService,
    private readonly risks: RisksService,
  ) {}

  @Get('incidents/:reference/items/:kind/:id')
  @Permission('incidents:read', { face: 'console' })
  show(
    @Param('reference', name) incident: string,
    @Param('kind', kinds) kind: ItemKind,
    @Param('id', ids) id: Id,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#draw(incident, kind, id, by);
  }

  @Post('incidents/:reference/items/:kind/:id/risk')
  @Permission('risks:accept', { face: 'console' })
  async carry(
    @Param('reference', name) incident: string,
    @Param('kind', kinds) kind: ItemKind,
    @Param('id', ids) id: Id,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const { head } = await this.#find(incident, kind, id, by);
    const read = readForm(riskForm, body);
    if (!read.ok) return this.#draw(incident, kind, id, by, refusedAs('risk', read.error, body));
    const { until, reason } = read.value;
    const done = await this.risks.accept(by, {
      subjectKind: kind === 'copy' ? 'location' : 'credential_version',
      subjectId: id,
      incidentId: head.id,
      reason,
      // To the end of that day.
      until: `${until}T23:59:59Z`,
    });
    if (!done.ok) {
      const problems = problemsOf(done.error.message, done.error.fields);
      return this.#draw(incident, kind, id, by, refusedAs('risk', problems, body));
    }
    const asked = done.value.state === 'asked';
    return goes(`/incidents/${incident}/items/${kind}/${id}`, {
      tone: asked ? 'wait' : 'dead',
      text: asked ? 'You have asked; a second person has to accept it.' : 'The risk is accepted.',
    });
  }

  @Post('incidents/:reference/items/:kind/:id/risk-request')
  @Permission('risks:accept', { face: 'console' })
  async endRequest(
    @Param('reference', name) incident: string,
    @Param('kind', kinds) kind: ItemKind,
    @Param('id', ids) id: Id,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    await this.#find(incident, kind, id, by);
    const read = readForm(endForm, body);
    if (!read.ok) return this.#draw(incident, kind, id, by, refusedAs('end', read.error, body));
    const { request, how, reason } = read.value;
    const done = await this.risks.end(by, request, how, reason);
    if (!done.ok) {
      const problems = problemsOf(done.error.message);
      return this.#draw(incident, kind, id, by, refusedAs('end', problems, body));
    }
    return goes(`/incidents/${incident}/items/${kind}/${id}`, {
      tone: 'dead',
      text: how === 'withdrawn' ? 'Your request is withdrawn.' : 'The request is refused.',
    });
  }

  @Post('incidents/:reference/items/:kind/:id/sign')
  @Permission('incidents:act', { face: 'console' })
  async sign(
    @Param('reference', name) incident: string,
    @Param('kind', kinds) kind: ItemKind,
    @Param('id', ids) id: Id,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const { item } = await this.#find(incident, kind, id, by);
    const read = readForm(statementForm, body);
    if (!read.ok) return this.#draw(incident, kind, id, by, refusedAs('sign', read.error, body));
    const said = { ...read.value, strength: 'account' as const, subjectId: id };
    const targets =
      kind === 'copy'
        ? item.versions.map((version) => ({
            ...said,
            kind: 'copy_gone' as const,
            subjectKind: 'location' as const,
            versionId: version.id,
          }))
        : [{ ...said, subjectKind: 'credential_version' as const }];
    for (const one of targets) {
      const done: Result<unknown, Refusal> = await this.copies.sign(by, one);
      if (!done.ok) {
        const problems = problemsOf(done.error.message);
        return this.#draw(incident, kind, id, by, refusedAs('sign', problems, body));
      }
    }
    return goes(`/incidents/${incident}/items/${kind}/${id}`, {
      tone: 'dead',
      text: 'Your statement is signed and on record.',
    });
  }

  async #draw(
    incident: string,
    kind: ItemKind,
    id: Id,
    by: Principal,
    refused?: AnswerForm,
  ): Promise<Answer> {
    const found = await this.#find(incident, kind, id, by);
    return shows(
      (frame) => AnswerView({ frame, ...found, you: by.id, ...(refused ? { refused } : {}) }),
      refused ? 422 : 200,
    );
  }

  async #find(incident: string, kind: ItemKind, id: Id, by: Principal) {
    const found = await this.transactions.run(by, async (db) => {
      const head = await findIncident(db, incident);
      const item = head && (await itemOf(db, head.id, kind, id));
      if (!item) return undefined;
      const versionIds = item.versions.map((version) => version.id);
      const { reasons } = await this.containment.of(db, versionIds, await joinedSince(db, head.id));
      return {
        head,
        item,
        reasons: reasons.filter((one) => one.subject === kind && one.id === id),
        looks: kind === 'copy' ? await looksAt(db, id) : [],
        statements: await statementsOn(db, id),
        risks: await risksOf(db, id, this.clock.now()),
      };
    });
    if (!found)
      throw new Refused(
        refusal(
          'not_found',
          'not-found',
          'There is nothing like that in this incident, or it is not yours to see.',
        ),
      );
    return found;
  }
}

function refusedAs(form: AnswerForm['form'], problems: FormProblems, body: unknown): AnswerForm {
  return { form, problems, typed: typedIn(body) };
}
