import type { Id } from '../../src/kernel/ids.ts';
import { until, type TestApp } from './app.ts';
import type { RevocationScene } from './revocation-scene.ts';

export interface RunStep {
  id: Id;
  step: string;
  state: string;
  lane: string;
  /** Of what the step is about, where it is about one item of a selector. */
  subject: Id | null;
  reason: string | null;
  forWhat: string | null;
  ownerContactId: Id | null;
}

/** Waits on a run's own state; the clock goes on meanwhile, so that retries come. @throws Error with the steps as they stand */
export async function stepsOnce(
  { clock }: TestApp,
  scene: RevocationScene,
  runId: Id,
  reached: (steps: RunStep[]) => boolean,
  limit = 60_000,
): Promise<RunStep[]> {
  let steps: RunStep[] = [];
  const look = async () => {
    steps = await scene.query<RunStep>(
      `SELECT s.id, n.step, s.state, s.lane, s.item->'subject'->>'id' AS subject, s.reason, s.for_what AS "forWhat",
              s.owner_contact_id AS "ownerContactId"
         FROM step s JOIN run_node n ON n.run_id = s.run_id AND n.node = s.node WHERE s.run_id = $1`,
      [runId],
    );
    if (steps.length > 0 && reached(steps)) return true;
    clock.advance(250);
    return false;
  };
  await until(look, () => JSON.stringify(steps, null, 1), limit, 20);
  return steps;
}
