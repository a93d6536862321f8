import { Chip, words, type Tone } from '../shared/states.tsx';

/** The facets of death, each with its own words: none implies another. */
const FACETS: Readonly<
  Record<
    'revocation' | 'liveness' | 'sessions' | 'copy',
    Readonly<Record<string, { tone: Tone; word: string }>>
  >
> = {
  revocation: {
    none: { tone: 'calm', word: 'not asked for' },
    requested: { tone: 'wait', word: 'asked for' },
    accepted: { tone: 'info', word: 'accepted' },
    rejected: { tone: 'live', word: 'refused' },
  },
  liveness: {
    live: { tone: 'live', word: 'alive' },
    dead: { tone: 'dead', word: 'proven dead' },
    indeterminate: { tone: 'doubt', word: 'cannot tell' },
  },
  sessions: {
    unknown: { tone: 'doubt', word: 'unknown' },
    ended: { tone: 'dead', word: 'ended' },
    residual: { tone: 'wait', word: 'live on' },
    none: { tone: 'dead', word: 'has none' },
  },
  copy: {
    gone: { tone: 'dead', word: 'gone' },
    present: { tone: 'live', word: 'still there' },
    cannot_be_proven: { tone: 'doubt', word: 'cannot be proven' },
  },
};

/** One facet. Without a value nobody has looked, which is calm before a leak and said plainly in one. */
export function FacetChip({
  facet,
  value,
  exposed,
}: {
  facet: keyof typeof FACETS;
  value: string | null | undefined;
  exposed?: boolean;
}) {
  const known = value ? FACETS[facet][value] : undefined;
  if (known) return <Chip tone={known.tone}>{known.word}</Chip>;
  return exposed ? <Chip tone="wait">not looked</Chip> : <span class="soft">–</span>;
}

/** How many copies there are, and in a leak how many are known to be gone. */
export function CopiesChip({
  copies,
  gone,
  unprovable,
  exposed,
}: {
  copies: number;
  gone: number;
  unprovable: number;
  exposed: boolean;
}) {
  if (copies === 0) return <span class="soft">none known</span>;
  return (
    <span class="line tight">
      {exposed ? (
        <Chip tone={gone === copies ? 'dead' : 'wait'}>{`${gone} of ${copies} gone`}</Chip>
      ) : (
        <span>{copies}</span>
      )}
      {unprovable > 0 && <Chip tone="doubt">{`${unprovable} unprovable`}</Chip>}
    </span>
  );
}

const SHOWN_BY: Readonly<Record<string, string>> = {
  owner_statement: 'somebody signed for it',
  scan: 'by a scan',
  fingerprint: 'by its fingerprint',
  store_api: 'by its store',
};

/** What a copy that is gone was shown by: a word is told apart from a look. */
export function shownBy(method: string): string {
  return SHOWN_BY[method] ?? words(method);
}
