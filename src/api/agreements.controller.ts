import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import type { WantedVersion } from '../kernel/row-version.ts';
import { By, Idempotent, Permission } from '../domain/access/route.ts';
import {
  agreementLineSchema,
  agreementViewSchema,
  type AgreementView,
} from '../domain/agreements/agreement.schema.ts';
import { findAgreement, listAgreements } from '../domain/agreements/agreements.queries.ts';
import { AgreementsService, type PublishedVersion } from '../domain/agreements/agreements.service.ts';
import {
  createAgreementSchema,
  draftViewSchema,
  editAgreementSchema,
  editDraftSchema,
  previewSchema,
  type AgreementPreview,
  type DraftView,
} from '../domain/agreements/draft.schema.ts';
import { findDraft, listCalendars, previewOf, versionContent } from '../domain/agreements/drafts.queries.ts';
import { instant } from '../domain/parties/fields.schema.ts';
import { Clock } from '../platform/clock/clock.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';
import { namedListQuery, pageByName } from './cursor.ts';
import { IfMatch, IfMatchAny, versioned } from './etag.ts';

const id = z.uuid();
const listQuery = z.strictObject({ ...namedListQuery, partyId: id.optional() });
const agreementsSchema = z
  .object({ agreements: z.array(agreementLineSchema), next: z.string().nullable() })
  .meta({ id: 'Agreements' });

const previewQuery = z.strictObject({
  version: z.coerce.number().int().min(1).max(1_000_000).optional().describe('Left out: the latest'),
  at: instant.optional().describe('When the start event happened; left out: now'),
});
const createdSchema = z.object({ id: z.uuid(), reference: z.string() }).meta({ id: 'CreatedAgreement' });
const publishedSchema = z
  .object({ id: z.uuid(), number: z.int(), validFrom: z.iso.datetime(), contentHash: z.string() })
  .meta({ id: 'PublishedAgreementVersion' });

@ApiTags('portfolio')
@Controller('api/v1/agreements')
export class AgreementsController {
  constructor(
    private readonly transactions: Transactions,
    private readonly agreements: AgreementsService,
    private readonly clock: Clock,
  ) {}

  @Get()
  @ApiOperation({ summary: 'List agreements, by title' })
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

