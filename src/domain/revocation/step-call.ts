import { system } from '../../kernel/principal.ts';
import type { StepContext } from '../runbooks/action.ts';
import type { RevocationCall } from './probing.service.ts';

/** What a step hands to whoever acts for it: the engine acts, under the step's own key and time limit. */
export function callOf(context: StepContext<unknown>): RevocationCall & { stepId: string } {
  return {
    by: system('engine', context.correlationId),
    stepId: context.stepId,
    idempotencyKey: context.idempotencyKey,
    attempt: context.attempt,
    takenOver: context.takenOver,
    tries: context.tries,
    signal: context.signal,
    turn: (ask) => context.turn(ask),
  };
}
