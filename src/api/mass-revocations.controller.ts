import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProduces,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Id } from '../kernel/ids.ts';
import type { Principal } from '../kernel/principal.ts';
import { By, Idempotent, PerMinute, Permission } from '../domain/access/route.ts';
import { completenessFile } from '../domain/incidents/completeness-file.ts';
import { completenessOf } from '../domain/incidents/completeness.queries.ts';
import { reasonSchema } from '../domain/incidents/incident.schema.ts';
import { findMass, massPage, whoBreaks } from '../domain/incidents/mass-revocation.queries.ts';
import {
  approveMassRevocationSchema,
  askMassRevocationSchema,
  completenessSchema,
  massDetailSchema,
  massRevocationSchema,
  type AskMassRevocation,
  type Completeness,
  type MassDetail,
} from '../domain/incidents/mass-revocation.schema.ts';
import { MassRevocationsService } from '../domain/incidents/mass-revocations.service.ts';
import { ValuesAtHand } from '../domain/revocation/values-at-hand.service.ts';
import { Clock } from '../platform/clock/clock.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';
import { pageLimit } from './cursor.ts';

const id = z.uuid();
const listQuery = z.strictObject({ cursor: z.uuid().optional(), limit: pageLimit });
const since = z.iso.datetime({ offset: true }).optional().describe('What came later is shown as added since');
const completenessQuery = z.strictObject({ since, cursor: z.uuid().optional(), limit: pageLimit });
const massListSchema = z
  .object({ massRevocations: z.array(massRevocationSchema), next: z.uuid().nullable() })
  .meta({ id: 'MassRevocations' });

@ApiTags('mass revocation')
@Controller('api/v1')
export class MassRevocationsController {
  constructor(
    private readonly transactions: Transactions,
    private readonly mass: MassRevocationsService,
    private readonly values: ValuesAtHand,
    private readonly clock: Clock,
  ) {}

  /** Freezes what the selection means now. Nothing is revoked before a second person approves. */
  @Post('mass-revocations')
  @ApiOperation({ summary: 'Ask for a mass revocation, and see who breaks' })
  @Permission('revocations:ask')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: massDetailSchema })
  async ask(
    @Body({ schema: askMassRevocationSchema }) input: AskMassRevocation,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<MassDetail> {
    const asked = answered(await this.mass.ask(input, by));
    void reply.header('location', `/api/v1/mass-revocations/${asked.id}`);
    return this.#detail(asked.id, by);
  }

  @Get('mass-revocations')
  @ApiOperation({ summary: 'List mass revocations, newest first' })
  @Permission('revocations:read')
  @ApiOkResponse({ standardSchema: massListSchema })
  async list(
    @Query({ schema: listQuery }) { cursor, limit }: z.output<typeof listQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof massListSchema>> {
    const massRevocations = await this.transactions.run(by, (db) =>
      massPage(db, this.clock.now(), { after: cursor, limit }),
    );
    return {
      massRevocations,
      next: massRevocations.length === limit ? (massRevocations.at(-1)?.id ?? null) : null,
    };
  }

  @Get('mass-revocations/:id')
  @ApiOperation({
    summary: 'Read a mass revocation: who breaks, and how far it is',
    description: 'With what fits the selection by now and is not in it.',
  })
  @Permission('revocations:read')
  @ApiOkResponse({ standardSchema: massDetailSchema })
  get(@Param('id', { schema: id }) massId: string, @By() by: Principal): Promise<MassDetail> {
    return this.#detail(massId, by);
  }

  @Post('mass-revocations/:id/approve')
  @ApiOperation({ summary: 'Approve a mass revocation that somebody else asked for; it starts' })
  @HttpCode(202)
  @Permission('revocations:approve')
  @ApiAcceptedResponse({ standardSchema: massDetailSchema })
  async approve(
    @Param('id', { schema: id }) massId: string,
    @Body({ schema: approveMassRevocationSchema }) { versions }: z.output<typeof approveMassRevocationSchema>,
    @By() by: Principal,
  ): Promise<MassDetail> {
    answered(await this.mass.approve(massId, versions, by));
    return this.#detail(massId, by);
  }

  @Post('mass-revocations/:id/withdraw')
  @ApiOperation({ summary: 'Withdraw a mass revocation that nobody approved yet' })
  @HttpCode(204)
  @Permission('revocations:ask')
  @ApiNoContentResponse({ description: 'Withdrawn' })
  async withdraw(
    @Param('id', { schema: id }) massId: string,
    @Body({ schema: reasonSchema }) { reason }: z.output<typeof reasonSchema>,
    @By() by: Principal,
  ): Promise<void> {
    answered(await this.mass.withdraw(massId, reason, by));
  }

  @Get('parties/:id/completeness')
  @ApiOperation({
    summary: 'Read whether everything of a supplier is proven dead',
    description:
      'Every credential of it with its state and evidence; the counts add up, or say that they do not.',
  })
  @Permission('revocations:read')
  @ApiOkResponse({ standardSchema: completenessSchema })
  async completeness(
    @Param('id', { schema: id }) partyId: string,
    @Query({ schema: completenessQuery }) query: z.output<typeof completenessQuery>,
    @By() by: Principal,
  ): Promise<Completeness> {
    const found = await this.transactions.run(by, (db) =>
      completenessOf(db, partyId, this.clock.now(), {
        since: query.since === undefined ? null : Date.parse(query.since),
        after: query.cursor,
        limit: query.limit,
      }),
    );
    if (!found) throw new Refused(refusal('not_found', 'no-party', 'There is no such party.'));
    return found;
  }

  @Get('parties/:id/completeness.csv')
  @ApiOperation({ summary: 'Read the same as CSV, whole' })
  @Permission('revocations:read')
  @PerMinute(10)
  @ApiProduces('text/csv')
  async csv(
    @Param('id', { schema: id }) partyId: string,
    @Query({ schema: z.strictObject({ since }) }) query: { since?: string | undefined },
    @By() by: Principal,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const file = await completenessFile(this.transactions, by, partyId, {
      now: this.clock.now(),
      since: query.since === undefined ? null : Date.parse(query.since),
    });
    if (!file) throw new Refused(refusal('not_found', 'no-party', 'There is no such party.'));
    void reply
      .header('content-type', 'text/csv; charset=utf-8')
      .header('content-disposition', `attachment; filename="${file.name}"`)
      .send(file.stream);
  }

  async #detail(massId: Id, by: Principal): Promise<MassDetail> {
    return this.transactions.run(by, async (db) => {
      const found = await findMass(db, { id: massId }, this.clock.now());
      if (!found)
        throw new Refused(refusal('not_found', 'no-mass-revocation', 'There is no such mass revocation.'));
      return { ...found, whoBreaks: await whoBreaks(db, found, this.values) };
    });
  }
}
