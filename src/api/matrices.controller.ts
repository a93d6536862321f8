import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import { By, Idempotent, Permission, PerMinute, Takes } from '../domain/access/route.ts';
import { STRENGTHS, waysThatSuffice } from '../domain/responsibility/attestation.rules.ts';
import { Invitations } from '../domain/responsibility/invitations.service.ts';
import { Attestations } from '../domain/responsibility/attestations.service.ts';
import {
  attestOfflineSchema,
  paperQuery,
  sendBackSchema,
  signingKeySchema,
  signsFor,
  withdrawSchema,
} from '../domain/responsibility/matrix-edit.schema.ts';
import { MatrixAssignments } from '../domain/responsibility/matrix-assignments.service.ts';
import { assignedSchema, assignGapsSchema } from '../domain/responsibility/matrix-bulk.schema.ts';
import { MatrixProposalsService } from '../domain/responsibility/matrix-proposals.service.ts';
import { matrixDiff, versionView } from '../domain/responsibility/matrix-views.queries.ts';
import { DUTIES } from '../domain/responsibility/matrix.rules.ts';
import { VERSION_STATES, versionViewSchema } from '../domain/responsibility/matrix.schema.ts';
import { OfflineSigning } from '../domain/responsibility/offline-signing.service.ts';
import { portfolioMatrix } from '../domain/responsibility/portfolio-matrix.queries.ts';
import { SigningFloor } from '../domain/responsibility/signing-floor.ts';
import { SigningKeys } from '../domain/responsibility/signing-keys.service.ts';
import { Clock } from '../platform/clock/clock.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';
import { nameCursorSchema, pageByName, pageLimit } from './cursor.ts';

const id = z.uuid();
const listQuery = z.strictObject({
  partyId: id.optional().describe('Accountable for something, or for the duty asked for'),
  duty: z.enum(DUTIES).optional(),
  gap: z.enum(['true', 'false']).optional().describe('Only where nobody answers'),
  cursor: nameCursorSchema.optional(),
  limit: pageLimit,
});
const listSchema = z
  .object({
    integrations: z.array(
      z.object({
        id: z.uuid(),
        reference: z.string(),
        name: z.string(),
        state: z.string(),
        versionId: z.uuid().nullable(),
        number: z.int().nullable(),
        matrixState: z.enum(VERSION_STATES).nullable(),
        validFrom: z.iso.datetime().nullable(),
        validUntil: z.iso.datetime().nullable(),
        accountable: z
          .partialRecord(z.enum(DUTIES), z.array(z.string()))
          .describe('A duty that is not named is a gap'),
        drafted: z.array(z.enum(DUTIES)).describe('Duties that a draft answers for, which nobody has signed'),
      }),
    ),
    next: z.string().nullable(),
  })
  .meta({ id: 'PortfolioMatrix' });
const attestedSchema = z
  .object({ attestationId: z.uuid(), state: z.enum(VERSION_STATES), strength: z.enum(STRENGTHS) })
  .meta({ id: 'Attested' });
const signableSchema = versionViewSchema
  .extend({
    leastStrength: z.enum(STRENGTHS).describe('What the policy of the integration asks of a signature'),
    waysToSign: z.array(z.string()).describe('Ways that are strong enough'),
  })
  .meta({ id: 'SignableMatrixVersion' });
const keySchema = z
  .object({
    id: z.uuid(),
    contactId: z.uuid(),
    fingerprint: z.string().describe('SHA-256 of the key, lower-case hex'),
    registeredAt: z.iso.datetime(),
    revokedAt: z.iso.datetime().nullable(),
    counts: z
      .boolean()
      .describe(
        'Registered by the contact’s own party; one that somebody else registered counts for nothing until that party registers it, too',
      ),
  })
  .meta({ id: 'SigningKey' });
const documentQuery = z.strictObject({
  signsFor: signsFor.optional(),
  language: z.enum(['en', 'de']).default('en'),
});
const MOST_PAPER = 10_000_000;

