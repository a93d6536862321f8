import { ApprovalAction } from './approval/approval.action.ts';
import { ManualTaskAction } from './manual-task/manual-task.action.ts';
import { NoOpAction } from './no-op/no-op.action.ts';
import { WaitAction } from './wait/wait.action.ts';

/** Every action that a runbook may use, each a Nest provider. One line adds one. */
export const actionClasses = [ApprovalAction, ManualTaskAction, NoOpAction, WaitAction] as const;
