import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import type { Principal } from '../kernel/principal.ts';
import { By, Permission } from '../domain/access/route.ts';
import { calendarViewSchema } from '../domain/agreements/draft.schema.ts';
import { listCalendars } from '../domain/agreements/drafts.queries.ts';
import { termTemplateSchema } from '../domain/agreements/term-template.schema.ts';
import { TermTemplates } from '../domain/agreements/term-templates.ts';
import { Clock } from '../platform/clock/clock.ts';
import { Transactions } from '../platform/database/transactions.ts';

const listQuery = z.strictObject({
  audience: z.enum(['counterparty', 'authority', 'people', 'industry']).optional().describe('Who is told'),
  inForce: z.enum(['true', 'false']).optional(),
});
const templatesSchema = z.object({ templates: z.array(termTemplateSchema) }).meta({ id: 'TermTemplates' });
const calendarsSchema = z.object({ calendars: z.array(calendarViewSchema) }).meta({ id: 'Calendars' });

@ApiTags('portfolio')
@Controller('api/v1')
export class TermTemplatesController {
  constructor(
    private readonly templates: TermTemplates,
    private readonly clock: Clock,
    private readonly transactions: Transactions,
  ) {}

  @Get('term-templates')
  @ApiOperation({
    summary: 'List notification windows of laws and industries, each with its source',
    description: 'Without a number where the source has none.',
  })
  @Permission('agreements:read')
  @ApiOkResponse({ standardSchema: templatesSchema })
  list(@Query({ schema: listQuery }) query: z.output<typeof listQuery>): z.infer<typeof templatesSchema> {
    const templates = this.templates
      .list(this.clock.now())
      .filter(
        ({ audience, inForce }) =>
          (query.audience === undefined || audience === query.audience) &&
          (query.inForce === undefined || String(inForce) === query.inForce),
      );
    return { templates };
  }

  @Get('calendars')
  @ApiOperation({
    summary: 'List the calendars that business days may count by',
    description: 'A party reads those of its own terms.',
  })
  @Permission('agreements:read')
  @ApiOkResponse({ standardSchema: calendarsSchema })
  async calendars(@By() by: Principal): Promise<z.infer<typeof calendarsSchema>> {
    return { calendars: await this.transactions.run(by, (db) => listCalendars(db)) };
  }
}
