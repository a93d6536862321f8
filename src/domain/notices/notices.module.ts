import { Module } from '@nestjs/common';
import { projectFolder } from '../../platform/config/project-folder.ts';
import { LedgerModule } from '../ledger/ledger.module.ts';
import { AcknowledgementProofs } from './acknowledgement-proofs.service.ts';
import { AcknowledgementRecorder } from './acknowledgement-recorder.service.ts';
import { AcknowledgementService } from './acknowledgement.service.ts';
import { AlertOfEndpointJob } from './alert-of-endpoint.job.ts';
import { AlertDigest } from './alert-digest.ts';
import { AlertsService } from './alerts.service.ts';
import { BouncesService } from './bounces.service.ts';
import { CallsService } from './calls.service.ts';
import { DeliverNoticeJob, DeliverySweep } from './deliver-notice.job.ts';
import { DeliveryService } from './delivery.service.ts';
import { NoticePump } from './notice-pump.service.ts';
import { HandledAlerts } from './handled-alerts.service.ts';
import { NoticeClock } from './notice-clock.ts';
import { NoticeTemplates } from './notice-templates.ts';
import { NoticeTexts } from './notice-texts.service.ts';
import { NoticesService } from './notices.service.ts';
import { MaildropSweep } from './read-maildrop.sweep.ts';
import { RecipientTexts } from './recipient-texts.service.ts';
import { SettleAcknowledgedJob } from './settle-acknowledged.job.ts';
import { StuckNotices } from './stuck-notices.service.ts';
import { TellOfTokenJob } from './tell-of-token.job.ts';
import { TokenMadeJob } from './token-made.job.ts';
import { WrittenNotices } from './written-notices.service.ts';

const shared = [
  CallsService,
  AlertsService,
  HandledAlerts,
  NoticesService,
  DeliveryService,
  AcknowledgementService,
  NoticeTemplates,
  BouncesService,
  NoticeTexts,
  StuckNotices,
  WrittenNotices,
];

@Module({
  imports: [LedgerModule],
  providers: [
    AlertsService,
    HandledAlerts,
    NoticesService,
    DeliveryService,
    AcknowledgementService,
    AcknowledgementProofs,
    AcknowledgementRecorder,
    AlertOfEndpointJob,
    CallsService,
    DeliverNoticeJob,
    NoticePump,
    DeliverySweep,
    SettleAcknowledgedJob,
    NoticeClock,
    AlertDigest,
    BouncesService,
    NoticeTexts,
    RecipientTexts,
    StuckNotices,
    TellOfTokenJob,
    TokenMadeJob,
    WrittenNotices,
    MaildropSweep,
    { provide: NoticeTemplates, useFactory: () => new NoticeTemplates(projectFolder('templates/notices')) },
  ],
  exports: shared,
})
export class NoticesModule {}
