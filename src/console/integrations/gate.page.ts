import { Body, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import { handOf, type Principal } from '../../kernel/principal.ts';
import type { Result } from '../../kernel/result.ts';
import { By, Permission, PerMinute } from '../../domain/access/route.ts';
import { ExceptionsService } from '../../domain/policy/exceptions.service.ts';
import { decisionsOf, exceptionsOf, findException } from '../../domain/policy/gate.queries.ts';
import { GateService } from '../../domain/policy/gate.service.ts';
import { viewOfFinding } from '../../domain/policy/gate-records.service.ts';
import { compensatingControlOf } from '../../domain/policy/ways.queries.ts';
import { Policies } from '../../domain/policy/policies.ts';
import { reEvaluationOf, ReEvaluations } from '../../domain/policy/re-evaluation.service.ts';
import { SUBJECT_KINDS } from '../../domain/policy/facts.schema.ts';
import { lengthWords } from '../../domain/policy/rules/finding.rules.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { problemsOf, readForm, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { cursorText, listed, readCursor } from '../shared/paging.tsx';
import { reference, searchAfter } from '../shared/search.ts';
import { BlockedView } from './blocked.view.tsx';
import { ExceptionFormView, type AskedException } from './exceptions.view.tsx';
import { actorNames, blockedIntegrations, gateTotals, mendPlacesOf } from './gate.queries.ts';
import { GateView, type GateModel } from './gate.view.tsx';
import { findIntegration } from './integration.queries.ts';

const name = { schema: reference };
const subject = {
  rule: z.string().min(1).max(60),
  kind: z.enum(SUBJECT_KINDS),
  subject: z.string().min(1).max(300),
};
const asked = z.object(subject);
const form = z.object({
  ...subject,
  reason: z.string().trim().min(1, 'Say why: it goes on record.').max(2000),
  compensatingControl: z.string().trim().min(1, 'Say what is done instead.').max(2000),
  until: z.iso.date('Give a day: an exception ends.'),
});
const search = z.object({
  rule: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,59}$/)
    .optional()
    .catch(undefined),
  after: searchAfter,
});
const decisionWord = z.enum(['approved', 'refused', 'withdrawn']);

