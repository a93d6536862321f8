import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Result } from '../../kernel/result.ts';
import { By, Permission, PerMinute } from '../../domain/access/route.ts';
import {
  MatrixFiles,
  type FileFormat,
  type MatrixFile,
} from '../../domain/responsibility/matrix-files.service.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { findIntegration } from '../integrations/integration.queries.ts';
import { reference } from '../shared/search.ts';
import { filterOf, portfolioQuery } from './matrix.schema.ts';

const query = z.object({
  version: z.coerce.number().int().min(1).max(1_000_000).optional().catch(undefined),
});

/** What the pages show, as files that a spreadsheet opens. */
@Controller()
@ApiExcludeController()
export class MatrixFilesPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly files: MatrixFiles,
  ) {}

  @Get('matrices.csv')
  @Permission('matrices:read', { face: 'console' })
  @PerMinute(10)
  async portfolioCsv(
    @Query() asked: unknown,
    @By() by: Principal,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    send(reply, await this.files.portfolio('csv', filterOf(portfolioQuery.parse(asked ?? {})), by));
  }

  @Get('matrices.xlsx')
  @Permission('matrices:read', { face: 'console' })
  @PerMinute(10)
  async portfolioXlsx(
    @Query() asked: unknown,
    @By() by: Principal,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    send(reply, await this.files.portfolio('xlsx', filterOf(portfolioQuery.parse(asked ?? {})), by));
  }

  @Get('integrations/:reference/matrix.csv')
  @Permission('matrices:read', { face: 'console' })
  @PerMinute(30)
  async csv(
    @Param('reference', { schema: reference }) name: string,
    @Query() asked: unknown,
    @By() by: Principal,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    send(reply, await this.#file(name, 'csv', asked, by));
  }

  @Get('integrations/:reference/matrix.xlsx')
  @Permission('matrices:read', { face: 'console' })
  @PerMinute(30)
  async xlsx(
    @Param('reference', { schema: reference }) name: string,
    @Query() asked: unknown,
    @By() by: Principal,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    send(reply, await this.#file(name, 'xlsx', asked, by));
  }

  async #file(name: string, format: FileFormat, asked: unknown, by: Principal) {
    const head = await this.transactions.run(by, (db) => findIntegration(db, name));
    if (!head)
      throw new Refused(
        refusal('not_found', 'not-found', 'There is no such integration, or it is not yours to see.'),
      );
    return this.files.integration(head.id, format, query.parse(asked ?? {}).version, by);
  }
}

function send(reply: FastifyReply, file: Result<MatrixFile, Refusal>): void {
  if (!file.ok) throw new Refused(file.error);
  const { name, mediaType, content } = file.value;
  void reply
    .header('content-disposition', `attachment; filename="${name}"`)
    .header('cache-control', 'no-store')
    .type(mediaType)
    .send(Buffer.isBuffer(content) ? content : Readable.from(content));
}
