import { At } from '../shared/parts.tsx';
import { Chip, words, type Tone } from '../shared/states.tsx';
import type { ShownLook } from './answer.queries.ts';

const LOOKS: Readonly<Record<ShownLook['verdict'], { tone: Tone; word: string }>> = {
  gone: { tone: 'dead', word: 'gone' },
  present: { tone: 'live', word: 'still there' },
  indeterminate: { tone: 'doubt', word: 'does not tell' },
};

/** What scans and fingerprints told of the copy; what told nothing stands there, too. */
export function Looks({ looks }: { looks: readonly ShownLook[] }) {
  if (looks.length === 0) return null;
  return (
    <>
      <h3>Looks at it</h3>
      <ul class="plain">
        {looks.map((one) => (
          <li>
            <Chip tone={LOOKS[one.verdict].tone}>{LOOKS[one.verdict].word}</Chip> {words(one.method)}
            {one.tool && ` by ${one.tool}`}, for version {one.version}, <At at={one.lookedAt} />
            <div class="soft small">{one.why}</div>
          </li>
        ))}
      </ul>
    </>
  );
}
