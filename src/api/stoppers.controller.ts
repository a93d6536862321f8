import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import type { Principal } from '../kernel/principal.ts';
import { By, Permission } from '../domain/access/route.ts';
import { stoppersBoard } from '../domain/revocation/stoppers.queries.ts';
import { boardLineSchema } from '../domain/revocation/stoppers.schema.ts';
import { Clock } from '../platform/clock/clock.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { cursorSchema, cursorText, namedListQuery } from './cursor.ts';

const id = z.uuid();
const listQuery = z.strictObject({
  text: namedListQuery.text,
  supplierId: id.optional().describe('Verifies it, or supplies an integration that uses it'),
  integrationId: id.optional(),
  partyId: id.optional().describe('Issues, verifies or holds it, or ends one of its paths'),
  trouble: z.enum(['true', 'false']).optional().describe('Only what nobody can stop, or no drill proved'),
  cursor: cursorSchema.optional(),
  limit: namedListQuery.limit,
});
const boardSchema = z
  .object({ credentials: z.array(boardLineSchema), next: z.string().nullable() })
  .meta({ id: 'StoppersBoard' });

@ApiTags('portfolio')
@Controller('api/v1/stoppers')
export class StoppersController {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  @Get()
  @ApiOperation({ summary: 'List who can stop what now, the riskiest credential first' })
  @Permission('portfolio:read')
  @ApiOkResponse({ standardSchema: boardSchema })
  async board(
    @Query({ schema: listQuery }) { cursor, limit, trouble, ...filter }: z.output<typeof listQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof boardSchema>> {
    const rows = await this.transactions.run(by, (db) =>
      stoppersBoard(
        db,
        {
          ...filter,
          trouble: trouble === 'true',
          // The list is by risk, a small whole number, so it takes the place of the instant.
          after: cursor && { risk: Math.trunc(cursor.at) % 1_000_000, id: cursor.id },
          limit: limit + 1,
        },
        this.clock.now(),
      ),
    );
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      credentials: page,
      next: last && rows.length > limit ? cursorText({ at: last.risk, id: last.id }) : null,
    };
  }
}
