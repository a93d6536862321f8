import { Body, Controller, Get, HttpCode, Param, Patch, Post, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import { By, Idempotent, Permission } from '../domain/access/route.ts';
import {
  decideWrittenSchema,
  editWrittenSchema,
  newWrittenSchema,
  writtenNoticeSchema,
  type WrittenView,
} from '../domain/notices/written-notice.schema.ts';
import { writtenNotices, WrittenNotices } from '../domain/notices/written-notices.service.ts';
import { Transactions, type Db } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';
import { IfMatch, versioned } from './etag.ts';

const id = { schema: z.uuid() };
const listSchema = z.object({ notices: z.array(writtenNoticeSchema) }).meta({ id: 'WrittenNotices' });

/** Notices that people write for one occasion; a second person approves them. */
@ApiTags('notices')
@Controller('api/v1/written-notices')
export class WrittenNoticesController {
  constructor(
    private readonly transactions: Transactions,
    private readonly written: WrittenNotices,
  ) {}

  @Get()
  @ApiOperation({ summary: 'List notices that people wrote; those that wait for approval first' })
  @Permission('notices:write')
  @ApiOkResponse({ standardSchema: listSchema })
  async list(@By() by: Principal): Promise<z.infer<typeof listSchema>> {
    return { notices: await this.transactions.run(by, (db) => writtenNotices(db, { limit: 200 })) };
  }

  @Post()
  @ApiOperation({
    summary: 'Write a notice',
    description:
      'What is left out is filled in with what is known. Nothing is sent before it is approved: by somebody else, unless the policy says that its writer is enough.',
  })
  @Permission('notices:write')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: writtenNoticeSchema })
  async draft(
    @Body({ schema: newWrittenSchema }) input: z.output<typeof newWrittenSchema>,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<WrittenView> {
    return versioned(
      reply,
      await this.transactions.run(by, async (db) => {
        const { id: made } = answered(await this.written.draft(db, input, by));
        return one(db, made);
      }),
    );
  }

  @Get(':id')
  @ApiOperation({ summary: 'Read a notice that somebody wrote' })
  @Permission('notices:write')
  @ApiOkResponse({ standardSchema: writtenNoticeSchema })
  async get(
    @Param('id', id) writtenId: string,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<WrittenView> {
    return versioned(reply, await this.transactions.run(by, (db) => one(db, writtenId)));
  }

  @Patch(':id')
  @ApiOperation({ summary: 'Change a notice that one wrote' })
  @Permission('notices:write')
  @ApiOkResponse({ standardSchema: writtenNoticeSchema })
  async edit(
    @Param('id', id) writtenId: string,
    @Body({ schema: editWrittenSchema }) edit: z.output<typeof editWrittenSchema>,
    @IfMatch() rowVersion: number,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<WrittenView> {
    return versioned(
      reply,
      await this.transactions.run(by, async (db) => {
        answered(await this.written.edit(db, writtenId, edit, rowVersion, by));
        return one(db, writtenId);
      }),
    );
  }

  @Post(':id/decide')
  @HttpCode(200)
  @ApiOperation({ summary: 'Approve a notice that somebody else wrote, and send it; or refuse it' })
  @Permission('notices:write')
  @ApiOkResponse({ standardSchema: writtenNoticeSchema })
  async decide(
    @Param('id', id) writtenId: string,
    @Body({ schema: decideWrittenSchema }) decision: z.output<typeof decideWrittenSchema>,
    @By() by: Principal,
  ): Promise<WrittenView> {
    return this.transactions.run(by, async (db) => {
      answered(await this.written.decide(db, writtenId, decision, by));
      return one(db, writtenId);
    });
  }
}

async function one(db: Db, id: string): Promise<WrittenView> {
  const [found] = await writtenNotices(db, { id, limit: 1 });
  if (!found) throw new Refused(refusal('not_found', 'no-written-notice', 'There is no such notice.'));
  return found;
}
