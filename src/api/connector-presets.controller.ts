import { Controller, Get, Param } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import { By, Permission } from '../domain/access/route.ts';
import { presetDetail, presetLine } from '../domain/revocation/preset-view.rules.ts';
import {
  presetDetailSchema,
  presetViewSchema,
  type PresetDetail,
} from '../domain/revocation/preset-view.schema.ts';
import { Presets } from '../domain/revocation/presets.service.ts';
import { Transactions } from '../platform/database/transactions.ts';

const key = z.string().regex(/^[a-z0-9-]{1,120}$/);
const listSchema = z.object({ presets: z.array(presetViewSchema) }).meta({ id: 'ConnectorPresets' });

@ApiTags('portfolio')
@Controller('api/v1/connector-presets')
export class ConnectorPresetsController {
  constructor(
    private readonly transactions: Transactions,
    private readonly presets: Presets,
  ) {}

  @Get()
  @ApiOperation({ summary: 'List what is known of each kind of supplier, and what it can do by machine' })
  @Permission('connections:read')
  @ApiOkResponse({ standardSchema: listSchema })
  async list(@By() by: Principal): Promise<z.infer<typeof listSchema>> {
    const known = await this.transactions.run(by, (db) => this.presets.all(db));
    return { presets: known.map(presetLine) };
  }

  @Get(':key')
  @ApiOperation({ summary: 'Read a preset: what each answer of the supplier means, and what that rests on' })
  @Permission('connections:read')
  @ApiOkResponse({ standardSchema: presetDetailSchema })
  async get(@Param('key', { schema: key }) wanted: string, @By() by: Principal): Promise<PresetDetail> {
    const known = await this.transactions.run(by, (db) => this.presets.get(db, wanted));
    if (!known) throw new Refused(refusal('not_found', 'no-preset', 'There is no such preset.'));
    return presetDetail(known);
  }
}
