import { Global, Module } from '@nestjs/common';
import type { Connector } from '../../domain/revocation/connector.ts';
import { Connectors } from '../../domain/revocation/connectors.ts';
import { connectorClasses } from './registry.ts';

@Global()
@Module({
  providers: [
    ...connectorClasses,
    {
      provide: Connectors,
      inject: [...connectorClasses],
      useFactory: (...connectors: Connector[]) => new Connectors(connectors),
    },
  ],
  exports: [Connectors],
})
export class ConnectorsModule {}
