import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Put, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import type { WantedVersion } from '../kernel/row-version.ts';
import { By, Idempotent, Permission } from '../domain/access/route.ts';
import {
  addLocationSchema,
  addVersionSchema,
  consentToScopeSchema,
  credentialLineSchema,
  editCredentialSchema,
  newCredentialSchema,
  setScopesSchema,
} from '../domain/credentials/credential.schema.ts';
import { CredentialScopes } from '../domain/credentials/scopes.service.ts';
import { listCredentials } from '../domain/credentials/credentials.queries.ts';
import { CredentialsService } from '../domain/credentials/credentials.service.ts';
import { NewCredentials } from '../domain/credentials/new-credentials.service.ts';
import { Isolation } from '../domain/policy/isolation.service.ts';
import { credentialView } from '../domain/portfolio/overview.queries.ts';
import { credentialViewSchema, type CredentialView } from '../domain/portfolio/overview.schema.ts';
import { pathsSchema } from '../domain/revocation/paths.schema.ts';
import { PathsService } from '../domain/revocation/paths.service.ts';
import { Clock } from '../platform/clock/clock.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';
import { namedListQuery, pageByName } from './cursor.ts';
import { IfMatchAny, versioned } from './etag.ts';

const id = z.uuid();
const listQuery = z.strictObject({
  ...namedListQuery,
  integrationId: id.optional().describe('Used by this integration'),
  environment: z.string().min(1).max(60).optional(),
  type: z.string().min(1).max(120).optional(),
  verifierPartyId: id.optional(),
});
const credentialsSchema = z
  .object({ credentials: z.array(credentialLineSchema), next: z.string().nullable() })
  .meta({ id: 'Credentials' });
const addedVersionSchema = z.object({ id: z.uuid(), number: z.int() }).meta({ id: 'AddedCredentialVersion' });
const addedConsentSchema = z.object({ id: z.uuid() }).meta({ id: 'AddedScopeConsent' });
const scopeQuery = z.strictObject({ scope: z.string().min(1).max(500) });
const addedLocationSchema = z.object({ id: z.uuid() }).meta({ id: 'AddedLocation' });

@ApiTags('portfolio')
@Controller('api/v1/credentials')
export class CredentialsController {
  constructor(
    private readonly transactions: Transactions,
    private readonly credentials: CredentialsService,
    private readonly newCredentials: NewCredentials,
    private readonly scopes: CredentialScopes,
    private readonly paths: PathsService,
    private readonly clock: Clock,
    private readonly isolation: Isolation,
  ) {}

