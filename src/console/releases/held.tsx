import { PostForm } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { At, DataTable, Empty, span } from '../shared/parts.tsx';
import { Chip, type Tone } from '../shared/states.tsx';
import type { HeldLine } from './releases.queries.ts';

const STATES: Readonly<Record<string, { tone: Tone; word: string }>> = {
  open: { tone: 'live', word: 'held now' },
  waiting: { tone: 'wait', word: 'waits for consent' },
  consented: { tone: 'wait', word: 'consented, not fetched' },
  returned: { tone: 'dead', word: 'returned' },
  expired: { tone: 'calm', word: 'ran out' },
  revoked: { tone: 'dead', word: 'ended by a person' },
  refused: { tone: 'calm', word: 'consent refused' },
  failed: { tone: 'doubt', word: 'its store was silent' },
};
const OPEN = new Set(['open', 'waiting', 'consented']);

/** Machines that hold a value, until when, and the button that ends it. */
export function Held({
  frame,
  held,
  base,
  by,
}: {
  frame: Frame;
  held: readonly HeldLine[];
  base: string;
  by: 'credential' | 'integration';
}) {
  if (held.length === 0) return <Empty>No machine holds it, and none ever did.</Empty>;
  return (
    <DataTable
      caption="Checkouts"
      columns={[
        { title: 'State' },
        { title: 'Machine' },
        { title: by === 'credential' ? 'Purpose' : 'Credential' },
        { title: 'Since' },
        { title: 'Until' },
        { title: '' },
      ]}
      rows={held.map((one) => {
        const { tone, word } = STATES[one.state] ?? { tone: 'doubt' as const, word: one.state };
        return [
          <Chip tone={tone}>{word}</Chip>,
          <div>
            <b>{one.machine}</b>{' '}
            <a class="ref" href={`/integrations/${one.integrationReference}/machines`}>
              {one.machineReference}
            </a>
          </div>,
          by === 'credential' ? (
            <div>
              {one.purpose}
              {one.versionNumber !== null && <div class="soft small">{`version ${one.versionNumber}`}</div>}
            </div>
          ) : (
            <div>
              <a href={`/credentials/${one.credentialReference}/value`}>{one.credentialName}</a>
              <div class="soft small">{one.purpose}</div>
            </div>
          ),
          <At at={one.askedAt} />,
          <div>
            <At at={one.expiresAt} />
            {OPEN.has(one.state) && one.expiresAt !== null && (
              <div class="soft small">{`${span(one.expiresAt - frame.now)} left`}</div>
            )}
            {one.state === 'waiting' && one.consentOf && (
              <div class="soft small">{`asks ${one.consentOf}`}</div>
            )}
          </div>,
          OPEN.has(one.state) && frame.may('checkouts:end') ? (
            <PostForm
              frame={frame}
              action={`${base}/checkouts/${one.id}/end`}
              label={`End the checkout of ${one.machine}`}
              inline
            >
              <button type="submit" class="small plain">
                End it now
              </button>
            </PostForm>
          ) : (
            ''
          ),
        ];
      })}
    />
  );
}
