import { Body, Controller, Get, Param, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import { By, Idempotent, Permission } from '../domain/access/route.ts';
import { findCredential } from '../domain/credentials/credentials.queries.ts';
import { PermissionWords } from '../domain/credentials/permission-words.ts';
import { reusedValues, sharedCredentials } from '../domain/credentials/reuse.queries.ts';
import { shadowGroups } from '../domain/exposures/shadows.queries.ts';
import { IntegrationsService } from '../domain/integrations/integrations.service.ts';
import { line } from '../domain/parties/fields.schema.ts';
import { inventory, unownedIntegrations } from '../domain/portfolio/inventory.queries.ts';
import {
  inventorySchema,
  permissionsSchema,
  reuseSchema,
  shadowsSchema,
  sharedSchema,
  unownedSchema,
} from '../domain/portfolio/inventory.schema.ts';
import { oddUses } from '../domain/usage/odd-uses.queries.ts';
import { Clock } from '../platform/clock/clock.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';
import { cursorSchema, cursorText, namedListQuery } from './cursor.ts';

const id = z.uuid();
const listQuery = z.strictObject({
  text: namedListQuery.text,
  integrationId: id.optional().describe('Used by this integration'),
  cursor: cursorSchema.optional(),
  limit: namedListQuery.limit,
});
const reuseQuery = z.strictObject({
  cursor: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be a cursor that a list gave')
    .optional(),
  limit: namedListQuery.limit,
});
const fewQuery = z.strictObject({ limit: namedListQuery.limit });
const declareSchema = z
  .strictObject({
    finding: z.string().regex(/^[0-9a-f]{32}$/, 'must be a finding of the list'),
    name: line(200),
  })
  .meta({ id: 'DeclareShadow' });
const declaredSchema = z.object({ id: z.uuid(), reference: z.string() }).meta({ id: 'DeclaredShadow' });

/** The inventory as a living register: what keeps credentials alive, what nobody owns, what nobody declared. */
@ApiTags('portfolio')
@Controller('api/v1')
export class InventoryController {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly integrations: IntegrationsService,
    private readonly words: PermissionWords,
  ) {}

  @Get('inventory')
  @ApiOperation({
    summary: 'List the credential inventory, the riskiest first',
    description:
      'Owner, purpose, store, rotation and last use of each credential, and which of them are missing.',
  })
  @Permission('portfolio:read')
  @ApiOkResponse({ standardSchema: inventorySchema })
  async list(
    @Query({ schema: listQuery }) { cursor, limit, ...filter }: z.output<typeof listQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof inventorySchema>> {
    const after = cursor && { risk: Math.trunc(cursor.at) % 1_000_000, id: cursor.id };
    const rows = await this.transactions.run(by, (db) =>
      inventory(db, { ...filter, after, limit: limit + 1 }, this.clock.now()),
    );
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      credentials: page,
      next: last && rows.length > limit ? cursorText({ at: last.risk, id: last.id }) : null,
    };
  }

  @Get('inventory/unowned')
  @ApiOperation({ summary: 'List integrations that nobody owns, or whose owner left' })
  @Permission('portfolio:read')
  @ApiOkResponse({ standardSchema: unownedSchema })
  async unowned(
    @Query({ schema: fewQuery }) { limit }: z.output<typeof fewQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof unownedSchema>> {
    return { integrations: await this.transactions.run(by, (db) => unownedIntegrations(db, limit)) };
  }

  @Get('inventory/reuse')
  @ApiOperation({
    summary: 'List values that stand in several credentials',
    description:
      'Found by equal fingerprints. Reuse across environments keeps an integration out of production.',
  })
  @Permission('exposures:read')
  @ApiOkResponse({ standardSchema: reuseSchema })
  async reuse(
    @Query({ schema: reuseQuery }) { cursor, limit }: z.output<typeof reuseQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof reuseSchema>> {
    const rows = await this.transactions.run(by, (db) =>
      reusedValues(db, { after: cursor, limit: limit + 1 }),
    );
    const page = rows.slice(0, limit);
    return { values: page, next: rows.length > limit ? (page.at(-1)?.group ?? null) : null };
  }

  @Get('inventory/shared')
  @ApiOperation({ summary: 'List credentials that several integrations use, with how far they reach' })
  @Permission('exposures:read')
  @ApiOkResponse({ standardSchema: sharedSchema })
  async shared(
    @Query({ schema: fewQuery }) { limit }: z.output<typeof fewQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof sharedSchema>> {
    return { credentials: await this.transactions.run(by, (db) => sharedCredentials(db, limit)) };
  }

  @Get('inventory/shadows')
  @ApiOperation({
    summary: 'List what points at connections that nobody declared',
    description: 'Reports that matched nothing, and uses that nothing explains.',
  })
  @Permission('exposures:read')
  @ApiOkResponse({ standardSchema: shadowsSchema })
  async shadows(
    @Query({ schema: fewQuery }) { limit }: z.output<typeof fewQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof shadowsSchema>> {
    const now = this.clock.now();
    return this.transactions.run(by, async (db) => ({
      reports: (await shadowGroups(db, now)).slice(0, limit),
      uses: await oddUses(db, now, limit),
    }));
  }

  @Post('inventory/shadows')
  @ApiOperation({
    summary: 'Take a finding into the inventory as a shadow integration',
    description: 'It needs an owner from then on.',
  })
  @Permission('portfolio:write')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: declaredSchema })
  async declare(
    @Body({ schema: declareSchema }) { finding, name }: z.output<typeof declareSchema>,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof declaredSchema>> {
    const { created, ...declared } = await this.transactions.run(by, async (db) => {
      const found = (await shadowGroups(db, this.clock.now())).find((group) => group.finding === finding);
      if (!found) throw new Refused(refusal('not_found', 'no-such-finding', 'There is no such finding now.'));
      const purpose = `Found through ${found.reports} reports of ${found.source}${found.place ? `, at ${found.place}` : ''}.`;
      return answered(await this.integrations.declareShadow(db, { name, purpose, finding }, by));
    });
    if (!created) void reply.status(200);
    void reply.header('location', `/api/v1/integrations/${declared.id}`);
    return declared;
  }

  @Get('credentials/:id/permissions')
  @ApiOperation({
    summary: 'Read in words what a credential may do',
    description: 'A scope that nobody has put into words stands as it is.',
  })
  @Permission('portfolio:read')
  @ApiOkResponse({ standardSchema: permissionsSchema })
  async permissions(
    @Param('id', { schema: id }) credentialId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof permissionsSchema>> {
    const found = await this.transactions.run(by, (db) => findCredential(db, credentialId));
    if (!found) throw new Refused(refusal('not_found', 'no-credential', 'There is no such credential.'));
    const worded = this.words.wordsFor(
      found.scopes.map(({ name }) => name),
      [found.type, found.verifier.name],
    );
    return {
      permissions: found.scopes.map((scope, at) => ({
        ...scope,
        words: worded[at]?.words ?? null,
        supplier: worded[at]?.supplier ?? null,
      })),
    };
  }
}
