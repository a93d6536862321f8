import { Get, Param } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { presetDetail, presetLine } from '../../domain/revocation/preset-view.rules.ts';
import { Presets } from '../../domain/revocation/presets.service.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { ConsolePage, shows, type Answer } from '../shared/page.ts';
import { ConnectorsView, PresetView } from './connectors.view.tsx';

const key = { schema: z.string().regex(/^[a-z0-9-]{1,120}$/) };

/** What is known of each kind of supplier: what it can do by machine, and what its answers mean. */
@ConsolePage()
export class ConnectorsPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly presets: Presets,
  ) {}

  @Get('connectors')
  @Permission('connections:read', { face: 'console' })
  async all(@By() by: Principal): Promise<Answer> {
    const known = await this.transactions.run(by, (db) => this.presets.all(db));
    return shows((frame) => ConnectorsView({ frame, presets: known.map(presetLine) }));
  }

  @Get('connectors/:key')
  @Permission('connections:read', { face: 'console' })
  async one(@Param('key', key) wanted: string, @By() by: Principal): Promise<Answer> {
    const known = await this.transactions.run(by, (db) => this.presets.get(db, wanted));
    if (!known) throw new Refused(refusal('not_found', 'no-preset', 'There is no such preset.'));
    return shows((frame) => PresetView({ frame, preset: presetDetail(known) }));
  }
}
