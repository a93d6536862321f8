import type { Convergence, PlaceStanding } from '../../domain/credentials/convergence.rules.ts';
import { At, DataTable, Empty, ShareBar } from '../shared/parts.tsx';
import { Chip, words, type Tone } from '../shared/states.tsx';

const STANDINGS: Readonly<Record<PlaceStanding, { tone: Tone; word: string }>> = {
  seen: { tone: 'dead', word: 'seen to hold it' },
  stated: { tone: 'info', word: 'said to hold it' },
  unknown: { tone: 'doubt', word: 'not known' },
  other: { tone: 'live', word: 'hold something else' },
};
const IN_ORDER: readonly PlaceStanding[] = ['seen', 'stated', 'unknown', 'other'];

/** How many places hold the version that they are to hold, drawn, each part with its word. */
export function ConvergenceBar({ convergence, label }: { convergence: Convergence; label?: string }) {
  const { target, counts, places } = convergence;
  if (places.length === 0) return <Empty>No copy is known. That is no proof that there is none.</Empty>;
  if (target === null)
    return (
      <Empty>
        Every version of it is dead, exposed, being revoked or out of use: there is none that its copies could
        hold.
      </Empty>
    );
  return (
    <ShareBar
      label={label ?? `Copies that hold version ${target}`}
      parts={IN_ORDER.map((standing) => ({ ...STANDINGS[standing], count: counts[standing] }))}
    />
  );
}

/** The bar, and under it the places that are not there yet by name; the others are folded away. */
export function ConvergencePanel({ convergence }: { convergence: Convergence }) {
  const { target, places, converged } = convergence;
  const late = places.filter(({ standing }) => standing === 'other' || standing === 'unknown');
  const there = places.filter(({ standing }) => standing === 'seen' || standing === 'stated');
  return (
    <div>
      <ConvergenceBar convergence={convergence} />
      {target !== null && places.length > 0 && (
        <p class="soft small">
          {converged
            ? `Every known copy holds version ${target}, as far as anybody has said or seen.`
            : `${late.length} of ${places.length} known copies are not known to hold version ${target}.`}
        </p>
      )}
      {late.length > 0 && (
        <PlaceTable caption={target === null ? 'Copies' : 'Copies that are not there yet'} places={late} />
      )}
      {there.length > 0 && (
        <details>
          <summary>
            {there.length === 1 ? 'The copy that is there' : `The ${there.length} that are there`}
          </summary>
          <PlaceTable caption="Copies that hold the version" places={there} />
        </details>
      )}
    </div>
  );
}

/** How a record of a copy came to be. */
export const SHOWN = {
  record: 'written down',
  fingerprint: 'fingerprint seen',
  store_api: 'seen in its store',
} as const;

function PlaceTable({ caption, places }: { caption: string; places: Convergence['places'] }) {
  return (
    <DataTable
      caption={caption}
      columns={[{ title: 'Copy' }, { title: 'Holds' }, { title: 'Known by' }]}
      rows={places.map((place) => [
        <div>
          <b>{place.name}</b>
          <div class="soft small">
            {words(place.kind)}
            {place.path && (
              <>
                {' · '}
                <span class="mono">{place.path}</span>
              </>
            )}
            {place.partyName && ` · ${place.partyName}`}
          </div>
        </div>,
        <div>
          <Chip tone={STANDINGS[place.standing].tone}>
            {place.version !== null
              ? `version ${place.version}`
              : place.shownBy === null
                ? 'version not known'
                : 'a value of no known version'}
          </Chip>
          {place.left.length > 0 && (
            <div class="soft small">
              {`version ${place.left.join(', ')} was there, and nobody has shown that it is gone`}
            </div>
          )}
        </div>,
        <div>
          {place.shownBy ? SHOWN[place.shownBy] : <span class="soft">nobody has said</span>}
          {place.at !== null && (
            <div class="soft small">
              <At at={place.at} />
            </div>
          )}
        </div>,
      ])}
    />
  );
}
