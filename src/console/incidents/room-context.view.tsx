import { At, Empty, span } from '../shared/parts.tsx';
import { Short, tally, Whole, type Tally } from '../shared/fold.tsx';
import { Chip, StateChip, toneOf, words, type Tone } from '../shared/states.tsx';
import type { RoomCase, Witness } from './room-context.queries.ts';

/** Who is affected: the open cases in sight, the others folded. */
export function Cases({ cases, total, path }: { cases: readonly RoomCase[]; total: number; path: string }) {
  if (cases.length === 0) return <Empty>No integration is affected, as far as is known.</Empty>;
  return (
    <>
      <Short
        id="cases"
        items={cases}
        first={3}
        needs={({ state }) => state === 'open'}
        more="More open cases"
        settled="The other cases"
        states={(part) => tally(part, ({ state }) => ({ tone: toneOf(state), word: words(state) }))}
      >
        {(part) => <CaseList cases={part} />}
      </Short>
      <Whole shown={cases.length} of={total} path={path} />
    </>
  );
}

export function CaseList({ cases }: { cases: readonly RoomCase[] }) {
  return (
    <ul class="plain">
      {cases.map((one) => (
        <li id={`case-${one.id}`}>
          <div class="line spread">
            <a href={`/integrations/${one.integrationReference}`}>
              <b>{one.integrationName}</b>
            </a>
            <StateChip state={one.state} />
          </div>
          <div class="soft small">
            {one.reference} · {one.credentials === 1 ? '1 credential' : `${one.credentials} credentials`} ·{' '}
            {one.parties.join(', ')}
          </div>
          <div class="small">
            {one.accountable ? (
              <>accountable for containment: {one.accountable}</>
            ) : (
              <Chip tone="live">nobody is accountable for containment</Chip>
            )}
          </div>
        </li>
      ))}
    </ul>
  );
}

const MATCHES: Readonly<Record<string, { tone: Tone; word: string }>> = {
  value: { tone: 'live', word: 'by value' },
  metadata: { tone: 'wait', word: 'by description' },
};
const NO_MATCH = { tone: 'wait', word: 'no match' } as const;
const NOT_MATCHED = { tone: 'calm', word: 'not matched' } as const;

function matches(witnesses: readonly Witness[]): Tally[] {
  return tally(witnesses, ({ match }) => (match ? (MATCHES[match] ?? NO_MATCH) : NOT_MATCHED));
}

/** Who told of it, the newest in sight. */
export function Witnesses({
  witnesses,
  total,
  path,
}: {
  witnesses: readonly Witness[];
  total: number;
  path: string;
}) {
  if (witnesses.length === 0) return <Empty>No report names this.</Empty>;
  return (
    <>
      <Short id="witnesses" items={witnesses} first={2} more="Earlier reports" states={matches}>
        {(part) => <WitnessList witnesses={part} />}
      </Short>
      <Whole shown={witnesses.length} of={total} path={path} />
    </>
  );
}

function WitnessList({ witnesses }: { witnesses: readonly Witness[] }) {
  return (
    <ul class="plain">
      {witnesses.map((one) => (
        <li id={`w-${one.reference}`}>
          <div class="line spread">
            <b>{one.sourceName}</b>
            <span class="line tight">
              {one.publiclyLeaked && <Chip tone="live">public</Chip>}
              {one.match && (
                <Chip tone={(MATCHES[one.match] ?? NO_MATCH).tone}>
                  {(MATCHES[one.match] ?? NO_MATCH).word}
                </Chip>
              )}
            </span>
          </div>
          <div class="soft small">
            {one.reference} · <At at={one.receivedAt} />
            {one.credentialName && ` · ${one.credentialName}`}
            {one.detectedAt !== null &&
              one.receivedAt > one.detectedAt &&
              ` · told us ${span(one.receivedAt - one.detectedAt)} after it knew`}
          </div>
          {one.place && <div class="mono soft">{one.place.slice(0, 160)}</div>}
        </li>
      ))}
    </ul>
  );
}
