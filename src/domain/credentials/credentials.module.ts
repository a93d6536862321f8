import { Module } from '@nestjs/common';
import { projectFolder } from '../../platform/config/project-folder.ts';
import { LedgerModule } from '../ledger/ledger.module.ts';
import { CredentialsService } from './credentials.service.ts';
import { HoldingsService } from './holdings.service.ts';
import { KnownValues } from './known-values.service.ts';
import { NewCredentials } from './new-credentials.service.ts';
import { CredentialScopes } from './scopes.service.ts';
import { PermissionWords } from './permission-words.ts';

@Module({
  imports: [LedgerModule],
  providers: [
    CredentialScopes,
    CredentialsService,
    HoldingsService,
    KnownValues,
    NewCredentials,
    {
      provide: PermissionWords,
      useFactory: () => PermissionWords.read(projectFolder('templates/permissions')),
    },
  ],
  exports: [
    CredentialScopes,
    CredentialsService,
    HoldingsService,
    KnownValues,
    NewCredentials,
    PermissionWords,
  ],
})
export class CredentialsModule {}
