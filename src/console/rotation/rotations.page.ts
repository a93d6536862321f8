import { Get } from '@nestjs/common';
import type { Principal } from '../../kernel/principal.ts';
import { ELAPSED_DAY } from '../../kernel/time.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { dueBefore } from '../../domain/rotation/due.queries.ts';
import { RotationIntervals } from '../../domain/rotation/intervals.ts';
import { listRotations } from '../../domain/rotation/rotations.queries.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { ConsolePage, shows, type Answer } from '../shared/page.ts';
import { RotationsView } from './rotations.view.tsx';

/** What is being rotated, what is due, and what has ended. */
@ConsolePage()
export class RotationsPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly intervals: RotationIntervals,
    private readonly clock: Clock,
  ) {}

  @Get('rotations')
  @Permission('rotations:read', { face: 'console' })
  async show(@By() by: Principal): Promise<Answer> {
    const before = this.clock.now() + 30 * ELAPSED_DAY;
    const model = await this.transactions.run(by, async (db) => ({
      open: await listRotations(db, { open: true, limit: 100 }),
      ended: await listRotations(db, { open: false, limit: 30 }),
      due: await dueBefore(db, this.intervals, before, 100),
    }));
    return shows((frame) => RotationsView({ frame, ...model }));
  }
}
