import { Global, Module } from '@nestjs/common';
import { SOURCES, type Source } from '../../domain/exposures/source.ts';
import { sources } from './registry.ts';

@Global()
@Module({
  providers: [
    ...sources,
    { provide: SOURCES, inject: [...sources], useFactory: (...registered: Source[]) => registered },
  ],
  exports: [SOURCES],
})
export class SourcesModule {}
