import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import { By, Permission, PerMinute } from '../domain/access/route.ts';
import { ExceptionsService } from '../domain/policy/exceptions.service.ts';
import { listExceptions, viewOfPolicy } from '../domain/policy/gate.queries.ts';
import {
  exceptionSchema,
  policyViewSchema,
  type ExceptionView,
  type PolicyView,
} from '../domain/policy/gate.schema.ts';
import { Policies } from '../domain/policy/policies.ts';
import { Clock } from '../platform/clock/clock.ts';
import { Transactions } from '../platform/database/transactions.ts';
import {
  reEvaluationOf,
  reEvaluationSchema,
  ReEvaluations,
  type ReEvaluation,
} from '../domain/policy/re-evaluation.service.ts';
import { answered } from './answered.ts';
import { cursorSchema, cursorText, pageLimit } from './cursor.ts';

const id = z.uuid();
const name = z.string().regex(/^[a-z][a-z0-9-]{0,59}$/);
const listQuery = z.strictObject({
  open: z.enum(['true', 'false']).optional().describe('Only what is asked for or holds now'),
  cursor: cursorSchema.optional(),
  limit: pageLimit,
});
const policiesSchema = z.object({ policies: z.array(policyViewSchema) }).meta({ id: 'Policies' });
const exceptionsSchema = z
  .object({ exceptions: z.array(exceptionSchema), next: z.string().nullable() })
  .meta({ id: 'Exceptions' });

@ApiTags('policy')
@Controller('api/v1')
export class PoliciesController {
  constructor(
    private readonly transactions: Transactions,
    private readonly policies: Policies,
    private readonly exceptions: ExceptionsService,
    private readonly clock: Clock,
    private readonly again: ReEvaluations,
  ) {}

  /** How far the gate is with looking again at what changed, aged, or was asked for. */
  @Get('gate/re-evaluation')
  @ApiOperation({ summary: 'Read how far the gate is with looking again' })
  @Permission('policy:read')
  @ApiOkResponse({ standardSchema: reEvaluationSchema })
  progress(@By() by: Principal): Promise<ReEvaluation> {
    return this.transactions.run(by, (db) => reEvaluationOf(db, this.clock.now()));
  }

  /** Has the gate look at every integration again, in the background; ask how far it is by GET. */
  @Post('gate/re-evaluation')
  @ApiOperation({ summary: 'Have the gate look at every integration again' })
  @HttpCode(202)
  @Permission('policy:write')
  @PerMinute(6)
  @ApiAcceptedResponse({ standardSchema: reEvaluationSchema })
  lookAgain(@By() by: Principal): Promise<ReEvaluation> {
    return this.again.ask(by);
  }

  /** Every policy with what it inherits. */
  @Get('policies')
  @ApiOperation({ summary: 'List policies, each with what it inherits' })
  @Permission('policy:read')
  @ApiOkResponse({ standardSchema: policiesSchema })
  list(): z.infer<typeof policiesSchema> {
    return { policies: this.policies.all().map(viewOfPolicy) };
  }

  @Get('policies/:name')
  @ApiOperation({ summary: 'Read a policy with its rules' })
  @Permission('policy:read')
  @ApiOkResponse({ standardSchema: policyViewSchema })
  get(@Param('name', { schema: name }) policy: string): PolicyView {
    const known = this.policies.get(policy);
    if (!known) throw new Refused(refusal('not_found', 'no-policy', 'There is no such policy.'));
    return viewOfPolicy(known);
  }

  @Get('exceptions')
  @ApiOperation({ summary: 'List the exceptions of all integrations, newest first' })
  @Permission('policy:read')
  @ApiOkResponse({ standardSchema: exceptionsSchema })
  async allExceptions(
    @Query({ schema: listQuery }) { open, cursor, limit }: z.output<typeof listQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof exceptionsSchema>> {
    const rows = await this.transactions.run(by, (db) =>
      listExceptions(db, {
        limit: limit + 1,
        now: this.clock.now(),
        open: open === 'true',
        ...(cursor ? { after: cursor } : {}),
      }),
    );
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      exceptions: page,
      next:
        last && rows.length > limit ? cursorText({ at: Date.parse(last.requestedAt), id: last.id }) : null,
    };
  }

  @Post('exceptions/:id/approve')
  @ApiOperation({
    summary: 'Approve an exception',
    description: 'By somebody other than whoever asked for it.',
  })
  @Permission('approvals:decide')
  @HttpCode(200)
  @ApiOkResponse({ standardSchema: exceptionSchema })
  async approve(
    @Param('id', { schema: id }) exceptionId: string,
    @By() by: Principal,
  ): Promise<ExceptionView> {
    return answered(await this.exceptions.decide(exceptionId, 'approved', by));
  }

  @Post('exceptions/:id/refuse')
  @ApiOperation({ summary: 'Refuse an exception that was asked for' })
  @Permission('approvals:decide')
  @HttpCode(200)
  @ApiOkResponse({ standardSchema: exceptionSchema })
  async refuse(
    @Param('id', { schema: id }) exceptionId: string,
    @By() by: Principal,
  ): Promise<ExceptionView> {
    return answered(await this.exceptions.decide(exceptionId, 'refused', by));
  }

  @Post('exceptions/:id/withdraw')
  @ApiOperation({
    summary: 'Withdraw an exception before it ends',
    description: 'The finding counts again at once.',
  })
  @Permission('policy:write')
  @HttpCode(200)
  @ApiOkResponse({ standardSchema: exceptionSchema })
  async withdraw(
    @Param('id', { schema: id }) exceptionId: string,
    @By() by: Principal,
  ): Promise<ExceptionView> {
    return answered(await this.exceptions.withdraw(exceptionId, by));
  }
}
