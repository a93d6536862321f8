import { ApprovalAction } from './approval/approval.action.ts';
import { AwaitAcknowledgementAction } from './await-acknowledgement/await-acknowledgement.action.ts';
import { CallOutAction } from './call-out/call-out.action.ts';
import { CheckLocationAction } from './check-location/check-location.action.ts';
import { ConcludeDrillAction } from './conclude-drill/conclude-drill.action.ts';
import { EndSessionsAction } from './end-sessions/end-sessions.action.ts';
import { EscalateAction } from './escalate/escalate.action.ts';
import { ManualTaskAction } from './manual-task/manual-task.action.ts';
import { NoOpAction } from './no-op/no-op.action.ts';
import { ProveCanaryDeadAction } from './prove-canary-dead/prove-canary-dead.action.ts';
import { RevokeCanaryAction } from './revoke-canary/revoke-canary.action.ts';
import { RevokeVersionAction } from './revoke-version/revoke-version.action.ts';
import { SendNoticeAction } from './send-notice/send-notice.action.ts';
import { VerifyDeadAction } from './verify-dead/verify-dead.action.ts';
import { WaitAction } from './wait/wait.action.ts';

/** Every action that a runbook may use, each a Nest provider. One line adds one. */
export const actionClasses = [
  ApprovalAction,
  AwaitAcknowledgementAction,
  CallOutAction,
  CheckLocationAction,
  ConcludeDrillAction,
  EndSessionsAction,
  EscalateAction,
  ManualTaskAction,
  NoOpAction,
  ProveCanaryDeadAction,
  RevokeCanaryAction,
  RevokeVersionAction,
  SendNoticeAction,
  VerifyDeadAction,
  WaitAction,
] as const;
