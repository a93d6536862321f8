import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import { By, Permission } from '../domain/access/route.ts';
import { AcknowledgementService } from '../domain/notices/acknowledgement.service.ts';
import {
  acknowledgedSchema,
  acknowledgeSchema,
  noticeSchema,
  noticeWithAttemptsSchema,
  viewOfAttempt,
  viewOfNotice,
} from '../domain/notices/notice.schema.ts';
import { attemptsOf, findNotice, listNotices } from '../domain/notices/notices.queries.ts';
import { StuckNotices } from '../domain/notices/stuck-notices.service.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';
import { cursorSchema, cursorText, pageLimit } from './cursor.ts';

const id = z.uuid();
const listQuery = z.strictObject({
  subject: z
    .union([id.transform((one) => [one]), z.array(id).max(100)])
    .optional()
    .describe('Cases; several times for several'),
  party: id.optional(),
  timeliness: z.enum(['open', 'met', 'missed']).optional(),
  cursor: cursorSchema.optional(),
  limit: pageLimit,
});
const noticesSchema = z
  .object({ notices: z.array(noticeSchema), next: z.string().nullable() })
  .meta({ id: 'Notices' });

@ApiTags('notices')
@Controller('api/v1/notices')
export class NoticesController {
  constructor(
    private readonly transactions: Transactions,
    private readonly acknowledgements: AcknowledgementService,
    private readonly stuck: StuckNotices,
  ) {}

  @Get()
  @ApiOperation({ summary: 'List notices, newest first', description: 'A party sees what was owed to it.' })
  @Permission('notices:read')
  @ApiOkResponse({ standardSchema: noticesSchema })
  async list(
    @Query({ schema: listQuery }) query: z.output<typeof listQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof noticesSchema>> {
    const { subject, party, timeliness, cursor, limit } = query;
    const rows = await this.transactions.run(by, (db) =>
      listNotices(db, {
        ...(subject === undefined ? {} : { subjectIds: subject }),
        ...(party === undefined ? {} : { partyId: party }),
        ...(timeliness === undefined ? {} : { timeliness }),
        ...(cursor === undefined ? {} : { after: { createdAt: cursor.at, id: cursor.id } }),
        limit,
      }),
    );
    const last = rows.at(-1);
    return {
      notices: rows.map(viewOfNotice),
      next: last && rows.length === limit ? cursorText({ at: last.createdAt, id: last.id }) : null,
    };
  }

  @Get(':id')
  @ApiOperation({ summary: 'Read a notice with every attempt to deliver it' })
  @Permission('notices:read')
  @ApiOkResponse({ standardSchema: noticeWithAttemptsSchema })
  async get(
    @Param('id', { schema: id }) noticeId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof noticeWithAttemptsSchema>> {
    return this.transactions.run(by, async (db) => {
      const notice = await findNotice(db, noticeId);
      if (!notice) throw new Refused(refusal('not_found', 'no-notice', 'There is no such notice.'));
      return { ...viewOfNotice(notice), deliveries: (await attemptsOf(db, noticeId)).map(viewOfAttempt) };
    });
  }

  @Post(':id/acknowledgements')
  @ApiOperation({
    summary: 'Acknowledge a notice for its recipient',
    description:
      'By a person of the party that it is for, with the code of the message; stronger with a signature by a key of theirs. Without a next action it lapses in four hours and the notice is told again.',
  })
  @Permission('notices:acknowledge')
  @ApiCreatedResponse({ standardSchema: acknowledgedSchema })
  async acknowledge(
    @Param('id', { schema: id }) noticeId: string,
    @Body({ schema: acknowledgeSchema }) input: z.output<typeof acknowledgeSchema>,
    @By() by: Principal,
  ): Promise<z.infer<typeof acknowledgedSchema>> {
    return answered(await this.acknowledgements.acknowledgeAs(noticeId, input, by));
  }

  @Get(':id/document')
  @ApiOperation({
    summary: 'Download what a recipient signs elsewhere to acknowledge a notice',
    description: 'The exact bytes, for an Ed25519 key that was registered before the notice was owed.',
  })
  @Permission('notices:read')
  async document(
    @Param('id', { schema: id }) noticeId: string,
    @By() by: Principal,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const document = answered(await this.acknowledgements.documentFor(noticeId, by));
    void reply
      .header('content-disposition', 'attachment; filename="notice.json"')
      .type('application/json; charset=utf-8')
      .send(document);
  }

  @Post(':id/retry')
  @HttpCode(204)
  @ApiOperation({ summary: 'Have a notice tried again at once that did not arrive' })
  @Permission('operations:act')
  @ApiNoContentResponse({ description: 'It is tried now' })
  async retry(@Param('id', { schema: id }) noticeId: string, @By() by: Principal): Promise<void> {
    answered(await this.stuck.retry(noticeId, by));
  }
}
