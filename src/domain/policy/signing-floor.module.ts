import { Global, Module } from '@nestjs/common';
import { SigningFloor } from '../responsibility/signing-floor.ts';
import { PolicySigningFloor } from './policy-signing-floor.ts';
import { PolicyModule } from './policy.module.ts';

/** Global, so that signing, which stands below policy, is told what policy asks for. */
@Global()
@Module({
  imports: [PolicyModule],
  providers: [{ provide: SigningFloor, useClass: PolicySigningFloor }],
  exports: [SigningFloor],
})
export class SigningFloorModule {}
