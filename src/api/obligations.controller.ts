import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import { By, Idempotent, Permission } from '../domain/access/route.ts';
import { incidentOf } from '../domain/incidents/incidents.queries.ts';
import { DutiesService } from '../domain/obligations/duties.service.ts';
import { DutyNotices } from '../domain/obligations/duty-notices.service.ts';
import { HoldsService } from '../domain/obligations/holds.service.ts';
import {
  draftedSchema,
  dutySchema,
  holdSchema,
  notRequiredSchema,
  obligationsSchema,
  recomputedSchema,
  startSchema,
  submitSchema,
  supplierAccountSchema,
  supplierAccountsSchema,
  tellSchema,
  withholdSchema,
} from '../domain/obligations/obligation.schema.ts';
import { holdOn, PLACE_PATTERN, recomputed, register } from '../domain/obligations/obligations.queries.ts';
import { accountsOf, SupplierAccounts } from '../domain/obligations/supplier-accounts.service.ts';
import { Clock } from '../platform/clock/clock.ts';
import { Transactions, type Db } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';

const id = z.uuid();
const named = { schema: id };
const listQuery = z.strictObject({
  caseId: id.optional(),
  after: z.string().regex(PLACE_PATTERN).optional().describe('The `next` of the page before'),
  limit: z.coerce.number().int().min(1).max(500).default(200),
});
const listedSchema = obligationsSchema
  .extend({ total: z.int(), next: z.string().nullable() })
  .meta({ id: 'ObligationRegister' });
const madeSchema = z.object({ id }).meta({ id: 'SupplierAccountMade' });

type Standing = z.infer<typeof dutySchema>;

