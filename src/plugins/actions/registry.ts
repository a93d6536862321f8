import { ApprovalAction } from './approval/approval.action.ts';
import { AskGateAction } from './ask-gate/ask-gate.action.ts';
import { AwaitAcknowledgementAction } from './await-acknowledgement/await-acknowledgement.action.ts';
import { AwaitFindingsGoneAction } from './await-findings-gone/await-findings-gone.action.ts';
import { AwaitLiveAction } from './await-live/await-live.action.ts';
import { AwaitScopeReviewAction } from './await-scope-review/await-scope-review.action.ts';
import { CallOutAction } from './call-out/call-out.action.ts';
import { CheckLocationAction } from './check-location/check-location.action.ts';
import { ClearAwayAction } from './clear-away/clear-away.action.ts';
import { CompensateAction } from './compensate/compensate.action.ts';
import { ConcludeDrillAction } from './conclude-drill/conclude-drill.action.ts';
import { ConcludeRollBackAction } from './conclude-roll-back/conclude-roll-back.action.ts';
import { ConcludeRotationAction } from './conclude-rotation/conclude-rotation.action.ts';
import { CreateVersionAction } from './create-version/create-version.action.ts';
import { DrillUnprovenAction } from './drill-unproven/drill-unproven.action.ts';
import { EndSessionsAction } from './end-sessions/end-sessions.action.ts';
import { EscalateAction } from './escalate/escalate.action.ts';
import { HoldOverlapAction } from './hold-overlap/hold-overlap.action.ts';
import { ManualTaskAction } from './manual-task/manual-task.action.ts';
import { NoOpAction } from './no-op/no-op.action.ts';
import { PlaceVersionAction } from './place-version/place-version.action.ts';
import { ProveCanaryDeadAction } from './prove-canary-dead/prove-canary-dead.action.ts';
import { RetireIntegrationAction } from './retire-integration/retire-integration.action.ts';
import { RevokeCanaryAction } from './revoke-canary/revoke-canary.action.ts';
import { RevokeOldAction } from './revoke-old/revoke-old.action.ts';
import { RevokeVersionAction } from './revoke-version/revoke-version.action.ts';
import { SendNoticeAction } from './send-notice/send-notice.action.ts';
import { SimulateIssuanceAction } from './simulate-issuance/simulate-issuance.action.ts';
import { TellPartiesAction } from './tell-parties/tell-parties.action.ts';
import { ValidateVersionAction } from './validate-version/validate-version.action.ts';
import { VerifyDeadAction } from './verify-dead/verify-dead.action.ts';
import { WaitAction } from './wait/wait.action.ts';
import { WithdrawVersionAction } from './withdraw-version/withdraw-version.action.ts';

/** Every action that a runbook may use, each a Nest provider. One line adds one. */
export const actionClasses = [
  ApprovalAction,
  AskGateAction,
  AwaitAcknowledgementAction,
  AwaitFindingsGoneAction,
  AwaitLiveAction,
  AwaitScopeReviewAction,
  CallOutAction,
  CheckLocationAction,
  ClearAwayAction,
  CompensateAction,
  ConcludeDrillAction,
  ConcludeRollBackAction,
  ConcludeRotationAction,
  CreateVersionAction,
  DrillUnprovenAction,
  EndSessionsAction,
  EscalateAction,
  HoldOverlapAction,
  ManualTaskAction,
  NoOpAction,
  PlaceVersionAction,
  ProveCanaryDeadAction,
  RetireIntegrationAction,
  RevokeCanaryAction,
  RevokeOldAction,
  RevokeVersionAction,
  SendNoticeAction,
  SimulateIssuanceAction,
  TellPartiesAction,
  ValidateVersionAction,
  VerifyDeadAction,
  WaitAction,
  WithdrawVersionAction,
] as const;
