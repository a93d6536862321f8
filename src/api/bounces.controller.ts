import { Controller, HttpCode, Post, Query, Req } from '@nestjs/common';
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

const takeQuery = z.strictObject({
  to: z
    .string()
    .max(320)
    .default('')
    .describe('The address that it came to, as the envelope says: a return path alone tells the notice'),
});

@ApiTags('notices')
@Controller('api/v1')
export class BouncesController {
  constructor(private readonly bounces: BouncesService) {}

  @Post('bounces')
  @ApiOperation({
    summary: 'Hand in what a mail server sent back',
    description:
      'The whole message as it came, a delivery status notification (RFC 3464): what the mail server of the sender address pipes here. A failed delivery re-opens its notice; what comes to the return path of a notice needs no readable report for it. Handed in again it changes nothing.',
  })
  @HttpCode(200)
  @Permission('bounces:report')
  @Takes('raw', { limit: MOST_REPORT })
  @ApiConsumes('message/rfc822')
  @ApiOkResponse({ standardSchema: handedSchema })
  async take(
    @Req() request: FastifyRequest,
    @Query({ schema: takeQuery }) { to }: z.output<typeof takeQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof handedSchema>> {
    const raw = (request.body as Buffer | undefined) ?? Buffer.alloc(0);
    // A plus that nobody escaped reads as a blank in a query.
    const handed = await this.bounces.take(raw, by, to.replaceAll(' ', '+'));
    return { is: handed.is, reference: 'reference' in handed ? handed.reference : null };
  }
}