  @Get(':id')
  @ApiOperation({ summary: 'Read an agreement with every version of it' })
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
    if (!agreement) throw noAgreement();
    return versioned(reply, agreement);
  }

  @Post()
  @ApiOperation({
    summary: 'Create an agreement with an empty draft',
    description: 'Nothing is in force before a version is published.',
  })
  @Permission('agreements:write')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: createdSchema })
  async create(
    @Body({ schema: createAgreementSchema }) input: z.output<typeof createAgreementSchema>,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof createdSchema>> {
    const created = answered(await this.transactions.run(by, (db) => this.agreements.create(db, input, by)));
    void reply.header('location', `/api/v1/agreements/${created.id}`);
    return created;
  }

  @Patch(':id')
  @ApiOperation({ summary: 'Change the title of an agreement' })
  @Permission('agreements:write')
  @ApiOkResponse({ standardSchema: agreementViewSchema })
  async edit(
    @Param('id', { schema: id }) agreementId: string,
    @Body({ schema: editAgreementSchema }) edit: z.output<typeof editAgreementSchema>,
    @IfMatchAny() rowVersion: WantedVersion,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AgreementView> {
    const edited = await this.transactions.run(by, async (db) => {
      answered(await this.agreements.edit(db, agreementId, edit, rowVersion, by));
      return (await findAgreement(db, agreementId, this.clock.now()))!;
    });
    return versioned(reply, edited);
  }

  @Get(':id/preview')
  @ApiOperation({
    summary: 'Preview when each term in force would be due',
    description: 'As if its start event happened at the instant asked for; computed as notices are.',
  })
  @Permission('agreements:read')
  @ApiOkResponse({ standardSchema: previewSchema })
  async preview(
    @Param('id', { schema: id }) agreementId: string,
    @Query({ schema: previewQuery }) query: z.output<typeof previewQuery>,
    @By() by: Principal,
  ): Promise<AgreementPreview> {
    const at = query.at === undefined ? this.clock.now() : Date.parse(query.at);
    const preview = await this.transactions.run(by, async (db) => {
      const version = await versionContent(db, agreementId, query.version);
      return version && previewOf(String(version.number), version.content, await listCalendars(db), at);
    });
    if (!preview) throw noAgreement();
    return preview;
  }

  @Get(':id/draft')
  @ApiOperation({ summary: 'Read the draft of the next version' })
  @Permission('agreements:write')
  @ApiOkResponse({ standardSchema: draftViewSchema })
  async draft(
    @Param('id', { schema: id }) agreementId: string,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<DraftView> {
    const draft = await this.transactions.run(by, (db) => findDraft(db, agreementId));
    if (!draft) throw noDraft();
    return versioned(reply, draft);
  }

  @Post(':id/draft')
  @ApiOperation({
    summary: 'Open a draft of the next version',
    description: 'A copy of the latest version; where a draft is open already, the answer is that one.',
  })
  @Permission('agreements:write')
  @ApiCreatedResponse({ standardSchema: draftViewSchema })
  async openDraft(
    @Param('id', { schema: id }) agreementId: string,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<DraftView> {
    const { opened, ...draft } = answered(
      await this.transactions.run(by, (db) => this.agreements.openDraft(db, agreementId, by)),
    );
    if (!opened) void reply.status(200);
    void reply.header('location', `/api/v1/agreements/${agreementId}/draft`);
    return versioned(reply, draft);
  }

  @Patch(':id/draft')
  @ApiOperation({ summary: 'Change the dates, terms or authority of the draft' })
  @Permission('agreements:write')
  @ApiOkResponse({ standardSchema: draftViewSchema })
  async editDraft(
    @Param('id', { schema: id }) agreementId: string,
    @Body({ schema: editDraftSchema }) edit: z.output<typeof editDraftSchema>,
    @IfMatch() rowVersion: number,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<DraftView> {
    const draft = answered(
      await this.transactions.run(by, (db) =>
        this.agreements.editDraft(db, agreementId, edit, rowVersion, by),
      ),
    );
    return versioned(reply, draft);
  }

  @Delete(':id/draft')
  @ApiOperation({ summary: 'Discard the draft' })
  @Permission('agreements:write')
  @HttpCode(204)
  @ApiNoContentResponse()
  async discardDraft(
    @Param('id', { schema: id }) agreementId: string,
    @IfMatch() rowVersion: number,
    @By() by: Principal,
  ): Promise<void> {
    answered(
      await this.transactions.run(by, (db) => this.agreements.discardDraft(db, agreementId, rowVersion, by)),
    );
  }

  @Get(':id/draft/preview')
  @ApiOperation({
    summary: 'Preview when each term of the draft would be due',
    description: 'As if its start event happened at the instant asked for.',
  })
  @Permission('agreements:write')
  @ApiOkResponse({ standardSchema: previewSchema })
  async previewDraft(
    @Param('id', { schema: id }) agreementId: string,
    @Query({ schema: previewQuery.omit({ version: true }) }) query: { at?: string | undefined },
    @By() by: Principal,
  ): Promise<AgreementPreview> {
    const at = query.at === undefined ? this.clock.now() : Date.parse(query.at);
    const preview = await this.transactions.run(by, async (db) => {
      const draft = await findDraft(db, agreementId);
      return draft && previewOf('draft', draft.content, await listCalendars(db), at);
    });
    if (!preview) throw noDraft();
    return preview;
  }

  @Post(':id/draft/publish')
  @ApiOperation({
    summary: 'Publish the draft as a version',
    description:
      'Nobody edits a version any more. What is owed already keeps the version that it was owed under.',
  })
  @Permission('agreements:write')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: publishedSchema })
  async publish(
    @Param('id', { schema: id }) agreementId: string,
    @IfMatch() rowVersion: number,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PublishedVersion> {
    const published = answered(
      await this.transactions.run(by, (db) => this.agreements.publish(db, agreementId, rowVersion, by)),
    );
    void reply.header('location', `/api/v1/agreements/${agreementId}`);
    return published;
  }
}

function noAgreement(): Refused {
  return new Refused(refusal('not_found', 'no-agreement', 'There is no such agreement.'));
}

function noDraft(): Refused {
  return new Refused(
    refusal('not_found', 'no-draft', 'There is no draft of this agreement. Open one first.'),
  );
}
