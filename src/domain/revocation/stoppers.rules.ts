import { ELAPSED_DAY, MINUTE, type Millis } from '../../kernel/time.ts';
import type { Revocability } from './connector.ts';

/** A drill older than this proves nothing any more. */
export const PROVEN_FOR = 180 * ELAPSED_DAY;
/** What a way without any estimate is taken for. */
const GUESS_BY_MACHINE = 5;
const GUESS_BY_PERSON = 240;

export interface StoppableCredential {
  id: string;
  revocability: Revocability;
}

/** One way to stop a credential: a connection of ours, or somebody to call. */
export interface StopPath {
  id: string;
  kind: 'connector' | 'contact';
  /** As agreed; breaks ties. */
  ordinal: number;
  partyId: string;
  /** "GitLab (production)", "Ann Meyer, on-call". */
  label: string;
  expectedMinutes: number | null;
  /** A retired connection or contact. */
  retired: boolean;
  /** For connectors: whether the revoke itself is done by machine. */
  byMachine: boolean;
}

export interface DrillResult {
  pathId: string;
  startedAt: Millis;
  endedAt: Millis | null;
  outcome: 'passed' | 'failed' | null;
}

export interface Stopper {
  pathId: string;
  kind: 'connector' | 'contact';
  partyId: string;
  label: string;
  byMachine: boolean;
  /** Measured by the last passed drill, else as agreed, else guessed. */
  expectedMinutes: number;
  measured: boolean;
  lastDrill: { at: Millis; outcome: 'passed' | 'failed' } | null;
  standing: 'proven' | 'untried' | 'drill_too_old' | 'drill_failed';
}

const STANDING_ORDER: Record<Stopper['standing'], number> = {
  proven: 0,
  drill_too_old: 1,
  untried: 2,
  drill_failed: 3,
};

/**
 * Who can still stop the abuse of this credential, in the order to call: what was tried and works first, then by the
 * minutes it takes, machines before people, then as agreed. Empty: nobody can, the worst finding there is.
 */
export function stoppersOf(
  credential: StoppableCredential,
  paths: readonly StopPath[],
  drills: readonly DrillResult[],
  now: Millis,
): Stopper[] {
  if (credential.revocability === 'impossible' || credential.revocability === 'expiry_only') return [];
  return paths
    .filter((path) => !path.retired)
    .map((path) => ({ path, stopper: stopperOf(path, drills, now) }))
    .sort(
      (a, b) =>
        STANDING_ORDER[a.stopper.standing] - STANDING_ORDER[b.stopper.standing] ||
        a.stopper.expectedMinutes - b.stopper.expectedMinutes ||
        Number(b.stopper.byMachine) - Number(a.stopper.byMachine) ||
        a.path.ordinal - b.path.ordinal ||
        (a.path.id < b.path.id ? -1 : 1),
    )
    .map(({ stopper }) => stopper);
}

function stopperOf(path: StopPath, drills: readonly DrillResult[], now: Millis): Stopper {
  const last = drills
    .filter((drill) => drill.pathId === path.id && drill.outcome !== null && drill.startedAt <= now)
    .sort((a, b) => b.startedAt - a.startedAt)[0];
  const measured =
    last?.outcome === 'passed' && last.endedAt !== null
      ? Math.max(1, Math.ceil((last.endedAt - last.startedAt) / MINUTE))
      : null;
  const guess = path.byMachine ? GUESS_BY_MACHINE : GUESS_BY_PERSON;
  return {
    pathId: path.id,
    kind: path.kind,
    partyId: path.partyId,
    label: path.label,
    byMachine: path.byMachine,
    expectedMinutes: measured ?? path.expectedMinutes ?? guess,
    measured: measured !== null,
    lastDrill: last?.outcome ? { at: last.startedAt, outcome: last.outcome } : null,
    standing: !last
      ? 'untried'
      : last.outcome === 'failed'
        ? 'drill_failed'
        : now - last.startedAt > PROVEN_FOR
          ? 'drill_too_old'
          : 'proven',
  };
}
