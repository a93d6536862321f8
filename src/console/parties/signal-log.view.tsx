import type { SignalDeliveryView } from '../../domain/signals/subscription.schema.ts';
import { PostForm } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { At, DataTable, Empty } from '../shared/parts.tsx';
import { Chip, type Tone } from '../shared/states.tsx';

export const WORDS: Readonly<Record<SignalDeliveryView['state'], string>> = {
  pending: 'waiting',
  delivered: 'taken',
  failed: 'given up',
};
const TONES: Readonly<Record<SignalDeliveryView['state'], Tone>> = {
  pending: 'wait',
  delivered: 'dead',
  failed: 'live',
};

/** What was sent to an endpoint, and what it answered. */
export function Log({
  frame,
  path,
  rows,
  held,
  sends,
}: {
  frame: Frame;
  path: string;
  rows: readonly SignalDeliveryView[];
  /** Until when everything that waits for the endpoint waits. */
  held: number | null;
  sends: boolean;
}) {
  if (rows.length === 0) return <Empty>Nothing was sent.</Empty>;
  return (
    <DataTable
      caption="What was sent"
      columns={[
        { title: 'Made' },
        { title: 'Event' },
        { title: 'What became of it' },
        { title: 'Attempts', numeric: true },
        { title: 'Last answer' },
        { title: '' },
      ]}
      rows={rows.map((one) => [
        <At at={Date.parse(one.createdAt)} />,
        <div>
          {one.type}
          <div class="mono soft small">{one.messageId}</div>
        </div>,
        <div>
          <Chip tone={TONES[one.state]}>{WORDS[one.state]}</Chip>
          {one.state === 'pending' && one.nextAt !== null && (one.attempts > 0 || held !== null) && (
            <div class="soft small">
              {held === null ? 'next ' : 'on hold, not before '}
              <At at={Math.max(held ?? 0, Date.parse(one.nextAt))} />
            </div>
          )}
        </div>,
        one.attempts,
        <span class="small">{one.lastAnswer || '–'}</span>,
        sends ? (
          <PostForm
            frame={frame}
            action={`${path}/messages/${one.id}/send`}
            inline
            label={`Send ${one.messageId} again`}
          >
            <button type="submit" class="plain small">
              Send again
            </button>
          </PostForm>
        ) : (
          ''
        ),
      ])}
    />
  );
}
