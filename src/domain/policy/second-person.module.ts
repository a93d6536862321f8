import { Global, Module } from '@nestjs/common';
import { AcknowledgementFloor } from '../notices/acknowledgement-floor.ts';
import { SecondPerson } from '../notices/second-person.ts';
import { PolicyAcknowledgementFloor } from './policy-acknowledgement-floor.ts';
import { PolicySecondPerson } from './policy-second-person.ts';
import { PolicyModule } from './policy.module.ts';

/** Global, so that notices, which stand below policy, are told who approves them and how strong an answer must be. */
@Global()
@Module({
  imports: [PolicyModule],
  providers: [
    { provide: SecondPerson, useClass: PolicySecondPerson },
    { provide: AcknowledgementFloor, useClass: PolicyAcknowledgementFloor },
  ],
  exports: [SecondPerson, AcknowledgementFloor],
})
export class SecondPersonModule {}
