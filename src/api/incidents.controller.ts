import { Body, Controller, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import { By, Permission } from '../domain/access/route.ts';
import { exposureWindows } from '../domain/incidents/exposure-window.queries.ts';
import { exposureWindowsSchema } from '../domain/incidents/exposure-window.schema.ts';
import { INCIDENT_STATES } from '../domain/incidents/incident.rules.ts';
import {
  assertInstantSchema,
  casesSchema,
  exposedCredentialsSchema,
  exposedLocationsSchema,
  incidentSchema,
  incidentsSchema,
  instantsSchema,
  movedSchema,
  reasonSchema,
} from '../domain/incidents/incident.schema.ts';
import { exposedCredentials, exposedLocations } from '../domain/incidents/incident-room.queries.ts';
import { casesPage, incidentOf, incidentsPage, instantsOf } from '../domain/incidents/incidents.queries.ts';
import { IncidentsService } from '../domain/incidents/incidents.service.ts';
import { updateCadence } from '../domain/incidents/update-cadence.queries.ts';
import {
  setUpdateCadenceSchema,
  updateCadenceSchema,
  type UpdateCadenceView,
} from '../domain/incidents/update-cadence.schema.ts';
import { UpdateCadence } from '../domain/incidents/update-cadence.service.ts';
import { Clock } from '../platform/clock/clock.ts';
import { Transactions, type Db } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';
import { cursorSchema, cursorText, pageLimit } from './cursor.ts';

const id = z.uuid();
const listQuery = z.strictObject({
  state: z.enum(INCIDENT_STATES).optional(),
  cursor: cursorSchema.optional(),
  limit: pageLimit,
});
const casesQuery = z.strictObject({ cursor: cursorSchema.optional(), limit: pageLimit });
const partsQuery = (form: RegExp) =>
  z.strictObject({
    cursor: z.string().regex(form, 'is no cursor that a list gave').optional(),
    limit: pageLimit,
  });
const UUID = '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const credentialsQuery = partsQuery(new RegExp(`^\\d{1,4}:${UUID}$`));
const locationsQuery = partsQuery(new RegExp(`^${UUID}:${UUID}$`));
// Each window takes a look at every use: a page has few.
const windowsQuery = z.strictObject({
  cursor: credentialsQuery.shape.cursor,
  limit: z.coerce.number().int().min(1).max(50).default(20),
});
const assertedSchema = z.object({ ids: z.array(id) }).meta({ id: 'InstantsAsserted' });

/** Incidents are the operator's; outside parties see their cases (`/api/v1/cases`). */
@ApiTags('incidents')
@Controller('api/v1/incidents')
export class IncidentsController {
  constructor(
    private readonly transactions: Transactions,
    private readonly incidents: IncidentsService,
    private readonly cadence: UpdateCadence,
    private readonly clock: Clock,
  ) {}

  @Get()
  @ApiOperation({ summary: 'List incidents, newest first' })
  @Permission('incidents:read')
  @ApiOkResponse({ standardSchema: incidentsSchema })
  async list(
    @Query({ schema: listQuery }) { state, cursor, limit }: z.output<typeof listQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof incidentsSchema>> {
    const incidents = await this.transactions.run(by, (db) =>
      incidentsPage(db, { ...(state ? { state } : {}), ...(cursor ? { after: cursor } : {}), limit }),
    );
    const last = incidents.at(-1);
    return {
      incidents,
      next:
        last && incidents.length === limit
          ? cursorText({ at: Date.parse(last.openedAt), id: last.id })
          : null,
    };
  }

  @Get(':id')
  @ApiOperation({ summary: 'Read an incident' })
  @Permission('incidents:read')
  @ApiOkResponse({ standardSchema: incidentSchema })
  get(
    @Param('id', { schema: id }) incidentId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof incidentSchema>> {
    return this.transactions.run(by, (db) => found(db, incidentId));
  }

  @Get(':id/credentials')
  @ApiOperation({
    summary: 'List the exposed credentials of an incident',
    description: 'The riskiest first, each with the four facets of its death.',
  })
  @Permission('incidents:read')
  @ApiOkResponse({ standardSchema: exposedCredentialsSchema })
  credentials(
    @Param('id', { schema: id }) incidentId: string,
    @Query({ schema: credentialsQuery }) query: z.output<typeof credentialsQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof exposedCredentialsSchema>> {
    return this.transactions.run(by, async (db) => {
      await found(db, incidentId);
      return exposedCredentials(db, incidentId, this.clock.now(), part(query));
    });
  }

  @Get(':id/locations')
  @ApiOperation({
    summary: 'List every copy of the exposed credentials of an incident',
    description: 'Each with what is known of it.',
  })
  @Permission('incidents:read')
  @ApiOkResponse({ standardSchema: exposedLocationsSchema })
  locations(
    @Param('id', { schema: id }) incidentId: string,
    @Query({ schema: locationsQuery }) query: z.output<typeof locationsQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof exposedLocationsSchema>> {
    return this.transactions.run(by, async (db) => {
      await found(db, incidentId);
      return exposedLocations(db, incidentId, this.clock.now(), part(query));
    });
  }

  @Get(':id/exposure-window')
  @ApiOperation({
    summary: 'Read from when to when the credentials of an incident can have been abused',
    description:
      'From the first possible exposure to the last accepted use that was reported, the riskiest first; each use labelled, and every blind spot stated.',
  })
  @Permission('usage:read')
  @ApiOkResponse({ standardSchema: exposureWindowsSchema })
  exposureWindow(
    @Param('id', { schema: id }) incidentId: string,
    @Query({ schema: windowsQuery }) query: z.output<typeof windowsQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof exposureWindowsSchema>> {
    return this.transactions.run(by, async (db) => {
      await found(db, incidentId);
      return exposureWindows(db, incidentId, this.clock.now(), query);
    });
  }

  @Get(':id/cases')
  @ApiOperation({ summary: 'List the cases of an incident, one for each affected integration' })
  @Permission('incidents:read')
  @ApiOkResponse({ standardSchema: casesSchema })
  async cases(
    @Param('id', { schema: id }) incidentId: string,
    @Query({ schema: casesQuery }) { cursor, limit }: z.output<typeof casesQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof casesSchema>> {
    const cases = await this.transactions.run(by, async (db) => {
      await found(db, incidentId);
      return casesPage(db, { incidentId, ...(cursor ? { after: cursor } : {}), limit });
    });
    const last = cases.at(-1);
    return {
      cases,
      next:
        last && cases.length === limit ? cursorText({ at: Date.parse(last.openedAt), id: last.id }) : null,
    };
  }

  @Get(':id/instants')
  @ApiOperation({ summary: 'List the instants of an incident' })
  @Permission('incidents:read')
  @ApiOkResponse({ standardSchema: instantsSchema })
  async instants(
    @Param('id', { schema: id }) incidentId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof instantsSchema>> {
    return this.transactions.run(by, async (db) => {
      await found(db, incidentId);
      return { instants: await instantsOf(db, incidentId) };
    });
  }

  @Post(':id/instants')
  @ApiOperation({
    summary: 'Assert an instant of an incident',
    description: 'It is added beside what others assert; nothing is ever edited.',
  })
  @Permission('incidents:act')
  @ApiCreatedResponse({ standardSchema: assertedSchema })
  async assertInstant(
    @Param('id', { schema: id }) incidentId: string,
    @Body({ schema: assertInstantSchema }) input: z.output<typeof assertInstantSchema>,
    @By() by: Principal,
  ): Promise<z.infer<typeof assertedSchema>> {
    return answered(await this.incidents.assertInstant(incidentId, input, by));
  }

  @Get(':id/update-cadence')
  @ApiOperation({
    summary: 'How often those who were told of an incident hear again',
    description: 'And who is owed an update when: whoever is on call is reminded to write.',
  })
  @Permission('incidents:read')
  @ApiOkResponse({ standardSchema: updateCadenceSchema })
  updates(@Param('id', { schema: id }) incidentId: string, @By() by: Principal): Promise<UpdateCadenceView> {
    return this.transactions.run(by, (db) => cadenceFound(db, incidentId));
  }

  @Put(':id/update-cadence')
  @ApiOperation({
    summary: 'Set how often those who were told of an incident hear again',
    description: 'null: as its severity says.',
  })
  @Permission('incidents:act')
  @ApiOkResponse({ standardSchema: updateCadenceSchema })
  async setUpdates(
    @Param('id', { schema: id }) incidentId: string,
    @Body({ schema: setUpdateCadenceSchema }) { everyHours }: z.output<typeof setUpdateCadenceSchema>,
    @By() by: Principal,
  ): Promise<UpdateCadenceView> {
    answered(await this.cadence.set(incidentId, everyHours, by));
    return this.transactions.run(by, (db) => cadenceFound(db, incidentId));
  }

  @Post(':id/acknowledge')
  @ApiOperation({ summary: 'Acknowledge an incident', description: 'Somebody has seen it and takes it on.' })
  @HttpCode(200)
  @Permission('incidents:act')
  @ApiOkResponse({ standardSchema: movedSchema })
  async acknowledge(
    @Param('id', { schema: id }) incidentId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof movedSchema>> {
    return answered(await this.incidents.acknowledge(incidentId, by));
  }

  @Post(':id/dismiss')
  @ApiOperation({
    summary: 'Dismiss an incident that is none',
    description: 'The first person asks for it, a second one decides.',
  })
  @HttpCode(200)
  @Permission('incidents:act')
  @ApiOkResponse({ standardSchema: movedSchema })
  async dismiss(
    @Param('id', { schema: id }) incidentId: string,
    @Body({ schema: reasonSchema }) { reason }: z.output<typeof reasonSchema>,
    @By() by: Principal,
  ): Promise<z.infer<typeof movedSchema>> {
    return answered(await this.incidents.dismiss(incidentId, reason, by));
  }

  @Post(':id/recover')
  @ApiOperation({ summary: 'Move a contained incident on to recovering' })
  @HttpCode(200)
  @Permission('incidents:act')
  @ApiOkResponse({ standardSchema: movedSchema })
  async recover(
    @Param('id', { schema: id }) incidentId: string,
    @Body({ schema: reasonSchema }) { reason }: z.output<typeof reasonSchema>,
    @By() by: Principal,
  ): Promise<z.infer<typeof movedSchema>> {
    return answered(await this.incidents.recover(incidentId, reason, by));
  }

  @Post(':id/close')
  @ApiOperation({
    summary: 'Close an incident',
    description: 'Refused while anything is open, or unproven and not answered for.',
  })
  @HttpCode(200)
  @Permission('incidents:act')
  @ApiOkResponse({ standardSchema: movedSchema })
  async close(
    @Param('id', { schema: id }) incidentId: string,
    @Body({ schema: reasonSchema }) { reason }: z.output<typeof reasonSchema>,
    @By() by: Principal,
  ): Promise<z.infer<typeof movedSchema>> {
    return answered(await this.incidents.close(incidentId, reason, by));
  }
}

async function cadenceFound(db: Db, incidentId: string): Promise<UpdateCadenceView> {
  const cadence = await updateCadence(db, incidentId);
  if (!cadence) throw new Refused(refusal('not_found', 'no-such-incident', 'There is no such incident.'));
  return cadence;
}

async function found(db: Db, incidentId: string): Promise<z.infer<typeof incidentSchema>> {
  const incident = await incidentOf(db, incidentId);
  if (!incident) throw new Refused(refusal('not_found', 'no-such-incident', 'There is no such incident.'));
  return incident;
}

function part({ cursor, limit }: { cursor?: string | undefined; limit: number }): {
  cursor?: string;
  limit: number;
} {
  return cursor === undefined ? { limit } : { cursor, limit };
}
