import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Refused } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import { By, Idempotent, Permission, PerMinute } from '../domain/access/route.ts';
import { DUTIES } from '../domain/responsibility/matrix.rules.ts';
import { OfferingRetirement } from '../domain/responsibility/offering-retirement.service.ts';
import { OfferingProposals } from '../domain/responsibility/offering-proposals.service.ts';
import {
  askedSchema,
  chasedSchema,
  chaseOfferingSchema,
  createOfferingSchema,
  editOfferingSchema,
  offeringDiffSchema,
  offeringsSchema,
  offeringViewSchema,
  proposeOfferingSchema,
  retireOfferingSchema,
  targetDiffSchema,
  targetsSchema,
} from '../domain/responsibility/offering.schema.ts';
import {
  findOffering,
  listOfferings,
  listTargets,
  offeringDiff,
  targetDiff,
} from '../domain/responsibility/offerings.queries.ts';
import { noOffering, OfferingsService } from '../domain/responsibility/offerings.service.ts';
import { Clock } from '../platform/clock/clock.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';
import { nameCursorSchema, pageByName, pageLimit } from './cursor.ts';
import { IfMatch, versioned } from './etag.ts';

const id = z.uuid();
const number = z.coerce.number().int().min(1).max(1_000_000);
const listQuery = z.strictObject({ cursor: nameCursorSchema.optional(), limit: pageLimit });
const createdSchema = z
  .object({
    id: z.uuid(),
    rowVersion: z.int(),
    leftOut: z.array(z.object({ duty: z.enum(DUTIES), part: z.string(), why: z.string() })),
  })
  .meta({ id: 'CreatedOffering' });
const publishedSchema = z
  .object({ versionId: z.uuid(), number: z.int(), contentHash: z.string() })
  .meta({ id: 'PublishedOffering' });
const diffQuery = z.strictObject({
  to: number.optional().describe('A later version; left out: the draft'),
});

