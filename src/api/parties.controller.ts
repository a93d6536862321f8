import { Body, Controller, Get, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import type { WantedVersion } from '../kernel/row-version.ts';
import { By, Idempotent, Permission } from '../domain/access/route.ts';
import { findContact, findParty, listParties } from '../domain/parties/parties.queries.ts';
import { PartiesService } from '../domain/parties/parties.service.ts';
import {
  contactViewSchema,
  editContactSchema,
  editPartySchema,
  newContactSchema,
  newPartySchema,
  PARTY_ROLES,
  partyLineSchema,
  partyViewSchema,
  type ContactView,
  type PartyView,
} from '../domain/parties/party.schema.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';
import { namedListQuery, pageByName } from './cursor.ts';
import { IfMatchAny, versioned } from './etag.ts';

const id = z.uuid();
const listQuery = z.strictObject({ ...namedListQuery, role: z.enum(PARTY_ROLES).optional() });
const partiesSchema = z
  .object({ parties: z.array(partyLineSchema), next: z.string().nullable() })
  .meta({ id: 'Parties' });

@ApiTags('portfolio')
@Controller('api/v1')
export class PartiesController {
  constructor(
    private readonly transactions: Transactions,
    private readonly parties: PartiesService,
  ) {}

  @Get('parties')
  @ApiOperation({ summary: 'List parties, by name' })
  @Permission('portfolio:read')
  @ApiOkResponse({ standardSchema: partiesSchema })
  async list(
    @Query({ schema: listQuery }) query: z.output<typeof listQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof partiesSchema>> {
    const rows = await this.transactions.run(by, (db) =>
      listParties(db, { ...query, limit: query.limit + 1 }),
    );
    const { page, next } = pageByName(rows, query.limit, 'name');
    return { parties: page, next };
  }

  @Post('parties')
  @ApiOperation({
    summary: 'Add a party with its contacts',
    description: 'Many at once: import a portfolio.',
  })
  @Permission('portfolio:write')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: partyViewSchema })
  async create(
    @Body({ schema: newPartySchema }) input: z.output<typeof newPartySchema>,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PartyView> {
    const party = await this.transactions.run(by, async (db) => {
      const { id: partyId } = answered(await this.parties.createParty(db, input, by));
      return (await findParty(db, partyId))!;
    });
    void reply.header('location', `/api/v1/parties/${party.id}`);
    return versioned(reply, party);
  }

  @Post('parties/:id/contacts')
  @ApiOperation({ summary: 'Add a contact of a party' })
  @Permission('portfolio:write')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: contactViewSchema })
  async addContact(
    @Param('id', { schema: id }) partyId: string,
    @Body({ schema: newContactSchema }) input: z.output<typeof newContactSchema>,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ContactView> {
    const contact = await this.transactions.run(by, async (db) => {
      const added = answered(await this.parties.addContact(db, partyId, input, by));
      return (await findContact(db, added.id))!;
    });
    void reply.header('location', `/api/v1/contacts/${contact.id}`);
    return versioned(reply, contact);
  }

  @Get('parties/:id')
  @ApiOperation({ summary: 'Read a party with its contacts' })
  @Permission('portfolio:read')
  @ApiOkResponse({ standardSchema: partyViewSchema })
  async get(
    @Param('id', { schema: id }) partyId: string,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PartyView> {
    const party = await this.transactions.run(by, (db) => findParty(db, partyId));
    if (!party) throw new Refused(refusal('not_found', 'no-party', 'There is no such party.'));
    return versioned(reply, party);
  }

  @Patch('parties/:id')
  @ApiOperation({ summary: 'Change the name, zone, language or other facts of a party' })
  @Permission('portfolio:write')
  @ApiOkResponse({ standardSchema: partyViewSchema })
  async edit(
    @Param('id', { schema: id }) partyId: string,
    @Body({ schema: editPartySchema }) edit: z.output<typeof editPartySchema>,
    @IfMatchAny() rowVersion: WantedVersion,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PartyView> {
    const party = await this.transactions.run(by, async (db) => {
      answered(await this.parties.editParty(db, partyId, edit, rowVersion, by));
      return (await findParty(db, partyId))!;
    });
    return versioned(reply, party);
  }

  @Patch('contacts/:id')
  @ApiOperation({ summary: 'Change a contact of a party' })
  @Permission('portfolio:write')
  @ApiOkResponse({ standardSchema: contactViewSchema })
  async editContact(
    @Param('id', { schema: id }) contactId: string,
    @Body({ schema: editContactSchema }) edit: z.output<typeof editContactSchema>,
    @IfMatchAny() rowVersion: WantedVersion,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ContactView> {
    const contact = await this.transactions.run(by, async (db) => {
      answered(await this.parties.editContact(db, contactId, edit, rowVersion, by));
      return (await findContact(db, contactId))!;
    });
    return versioned(reply, contact);
  }

  @Get('contacts/:id')
  @ApiOperation({ summary: 'Read a contact of a party' })
  @Permission('portfolio:read')
  @ApiOkResponse({ standardSchema: contactViewSchema })
  async getContact(
    @Param('id', { schema: id }) contactId: string,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ContactView> {
    const contact = await this.transactions.run(by, (db) => findContact(db, contactId));
    if (!contact) throw new Refused(refusal('not_found', 'no-contact', 'There is no such contact.'));
    return versioned(reply, contact);
  }
}
