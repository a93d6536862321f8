import { Controller, HttpCode, Param, Post } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import type { Principal } from '../kernel/principal.ts';
import { By, Idempotent, Permission } from '../domain/access/route.ts';
import { ConfirmationsService } from '../domain/responsibility/confirmations.service.ts';
import { answered } from './answered.ts';

const id = z.uuid();
const askedSchema = z.object({ noticeId: z.uuid(), reference: z.string() }).meta({ id: 'AskedToConfirm' });

@ApiTags('portfolio')
@Controller('api/v1/integrations/:id/contacts/:contactId/confirmations')
export class ConfirmationsController {
  constructor(private readonly confirmations: ConfirmationsService) {}

  /** Asks a contact by mail to confirm that they can be reached; their answer is what freshness counts from. */
  @Post()
  @ApiOperation({ summary: 'Ask a contact whether the address is theirs' })
  @Permission('notices:write')
  @Idempotent()
  @HttpCode(202)
  @ApiAcceptedResponse({ standardSchema: askedSchema })
  async ask(
    @Param('id', { schema: id }) integrationId: string,
    @Param('contactId', { schema: id }) contactId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof askedSchema>> {
    return answered(await this.confirmations.ask(integrationId, contactId, by));
  }
}