/** Versions of matrices, and signatures under them. */
@ApiTags('matrices')
@Controller('api/v1')
export class MatricesController {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly proposals: MatrixProposalsService,
    private readonly attestations: Attestations,
    private readonly offline: OfflineSigning,
    private readonly keys: SigningKeys,
    private readonly floor: SigningFloor,
    private readonly invitations: Invitations,
    private readonly assignments: MatrixAssignments,
  ) {}

  @Get('matrices')
  @ApiOperation({ summary: 'List integrations against duties: who is accountable, and where nobody is' })
  @Permission('matrices:read')
  @ApiOkResponse({ standardSchema: listSchema })
  async list(
    @Query({ schema: listQuery }) query: z.output<typeof listQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof listSchema>> {
    const { limit, cursor, gap, ...filter } = query;
    const rows = await this.transactions.run(by, (db) =>
      portfolioMatrix(
        db,
        { ...filter, gap: gap === 'true', after: cursor, limit: limit + 1 },
        this.clock.now(),
      ),
    );
    const { page, next } = pageByName(rows, limit, 'name');
    return { integrations: page as z.infer<typeof listSchema>['integrations'], next };
  }

  /**
   * Names who answers for gaps of many integrations at once, each in its own draft. What one integration refuses (a stale
   * version, for one) stands in its outcome and holds up no other.
   */
  @Post('matrices/assignments')
  @ApiOperation({ summary: 'Say who answers for gaps of many integrations at once' })
  @HttpCode(200)
  @Permission('matrices:write')
  @PerMinute(30)
  @ApiOkResponse({ standardSchema: assignedSchema })
  async assign(
    @Body({ schema: assignGapsSchema }) input: z.output<typeof assignGapsSchema>,
    @By() by: Principal,
  ): Promise<z.infer<typeof assignedSchema>> {
    return { outcomes: await this.assignments.fillGaps(input, by) };
  }

  /** With its rows, its texts, who has signed and who has not, comments, and what became of the mails. */
  @Get('matrices/:id')
  @ApiOperation({
    summary: 'Read a version of a responsibility matrix',
    description:
      'With its rows, its texts, who has signed and who has not, comments, and what became of the mails.',
  })
  @Permission('matrices:read')
  @ApiOkResponse({ standardSchema: signableSchema })
  async get(
    @Param('id', { schema: id }) versionId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof signableSchema>> {
    const found = await this.transactions.run(by, async (db) => {
      const view = await versionView(db, versionId, this.clock.now());
      return view && { view, least: await this.floor.least(db, view.integrationId) };
    });
    if (!found) throw new Refused(noVersion());
    const { view, least } = found;
    return { ...view, leastStrength: least, waysToSign: waysThatSuffice(least) };
  }

  @Get('matrices/:id/changes/:since')
  @ApiOperation({
    summary: 'Compare two versions of a matrix',
    description: 'What is material between two versions of one integration.',
  })
  @Permission('matrices:read')
  async changes(
    @Param('id', { schema: id }) versionId: string,
    @Param('since', { schema: id }) since: string,
    @By() by: Principal,
  ) {
    const found = await this.transactions.run(by, (db) => matrixDiff(db, since, versionId));
    if (!found) throw new Refused(noVersion());
    return found;
  }

  @Get('matrices/:id/documents/:contactId')
  @ApiOperation({
    summary: 'Download the document that a contact signs elsewhere',
    description: 'The exact bytes, for an Ed25519 key that was registered before.',
  })
  @Permission('matrices:read')
  async document(
    @Param('id', { schema: id }) versionId: string,
    @Param('contactId', { schema: id }) contactId: string,
    @Query({ schema: documentQuery }) query: z.output<typeof documentQuery>,
    @By() by: Principal,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const document = answered(await this.offline.document(versionId, { contactId, ...query }, by));
    void reply
      .header('content-disposition', `attachment; filename="matrix-${versionId}.json"`)
      .type('application/json; charset=utf-8')
      .send(document);
  }

  @Post('matrices/:id/attestations')
  @ApiOperation({
    summary: "Take in a contact's detached signature under a version",
    description: 'It was made over the document. People who are signed in sign in the console.',
  })
  @Permission('matrices:countersign')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: attestedSchema })
  async attestOffline(
    @Param('id', { schema: id }) versionId: string,
    @Body({ schema: attestOfflineSchema }) input: z.output<typeof attestOfflineSchema>,
    @By() by: Principal,
  ): Promise<z.infer<typeof attestedSchema>> {
    return answered(await this.offline.attestOffline(versionId, input, by));
  }

  @Post('matrices/:id/send-back')
  @ApiOperation({ summary: 'Send a proposed version back with comments' })
  @HttpCode(204)
  @Permission('matrices:countersign')
  async sendBack(
    @Param('id', { schema: id }) versionId: string,
    @Body({ schema: sendBackSchema }) input: z.output<typeof sendBackSchema>,
    @By() by: Principal,
  ): Promise<void> {
    answered(await this.proposals.sendBack(versionId, input, by));
  }

  @Post('matrices/:id/withdraw')
  @ApiOperation({ summary: "Withdraw one's own proposal of a version" })
  @HttpCode(204)
  @Permission('matrices:write')
  async withdrawProposal(
    @Param('id', { schema: id }) versionId: string,
    @Body({ schema: withdrawSchema }) { reason }: z.output<typeof withdrawSchema>,
    @By() by: Principal,
  ): Promise<void> {
    answered(await this.proposals.withdraw(versionId, reason, by));
  }

  @Post('matrices/:id/invitations')
  @ApiOperation({ summary: 'Mail a contact a link to sign a version', description: 'Again, too.' })
  @Permission('matrices:write')
  @Idempotent()
  @PerMinute(30)
  async invite(
    @Param('id', { schema: id }) versionId: string,
    @Body({ schema: z.strictObject({ contactId: id }) }) { contactId }: { contactId: string },
    @By() by: Principal,
  ): Promise<{ id: string }> {
    return answered(await this.proposals.invite(versionId, contactId, by));
  }

  @Post('invitations/:id/withdraw')
  @ApiOperation({
    summary: 'Withdraw the invitation of a contact to sign a version',
    description: 'Links that the contact was mailed about it and did not follow end.',
  })
  @HttpCode(204)
  @Permission('matrices:write')
  async withdrawInvitation(
    @Param('id', { schema: id }) invitationId: string,
    @By() by: Principal,
  ): Promise<void> {
    answered(await this.invitations.withdraw(invitationId, by));
  }

  @Post('matrices/:id/attestations/paper')
  @ApiOperation({
    summary: 'Take in a scan of signed paper under a version',
    description: 'PDF, PNG or JPEG; a second person confirms it in the console.',
  })
  @Permission('matrices:countersign')
  @Takes('raw', { limit: MOST_PAPER })
  @ApiCreatedResponse({ standardSchema: attestedSchema })
  async attestOnPaper(
    @Param('id', { schema: id }) versionId: string,
    @Query({ schema: paperQuery }) query: z.output<typeof paperQuery>,
    @Body() file: unknown,
    @By() by: Principal,
  ): Promise<z.infer<typeof attestedSchema>> {
    const bytes = Buffer.isBuffer(file) ? file : Buffer.alloc(0);
    return answered(await this.offline.attestOnPaper(versionId, query, bytes, by));
  }

  @Post('attestations/:id/withdraw')
  @ApiOperation({ summary: "Withdraw one's own side's signature" })
  @HttpCode(204)
  @Permission('matrices:countersign')
  async withdraw(
    @Param('id', { schema: id }) attestationId: string,
    @Body({ schema: withdrawSchema }) { reason }: z.output<typeof withdrawSchema>,
    @By() by: Principal,
  ): Promise<void> {
    answered(await this.attestations.withdraw(attestationId, reason, by));
  }

  @Get('contacts/:id/signing-keys')
  @ApiOperation({ summary: "List a contact's signing keys" })
  @Permission('matrices:read')
  async keysOf(
    @Param('id', { schema: id }) contactId: string,
    @By() by: Principal,
  ): Promise<{ keys: z.infer<typeof keySchema>[] }> {
    const keys = await this.keys.of(contactId, by);
    if (!keys) throw new Refused(refusal('not_found', 'no-contact', 'There is no such contact.'));
    return { keys };
  }

  @Post('contacts/:id/signing-keys')
  @ApiOperation({
    summary: "Register a contact's key for signatures made elsewhere",
    description: 'By somebody of the contact’s own party. It counts for what is proposed after.',
  })
  @Permission('matrices:write')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: keySchema })
  async registerKey(
    @Param('id', { schema: id }) contactId: string,
    @Body({ schema: signingKeySchema }) { publicKey }: z.output<typeof signingKeySchema>,
    @By() by: Principal,
  ): Promise<z.infer<typeof keySchema>> {
    return answered(await this.keys.register(contactId, publicKey, by));
  }

  @Post('signing-keys/:id/retire')
  @ApiOperation({
    summary: 'Retire a signing key of a contact',
    description: 'What it signed stands; it signs nothing more.',
  })
  @HttpCode(204)
  @Permission('matrices:write')
  async retireKey(@Param('id', { schema: id }) keyId: string, @By() by: Principal): Promise<void> {
    answered(await this.keys.retire(keyId, by));
  }
}

function noVersion() {
  return refusal('not_found', 'no-matrix-version', 'There is no such version of a matrix.');
}
