import { Global, Module } from '@nestjs/common';
import { RotationIntervals } from '../rotation/intervals.ts';
import { PolicyRotationIntervals } from './policy-rotation-intervals.ts';
import { PolicyModule } from './policy.module.ts';

/** Global, so that rotation, which stands below policy, is told what policy asks for. */
@Global()
@Module({
  imports: [PolicyModule],
  providers: [{ provide: RotationIntervals, useClass: PolicyRotationIntervals }],
  exports: [RotationIntervals],
})
export class RotationIntervalsModule {}
