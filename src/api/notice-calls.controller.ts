import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import type { Principal } from '../kernel/principal.ts';
import { By, Permission, PerMinute } from '../domain/access/route.ts';
import {
  callScriptSchema,
  CallsService,
  recordCallSchema,
  type CallScript,
} from '../domain/notices/calls.service.ts';
import { answered } from './answered.ts';

const id = { schema: z.uuid() };

/** Notices by phone: somebody calls, with a script, and writes down who answered and when. */
@ApiTags('notices')
@Controller('api/v1/notices/:id/calls')
export class NoticeCallsController {
  constructor(private readonly calls: CallsService) {}

  @Get('script')
  @ApiOperation({ summary: 'Read what to say in a call about a notice, and whom to call' })
  @Permission('notices:write')
  @ApiOkResponse({ standardSchema: callScriptSchema })
  async script(@Param('id', id) noticeId: string, @By() by: Principal): Promise<CallScript> {
    return answered(await this.calls.script(noticeId, by));
  }

  @Post()
  @HttpCode(204)
  @PerMinute(30)
  @ApiOperation({
    summary: 'Record a call about a notice: who answered, and when',
    description:
      'A call that somebody answered counts as told at the time of the call; with the code of the message, read back by them, it is their acknowledgement by a second channel.',
  })
  @Permission('notices:write')
  @ApiNoContentResponse({ description: 'It is on record' })
  async record(
    @Param('id', id) noticeId: string,
    @Body({ schema: recordCallSchema }) call: z.output<typeof recordCallSchema>,
    @By() by: Principal,
  ): Promise<void> {
    answered(await this.calls.record(noticeId, call, by));
  }
}
