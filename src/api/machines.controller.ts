import { Body, Controller, Get, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
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
import { Secret } from '../kernel/secret.ts';
import { By, Idempotent, Permission } from '../domain/access/route.ts';
import { CheckoutGrants } from '../domain/releases/checkout-grants.service.ts';
import { consenters, grantsOf, machinesOf } from '../domain/releases/checkouts.queries.ts';
import { Machines } from '../domain/releases/machines.service.ts';
import {
  consenterSchema,
  decisionSchema,
  grantSchema,
  machineSchema,
  newGrantSchema,
  newMachineSchema,
  putValueSchema,
  type GrantView,
  type MachineView,
  type NewGrant,
  type NewMachine,
} from '../domain/releases/release.schema.ts';
import { VersionValues } from '../domain/releases/version-values.service.ts';
import { Transactions, type Db } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';

const id = z.uuid();
const listQuery = z.strictObject({
  integrationId: id.optional(),
  after: id.optional().describe('The id that the page before ended with'),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
const machinesSchema = z
  .object({ machines: z.array(machineSchema), next: id.nullable() })
  .meta({ id: 'MachineIdentities' });
const consentersSchema = z
  .object({ consenters: z.array(consenterSchema) })
  .meta({ id: 'CheckoutConsenters' });
const grantsSchema = z.object({ grants: z.array(grantSchema) }).meta({ id: 'CheckoutGrants' });
const endedSchema = z.object({ ended: z.int().describe('Checkouts') }).meta({ id: 'EndedCheckouts' });

/** Control plane: which machines there are, and what each may check out. Values are used elsewhere (`checkouts`). */
@ApiTags('machines')
@Controller('api/v1')
export class MachinesController {
  constructor(
    private readonly transactions: Transactions,
    private readonly machines: Machines,
    private readonly grants: CheckoutGrants,
    private readonly values: VersionValues,
  ) {}

  @Get('machine-identities')
  @ApiOperation({ summary: 'List machine identities, newest first' })
  @Permission('machines:read')
  @ApiOkResponse({ standardSchema: machinesSchema })
  async list(
    @Query({ schema: listQuery }) { limit, after, integrationId }: z.output<typeof listQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof machinesSchema>> {
    const rows = await this.transactions.run(by, (db) =>
      machinesOf(db, { ...(integrationId ? { integrationId } : {}), after, limit: limit + 1 }),
    );
    const page = rows.slice(0, limit);
    return { machines: page, next: rows.length > limit ? page.at(-1)!.id : null };
  }

  @Get('checkout-consenters')
  @ApiOperation({ summary: 'List who may be named to consent to checkouts' })
  @Permission('machines:read')
  @ApiOkResponse({ standardSchema: consentersSchema })
  async whoMayConsent(
    @Query({ schema: z.strictObject({}) }) _query: object,
    @By() by: Principal,
  ): Promise<z.infer<typeof consentersSchema>> {
    return { consenters: await this.transactions.run(by, (db) => consenters(db)) };
  }

  @Get('machine-identities/:id')
  @ApiOperation({ summary: 'Read a machine identity' })
  @Permission('machines:read')
  @ApiOkResponse({ standardSchema: machineSchema })
  get(@Param('id', { schema: id }) machineId: string, @By() by: Principal): Promise<MachineView> {
    return this.transactions.run(by, (db) => machineOf(db, machineId));
  }

  @Post('machine-identities')
  @ApiOperation({
    summary: 'Register a machine identity',
    description:
      'By its public key, or by the platform that vouches for it. It can do nothing until somebody else approves it.',
  })
  @Permission('machines:write')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: machineSchema })
  async register(
    @Body({ schema: newMachineSchema }) input: NewMachine,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<MachineView> {
    const made = await this.transactions.run(by, async (db) => {
      const { id: machineId } = answered(await this.machines.register(db, input, by));
      return machineOf(db, machineId);
    });
    void reply.header('location', `/api/v1/machine-identities/${made.id}`);
    return made;
  }

  @Post('machine-identities/:id/decision')
  @ApiOperation({ summary: 'Approve or refuse a machine identity that somebody else registered' })
  @Permission('machines:approve')
  @HttpCode(200)
  @ApiOkResponse({ standardSchema: machineSchema })
  decide(
    @Param('id', { schema: id }) machineId: string,
    @Body({ schema: decisionSchema }) { decision }: z.output<typeof decisionSchema>,
    @By() by: Principal,
  ): Promise<MachineView> {
    return this.transactions.run(by, async (db) => {
      answered(await this.machines.decide(db, machineId, decision === 'approve', by));
      return machineOf(db, machineId);
    });
  }

  @Post('machine-identities/:id/retirement')
  @ApiOperation({
    summary: 'Retire a machine identity',
    description: 'Its access ends with it, and what it holds.',
  })
  @Permission('machines:write')
  @HttpCode(200)
  @ApiOkResponse({ standardSchema: endedSchema })
  retire(
    @Param('id', { schema: id }) machineId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof endedSchema>> {
    return this.transactions.run(by, async (db) => answered(await this.machines.retire(db, machineId, by)));
  }

  @Get('machine-identities/:id/grants')
  @ApiOperation({ summary: 'List what a machine identity may check out' })
  @Permission('machines:read')
  @ApiOkResponse({ standardSchema: grantsSchema })
  listGrants(
    @Param('id', { schema: id }) machineId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof grantsSchema>> {
    return this.transactions.run(by, async (db) => {
      await machineOf(db, machineId);
      return { grants: await grantsOf(db, { identityId: machineId }) };
    });
  }

  @Post('machine-identities/:id/grants')
  @ApiOperation({
    summary: 'Declare what a machine identity wants to check out',
    description: 'One credential for one purpose, with its limits. Somebody else approves it.',
  })
  @Permission('machines:write')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: grantSchema })
  request(
    @Param('id', { schema: id }) machineId: string,
    @Body({ schema: newGrantSchema }) input: NewGrant,
    @By() by: Principal,
  ): Promise<GrantView> {
    return this.transactions.run(by, async (db) =>
      grantOf(db, answered(await this.grants.request(db, machineId, input, by)).id),
    );
  }

  @Post('checkout-grants/:id/decision')
  @ApiOperation({ summary: 'Approve or refuse what somebody else declared' })
  @Permission('machines:approve')
  @HttpCode(200)
  @ApiOkResponse({ standardSchema: grantSchema })
  decideGrant(
    @Param('id', { schema: id }) grantId: string,
    @Body({ schema: decisionSchema }) { decision }: z.output<typeof decisionSchema>,
    @By() by: Principal,
  ): Promise<GrantView> {
    return this.transactions.run(by, async (db) => {
      answered(await this.grants.decide(db, grantId, decision === 'approve', by));
      return grantOf(db, grantId);
    });
  }

  @Post('checkout-grants/:id/end')
  @ApiOperation({ summary: 'End what was declared, and what is held under it' })
  @Permission('machines:write')
  @HttpCode(200)
  @ApiOkResponse({ standardSchema: endedSchema })
  endGrant(
    @Param('id', { schema: id }) grantId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof endedSchema>> {
    return this.transactions.run(by, async (db) => answered(await this.grants.end(db, grantId, by)));
  }

  /** No Idempotency-Key, which would keep a hash of the value: the same value again changes nothing. */
  @Put('credential-versions/:id/value')
  @ApiOperation({
    summary: 'Place the value of a credential version in the vault',
    description:
      'Written, fingerprinted and never read by this: people see a value in the console only, machines by a checkout. What is known to have leaked is refused.',
  })
  @Permission('portfolio:write')
  @HttpCode(204)
  @ApiNoContentResponse({ description: 'Placed, or it is there already' })
  async putValue(
    @Param('id', { schema: id }) versionId: string,
    @Body({ schema: putValueSchema }) { value }: z.output<typeof putValueSchema>,
    @By() by: Principal,
  ): Promise<void> {
    answered(await this.values.put(versionId, Secret.of(value), by));
  }
}

async function machineOf(db: Db, machineId: string): Promise<MachineView> {
  const [found] = await machinesOf(db, { id: machineId, limit: 1 });
  if (!found) throw new Refused(refusal('not_found', 'no-machine', 'There is no such machine identity.'));
  return found;
}

async function grantOf(db: Db, grantId: string): Promise<GrantView> {
  const [found] = await grantsOf(db, { id: grantId });
  if (!found) throw new Refused(refusal('not_found', 'no-grant', 'There is no such grant.'));
  return found;
}
