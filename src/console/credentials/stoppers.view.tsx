import { At } from '../shared/parts.tsx';
import { Chip, type Tone } from '../shared/states.tsx';
import type { ShownStopper } from './stoppers.queries.ts';

export const STANDING: Readonly<Record<ShownStopper['standing'], { tone: Tone; word: string }>> = {
  proven: { tone: 'dead', word: 'proven' },
  untried: { tone: 'wait', word: 'never tried' },
  drill_too_old: { tone: 'wait', word: 'drill too old' },
  drill_failed: { tone: 'live', word: 'drill failed' },
};

export const ATTEMPT: Readonly<
  Record<NonNullable<ShownStopper['attempt']>['state'], { tone: Tone; word: string }>
> = {
  trying: { tone: 'wait', word: 'being tried now' },
  asked: { tone: 'wait', word: 'asked now' },
  gave_up: { tone: 'live', word: 'gave up' },
  accepted: { tone: 'dead', word: 'did it' },
};

/** Who can still stop a credential, in the order to call. Nobody is the worst finding there is. */
export function Stoppers({ stoppers }: { stoppers: readonly ShownStopper[] }) {
  if (stoppers.length === 0) return <Chip tone="live">nobody can stop it</Chip>;
  return (
    <ol class="stoppers">
      {stoppers.map((stopper) => (
        <li>
          <div class="line tight">
            <b>{stopper.label}</b>
            <span class="soft">{stopper.partyName}</span>
            {stopper.drillsKnown && (
              <Chip tone={STANDING[stopper.standing].tone}>{STANDING[stopper.standing].word}</Chip>
            )}
            {stopper.attempt && (
              <Chip tone={ATTEMPT[stopper.attempt.state].tone}>{ATTEMPT[stopper.attempt.state].word}</Chip>
            )}
          </div>
          {stopper.attempt && stopper.attempt.reason !== '' && (
            <div class="soft small">{stopper.attempt.reason}</div>
          )}
          <div class="soft small">
            {stopper.byMachine
              ? 'by machine'
              : stopper.kind === 'connector'
                ? 'through a connection, by a person'
                : 'by a person'}
            {stopper.reach && <> · {stopper.reach}</>}
            {' · '}
            {stopper.measured ? '' : 'about '}
            {stopper.expectedMinutes} min{stopper.measured && ' in the last drill'}
            {stopper.lastDrill && (
              <>
                {' · drill '}
                <At at={stopper.lastDrill.at} day />
              </>
            )}
          </div>
        </li>
      ))}
    </ol>
  );
}
