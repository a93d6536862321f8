import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import { By, Permission } from '../domain/access/route.ts';
import { caseDetailSchema, casesSchema } from '../domain/incidents/incident.schema.ts';
import { caseOf, casesPage } from '../domain/incidents/incidents.queries.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { cursorSchema, cursorText, pageLimit } from './cursor.ts';

const id = z.uuid();
const listQuery = z.strictObject({
  state: z.enum(['open', 'contained', 'closed', 'dismissed']).optional(),
  integration: id.optional(),
  cursor: cursorSchema.optional(),
  limit: pageLimit,
});

@ApiTags('incidents')
@Controller('api/v1/cases')
export class CasesController {
  constructor(private readonly transactions: Transactions) {}

  @Get()
  @ApiOperation({
    summary: 'List cases, newest first',
    description: 'A party sees the cases of its own integrations.',
  })
  @Permission('cases:read')
  @ApiOkResponse({ standardSchema: casesSchema })
  async list(
    @Query({ schema: listQuery }) { state, integration, cursor, limit }: z.output<typeof listQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof casesSchema>> {
    const cases = await this.transactions.run(by, (db) =>
      casesPage(db, {
        ...(state ? { state } : {}),
        ...(integration ? { integrationId: integration } : {}),
        ...(cursor ? { after: cursor } : {}),
        limit,
      }),
    );
    const last = cases.at(-1);
    return {
      cases,
      next:
        last && cases.length === limit ? cursorText({ at: Date.parse(last.openedAt), id: last.id }) : null,
    };
  }

  @Get(':id')
  @ApiOperation({ summary: 'Read a case: its state, its times, and the matrix and agreement that apply' })
  @Permission('cases:read')
  @ApiOkResponse({ standardSchema: caseDetailSchema })
  async get(
    @Param('id', { schema: id }) caseId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof caseDetailSchema>> {
    const found = await this.transactions.run(by, (db) => caseOf(db, caseId));
    if (!found) throw new Refused(refusal('not_found', 'no-such-case', 'There is no such case.'));
    return found;
  }
}
