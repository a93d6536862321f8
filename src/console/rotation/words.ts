import type { RotationState } from '../../domain/rotation/rotation.rules.ts';
import type { PlaceFate } from '../../domain/rotation/simulation.rules.ts';
import type { Tone } from '../shared/states.tsx';

/** What each state of a rotation means to somebody who only looks. */
export const STATES: Readonly<Record<RotationState, { tone: Tone; word: string }>> = {
  planned: { tone: 'info', word: 'planned' },
  creating: { tone: 'wait', word: 'making the new version' },
  stored: { tone: 'wait', word: 'stored' },
  propagating: { tone: 'wait', word: 'being put in place' },
  validating: { tone: 'wait', word: 'being validated' },
  overlap: { tone: 'info', word: 'both work' },
  revoking: { tone: 'wait', word: 'old one being revoked' },
  proven: { tone: 'dead', word: 'old one shown dead' },
  done: { tone: 'dead', word: 'done' },
  rolling_back: { tone: 'doubt', word: 'being rolled back' },
  rolled_back: { tone: 'calm', word: 'rolled back' },
  stopped: { tone: 'live', word: 'stopped' },
  failed: { tone: 'live', word: 'failed' },
};

/** Where the old version stands. */
export const OLD: Readonly<Record<string, Tone>> = {
  'in use': 'info',
  overlap: 'wait',
  'being revoked': 'wait',
  dead: 'dead',
  'stated dead': 'doubt',
  unproven: 'doubt',
  'left alive': 'live',
};

export const FATES: Readonly<Record<PlaceFate, { tone: Tone; word: string }>> = {
  breaks: { tone: 'live', word: 'would break' },
  overdue: { tone: 'doubt', word: 'overdue' },
  unknown: { tone: 'doubt', word: 'not known' },
  updates_itself: { tone: 'dead', word: 'updates itself' },
  no_consumer: { tone: 'calm', word: 'no use is known' },
};
