import { Body, Controller, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiTags } from '@nestjs/swagger';
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

  /** The first person asks that a risk be carried until a date, a second one accepts it. */
  @Post()
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
