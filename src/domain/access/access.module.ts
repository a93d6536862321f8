import { Global, Module } from '@nestjs/common';
import { LedgerModule } from '../ledger/ledger.module.ts';
import { AccessQueries } from './access.queries.ts';
import { AccessService } from './access.service.ts';
import { AccountsService } from './accounts.service.ts';
import { LinksService } from './links.service.ts';
import { Passwords } from './passwords.ts';
import { ExpiredSweep, SessionStore } from './session-store.ts';
import { StepUp } from './step-up.service.ts';
import { TemporaryPermissions } from './temporary-permissions.service.ts';

@Global()
@Module({
  imports: [LedgerModule],
  providers: [
    AccessService,
    AccountsService,
    AccessQueries,
    LinksService,
    Passwords,
    SessionStore,
    ExpiredSweep,
    StepUp,
    TemporaryPermissions,
  ],
  exports: [
    AccessService,
    AccountsService,
    AccessQueries,
    LinksService,
    Passwords,
    SessionStore,
    StepUp,
    TemporaryPermissions,
  ],
})
export class AccessModule {}
