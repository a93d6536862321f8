import { Global, Module } from '@nestjs/common';
import { SecondPerson } from '../notices/second-person.ts';
import { PolicySecondPerson } from './policy-second-person.ts';
import { PolicyModule } from './policy.module.ts';

/** Global, so that notices, which stand below policy, are told whether a second person approves them. */
@Global()
@Module({
  imports: [PolicyModule],
  providers: [{ provide: SecondPerson, useClass: PolicySecondPerson }],
  exports: [SecondPerson],
})
export class SecondPersonModule {}
