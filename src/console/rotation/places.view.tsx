import type { RotationView } from '../../domain/rotation/rotation.schema.ts';
import { PostForm } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { At } from '../shared/parts.tsx';
import { Chip, words, type Tone } from '../shared/states.tsx';
import type { RefusedForm } from './refused-form.ts';

type Place = RotationView['places'][number];

const HOLDS: Readonly<Record<Place['holds'], { tone: Tone; word: string }>> = {
  new: { tone: 'dead', word: 'new version' },
  old: { tone: 'wait', word: 'old version' },
  unknown: { tone: 'doubt', word: 'version not known' },
  other: { tone: 'doubt', word: 'another version' },
};

/** Each place with what it holds, and who says so; with the answer that is asked for, where one is. */
export function Places({
  frame,
  rotation,
  refused,
}: {
  frame: Frame;
  rotation: RotationView;
  refused: RefusedForm | undefined;
}) {
  const back = rotation.state === 'rolling_back';
  const forward = rotation.new !== null && ['stored', 'propagating', 'validating'].includes(rotation.state);
  return (
    <ul class="plain">
      {rotation.places.map((place) => {
        const asked = back
          ? place.holds === 'new'
          : forward && place.holds !== 'new' && place.answer === null;
        return (
          <li>
            <div class="line tight">
              <Chip tone={HOLDS[place.holds].tone}>{HOLDS[place.holds].word}</Chip>
              <b>{place.name}</b>
              <span class="soft small">
                {[words(place.kind), place.path, place.owner ?? 'nobody owns it'].filter(Boolean).join(' · ')}
              </span>
            </div>
            <div class="soft small">
              {place.lastUsedAt === null ? (
                'No use was ever reported from here, which is not "never".'
              ) : (
                <>
                  Last seen in use <At at={Date.parse(place.lastUsedAt)} />
                </>
              )}
              {place.answer !== null && (
                <>
                  {' '}
                  ·{' '}
                  {place.how === 'seen'
                    ? 'seen in use'
                    : place.how === 'store'
                      ? 'put there by machine'
                      : words(place.answer)}{' '}
                  <At at={place.at === null ? null : Date.parse(place.at)} />
                  {place.note && `: ${place.note}`}
                </>
              )}
            </div>
            {asked && frame.may('rotations:operate') && (
              <Answer
                frame={frame}
                rotation={rotation}
                place={place}
                back={back}
                problem={problemOf(refused, place)}
              />
            )}
          </li>
        );
      })}
    </ul>
  );
}

function problemOf(refused: RefusedForm | undefined, place: Place): string | undefined {
  if (refused?.form !== place.locationId) return undefined;
  return Object.values(refused.problems)[0];
}

function Answer({
  frame,
  rotation,
  place,
  back,
  problem,
}: {
  frame: Frame;
  rotation: RotationView;
  place: Place;
  back: boolean;
  problem: string | undefined;
}) {
  const number = back ? rotation.old.number : rotation.new?.number;
  const action = `/rotations/${rotation.reference}/places/${place.locationId}`;
  return (
    <PostForm frame={frame} action={action} label={`What ${place.name} holds`}>
      {problem && (
        <p class="notice live" role="alert">
          {problem}
        </p>
      )}
      <div class="field">
        <label for={`note-${place.locationId}`}>{back ? 'Note' : 'Note, or why it is left'}</label>
        <input id={`note-${place.locationId}`} name="note" maxLength={1000} />
      </div>
      <p class="line">
        <button type="submit" name="state" value={back ? 'taken_back' : 'holds_new'}>
          {`It holds version ${number}`}
        </button>
        {!back && (
          <button type="submit" class="plain" name="state" value="left">
            Leave it
          </button>
        )}
      </p>
    </PostForm>
  );
}