/** What keeps integrations out of production, and the decision to let one in. */
@ConsolePage()
export class GatePage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly gate: GateService,
    private readonly exceptions: ExceptionsService,
    private readonly policies: Policies,
    private readonly again: ReEvaluations,
  ) {}

  @Get('gate')
  @Permission('policy:read', { face: 'console' })
  async blocked(@Query() query: unknown, @By() by: Principal): Promise<Answer> {
    const { rule, after } = search.parse(query);
    const cursor = readCursor(after);
    const { rows, totals, again } = await this.transactions.run(by, async (db) => ({
      rows: await blockedIntegrations(db, { rule, after: cursor }),
      totals: await gateTotals(db),
      again: await reEvaluationOf(db, this.clock.now()),
    }));
    const page = listed(rows, ({ name: key, id }) => cursorText({ key, id }));
    return shows((frame) => BlockedView({ frame, rule, page, totals, again, first: cursor === undefined }));
  }

  @Post('gate/re-evaluation')
  @Permission('policy:write', { face: 'console' })
  @PerMinute(6)
  async lookAgain(@By() by: Principal): Promise<Answer> {
    const { waiting } = await this.again.ask(by);
    return goes('/gate', { tone: 'wait', text: `The gate looks again at ${waiting} integrations.` });
  }

  @Get('integrations/:reference/gate')
  @Permission('policy:read', { face: 'console' })
  show(@Param('reference', name) integration: string, @By() by: Principal): Promise<Answer> {
    return this.#show(integration, by);
  }

  @Post('integrations/:reference/gate')
  @Permission('gate:check', { face: 'console' })
  async ask(@Param('reference', name) integration: string, @By() by: Principal): Promise<Answer> {
    const { head } = await this.#model(integration, by);
    const said = await this.gate.dryRun(head.id, by);
    if (!said.ok) return this.#show(integration, by, said.error.message);
    return goes(`/integrations/${integration}/gate`, {
      tone: said.value.verdict === 'pass' ? 'dead' : 'wait',
      text:
        said.value.verdict === 'pass'
          ? 'The gate would let it pass. Nothing was opened.'
          : 'The gate would refuse it. The dry run is on record.',
    });
  }

  @Post('integrations/:reference/gate/go-live')
  @Permission('gate:open', { face: 'console' })
  async goLive(@Param('reference', name) integration: string, @By() by: Principal): Promise<Answer> {
    const { head } = await this.#model(integration, by);
    const said = await this.gate.goLive(head.id, by);
    if (!said.ok) return this.#show(integration, by, said.error.message);
    return goes(`/integrations/${integration}/gate`, {
      tone: said.value.verdict === 'pass' ? 'dead' : 'live',
      text:
        said.value.verdict === 'pass'
          ? 'It is live, and holds its pass.'
          : 'Refused. What keeps it out stands below.',
    });
  }

  @Get('integrations/:reference/gate/exception')
  @Permission('policy:write', { face: 'console' })
  async exceptionForm(
    @Param('reference', name) integration: string,
    @Query() query: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const wanted = asked.safeParse(query);
    if (!wanted.success) throw new Refused(noFinding());
    return this.#form(integration, wanted.data, by);
  }

  @Post('integrations/:reference/gate/exception')
  @Permission('policy:write', { face: 'console' })
  async request(
    @Param('reference', name) integration: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const wanted = asked.safeParse(body);
    if (!wanted.success) throw new Refused(noFinding());
    const again = (problems: FormProblems) =>
      this.#form(integration, { ...textsOf(body), ...wanted.data }, by, problems);
    const read = readForm(form, body);
    if (!read.ok) return again(read.error);
    const { head } = await this.#model(integration, by);
    const { rule, kind, subject: id, reason, compensatingControl, until } = read.value;
    const done = await this.exceptions.request(
      head.id,
      { rule, subject: { kind, id }, reason, compensatingControl, expiresAt: `${until}T00:00:00Z` },
      by,
    );
    if (!done.ok) return again(problemsOf(done.error.message, done.error.fields));
    return goes(`/integrations/${integration}/gate#exceptions`, {
      tone: 'wait',
      text: 'Asked for. Somebody else has to approve it.',
    });
  }

  @Post('integrations/:reference/gate/exceptions/:id/approved')
  @Permission('approvals:decide', { face: 'console' })
  approve(
    @Param('reference', name) integration: string,
    @Param('id', { schema: z.uuid() }) id: string,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#decide(integration, id, 'approved', by, () => this.exceptions.decide(id, 'approved', by));
  }

  @Post('integrations/:reference/gate/exceptions/:id/refused')
  @Permission('approvals:decide', { face: 'console' })
  refuse(
    @Param('reference', name) integration: string,
    @Param('id', { schema: z.uuid() }) id: string,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#decide(integration, id, 'refused', by, () => this.exceptions.decide(id, 'refused', by));
  }

  @Post('integrations/:reference/gate/exceptions/:id/withdrawn')
  @Permission('policy:write', { face: 'console' })
  withdraw(
    @Param('reference', name) integration: string,
    @Param('id', { schema: z.uuid() }) id: string,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#decide(integration, id, 'withdrawn', by, () => this.exceptions.withdraw(id, by));
  }

  async #decide(
    integration: string,
    id: string,
    word: z.infer<typeof decisionWord>,
    by: Principal,
    act: () => Promise<Result<unknown, Refusal>>,
  ): Promise<Answer> {
    const { head } = await this.#model(integration, by);
    const own = await this.transactions.run(by, (db) => findException(db, id, this.clock.now()));
    if (own?.integrationId !== head.id) throw new Refused(noFinding());
    const done = await act();
    if (!done.ok) return this.#show(integration, by, done.error.message);
    return goes(`/integrations/${integration}/gate#exceptions`, {
      tone: word === 'approved' ? 'dead' : 'wait',
      text: `The exception is ${word}.`,
    });
  }

  async #show(integration: string, by: Principal, problem?: string): Promise<Answer> {
    const model = await this.#model(integration, by);
    return shows(
      (frame) => GateView({ frame, model, ...(problem === undefined ? {} : { problem }) }),
      problem === undefined ? 200 : 422,
    );
  }

  async #form(
    integration: string,
    wanted: AskedException,
    by: Principal,
    problems?: FormProblems,
  ): Promise<Answer> {
    const { head, findings, policy } = await this.#model(integration, by);
    const finding = findings.find(
      (one) =>
        one.rule === wanted.rule && one.subject.kind === wanted.kind && one.subject.id === wanted.subject,
    );
    if (!finding) throw new Refused(noFinding());
    const longest = lengthWords(this.policies.get(policy.name)?.policy.exceptions.longest ?? 0);
    return shows(
      (frame) =>
        ExceptionFormView({
          frame,
          head,
          finding,
          asked: wanted,
          longest,
          ...(problems ? { problems } : {}),
        }),
      problems ? 422 : 200,
    );
  }

  #model(integration: string, by: Principal): Promise<GateModel> {
    return this.transactions.run(by, (db) => this.#load(db, integration, by));
  }

  async #load(db: Db, integration: string, by: Principal): Promise<GateModel> {
    const head = await findIntegration(db, integration);
    const looked = head && (await this.gate.look(db, head.id));
    if (!head || !looked)
      throw new Refused(
        refusal('not_found', 'not-found', 'There is no such integration, or it is not yours to see.'),
      );
    const { facts, known, evaluation } = looked;
    const exceptions = await exceptionsOf(db, head.id, this.clock.now());
    const decisions = await decisionsOf(db, head.id, { limit: 10 });
    const { policy, hash } = known;
    return {
      head,
      control: await compensatingControlOf(db, head.id),
      verdict: evaluation.verdict,
      findings: evaluation.findings.map(viewOfFinding),
      policy: { name: policy.policy, title: policy.title, version: policy.version, hash },
      matrix: facts.matrix && { number: facts.matrix.number, hash: facts.matrix.hash },
      exceptions,
      decisions,
      places: await mendPlacesOf(db, head),
      never: policy.exceptions.never,
      hand: handOf(by),
      actors: await actorNames(db, [
        ...decisions.map(({ decidedBy }) => decidedBy),
        ...exceptions.flatMap((one) => [one.requestedBy, one.decidedBy ?? one.requestedBy]),
      ]),
    };
  }
}

function textsOf(body: unknown): Partial<AskedException> {
  const { reason, compensatingControl, until } = (body ?? {}) as Record<string, unknown>;
  const text = (value: unknown) => (typeof value === 'string' ? value.slice(0, 2000) : undefined);
  return { reason: text(reason), compensatingControl: text(compensatingControl), until: text(until) };
}

function noFinding(): Refusal {
  return refusal('not_found', 'no-such-finding', 'The gate has no such finding now.');
}
