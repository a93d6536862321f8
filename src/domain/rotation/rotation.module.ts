import { Module } from '@nestjs/common';
import { CredentialsModule } from '../credentials/credentials.module.ts';
import { LedgerModule } from '../ledger/ledger.module.ts';
import { NoticesModule } from '../notices/notices.module.ts';
import { RevocationModule } from '../revocation/revocation.module.ts';
import { SignalsModule } from '../signals/signals.module.ts';
import { CloseRotationJob } from './close-rotation.job.ts';
import { Corrections } from './corrections.service.ts';
import { CutOver } from './cut-over.service.ts';
import { DueSweep } from './due.sweep.ts';
import { InUse } from './in-use.service.ts';
import { Looks } from './looks.service.ts';
import { LooseEndsSweep } from './loose-ends.sweep.ts';
import { LostAnswers } from './lost-answers.service.ts';
import { Making } from './making.service.ts';
import { NewVersions } from './new-versions.service.ts';
import { Orphans } from './orphans.service.ts';
import { PlaceRecords } from './place-records.service.ts';
import { PlacesService } from './places.service.ts';
import { Placing } from './placing.service.ts';
import { Recipes } from './recipes.ts';
import { RollingBack } from './rolling-back.service.ts';
import { RotationActs } from './rotation-acts.service.ts';
import { RotationRecords } from './rotation-records.service.ts';
import { RotationSettingsService } from './rotation-settings.service.ts';
import { RotationWords } from './rotation-words.service.ts';
import { RotationsService } from './rotations.service.ts';
import { Simulation } from './simulation.service.ts';

/** Needs `Vault`, which the stores' module gives, and `RotationIntervals`, which policy does. */
@Module({
  imports: [CredentialsModule, LedgerModule, NoticesModule, RevocationModule, SignalsModule],
  providers: [
    CloseRotationJob,
    Corrections,
    CutOver,
    DueSweep,
    InUse,
    Looks,
    LooseEndsSweep,
    LostAnswers,
    Making,
    NewVersions,
    Orphans,
    PlaceRecords,
    PlacesService,
    Placing,
    Recipes,
    RollingBack,
    RotationActs,
    RotationRecords,
    RotationSettingsService,
    RotationsService,
    RotationWords,
    Simulation,
  ],
  exports: [
    CutOver,
    Making,
    Placing,
    Recipes,
    RollingBack,
    RotationSettingsService,
    RotationsService,
    RotationWords,
    Simulation,
  ],
})
export class RotationModule {}
