import { Module } from '@nestjs/common';
import { ApiModule } from './api/api.module.ts';
import { ConsoleModule } from './console/console.module.ts';
import { AccessModule } from './domain/access/access.module.ts';
import { LedgerModule } from './domain/ledger/ledger.module.ts';
import { NoticesModule } from './domain/notices/notices.module.ts';
import { RevocationModule } from './domain/revocation/revocation.module.ts';
import { HealthModule } from './platform/health/health.module.ts';
import { QueueModule } from './platform/queue/queue.module.ts';
import { ChannelsModule } from './plugins/channels/channels.module.ts';
import { ConnectorsModule } from './plugins/connectors/connectors.module.ts';
import { StoresModule } from './plugins/stores/stores.module.ts';

/** Everything that is switched on. One line a module. */
@Module({
  imports: [
    QueueModule,
    HealthModule,
    StoresModule,
    ConnectorsModule,
    ChannelsModule,
    LedgerModule,
    AccessModule,
    NoticesModule,
    RevocationModule,
    ApiModule,
    ConsoleModule,
  ],
})
export class AppModule {}
