import { Body, Controller, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import type { Principal } from '../kernel/principal.ts';
import { By, Idempotent, Permission } from '../domain/access/route.ts';
import { RisksService } from '../domain/revocation/risks.service.ts';
import { riskAcceptanceSchema, riskAnswerSchema } from '../domain/revocation/statement.schema.ts';
import { answered } from './answered.ts';

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
}
