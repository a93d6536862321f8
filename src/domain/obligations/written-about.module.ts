import { Global, Module } from '@nestjs/common';
import { WrittenAbout } from '../notices/written-about.ts';
import { WrittenAboutCases } from './written-about-cases.ts';

/** Global, so that notices, which stand below the register, are told what people write about. */
@Global()
@Module({
  providers: [{ provide: WrittenAbout, useClass: WrittenAboutCases }],
  exports: [WrittenAbout],
})
export class WrittenAboutModule {}
