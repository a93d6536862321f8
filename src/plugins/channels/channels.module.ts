import { Global, Module } from '@nestjs/common';
import { CHANNELS } from '../../domain/notices/delivery.service.ts';
import type { Channel } from '../../domain/notices/channel.ts';
import { channels } from './registry.ts';

/** The channels, as the notices' contract names them. */
@Global()
@Module({
  providers: [
    ...channels,
    { provide: CHANNELS, useFactory: (...all: Channel[]) => all, inject: [...channels] },
  ],
  exports: [CHANNELS],
})
export class ChannelsModule {}