/** The duties to tell of an incident, what people decide about them, and when suppliers told us. */
@ApiTags('obligations')
@Controller('api/v1')
export class ObligationsController {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly duties: DutiesService,
    private readonly notices: DutyNotices,
    private readonly holds: HoldsService,
    private readonly accounts: SupplierAccounts,
  ) {}

  @Get('incidents/:id/obligations')
  @ApiOperation({
    summary: 'List the duties to tell of an incident',
    description: 'Of rules and of terms: dated, without a number, and not started.',
  })
  @Permission('incidents:read')
  @ApiOkResponse({ standardSchema: listedSchema })
  list(
    @Param('id', named) incidentId: string,
    @Query({ schema: listQuery }) query: z.output<typeof listQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof listedSchema>> {
    return this.transactions.run(by, async (db) => {
      await refuseUnknown(db, incidentId);
      return {
        ...(await register(db, incidentId, this.clock.now(), query)),
        hold: await holdOn(db, incidentId),
      };
    });
  }

  @Get('obligations/:id/recomputed')
  @ApiOperation({
    summary: 'Compute the clock of an obligation again',
    description: 'From what was kept with it alone; says whether it is what stands in the register.',
  })
  @Permission('incidents:read')
  @ApiOkResponse({ standardSchema: recomputedSchema })
  async again(
    @Param('id', named) obligationId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof recomputedSchema>> {
    const found = await this.transactions.run(by, (db) => recomputed(db, obligationId));
    if (!found) throw new Refused(refusal('not_found', 'no-such-duty', 'There is no such obligation.'));
    return found;
  }

  @Post('obligations/:id/submit')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Record that a report was handed in',
    description: 'A late one needs its reason.',
  })
  @Permission('incidents:act')
  @ApiOkResponse({ standardSchema: dutySchema })
  async submit(
    @Param('id', named) obligationId: string,
    @Body({ schema: submitSchema }) input: z.output<typeof submitSchema>,
    @By() by: Principal,
  ): Promise<Standing> {
    return answered(await this.duties.submit(obligationId, input, by));
  }

  @Post('obligations/:id/notice')
  @ApiOperation({
    summary: 'Draft the notice that tells a duty',
    description:
      'To a contact of its recipient, filled in with what is known of the case. It goes out when it is approved as a written notice is, works to the clock of the duty, and the register follows it.',
  })
  @Permission('notices:write')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: draftedSchema })
  async tell(
    @Param('id', named) obligationId: string,
    @Body({ schema: tellSchema }) input: z.output<typeof tellSchema>,
    @By() by: Principal,
  ): Promise<z.infer<typeof draftedSchema>> {
    return answered(await this.notices.draft(obligationId, input, by));
  }

  @Post('obligations/:id/not-required')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Say that a duty is none here',
    description: 'The first person asks, a second one decides. Also for the notices of terms.',
  })
  @Permission('incidents:act')
  @ApiOkResponse({ standardSchema: dutySchema })
  async notRequired(
    @Param('id', named) obligationId: string,
    @Body({ schema: notRequiredSchema }) { reason }: z.output<typeof notRequiredSchema>,
    @By() by: Principal,
  ): Promise<Standing> {
    return answered(await this.duties.notRequired(obligationId, reason, by));
  }

  @Post('obligations/:id/keep')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Say that a duty is required after all',
    description: 'Also once it was decided that it is not. Its clock is the one that was frozen at first.',
  })
  @Permission('incidents:act')
  @ApiOkResponse({ standardSchema: dutySchema })
  async keep(
    @Param('id', named) obligationId: string,
    @Body({ schema: notRequiredSchema }) { reason }: z.output<typeof notRequiredSchema>,
    @By() by: Principal,
  ): Promise<Standing> {
    return answered(await this.duties.keep(obligationId, reason, by));
  }

  @Post('obligations/:id/withhold')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Withhold a duty until a day, by the written word of an authority',
    description: 'It returns by itself, with what was left of its window.',
  })
  @Permission('incidents:act')
  @ApiOkResponse({ standardSchema: dutySchema })
  async withhold(
    @Param('id', named) obligationId: string,
    @Body({ schema: withholdSchema }) input: z.output<typeof withholdSchema>,
    @By() by: Principal,
  ): Promise<Standing> {
    return answered(await this.duties.withhold(obligationId, input, by));
  }

  @Post('obligations/:id/start')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Start the clock of a duty that no instant of the incident starts',
    description: 'A payment, a fix, facts that were missing.',
  })
  @Permission('incidents:act')
  @ApiOkResponse({ standardSchema: dutySchema })
  async start(
    @Param('id', named) obligationId: string,
    @Body({ schema: startSchema }) input: z.output<typeof startSchema>,
    @By() by: Principal,
  ): Promise<Standing> {
    return answered(await this.duties.start(obligationId, input, by));
  }

  @Post('incidents/:id/legal-hold')
  @HttpCode(204)
  @ApiOperation({ summary: 'Place a legal hold: nothing of the incident is erased' })
  @Permission('incidents:act')
  @ApiNoContentResponse()
  async hold(
    @Param('id', named) incidentId: string,
    @Body({ schema: holdSchema }) { reason }: z.output<typeof holdSchema>,
    @By() by: Principal,
  ): Promise<void> {
    answered(await this.holds.place(incidentId, reason, by));
  }

  @Post('incidents/:id/legal-hold/lift')
  @HttpCode(204)
  @ApiOperation({ summary: 'Lift a legal hold that somebody else placed' })
  @Permission('incidents:act')
  @ApiNoContentResponse()
  async lift(
    @Param('id', named) incidentId: string,
    @Body({ schema: holdSchema }) { reason }: z.output<typeof holdSchema>,
    @By() by: Principal,
  ): Promise<void> {
    answered(await this.holds.lift(incidentId, reason, by));
  }

  @Get('incidents/:id/supplier-accounts')
  @ApiOperation({ summary: 'List when suppliers knew of an incident and when they told us' })
  @Permission('incidents:read')
  @ApiOkResponse({ standardSchema: supplierAccountsSchema })
  async accountsOf(
    @Param('id', named) incidentId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof supplierAccountsSchema>> {
    return this.transactions.run(by, async (db) => {
      await refuseUnknown(db, incidentId);
      return { accounts: await accountsOf(db, { incidentId }) };
    });
  }

  @Post('cases/:id/supplier-accounts')
  @ApiOperation({
    summary: 'Record when a supplier knew, and when it told us',
    description:
      'By the id of the case. An account that disputes another stands beside it; the earlier knowledge counts.',
  })
  @Permission('incidents:act')
  @ApiCreatedResponse({ standardSchema: madeSchema })
  async account(
    @Param('id', named) caseId: string,
    @Body({ schema: supplierAccountSchema }) input: z.output<typeof supplierAccountSchema>,
    @By() by: Principal,
  ): Promise<z.infer<typeof madeSchema>> {
    return answered(await this.accounts.state(caseId, input, by));
  }
}

async function refuseUnknown(db: Db, incidentId: string): Promise<void> {
  if (!(await incidentOf(db, incidentId)))
    throw new Refused(refusal('not_found', 'no-such-incident', 'There is no such incident.'));
}
