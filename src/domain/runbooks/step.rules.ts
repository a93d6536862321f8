/**
 * The states of a step, and the only ways between them. `waiting` is time's turn, `parked` a person's, `unknown` says that
 * an effect may or may not have happened and nobody has looked yet.
 */
export const STEP_STATES = [
  'pending',
  'ready',
  'running',
  'waiting',
  'unknown',
  'parked',
  'done',
  'failed',
  'skipped',
  'cancelled',
] as const;
export type StepState = (typeof STEP_STATES)[number];

const OPEN_ENDS = ['done', 'failed', 'skipped', 'cancelled'] as const;

/** From each state, the states that may follow. `failed → ready` is a person asking for another try. */
export const TRANSITIONS: Readonly<Record<StepState, readonly StepState[]>> = {
  //           released / due / claimed      put off                         ended
  pending:   ['ready',                                                       'skipped', 'cancelled'],
  ready:     ['running',                                                     'skipped', 'cancelled'],
  running:   ['ready',                       'waiting', 'unknown', 'parked', ...OPEN_ENDS],
  waiting:   ['ready',                       'parked',                       ...OPEN_ENDS],
  unknown:   ['ready',                       'parked',                       ...OPEN_ENDS],
  parked:    ['ready',                                                       ...OPEN_ENDS],
  done:      [],
  failed:    ['ready'],
  skipped:   [],
  cancelled: [],
}; // prettier-ignore

/** States in which nothing more happens by itself. */
export const FINAL: ReadonlySet<StepState> = new Set(OPEN_ENDS);

export function mayBecome(from: StepState, to: StepState): boolean {
  return TRANSITIONS[from].includes(to);
}

/** The states from which a step may become `to`; SQL that moves steps names them in its WHERE. */
export function statesBefore(to: StepState): StepState[] {
  return STEP_STATES.filter((from) => mayBecome(from, to));
}

export const RUN_STATES = ['running', 'cancelling', 'done', 'failed', 'cancelled'] as const;
export type RunState = (typeof RUN_STATES)[number];

/** After so many workers died holding it, a step is poison: it waits for a person and the others go on. */
export const DEATHS_ALLOWED = 5;

/** What becomes of a step whose worker died. The next to take it probes first. */
export function afterDeath(deathsBefore: number): {
  state: 'ready' | 'parked';
  deaths: number;
  reason: string | null;
} {
  const deaths = deathsBefore + 1;
  return deaths < DEATHS_ALLOWED
    ? { state: 'ready', deaths, reason: null }
    : { state: 'parked', deaths, reason: `${deaths} workers died while they held this step` };
}

/** Lane of steps under suspicion of killing their workers: one at a time, so that a poison step takes no others along. */
export const SUSPECTS = '!suspects';
