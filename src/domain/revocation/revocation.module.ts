import { Module, type OnModuleInit } from '@nestjs/common';
import { system } from '../../kernel/principal.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { Duties } from '../../platform/queue/duties.ts';
import { LedgerModule } from '../ledger/ledger.module.ts';
import { CredentialsModule } from '../credentials/credentials.module.ts';
import { NoticesModule } from '../notices/notices.module.ts';
import { SignalsModule } from '../signals/signals.module.ts';
import { CanariesService } from './canaries.service.ts';
import { Clearing } from './clearing.service.ts';
import { CloseDrillJob } from './close-drill.job.ts';
import { ConnectionsService } from './connections.service.ts';
import { ContainmentService } from './containment.service.ts';
import { CopiesService } from './copies.service.ts';
import { Deaths } from './deaths.service.ts';
import { DueDrillsSweep } from './due-drills.sweep.ts';
import { Drilling } from './drilling.service.ts';
import { DrillRecords } from './drill-records.service.ts';
import { DrillsService } from './drills.service.ts';
import { ExpiredValuesSweep } from './expired-values.sweep.ts';
import { HandingOver } from './handing-over.service.ts';
import { Issuance } from './issuance.service.ts';
import { LooksService } from './looks.service.ts';
import { Pace } from './pace.service.ts';
import { PathsService } from './paths.service.ts';
import { Presets } from './presets.service.ts';
import { Probing } from './probing.service.ts';
import { ReprobeVersionJob } from './reprobe-version.job.ts';
import { RevocationService } from './revocation.service.ts';
import { RisksService } from './risks.service.ts';
import { SettleShownCopiesJob } from './settle-shown-copies.job.ts';
import { SettleStatedStepsJob } from './settle-stated-steps.job.ts';
import { SignalDeathsJob } from './signal-deaths.job.ts';
import { RotationDrilling } from './rotation-drilling.service.ts';
import { Sessions } from './sessions.service.ts';
import { ConnectionAccessSweep } from './connection-access.sweep.ts';
import { StorePlaces } from './store-places.service.ts';
import { MachineWays } from './machine-ways.service.ts';
import { Targets } from './targets.service.ts';
import { ValuesAtHand } from './values-at-hand.service.ts';
import { Ways } from './ways.service.ts';

const services = [
  CanariesService,
  ConnectionsService,
  ContainmentService,
  CopiesService,
  Clearing,
  Deaths,
  Drilling,
  DrillRecords,
  DrillsService,
  HandingOver,
  Issuance,
  LooksService,
  Pace,
  PathsService,
  Presets,
  Probing,
  RevocationService,
  RisksService,
  RotationDrilling,
  Sessions,
  StorePlaces,
  Targets,
  MachineWays,
  ValuesAtHand,
  Ways,
];

/** Needs `Connectors` and `Vault`, which the plug-ins' modules give. */
@Module({
  imports: [CredentialsModule, LedgerModule, NoticesModule, SignalsModule],
  providers: [
    ...services,
    CloseDrillJob,
    ConnectionAccessSweep,
    DueDrillsSweep,
    ExpiredValuesSweep,
    ReprobeVersionJob,
    SettleShownCopiesJob,
    SettleStatedStepsJob,
    SignalDeathsJob,
  ],
  exports: services,
})
export class RevocationModule implements OnModuleInit {
  constructor(
    private readonly transactions: Transactions,
    private readonly connections: ConnectionsService,
    private readonly duties: Duties,
  ) {}

  /** Before any step runs: limits that were stored while nobody handed them on. */
  async onModuleInit(): Promise<void> {
    if (this.duties.works)
      await this.transactions.run(system('engine', 'boot'), (db) => this.connections.handLimits(db));
  }
}
