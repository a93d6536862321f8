import { Controller, HttpCode, Post, Req } from '@nestjs/common';
import { ApiConsumes, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Principal } from '../kernel/principal.ts';
import { By, Permission, Takes } from '../domain/access/route.ts';
import { BouncesService } from '../domain/notices/bounces.service.ts';
import { MOST_REPORT } from '../platform/mail/delivery-report.ts';

const handedSchema = z
  .object({
    is: z
      .enum(['bounced', 'delayed', 'delivered', 'unknown', 'no-report'])
      .describe(
        'unknown: of nothing that was sent from here, or said before; no-report: somebody has to read it',
      ),
    reference: z.string().nullable().describe('Of the notice'),
  })
  .meta({ id: 'HandedBounce' });

@ApiTags('notices')
@Controller('api/v1')
export class BouncesController {
  constructor(private readonly bounces: BouncesService) {}

  @Post('bounces')
  @ApiOperation({
    summary: 'Hand in what a mail server sent back',
    description:
      'The whole message as it came, a delivery status notification (RFC 3464): what the mail server of the sender address pipes here. A failed delivery re-opens its notice. Handed in again it changes nothing.',
  })
  @HttpCode(200)
  @Permission('bounces:report')
  @Takes('raw', { limit: MOST_REPORT })
  @ApiConsumes('message/rfc822')
  @ApiOkResponse({ standardSchema: handedSchema })
  async take(@Req() request: FastifyRequest, @By() by: Principal): Promise<z.infer<typeof handedSchema>> {
    const handed = await this.bounces.take((request.body as Buffer | undefined) ?? Buffer.alloc(0), by);
    return { is: handed.is, reference: 'reference' in handed ? handed.reference : null };
  }
}
