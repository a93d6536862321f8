import { Module } from '@nestjs/common';
import { LedgerModule } from '../ledger/ledger.module.ts';
import { NoticesModule } from '../notices/notices.module.ts';
import { PolicyModule } from '../policy/policy.module.ts';
import { CheckoutGrants } from './checkout-grants.service.ts';
import { Checkouts } from './checkouts.service.ts';
import { IssuerKeys } from './issuer-keys.ts';
import { LapsedCheckoutsSweep } from './lapsed-checkouts.sweep.ts';
import { MachineDoor } from './machine-door.ts';
import { Machines } from './machines.service.ts';
import { MailPersonJob } from './mail-person.job.ts';
import { Reveals } from './reveals.service.ts';
import { EndUnsoundJob } from './end-unsound.job.ts';
import { UnsoundCheckouts } from './unsound-checkouts.service.ts';
import { VersionValues } from './version-values.service.ts';

@Module({
  imports: [LedgerModule, NoticesModule, PolicyModule],
  providers: [
    VersionValues,
    Reveals,
    Machines,
    CheckoutGrants,
    Checkouts,
    MachineDoor,
    IssuerKeys,
    LapsedCheckoutsSweep,
    MailPersonJob,
    EndUnsoundJob,
    UnsoundCheckouts,
  ],
  exports: [VersionValues, Reveals, Machines, CheckoutGrants, Checkouts, MachineDoor, UnsoundCheckouts],
})
export class ReleasesModule {}
