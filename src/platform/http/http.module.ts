import { Global, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../clock/clock.ts';
import type { Config } from '../config/config.ts';
import { CONFIG } from '../config/token.ts';
import { Outbound } from './outbound.ts';
import { TxtRecords } from './txt-records.ts';

@Global()
@Module({
  providers: [
    {
      provide: Outbound,
      inject: [CONFIG, Clock],
      useFactory: (config: Config, clock: Clock) => new Outbound(config, clock),
    },
    { provide: TxtRecords, useFactory: () => new TxtRecords() },
  ],
  exports: [Outbound, TxtRecords],
})
export class HttpModule implements OnApplicationShutdown {
  constructor(@Inject(Outbound) private readonly outbound: Outbound) {}

  async onApplicationShutdown(): Promise<void> {
    await this.outbound.close();
  }
}
