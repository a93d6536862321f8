import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import { By, Permission } from '../domain/access/route.ts';
import { actSchema, runSchema, runWithNodesSchema } from '../domain/runbooks/run.schema.ts';
import { RunsService } from '../domain/runbooks/runs.service.ts';
import { RUN_STATES } from '../domain/runbooks/step.rules.ts';
import { findRun, listRuns } from '../domain/runbooks/steps.queries.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';
import { cursorSchema, cursorText, pageLimit } from './cursor.ts';

const id = z.uuid();
const listQuery = z.strictObject({
  subject: id.optional().describe('What the runs are about: an incident'),
  runbook: z.string().max(60).optional(),
  state: z.enum(RUN_STATES).optional(),
  cursor: cursorSchema.optional(),
  limit: pageLimit,
});
const runsSchema = z.object({ runs: z.array(runSchema), next: z.string().nullable() }).meta({ id: 'Runs' });
const resumedSchema = z.object({ retried: z.int() }).meta({ id: 'Resumed' });

@ApiTags('runs')
@Controller('api/v1/runs')
export class RunsController {
  constructor(
    private readonly transactions: Transactions,
    private readonly runs: RunsService,
  ) {}

  @Get()
  @ApiOperation({ summary: 'List runs of runbooks, newest first' })
  @Permission('runs:read')
  @ApiOkResponse({ standardSchema: runsSchema })
  async list(
    @Query({ schema: listQuery }) query: z.output<typeof listQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof runsSchema>> {
    const { subject, cursor, limit, ...rest } = query;
    const runs = await this.transactions.run(by, (db) =>
      listRuns(db, {
        ...rest,
        ...(subject === undefined ? {} : { subjectId: subject }),
        ...(cursor === undefined ? {} : { after: cursor }),
        limit,
      }),
    );
    const last = runs.at(-1);
    return {
      runs,
      next:
        last && runs.length === limit ? cursorText({ at: Date.parse(last.startedAt), id: last.id }) : null,
    };
  }

  @Get(':id')
  @ApiOperation({ summary: 'Read a run with how far each step of its runbook is' })
  @Permission('runs:read')
  @ApiOkResponse({ standardSchema: runWithNodesSchema })
  async get(
    @Param('id', { schema: id }) runId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof runWithNodesSchema>> {
    const run = await this.transactions.run(by, (db) => findRun(db, runId));
    if (!run) throw new Refused(refusal('not_found', 'run-not-found', 'There is no such run.'));
    return run;
  }

  @Post(':id/resume')
  @ApiOperation({
    summary: 'Resume a run',
    description: 'Asks once more for every step that gave up and waits for a decision.',
  })
  @HttpCode(200)
  @Permission('steps:settle')
  @ApiOkResponse({ standardSchema: resumedSchema })
  async resume(
    @Param('id', { schema: id }) runId: string,
    @Body({ schema: actSchema }) { reason }: z.output<typeof actSchema>,
    @By() by: Principal,
  ): Promise<z.infer<typeof resumedSchema>> {
    return answered(await this.transactions.run(by, (db) => this.runs.resumeRun(db, runId, { reason, by })));
  }

  @Post(':id/cancel')
  @ApiOperation({
    summary: 'Cancel a run',
    description:
      'What has not ended is cancelled, and what was done is compensated where the runbook says how.',
  })
  @HttpCode(204)
  @Permission('runs:start')
  @ApiNoContentResponse({ description: 'Cancelled' })
  async cancel(
    @Param('id', { schema: id }) runId: string,
    @Body({ schema: actSchema }) { reason }: z.output<typeof actSchema>,
    @By() by: Principal,
  ): Promise<void> {
    answered(await this.transactions.run(by, (db) => this.runs.cancelRun(db, runId, { reason, by })));
  }
}
