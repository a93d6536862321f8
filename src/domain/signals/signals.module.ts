import { Module } from '@nestjs/common';
import { LedgerModule } from '../ledger/ledger.module.ts';
import { DeliverSignalsJob, SignalsSweep } from './deliver-signals.job.ts';
import { DeliveryClaims } from './delivery-claims.service.ts';
import { DeliveryRecords } from './delivery-records.ts';
import { EndpointPosts } from './endpoint-posts.service.ts';
import { MessageForms } from './message-forms.ts';
import { SignalSender } from './sender.ts';
import { SetSigner } from './set-signer.service.ts';
import { SignalsService } from './signals.service.ts';
import { StreamPolls } from './stream-polls.service.ts';
import { StreamsService } from './streams.service.ts';
import { SubscriptionRecords } from './subscription-records.service.ts';
import { SubscriptionSecrets } from './subscription-secrets.ts';
import { SubscriptionsService } from './subscriptions.service.ts';

@Module({
  imports: [LedgerModule],
  providers: [
    DeliverSignalsJob,
    DeliveryClaims,
    DeliveryRecords,
    EndpointPosts,
    MessageForms,
    SetSigner,
    SignalSender,
    SignalsService,
    SignalsSweep,
    StreamPolls,
    StreamsService,
    SubscriptionRecords,
    SubscriptionSecrets,
    SubscriptionsService,
  ],
  exports: [EndpointPosts, SetSigner, SignalsService, StreamPolls, StreamsService, SubscriptionsService],
})
export class SignalsModule {}
