import { refusal, type Refusal } from '../../kernel/errors.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { iso, type Millis } from '../../kernel/time.ts';

/**
 * The states of a rotation, in the order of a good one, then the other ends. What the supplier was asked for is in the
 * rows of its requests; what became of the old version is in `old_end`.
 */
export const ROTATION_STATES = [
  'planned',
  'creating',
  'stored',
  'propagating',
  'validating',
  'overlap',
  'revoking',
  'proven',
  'done',
  'rolling_back',
  'rolled_back',
  'stopped',
  'failed',
] as const;
export type RotationState = (typeof ROTATION_STATES)[number];

/** States in which nothing more happens by itself. */
export const CLOSED: ReadonlySet<RotationState> = new Set(['done', 'rolled_back', 'stopped', 'failed']);

/** `stays`: the old version works until it is revoked. `dies`: it ends as the new one is made, and there is no way back. */
export const OLD_FATES = ['stays', 'dies'] as const;
export type OldFate = (typeof OLD_FATES)[number];

/** What became of the old version. null: it lives on, or nobody has shown otherwise. */
export const OLD_ENDS = ['proven_dead', 'stated'] as const;
export type OldEnd = (typeof OLD_ENDS)[number];

/** What decides how a rotation may go on. */
export interface RotationFacts {
  state: RotationState;
  oldFate: OldFate;
  /** The supplier was asked for a new version, and may have made it. */
  asked: boolean;
  /** A new version is on record. */
  hasNew: boolean;
  /** The new version was seen to work, or somebody signed that it does. */
  validated: boolean;
  /** How many places still hold the old version without anybody having said why. */
  behind: number;
  overlapUntil: Millis | null;
  oldEnd: OldEnd | null;
}

export type RotationEvent =
  | 'create'
  | 'store'
  | 'propagate'
  | 'validate'
  | 'accept'
  | 'cut_early'
  | 'revoke'
  | 'prove'
  | 'conclude'
  | 'roll_back'
  | 'conclude_roll_back'
  | 'stop'
  | 'fail';

/**
 * What an event makes of a rotation. Two things are decided here and nowhere else: nothing that kills the old version is
 * let through before the new one was seen to work, and nothing that kills the new one while the old one is gone.
 *
 * @returns the next state, or why not; asking for what is so already is let through, as whoever was killed asks again
 */
export function transition(
  facts: RotationFacts,
  event: RotationEvent,
  now: Millis,
): Result<RotationState, Refusal> {
  const { state } = facts;
  const no = (code: string, message: string) => err(refusal('conflict', code, message));
  if (CLOSED.has(state)) {
    const ends: Partial<Record<RotationEvent, RotationState>> = {
      conclude: 'done',
      conclude_roll_back: 'rolled_back',
      stop: 'stopped',
      fail: 'failed',
    };
    return ends[event] === state ? ok(state) : no('rotation-ended', `The rotation is ${words(state)}.`);
  }
  if (state === 'rolling_back' && !['roll_back', 'conclude_roll_back', 'stop', 'fail'].includes(event))
    return no('rolling-back', 'The rotation is being rolled back.');
  const at = (...states: RotationState[]) => states.includes(state);
  const outOfTurn = () => no('out-of-turn', `The rotation is ${words(state)}; this is not its turn.`);
  switch (event) {
    case 'create':
      return at('planned', 'creating') ? ok('creating') : outOfTurn();
    case 'store':
      return at('planned', 'creating', 'stored') ? ok('stored') : outOfTurn();
    case 'propagate':
      return facts.hasNew && at('stored', 'propagating') ? ok('propagating') : outOfTurn();
    case 'validate':
      if (!facts.hasNew || !at('stored', 'propagating', 'validating')) return outOfTurn();
      if (facts.behind > 0)
        return no(
          'places-behind',
          `${facts.behind} ${facts.behind === 1 ? 'place still holds' : 'places still hold'} the old version. Confirm each, or say why it is left.`,
        );
      return ok('validating');
    case 'accept':
      if (!at('validating', facts.oldFate === 'dies' ? 'revoking' : 'overlap')) return outOfTurn();
      if (!facts.validated) return no('not-validated', 'Nobody has seen the new version work.');
      return ok(facts.oldFate === 'dies' ? 'revoking' : 'overlap');
    case 'cut_early':
      return at('overlap') ? ok('overlap') : outOfTurn();
    case 'revoke':
      if (!at('overlap', 'revoking')) return outOfTurn();
      if (!facts.validated) return no('not-validated', 'Nobody has seen the new version work.');
      if (state === 'overlap' && (facts.overlapUntil === null || now < facts.overlapUntil))
        return no(
          'overlap',
          facts.overlapUntil === null
            ? 'The overlap has no end yet.'
            : `Both versions are to work until ${iso(facts.overlapUntil)}.`,
        );
      return ok('revoking');
    case 'prove':
      if (!at('revoking', 'proven')) return outOfTurn();
      return facts.oldEnd === null
        ? no('old-alive', 'Nobody has shown that the old version is dead.')
        : ok('proven');
    case 'conclude':
      return at('proven') && facts.oldEnd !== null ? ok('done') : outOfTurn();
    case 'roll_back':
      if (state === 'rolling_back') return ok(state);
      if (facts.oldFate === 'dies' && (facts.asked || facts.hasNew))
        return no(
          'no-way-back',
          'The old version ended as the new one was made: there is nothing to go back to. Go on, or rotate again.',
        );
      if (!at('planned', 'creating', 'stored', 'propagating', 'validating', 'overlap'))
        return no(
          'too-late',
          'The old version is being revoked: there is nothing to go back to. Rotate again.',
        );
      return ok('rolling_back');
    case 'conclude_roll_back':
      return at('rolling_back') ? ok('rolled_back') : outOfTurn();
    case 'stop':
      return ok('stopped');
    case 'fail':
      return ok('failed');
  }
}

