import { Global, Module } from '@nestjs/common';
import { RevocationModule } from '../../domain/revocation/revocation.module.ts';
import { Selectors } from '../../domain/runbooks/catalogue.ts';
import type { Selector } from '../../domain/runbooks/selector.ts';
import { selectorClasses } from './registry.ts';

/** The selectors by name, for the engine. Modules that a selector's class needs stand in `imports`. */
@Global()
@Module({
  imports: [RevocationModule],
  providers: [
    ...selectorClasses,
    {
      provide: Selectors,
      inject: [...selectorClasses],
      useFactory: (...selectors: Selector[]) => new Selectors(selectors),
    },
  ],
  exports: [Selectors],
})
export class SelectorsModule {}
