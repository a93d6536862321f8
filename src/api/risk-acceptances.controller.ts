import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import type { Principal } from '../kernel/principal.ts';
import { By, Idempotent, Permission } from '../domain/access/route.ts';
import { RisksService } from '../domain/revocation/risks.service.ts';
import {
  endedRiskRequestSchema,
  riskAcceptanceSchema,
  riskAnswerSchema,
  riskReasonSchema,
} from '../domain/revocation/statement.schema.ts';
import { answered } from './answered.ts';

const id = { schema: z.uuid() };
type Ended = z.infer<typeof endedRiskRequestSchema>;
type Reason = z.output<typeof riskReasonSchema>;

@ApiTags('evidence')
@Controller('api/v1/risk-acceptances')
export class RiskAcceptancesController {
  constructor(private readonly risks: RisksService) {}

  @Post()
  @ApiOperation({
    summary: 'Accept a risk until a date',
    description: 'The first person asks that it be carried, a second one accepts it.',
  })
  @Permission('risks:accept')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: riskAnswerSchema })
  async accept(
    @Body({ schema: riskAcceptanceSchema }) input: z.output<typeof riskAcceptanceSchema>,
    @By() by: Principal,
  ): Promise<z.infer<typeof riskAnswerSchema>> {
    return answered(await this.risks.accept(by, input));
  }

  @Post(':id/withdrawal')
  @ApiOperation({ summary: 'Withdraw what one asked to be accepted, with a reason' })
  @HttpCode(200)
  @Permission('risks:accept')
  @ApiOkResponse({ standardSchema: endedRiskRequestSchema })
  async withdraw(
    @Param('id', id) requestId: string,
    @Body({ schema: riskReasonSchema }) { reason }: Reason,
    @By() by: Principal,
  ): Promise<Ended> {
    return answered(await this.risks.end(by, requestId, 'withdrawn', reason));
  }

  @Post(':id/refusal')
  @ApiOperation({ summary: 'Refuse to carry a risk that somebody else asked to be accepted, with a reason' })
  @HttpCode(200)
  @Permission('risks:accept')
  @ApiOkResponse({ standardSchema: endedRiskRequestSchema })
  async refuse(
    @Param('id', id) requestId: string,
    @Body({ schema: riskReasonSchema }) { reason }: Reason,
    @By() by: Principal,
  ): Promise<Ended> {
    return answered(await this.risks.end(by, requestId, 'refused', reason));
  }
}
