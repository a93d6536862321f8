import { Global, Module } from '@nestjs/common';
import { LedgerModule } from '../../domain/ledger/ledger.module.ts';
import { NoticesModule } from '../../domain/notices/notices.module.ts';
import { PolicyModule } from '../../domain/policy/policy.module.ts';
import { RotationModule } from '../../domain/rotation/rotation.module.ts';
import { RevocationModule } from '../../domain/revocation/revocation.module.ts';
import type { Action } from '../../domain/runbooks/action.ts';
import { Actions } from '../../domain/runbooks/catalogue.ts';
import { actionClasses } from './registry.ts';

/** The actions by name, for the engine. Modules that an action's class needs stand in `imports`. */
@Global()
@Module({
  imports: [LedgerModule, NoticesModule, PolicyModule, RevocationModule, RotationModule],
  providers: [
    ...actionClasses,
    {
      provide: Actions,
      inject: [...actionClasses],
      useFactory: (...actions: Action[]) => new Actions(actions),
    },
  ],
  exports: [Actions],
})
export class ActionsModule {}
