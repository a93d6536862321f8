import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import type { Principal } from '../kernel/principal.ts';
import { By, Idempotent, Permission } from '../domain/access/route.ts';
import {
  dismissSchema,
  exposureDetailSchema,
  exposuresSchema,
  filedSchema,
  listExposuresSchema,
  matchByHandSchema,
} from '../domain/exposures/exposure.schema.ts';
import { reportsSchema } from '../domain/exposures/report.schema.ts';
import { ReportsService } from '../domain/exposures/reports.service.ts';
import { TriageService } from '../domain/exposures/triage.service.ts';
import { IncidentsService } from '../domain/incidents/incidents.service.ts';
import { answered } from './answered.ts';

const id = z.uuid();
const dismissedSchema = z
  .object({ state: z.enum(['triage', 'dismissed']) })
  .meta({ id: 'ExposureDismissed' });
const placedSchema = z.object({ incidentId: id, isNew: z.boolean() }).meta({ id: 'ExposurePlaced' });

@ApiTags('exposures')
@Controller('api/v1/exposures')
export class ExposuresController {
  constructor(
    private readonly reports: ReportsService,
    private readonly triage: TriageService,
    private readonly incidents: IncidentsService,
  ) {}

  @Post()
  @ApiOperation({
    summary: 'Report leaked credentials',
    description: 'The answer is the same whether or not anything matches; matching comes afterwards.',
  })
  @HttpCode(202)
  @Permission('exposures:report')
  @Idempotent()
  @ApiAcceptedResponse({ standardSchema: filedSchema })
  async report(
    @Body({ schema: reportsSchema }) input: z.output<typeof reportsSchema>,
    @By() by: Principal,
  ): Promise<z.infer<typeof filedSchema>> {
    return answered(await this.reports.report(input.reports, by));
  }

  @Get()
  @ApiOperation({
    summary: 'List exposures that were reported, newest first',
    description: 'A party reads its own reports, without what they matched.',
  })
  @Permission('reports:read')
  @ApiOkResponse({ standardSchema: exposuresSchema })
  list(
    @Query({ schema: listExposuresSchema }) query: z.output<typeof listExposuresSchema>,
    @By() by: Principal,
  ): Promise<z.infer<typeof exposuresSchema>> {
    const { incident, ...rest } = query;
    return this.triage.list({ ...rest, ...(incident ? { incidentId: incident } : {}) }, by);
  }

  @Get(':id')
  @ApiOperation({ summary: 'Read an exposure with what it matched' })
  @Permission('exposures:read')
  @ApiOkResponse({ standardSchema: exposureDetailSchema })
  async get(
    @Param('id', { schema: id }) exposureId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof exposureDetailSchema>> {
    return answered(await this.triage.get(exposureId, by));
  }

  @Post(':id/dismiss')
  @ApiOperation({
    summary: 'Dismiss an exposure that is none',
    description: 'The first person asks for it, a second one decides.',
  })
  @HttpCode(200)
  @Permission('incidents:act')
  @ApiOkResponse({ standardSchema: dismissedSchema })
  async dismiss(
    @Param('id', { schema: id }) exposureId: string,
    @Body({ schema: dismissSchema }) input: z.output<typeof dismissSchema>,
    @By() by: Principal,
  ): Promise<z.infer<typeof dismissedSchema>> {
    return answered(await this.triage.dismiss(exposureId, input.reason, by));
  }

  @Post(':id/match')
  @ApiOperation({
    summary: 'Match an exposure in triage by hand',
    description: 'A person says which credential version it is about.',
  })
  @HttpCode(200)
  @Permission('incidents:act')
  @ApiOkResponse({ standardSchema: placedSchema })
  async match(
    @Param('id', { schema: id }) exposureId: string,
    @Body({ schema: matchByHandSchema }) input: z.output<typeof matchByHandSchema>,
    @By() by: Principal,
  ): Promise<z.infer<typeof placedSchema>> {
    return answered(await this.incidents.acceptByHand(exposureId, input.versionId, input.reason, by));
  }
}
