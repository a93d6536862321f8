import type { WayStep } from '../../domain/policy/onboarding.schema.ts';
import { Chip, words, type Tone } from '../shared/states.tsx';

const STATE: Readonly<Record<WayStep['state'], { tone: Tone; word: string }>> = {
  waits: { tone: 'calm', word: 'not yet' },
  under_way: { tone: 'wait', word: 'under way' },
  needs_somebody: { tone: 'doubt', word: 'needs somebody' },
  done: { tone: 'dead', word: 'done' },
  failed: { tone: 'live', word: 'failed' },
  skipped: { tone: 'calm', word: 'left out' },
  cancelled: { tone: 'calm', word: 'cancelled' },
};

/** Parts that belong to different people, as the runbooks name them. */
const PARTS: Readonly<Record<string, string>> = {
  request: 'asks for it',
  approve: 'admits it',
  issue: 'issues its credentials',
  operate: 'opens the gate',
};

/** How far along a way is, step by step, and what each open step waits for. */
export function WaySteps({ steps }: { steps: readonly WayStep[] }) {
  const over = steps.filter(({ state }) => state === 'done' || state === 'skipped').length;
  return (
    <>
      <p class="line">
        <progress max={steps.length} value={over} aria-label="Steps done" />
        <span class="soft small">
          {over} of {steps.length} steps
        </span>
      </p>
      <ol class="plain">
        {steps.map((one) => (
          <li>
            <div class="line tight">
              <Chip tone={STATE[one.state].tone}>{STATE[one.state].word}</Chip>
              <b>{one.title}</b>
              {one.total > 1 && (
                <span class="soft small">
                  {one.done} of {one.total}
                </span>
              )}
              {one.act && (
                <span class="soft small">
                  done by whoever {PARTS[one.act] ?? `has the part “${words(one.act)}”`}: somebody with no
                  other part in it
                </span>
              )}
            </div>
            {one.open.slice(0, 20).map((open) => (
              <div class="small">
                <a href={`/steps/${open.stepId}`}>
                  {open.label ?? (open.state === 'parked' ? 'answer' : 'look')}
                </a>
                {open.forWhat && <span class="soft"> {open.forWhat}</span>}
              </div>
            ))}
            {one.open.length > 20 && <div class="soft small">and {one.open.length - 20} more</div>}
          </li>
        ))}
      </ol>
    </>
  );
}
