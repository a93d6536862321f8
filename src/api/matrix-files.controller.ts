import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Readable } from 'node:stream';
import { z } from 'zod';
import type { Principal } from '../kernel/principal.ts';
import { By, Permission, PerMinute } from '../domain/access/route.ts';
import { MatrixFiles, type MatrixFile } from '../domain/responsibility/matrix-files.service.ts';
import { DUTIES } from '../domain/responsibility/matrix.rules.ts';
import { answered } from './answered.ts';

const id = z.uuid();
const portfolioQuery = z.strictObject({
  partyId: id.optional().describe('Accountable for something, or for the duty asked for'),
  duty: z.enum(DUTIES).optional(),
  gap: z.enum(['true', 'false']).optional().describe('Only where nobody answers'),
});
const versionQuery = z.strictObject({
  version: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe('Number of a version; without it what is drafted, else the newest version'),
});
const XLSX = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet';

/** Matrices as files for a spreadsheet: every cell is text, a number or a date, never a formula. */
@ApiTags('matrices')
@Controller('api/v1')
export class MatrixFilesController {
  constructor(private readonly files: MatrixFiles) {}

  /** Integrations against duties; streamed. */
  @Get('matrices.csv')
  @ApiOperation({ summary: 'Read the portfolio matrix as CSV' })
  @Permission('matrices:read')
  @PerMinute(10)
  @ApiProduces('text/csv')
  async portfolioCsv(
    @Query({ schema: portfolioQuery }) { gap, ...filter }: z.output<typeof portfolioQuery>,
    @By() by: Principal,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    send(reply, answered(await this.files.portfolio('csv', { ...filter, gap: gap === 'true' }, by)));
  }

  /** Integrations against duties; at most 100,000 rows. */
  @Get('matrices.xlsx')
  @ApiOperation({ summary: 'Read the portfolio matrix as a workbook' })
  @Permission('matrices:read')
  @PerMinute(10)
  @ApiProduces(XLSX)
  async portfolioXlsx(
    @Query({ schema: portfolioQuery }) { gap, ...filter }: z.output<typeof portfolioQuery>,
    @By() by: Principal,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    send(reply, answered(await this.files.portfolio('xlsx', { ...filter, gap: gap === 'true' }, by)));
  }

  @Get('integrations/:id/matrix.csv')
  @ApiOperation({ summary: 'Read the matrix of an integration as CSV' })
  @Permission('matrices:read')
  @PerMinute(30)
  @ApiProduces('text/csv')
  async csv(
    @Param('id', { schema: id }) integrationId: string,
    @Query({ schema: versionQuery }) { version }: z.output<typeof versionQuery>,
    @By() by: Principal,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    send(reply, answered(await this.files.integration(integrationId, 'csv', version, by)));
  }

  /** With what it is, its content hash, and who signed it. */
  @Get('integrations/:id/matrix.xlsx')
  @ApiOperation({ summary: 'Read the matrix of an integration as a workbook' })
  @Permission('matrices:read')
  @PerMinute(30)
  @ApiProduces(XLSX)
  async xlsx(
    @Param('id', { schema: id }) integrationId: string,
    @Query({ schema: versionQuery }) { version }: z.output<typeof versionQuery>,
    @By() by: Principal,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    send(reply, answered(await this.files.integration(integrationId, 'xlsx', version, by)));
  }
}

function send(reply: FastifyReply, { name, mediaType, content }: MatrixFile): void {
  void reply
    .header('content-disposition', `attachment; filename="${name}"`)
    .header('cache-control', 'no-store')
    .type(mediaType)
    .send(Buffer.isBuffer(content) ? content : Readable.from(content));
}