/** Beside the states of requests: a machine looked at the new version, and saw it refused. */
export const REFUSED = 'refused';

/** What is known of a new version beside the word of whoever says that it works. */
export interface WordFacts {
  /** A machine looked and saw it accepted, or a use of it was reported as accepted. */
  seen: boolean;
  /** Whose hand entered it; null: that is not known. */
  enteredBy: string | null;
}

/**
 * Whether somebody's word that a new version works waits for another person. The word ends the old version: where nothing
 * but people vouches for the new one, two do, who enters it and who has seen it work.
 */
export function needsAnother({ seen, enteredBy }: WordFacts, hand: string): boolean {
  return !seen && (enteredBy === null || enteredBy === hand);
}

/** Where the old version stands, for people: never nothing. */
export interface OldStanding {
  word: 'in use' | 'overlap' | 'being revoked' | 'dead' | 'stated dead' | 'unproven' | 'left alive';
  until: Millis | null;
}

/** An old version never drops out of sight: it is in use, ends at a time that is shown, is shown dead, or is said to be neither. */
export function oldStanding(facts: RotationFacts): OldStanding {
  const still = (word: OldStanding['word'], until: Millis | null = null) => ({ word, until });
  if (facts.oldEnd === 'proven_dead') return still('dead');
  if (facts.oldEnd === 'stated') return still('stated dead');
  if (facts.oldFate === 'dies' && (facts.asked || facts.hasNew)) return still('unproven');
  switch (facts.state) {
    case 'overlap':
      return still('overlap', facts.overlapUntil);
    case 'revoking':
    case 'proven':
    case 'done':
      return still('being revoked');
    case 'stopped':
    case 'failed':
      return still(facts.validated ? 'left alive' : 'in use');
    default:
      return still('in use');
  }
}

export function words(text: string): string {
  return text.replaceAll('_', ' ');
}

/** A version as the supplier's list shows it, as far as a lost answer is settled by it. */
export interface Listed {
  supplierId: string;
  label: string | null;
  createdAt: Millis | null;
}

/** How far two clocks may be apart before the time of making tells nothing. */
const SKEW: Millis = 5 * 60_000;

/**
 * Whether a request whose answer was lost made something, by the supplier's own list.
 *
 * @param known the supplier's ids of the versions that are on record
 * @returns the ids that it made; null: the list cannot tell, as something unknown stands in it without a name
 */
export function settleByList(
  listed: readonly Listed[],
  asked: { label: string; at: Millis },
  known: ReadonlySet<string>,
): string[] | null {
  const strangers = listed.filter(({ supplierId }) => !known.has(supplierId));
  const named = strangers.filter(({ label }) => label === asked.label);
  if (named.length > 0) return named.map(({ supplierId }) => supplierId);
  const nameless = strangers.filter(
    ({ label, createdAt }) =>
      (label === null || label === '') && (createdAt === null || createdAt >= asked.at - SKEW),
  );
  return nameless.length > 0 ? null : [];
}
