import { Module } from '@nestjs/common';
import { LedgerModule } from '../ledger/ledger.module.ts';
import { ContactReach } from './contact-reach.service.ts';
import { PartiesService } from './parties.service.ts';
import { DomainChallenges } from './domain-challenges.service.ts';
import { VerificationsService } from './verifications.service.ts';

@Module({
  imports: [LedgerModule],
  providers: [ContactReach, DomainChallenges, PartiesService, VerificationsService],
  exports: [ContactReach, DomainChallenges, PartiesService, VerificationsService],
})
export class PartiesModule {}
