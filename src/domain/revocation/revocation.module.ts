import { Module } from '@nestjs/common';
import { LedgerModule } from '../ledger/ledger.module.ts';
import { ConnectionsService } from './connections.service.ts';
import { ContainmentService } from './containment.service.ts';
import { CopiesService } from './copies.service.ts';
import { Deaths } from './deaths.service.ts';
import { ExpiredValuesSweep } from './expired-values.sweep.ts';
import { Presets } from './presets.service.ts';
import { Probing } from './probing.service.ts';
import { ReprobeVersionJob } from './reprobe-version.job.ts';
import { RevocationService } from './revocation.service.ts';
import { SettleStatedStepsJob } from './settle-stated-steps.job.ts';
import { ScheduleReprobeJob } from './schedule-reprobe.job.ts';
import { Targets } from './targets.service.ts';

const services = [
  ConnectionsService,
  ContainmentService,
  CopiesService,
  Deaths,
  Presets,
  Probing,
  RevocationService,
  Targets,
];

/** Needs `Connectors` and `Vault`, which the plug-ins' modules give. */
@Module({
  imports: [LedgerModule],
  providers: [...services, ExpiredValuesSweep, ReprobeVersionJob, ScheduleReprobeJob, SettleStatedStepsJob],
  exports: services,
})
export class RevocationModule {}
