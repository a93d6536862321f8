import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import { By, Idempotent, Permission } from '../domain/access/route.ts';
import {
  actSchema,
  decisionSchema,
  heardSchema,
  settleSchema,
  stepSchema,
} from '../domain/runbooks/run.schema.ts';
import { RunsService } from '../domain/runbooks/runs.service.ts';
import { STEP_STATES } from '../domain/runbooks/step.rules.ts';
import { findStep, listSteps } from '../domain/runbooks/steps.queries.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';
import { pageLimit } from './cursor.ts';

const id = z.uuid();
const state = z.enum(STEP_STATES);
const flag = z.enum(['true', 'false'], 'must be true or false').transform((text) => text === 'true');
const listQuery = z.strictObject({
  run: id.optional(),
  subject: id.optional().describe('What the runs are about: an incident'),
  state: z
    .union([state.transform((one) => [one]), z.array(state).max(STEP_STATES.length)])
    .optional()
    .describe('Several times for several'),
  stalled: flag.optional(),
  mine: flag
    .default(false)
    .describe('Only what asks the caller in person, or one of their roles and nobody by name'),
  cursor: id.optional(),
  limit: pageLimit,
});
const stepsSchema = z.object({ steps: z.array(stepSchema), next: z.uuid().nullable() }).meta({ id: 'Steps' });

@ApiTags('runs')
@Controller('api/v1/steps')
export class StepsController {
  constructor(
    private readonly transactions: Transactions,
    private readonly runs: RunsService,
  ) {}

  @Get()
  @ApiOperation({ summary: 'List steps of runs, oldest first' })
  @Permission('runs:read')
  @ApiOkResponse({ standardSchema: stepsSchema })
  async list(
    @Query({ schema: listQuery }) query: z.output<typeof listQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof stepsSchema>> {
    const { run, subject, state: states, stalled, mine, cursor, limit } = query;
    const steps = await this.transactions.run(by, (db) =>
      listSteps(db, {
        ...(run === undefined ? {} : { runId: run }),
        ...(subject === undefined ? {} : { subjectId: subject }),
        ...(states === undefined ? {} : { states }),
        ...(stalled === undefined ? {} : { stalled }),
        ...(mine ? { mine: { roles: by.roles, personId: by.personId ?? null, notNamed: true } } : {}),
        ...(cursor === undefined ? {} : { after: cursor }),
        limit,
      }),
    );
    return { steps, next: steps.length === limit ? (steps.at(-1)?.id ?? null) : null };
  }

  @Get(':id')
  @ApiOperation({ summary: 'Read a step of a run' })
  @Permission('runs:read')
  @ApiOkResponse({ standardSchema: stepSchema })
  async get(
    @Param('id', { schema: id }) stepId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof stepSchema>> {
    const step = await this.transactions.run(by, (db) => findStep(db, stepId));
    if (!step) throw new Refused(refusal('not_found', 'step-not-found', 'There is no such step.'));
    return step;
  }

  @Post(':id/settle')
  @ApiOperation({ summary: "Settle a step in a person's name", description: 'A task is done, or cannot be.' })
  @HttpCode(200)
  @Permission('steps:settle')
  @Idempotent()
  @ApiOkResponse({ standardSchema: heardSchema })
  async settle(
    @Param('id', { schema: id }) stepId: string,
    @Body({ schema: settleSchema }) answer: z.output<typeof settleSchema>,
    @By() by: Principal,
  ): Promise<z.infer<typeof heardSchema>> {
    return answered(await this.transactions.run(by, (db) => this.runs.settle(db, stepId, answer, by)));
  }

  @Post(':id/approve')
  @ApiOperation({
    summary: 'Approve or refuse a step that waits for approval',
    description: "One person's word.",
  })
  @HttpCode(200)
  @Permission('approvals:decide')
  @Idempotent()
  @ApiOkResponse({ standardSchema: heardSchema })
  async approve(
    @Param('id', { schema: id }) stepId: string,
    @Body({ schema: decisionSchema }) { decision, reason }: z.output<typeof decisionSchema>,
    @By() by: Principal,
  ): Promise<z.infer<typeof heardSchema>> {
    const word = { decision, ...(reason === undefined ? {} : { note: reason }) };
    return answered(await this.transactions.run(by, (db) => this.runs.approve(db, stepId, word, by)));
  }

  @Post(':id/retry')
  @ApiOperation({ summary: 'Retry a step', description: 'Under a new idempotency key.' })
  @HttpCode(204)
  @Permission('steps:settle')
  @ApiNoContentResponse({ description: 'It is tried again' })
  async retry(
    @Param('id', { schema: id }) stepId: string,
    @Body({ schema: actSchema }) { reason }: z.output<typeof actSchema>,
    @By() by: Principal,
  ): Promise<void> {
    answered(await this.transactions.run(by, (db) => this.runs.retryStep(db, stepId, { reason, by })));
  }

  @Post(':id/skip')
  @ApiOperation({ summary: 'Skip a step, so that its run goes on without it' })
  @HttpCode(204)
  @Permission('steps:settle')
  @ApiNoContentResponse({ description: 'Skipped' })
  async skip(
    @Param('id', { schema: id }) stepId: string,
    @Body({ schema: actSchema }) { reason }: z.output<typeof actSchema>,
    @By() by: Principal,
  ): Promise<void> {
    answered(await this.transactions.run(by, (db) => this.runs.skipStep(db, stepId, { reason, by })));
  }
}
