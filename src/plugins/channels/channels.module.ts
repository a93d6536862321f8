import { Global, Module } from '@nestjs/common';
import { CHANNELS } from '../../domain/notices/delivery.service.ts';
import type { Channel } from '../../domain/notices/channel.ts';
import { SignalsModule } from '../../domain/signals/signals.module.ts';
import { channels } from './registry.ts';

/** The channels, as the notices' contract names them. */
@Global()
@Module({
  imports: [SignalsModule],
  providers: [
    ...channels,
    { provide: CHANNELS, useFactory: (...all: Channel[]) => all, inject: [...channels] },
  ],
  exports: [CHANNELS],
})
export class ChannelsModule {}
