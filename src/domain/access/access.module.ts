import { Global, Module } from '@nestjs/common';
import { AccessService } from './access.service.ts';
import { Passwords } from './passwords.ts';
import { ExpiredSweep, SessionStore } from './session-store.ts';

@Global()
@Module({
  providers: [AccessService, Passwords, SessionStore, ExpiredSweep],
  exports: [AccessService, Passwords, SessionStore],
})
export class AccessModule {}
