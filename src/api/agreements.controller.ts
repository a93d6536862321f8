import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import { By, Permission } from '../domain/access/route.ts';
import {
  agreementLineSchema,
  agreementViewSchema,
  type AgreementView,
} from '../domain/agreements/agreement.schema.ts';
import { findAgreement, listAgreements } from '../domain/agreements/agreements.queries.ts';
import { Clock } from '../platform/clock/clock.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { namedListQuery, pageByName } from './cursor.ts';
import { versioned } from './etag.ts';

const id = z.uuid();
const listQuery = z.strictObject({ ...namedListQuery, partyId: id.optional() });
const agreementsSchema = z
  .object({ agreements: z.array(agreementLineSchema), next: z.string().nullable() })
  .meta({ id: 'Agreements' });

@ApiTags('portfolio')
@Controller('api/v1/agreements')
export class AgreementsController {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /** By title. */
  @Get()
  @Permission('agreements:read')
  @ApiOkResponse({ standardSchema: agreementsSchema })
  async list(
    @Query({ schema: listQuery }) query: z.output<typeof listQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof agreementsSchema>> {
    const rows = await this.transactions.run(by, (db) =>
      listAgreements(db, { ...query, limit: query.limit + 1 }, this.clock.now()),
    );
    const { page, next } = pageByName(rows, query.limit, 'title');
    return { agreements: page, next };
  }

  /** With every version of it. */
  @Get(':id')
  @Permission('agreements:read')
  @ApiOkResponse({ standardSchema: agreementViewSchema })
  async get(
    @Param('id', { schema: id }) agreementId: string,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AgreementView> {
    const agreement = await this.transactions.run(by, (db) =>
      findAgreement(db, agreementId, this.clock.now()),
    );
    if (!agreement) throw new Refused(refusal('not_found', 'no-agreement', 'There is no such agreement.'));
    return versioned(reply, agreement);
  }
}
