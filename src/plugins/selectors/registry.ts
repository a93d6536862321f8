import { FromInputSelector } from './from-input/from-input.selector.ts';

/** Everything that a runbook may fan out over, each a Nest provider. One line adds one. */
export const selectorClasses = [FromInputSelector] as const;
