import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
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
import { IfMatch, versioned } from './etag.ts';

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
    if (!agreement) throw noAgreement();
    return versioned(reply, agreement);
  }

  /** With an empty draft. Nothing is in force before a version is published. */
  @Post()
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
  @Permission('agreements:write')
  @ApiOkResponse({ standardSchema: agreementViewSchema })
  async edit(
    @Param('id', { schema: id }) agreementId: string,
    @Body({ schema: editAgreementSchema }) edit: z.output<typeof editAgreementSchema>,
    @IfMatch() rowVersion: number,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AgreementView> {
    const edited = await this.transactions.run(by, async (db) => {
      answered(await this.agreements.edit(db, agreementId, edit, rowVersion, by));
      return (await findAgreement(db, agreementId, this.clock.now()))!;
    });
    return versioned(reply, edited);
  }

  /** When each term would be due, if its start event happened at an instant: computed as notices are. */
  @Get(':id/preview')
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

  /** The working copy of the next version. */
  @Get(':id/draft')
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

  /** Opens a draft, a copy of the latest version; where one is open, answers with that. */
  @Post(':id/draft')
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

  /** When each term of the draft would be due, if its start event happened at an instant. */
  @Get(':id/draft/preview')
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

  /** Makes the draft a version that nobody edits any more. What is owed already keeps the version that it was owed under. */
  @Post(':id/draft/publish')
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
