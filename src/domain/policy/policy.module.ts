import { Module } from '@nestjs/common';
import { projectFolder } from '../../platform/config/project-folder.ts';
import { LedgerModule } from '../ledger/ledger.module.ts';
import { NoticesModule } from '../notices/notices.module.ts';
import { ExceptionsService } from './exceptions.service.ts';
import { GateService } from './gate.service.ts';
import { Policies } from './policies.ts';
import { ReEvaluateJob, ReEvaluationSweep } from './re-evaluate.job.ts';
import { ReEvaluations } from './re-evaluation.service.ts';

@Module({
  imports: [LedgerModule, NoticesModule],
  providers: [
    { provide: Policies, useFactory: () => new Policies(projectFolder('templates/policies')) },
    GateService,
    ExceptionsService,
    ReEvaluateJob,
    ReEvaluationSweep,
    ReEvaluations,
  ],
  exports: [Policies, GateService, ExceptionsService, ReEvaluations],
})
export class PolicyModule {}