/** One matrix and term sheet that a supplier proposes to many customers. */
@ApiTags('offerings')
@Controller('api/v1/offerings')
export class OfferingsController {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly offerings: OfferingsService,
    private readonly proposals: OfferingProposals,
    private readonly retirement: OfferingRetirement,
  ) {}

  @Get()
  @ApiOperation({ summary: 'List the offerings' })
  @Permission('offerings:read')
  @ApiOkResponse({ standardSchema: offeringsSchema })
  async list(
    @Query({ schema: listQuery }) { cursor, limit }: z.output<typeof listQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof offeringsSchema>> {
    const rows = await this.transactions.run(by, (db) =>
      listOfferings(db, { after: cursor, limit: limit + 1 }),
    );
    const { page, next } = pageByName(rows, limit, 'name');
    return { offerings: page, next };
  }

  /** Begins a draft: empty, from a template, or from what an integration has. */
  @Post()
  @ApiOperation({ summary: 'Create an offering' })
  @Permission('offerings:write')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: createdSchema })
  async create(
    @Body({ schema: createOfferingSchema }) input: z.output<typeof createOfferingSchema>,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof createdSchema>> {
    const created = answered(await this.offerings.create(input, by));
    void reply.header('location', `/api/v1/offerings/${created.id}`);
    return versioned(reply, created);
  }

  @Get(':id')
  @ApiOperation({ summary: 'Read an offering with its draft' })
  @Permission('offerings:read')
  @ApiOkResponse({ standardSchema: offeringViewSchema })
  async get(
    @Param('id', { schema: id }) offeringId: string,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof offeringViewSchema>> {
    const found = await this.transactions.run(by, (db) => findOffering(db, offeringId));
    if (!found) throw new Refused(noOffering());
    return versioned(reply, found);
  }

  /** Changes the draft. What lies before customers stays as it was proposed. */
  @Patch(':id')
  @ApiOperation({ summary: 'Change the draft of an offering' })
  @Permission('offerings:write')
  async edit(
    @Param('id', { schema: id }) offeringId: string,
    @Body({ schema: editOfferingSchema }) edit: z.output<typeof editOfferingSchema>,
    @IfMatch() rowVersion: number,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ rowVersion: number }> {
    return versioned(reply, answered(await this.offerings.edit(offeringId, edit, rowVersion, by)));
  }

  @Post(':id/versions')
  @ApiOperation({ summary: 'Publish the draft of an offering as its next version' })
  @Permission('offerings:write')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: publishedSchema })
  async publish(
    @Param('id', { schema: id }) offeringId: string,
    @IfMatch() rowVersion: number,
    @By() by: Principal,
  ): Promise<z.infer<typeof publishedSchema>> {
    return answered(await this.offerings.publish(offeringId, rowVersion, by));
  }

  /** Nobody is reminded any more; what not every side has signed is withdrawn, and the links to it end. What is signed stays. */
  @Post(':id/retire')
  @ApiOperation({ summary: 'Retire an offering' })
  @HttpCode(200)
  @Permission('offerings:write')
  async retire(
    @Param('id', { schema: id }) offeringId: string,
    @Body({ schema: retireOfferingSchema }) input: z.output<typeof retireOfferingSchema>,
    @IfMatch() rowVersion: number,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ rowVersion: number }> {
    return versioned(reply, answered(await this.retirement.retire(offeringId, input, rowVersion, by)));
  }

  /** What is different since a version. */
  @Get(':id/versions/:number/changes')
  @ApiOperation({ summary: 'Compare two versions of an offering' })
  @Permission('offerings:read')
  @ApiOkResponse({ standardSchema: offeringDiffSchema })
  async changes(
    @Param('id', { schema: id }) offeringId: string,
    @Param('number', { schema: number }) since: number,
    @Query({ schema: diffQuery }) { to }: z.output<typeof diffQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof offeringDiffSchema>> {
    const found = await this.transactions.run(by, (db) => offeringDiff(db, offeringId, since, to));
    if (!found) throw new Refused(noOffering());
    return found;
  }

  /** Lays the newest version before customers, each with a matrix, terms and a signature of its own. Watch `targets`. */
  @Post(':id/proposals')
  @ApiOperation({ summary: 'Propose an offering to many customers' })
  @HttpCode(202)
  @Permission('offerings:write')
  @Idempotent()
  @ApiResponse({ status: 202, standardSchema: askedSchema })
  async propose(
    @Param('id', { schema: id }) offeringId: string,
    @Body({ schema: proposeOfferingSchema }) input: z.output<typeof proposeOfferingSchema>,
    @By() by: Principal,
  ): Promise<z.infer<typeof askedSchema>> {
    return answered(await this.proposals.ask(offeringId, input, by));
  }

  /** Every customer, and where each stands. */
  @Get(':id/targets')
  @ApiOperation({ summary: 'List the customers of an offering and how far each is' })
  @Permission('offerings:read')
  @ApiOkResponse({ standardSchema: targetsSchema })
  async targets(
    @Param('id', { schema: id }) offeringId: string,
    @Query({ schema: listQuery }) { cursor, limit }: z.output<typeof listQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof targetsSchema>> {
    const rows = await this.transactions.run(by, async (db) =>
      (await findOffering(db, offeringId))
        ? listTargets(db, offeringId, { after: cursor, limit: limit + 1 }, this.clock.now())
        : undefined,
    );
    if (!rows) throw new Refused(noOffering());
    const { page, next } = pageByName(rows, limit, 'name');
    return { targets: page.map(({ id: _id, ...line }) => line), next };
  }

  /** What one customer has against what is offered now. */
  @Get(':id/targets/:integrationId')
  @ApiOperation({ summary: 'Compare what a customer has with the offering' })
  @Permission('offerings:read')
  @ApiOkResponse({ standardSchema: targetDiffSchema })
  async diff(
    @Param('id', { schema: id }) offeringId: string,
    @Param('integrationId', { schema: id }) integrationId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof targetDiffSchema>> {
    const found = await this.transactions.run(by, (db) =>
      targetDiff(db, offeringId, integrationId, this.clock.now()),
    );
    if (!found) throw new Refused(noOffering());
    return found;
  }

  /** Takes a customer out; what was proposed and signed stays. */
  @Delete(':id/targets/:integrationId')
  @ApiOperation({ summary: 'Take a customer off an offering' })
  @HttpCode(204)
  @Permission('offerings:write')
  async remove(
    @Param('id', { schema: id }) offeringId: string,
    @Param('integrationId', { schema: id }) integrationId: string,
    @By() by: Principal,
  ): Promise<void> {
    answered(await this.proposals.remove(offeringId, integrationId, by));
  }

  /** Reminds those who have not signed; nobody more often than the offering says. */
  @Post(':id/reminders')
  @ApiOperation({ summary: 'Remind the customers that have not signed' })
  @HttpCode(200)
  @Permission('offerings:write')
  @PerMinute(30)
  @ApiOkResponse({ standardSchema: chasedSchema })
  async chase(
    @Param('id', { schema: id }) offeringId: string,
    @Body({ schema: chaseOfferingSchema }) input: z.output<typeof chaseOfferingSchema>,
    @By() by: Principal,
  ): Promise<z.infer<typeof chasedSchema>> {
    return answered(await this.proposals.chase(offeringId, input, by));
  }
}
