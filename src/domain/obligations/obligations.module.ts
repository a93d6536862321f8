import { Module } from '@nestjs/common';
import { projectFolder } from '../../platform/config/project-folder.ts';
import { LedgerModule } from '../ledger/ledger.module.ts';
import { NoticesModule } from '../notices/notices.module.ts';
import { ClockRules } from './clock-rules.ts';
import { DutiesService } from './duties.service.ts';
import { DutyNotices } from './duty-notices.service.ts';
import { DutyClockSweep } from './duty-clock.sweep.ts';
import { EarlierStarts } from './earlier-starts.service.ts';
import { HoldsService } from './holds.service.ts';
import { ObligationsService } from './obligations.service.ts';
import { SupplierAccounts } from './supplier-accounts.service.ts';
import { WithheldDuties } from './withheld-duties.service.ts';

@Module({
  imports: [LedgerModule, NoticesModule],
  providers: [
    DutiesService,
    DutyClockSweep,
    DutyNotices,
    EarlierStarts,
    HoldsService,
    ObligationsService,
    SupplierAccounts,
    WithheldDuties,
    { provide: ClockRules, useFactory: () => ClockRules.read(projectFolder('templates/clocks')) },
  ],
  exports: [DutiesService, DutyNotices, EarlierStarts, HoldsService, ObligationsService, SupplierAccounts],
})
export class ObligationsModule {}