  @Get()
  @ApiOperation({ summary: 'List credentials, by name' })
  @Permission('portfolio:read')
  @ApiOkResponse({ standardSchema: credentialsSchema })
  async list(
    @Query({ schema: listQuery }) query: z.output<typeof listQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof credentialsSchema>> {
    const rows = await this.transactions.run(by, (db) =>
      listCredentials(db, { ...query, limit: query.limit + 1 }),
    );
    const { page, next } = pageByName(rows, query.limit, 'name');
    return { credentials: page, next };
  }

  @Get(':id')
  @ApiOperation({
    summary: 'Read a credential',
    description: 'With its versions and their death, its copies, and who can stop it.',
  })
  @Permission('portfolio:read')
  @ApiOkResponse({ standardSchema: credentialViewSchema })
  async get(
    @Param('id', { schema: id }) credentialId: string,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CredentialView> {
    const found = await this.transactions.run(by, (db) => credentialView(db, credentialId, this.clock.now()));
    if (!found) throw new Refused(refusal('not_found', 'no-credential', 'There is no such credential.'));
    return versioned(reply, found);
  }

  @Post()
  @ApiOperation({
    summary: 'Add a credential',
    description: 'What it is, never its value. Its versions, copies and paths are added to it.',
  })
  @Permission('portfolio:write')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: credentialViewSchema })
  async create(
    @Body({ schema: newCredentialSchema }) input: z.output<typeof newCredentialSchema>,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CredentialView> {
    const made = await this.transactions.run(by, async (db) => {
      const { id: credentialId } = answered(await this.newCredentials.create(db, input, by));
      return (await credentialView(db, credentialId, this.clock.now()))!;
    });
    void reply.header('location', `/api/v1/credentials/${made.id}`);
    return versioned(reply, made);
  }

  @Put(':id/paths')
  @ApiOperation({ summary: 'Set the revocation paths of a credential, in the order to try them' })
  @Permission('portfolio:write')
  @ApiOkResponse({ standardSchema: credentialViewSchema })
  async setPaths(
    @Param('id', { schema: id }) credentialId: string,
    @Body({ schema: pathsSchema }) input: z.output<typeof pathsSchema>,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CredentialView> {
    const view = await this.transactions.run(by, async (db) => {
      answered(await this.paths.replace(db, credentialId, input.paths, by));
      return (await credentialView(db, credentialId, this.clock.now()))!;
    });
    return versioned(reply, view);
  }

  /** The list as it is to be. A scope that was not declared when the matrix was signed makes its signatures fall. */
  @Put(':id/scopes')
  @ApiOperation({ summary: 'Set what a credential may do, with a justification for each scope' })
  @Permission('portfolio:write')
  @ApiOkResponse({ standardSchema: credentialViewSchema })
  async setScopes(
    @Param('id', { schema: id }) credentialId: string,
    @Body({ schema: setScopesSchema }) input: z.output<typeof setScopesSchema>,
    @IfMatchAny() rowVersion: WantedVersion,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CredentialView> {
    const view = await this.transactions.run(by, async (db) => {
      answered(await this.scopes.set(db, credentialId, input, rowVersion, by));
      return (await credentialView(db, credentialId, this.clock.now()))!;
    });
    return versioned(reply, view);
  }

  /** On record with the name of whoever consents. */
  @Post(':id/scope-consents')
  @ApiOperation({ summary: 'Consent to a sensitive scope of a credential' })
  @Permission('approvals:decide')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: addedConsentSchema })
  async consent(
    @Param('id', { schema: id }) credentialId: string,
    @Body({ schema: consentToScopeSchema }) input: z.output<typeof consentToScopeSchema>,
    @By() by: Principal,
  ): Promise<z.infer<typeof addedConsentSchema>> {
    return this.transactions.run(by, async (db) =>
      answered(await this.scopes.consent(db, credentialId, input, by)),
    );
  }

  @Delete(':id/scope-consents')
  @ApiOperation({ summary: 'Withdraw the consent to a scope of a credential' })
  @Permission('approvals:decide')
  @HttpCode(204)
  async withdrawConsent(
    @Param('id', { schema: id }) credentialId: string,
    @Query({ schema: scopeQuery }) { scope }: z.output<typeof scopeQuery>,
    @By() by: Principal,
  ): Promise<void> {
    await this.transactions.run(by, async (db) =>
      answered(await this.scopes.withdrawConsent(db, credentialId, scope, by)),
    );
  }

  @Patch(':id')
  @ApiOperation({ summary: 'Change the owner, purpose or other facts of a credential' })
  @Permission('portfolio:write')
  @ApiOkResponse({ standardSchema: credentialViewSchema })
  async edit(
    @Param('id', { schema: id }) credentialId: string,
    @Body({ schema: editCredentialSchema }) edit: z.output<typeof editCredentialSchema>,
    @IfMatchAny() rowVersion: WantedVersion,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CredentialView> {
    const edited = await this.transactions.run(by, async (db) => {
      answered(await this.credentials.edit(db, credentialId, edit, rowVersion, by));
      return (await credentialView(db, credentialId, this.clock.now()))!;
    });
    return versioned(reply, edited);
  }

  /**
   * Records a version, e.g. the replacement of a leaked one. It takes no Idempotency-Key, because a key would keep a hash
   * of a body that may hold a value: the same supplierId again answers with the same version.
   */
  @Post(':id/versions')
  @ApiOperation({
    summary: 'Record a version of a credential, such as the replacement of a leaked one',
    description: 'The same supplierId again answers with the same version.',
  })
  @Permission('portfolio:write')
  @ApiCreatedResponse({ standardSchema: addedVersionSchema })
  async addVersion(
    @Param('id', { schema: id }) credentialId: string,
    @Body({ schema: addVersionSchema }) input: z.output<typeof addVersionSchema>,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof addedVersionSchema>> {
    const { created, ...version } = answered(
      await this.transactions.run(by, async (db) =>
        this.credentials.addVersion(db, credentialId, input, by, {
          acrossEnvironments: !(await this.isolation.holdsFor(db, credentialId)),
        }),
      ),
    );
    if (!created) void reply.status(200);
    void reply.header('location', `/api/v1/credentials/${credentialId}`);
    return version;
  }

  @Post(':id/locations')
  @ApiOperation({ summary: 'Record where a copy of a credential lies' })
  @Permission('portfolio:write')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: addedLocationSchema })
  async addLocation(
    @Param('id', { schema: id }) credentialId: string,
    @Body({ schema: addLocationSchema }) input: z.output<typeof addLocationSchema>,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof addedLocationSchema>> {
    const added = answered(
      await this.transactions.run(by, (db) => this.credentials.addLocation(db, credentialId, input, by)),
    );
    void reply.header('location', `/api/v1/credentials/${credentialId}`);
    return added;
  }
}
