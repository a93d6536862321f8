import { Body, Controller, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import type { Principal } from '../kernel/principal.ts';
import { By, Idempotent, Permission } from '../domain/access/route.ts';
import { CopiesService } from '../domain/revocation/copies.service.ts';
import { signSchema, signedSchema } from '../domain/revocation/statement.schema.ts';
import { answered } from './answered.ts';

@ApiTags('evidence')
@Controller('api/v1/statements')
export class StatementsController {
  constructor(private readonly copies: CopiesService) {}

  @Post()
  @ApiOperation({
    summary: 'Sign a statement that a credential was revoked or a copy is gone',
    description:
      'Somebody with a name says so; the step that waits for it goes on. Of a copy it is the proof that its owner can give; a credential it never makes dead. Whoever owns a copy may say so of it without statements:sign; anything else needs that.',
  })
  @Permission('copies:sign-own')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: signedSchema })
  async sign(
    @Body({ schema: signSchema }) input: z.output<typeof signSchema>,
    @By() by: Principal,
  ): Promise<z.infer<typeof signedSchema>> {
    const { statementId, textHash } = answered(
      await this.copies.signAsAllowed(by, { ...input, strength: 'account' }),
    );
    return { id: statementId, textHash };
  }
}
