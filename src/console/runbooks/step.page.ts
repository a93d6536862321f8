import { Body, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, type Result } from '../../kernel/result.ts';
import { iso } from '../../kernel/time.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { CopiesService } from '../../domain/revocation/copies.service.ts';
import { RunsService } from '../../domain/runbooks/runs.service.ts';
import { findStep } from '../../domain/runbooks/steps.queries.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { problemsOf, readForm, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { backOf } from '../sign-in/next.rules.ts';
import { completeForm, decideForm, reasonForm, replacementForm, statementForm } from './step.schema.ts';
import { StepPageView, type StepForm } from './step.view.tsx';
import { askedOf, evidenceOfStep, happeningsOf, incidentReferences } from './work.queries.ts';

const id = z.uuid();

/** One step: what it waits for, what has happened to it, and everything that a person may do about it. */
@ConsolePage()
export class StepPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly runs: RunsService,
    private readonly copies: CopiesService,
  ) {}

  @Get('steps/:id')
  @Permission('runs:read', { face: 'console' })
  show(
    @Param('id', { schema: id }) stepId: string,
    @Query('back') back: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#draw(stepId, by, back);
  }

  @Post('steps/:id/approve')
  @Permission('approvals:decide', { face: 'console' })
  approve(
    @Param('id', { schema: id }) stepId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#act(
      'decide',
      decideForm,
      stepId,
      body,
      by,
      'Your decision is on record.',
      (db, { decision, note }) =>
        this.runs.approve(db, stepId, { decision, ...(note === undefined ? {} : { note }) }, by),
    );
  }

  @Post('steps/:id/settle')
  @Permission('steps:settle', { face: 'console' })
  settle(
    @Param('id', { schema: id }) stepId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#act('complete', completeForm, stepId, body, by, 'Done, and on record.', (db, { note }) =>
      this.runs.settle(db, stepId, { answer: 'done', ...(note === undefined ? {} : { note }) }, by),
    );
  }

  @Post('steps/:id/replace')
  @Permission('steps:settle', { face: 'console' })
  replace(
    @Param('id', { schema: id }) stepId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#act(
      'replace',
      replacementForm,
      stepId,
      body,
      by,
      'The new version is on record; the revocation goes on.',
      (db, form) => {
        const { supplierId, sha256, expiresAt, place, note } = form;
        const output = {
          supplierId,
          issuedAt: iso(this.clock.now()),
          expiresAt: expiresAt ?? null,
          ...(sha256 === undefined ? {} : { sha256 }),
          ...(place === undefined ? {} : { location: { kind: 'vault', reference: place } }),
        };
        return this.runs.settle(
          db,
          stepId,
          { answer: 'done', output, ...(note === undefined ? {} : { note }) },
          by,
        );
      },
    );
  }

  /** The step is settled by the statement's own consequences: see `domain/revocation`. */
  @Post('steps/:id/sign')
  @Permission('steps:settle', { face: 'console' })
  sign(
    @Param('id', { schema: id }) stepId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#act(
      'sign',
      statementForm,
      stepId,
      body,
      by,
      'Your statement is signed and on record.',
      async (db, { kind, signsFor, text }) => {
        const step = await findStep(db, stepId);
        const subject = step?.item?.subject;
        if (!isSignable(subject)) {
          return err(refusal('conflict', 'nothing-to-sign', 'Nothing can be signed about this step.'));
        }
        const versionId = step?.item?.facts['versionId'];
        return () =>
          this.copies.signAsAllowed(by, {
            kind,
            subjectKind: subject.kind,
            subjectId: subject.id,
            ...(typeof versionId === 'string' && kind === 'copy_gone' ? { versionId } : {}),
            signsFor,
            text,
            strength: 'account',
          });
      },
    );
  }

  @Post('steps/:id/retry')
  @Permission('steps:settle', { face: 'console' })
  retry(
    @Param('id', { schema: id }) stepId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#act('retry', reasonForm, stepId, body, by, 'It is tried again.', (db, { reason }) =>
      this.runs.retryStep(db, stepId, { reason, by }),
    );
  }

  @Post('steps/:id/skip')
  @Permission('steps:settle', { face: 'console' })
  skip(
    @Param('id', { schema: id }) stepId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#act(
      'skip',
      reasonForm,
      stepId,
      body,
      by,
      'Skipped, with your reason on record.',
      (db, { reason }) => this.runs.skipStep(db, stepId, { reason, by }),
    );
  }

  async #act<T extends { back?: string | undefined }>(
    form: StepForm,
    schema: z.ZodType<T>,
    stepId: Id,
    body: unknown,
    by: Principal,
    done: string,
    act: (db: Db, filled: T) => Promise<Result<unknown, Refusal> | (() => Promise<Result<unknown, Refusal>>)>,
  ): Promise<Answer> {
    const read = readForm(schema, body);
    const typed = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
    if (!read.ok) {
      const problems = onTop(read.error);
      return this.#draw(stepId, by, typed['back'], { form, problems, typed });
    }
    const acted = await this.transactions.run(by, (db) => act(db, read.value));
    // Some acts open a transaction of their own.
    const result = typeof acted === 'function' ? await acted() : acted;
    if (!result.ok) {
      const problems = onTop(problemsOf(result.error.message, result.error.fields));
      return this.#draw(stepId, by, typed['back'], { form, problems, typed });
    }
    const late = (result.value as { late?: boolean } | undefined)?.late;
    return goes(read.value.back ?? `/steps/${stepId}`, {
      tone: late ? 'wait' : 'dead',
      text: late ? 'The step had ended already: your word is on record and changes nothing.' : done,
    });
  }

  async #draw(
    stepId: Id,
    by: Principal,
    back: unknown,
    refused?: { form: StepForm; problems: FormProblems; typed: Record<string, unknown> },
  ): Promise<Answer> {
    const model = await this.transactions.run(by, async (db) => {
      const step = await findStep(db, stepId);
      if (!step) return undefined;
      return {
        step,
        asked: await askedOf(db, [step]),
        incident: (await incidentReferences(db, [step])).get(step.subject.id),
        happenings: await happeningsOf(db, stepId),
        evidence: await evidenceOfStep(db, stepId),
      };
    });
    if (!model)
      throw new Refused(
        refusal('not_found', 'not-found', 'There is no such step, or it is not yours to see.'),
      );
    const subject = model.step.item?.subject;
    const whyNotSign = isSignable(subject)
      ? await this.copies.whyNotSign(by, { subjectKind: subject.kind, subjectId: subject.id })
      : null;
    return shows(
      (frame) =>
        StepPageView({
          frame,
          ...model,
          whyNotSign,
          ...(backOf(back) === undefined ? {} : { back: backOf(back)! }),
          ...(refused ? { refused } : {}),
        }),
      refused ? 422 : 200,
    );
  }
}

/** What a person may state something about. */
function isSignable(
  subject: { kind: string; id: Id } | undefined,
): subject is { kind: 'credential_version' | 'location'; id: Id } {
  return subject?.kind === 'credential_version' || subject?.kind === 'location';
}

/** Fields of the step's forms that show what is wrong beside them. */
const SHOWN = new Set([
  '',
  'note',
  'supplierId',
  'place',
  'sha256',
  'expiresAt',
  'signsFor',
  'text',
  'reason',
]);

/** What no field of a form would show stands on top of it: nothing is refused without a word. */
function onTop(problems: FormProblems): FormProblems {
  const hidden = Object.entries(problems).filter(([name]) => !SHOWN.has(name));
  if (hidden.length === 0 || problems['']) return problems;
  return { ...problems, '': hidden.map(([name, problem]) => `${name}: ${problem}`).join(' ') };
}
