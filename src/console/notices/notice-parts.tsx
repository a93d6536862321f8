import type { NoticeView } from '../../domain/notices/notices.queries.ts';
import { ClockLanes } from '../shared/charts.tsx';
import { Countdown, span } from '../shared/parts.tsx';
import { Chip, StateChip, type Tone } from '../shared/states.tsx';

/** How a notice stands against its clock, decided or running. */
export function NoticeClock({ notice, now }: { notice: NoticeView; now: number }) {
  if (notice.obligation !== 'required') return <Chip tone="calm">{notice.obligation.replace('_', ' ')}</Chip>;
  if (notice.timeliness === 'met') return <Chip tone="dead">told in time</Chip>;
  if (notice.timeliness === 'missed') {
    const end = notice.fulfilledAt ?? now;
    const late = notice.dueAt === null ? '' : ` by ${span(end - notice.dueAt)}`;
    return <Chip tone="live">{`${notice.fulfilledAt === null ? 'late' : 'told late'}${late}`}</Chip>;
  }
  return <Countdown dueAt={notice.dueAt} warnAt={notice.warnAt} now={now} />;
}

/** Dispatch and receipt, as far as they have come. */
export function NoticeReceipt({ notice }: { notice: NoticeView }) {
  return (
    <span class="line tight">
      <StateChip
        state={notice.dispatch === 'accepted' ? 'delivered' : notice.dispatch}
        word={DISPATCH[notice.dispatch]}
      />
      {notice.receipt !== 'none' && <StateChip state={notice.receipt} />}
    </span>
  );
}

const DISPATCH: Readonly<Record<string, string>> = {
  owed: 'owed',
  attempting: 'being sent',
  accepted: 'taken by the peer',
  failed: 'not sent',
};

function toneOf(notice: NoticeView, now: number): Tone {
  if (notice.timeliness === 'met') return 'dead';
  if (notice.timeliness === 'missed' || (notice.dueAt !== null && now > notice.dueAt)) return 'live';
  if (notice.escalateAt !== null && now >= notice.escalateAt) return 'live';
  return notice.warnAt !== null && now >= notice.warnAt ? 'wait' : 'info';
}

/** The clocks of several notices under each other. */
export function NoticeLanes({ notices, now }: { notices: readonly NoticeView[]; now: number }) {
  const running = notices.filter(({ obligation, dueAt }) => obligation === 'required' && dueAt !== null);
  return (
    <ClockLanes
      label="Clocks of the notices"
      now={now}
      lanes={running
        .toSorted((a, b) => a.dueAt! - b.dueAt!)
        .slice(0, 12)
        .map((notice) => ({
          name: notice.partyName,
          note: `${notice.reference}, ${notice.integrationName}`,
          startAt: notice.startAt,
          warnAt: notice.warnAt,
          escalateAt: notice.escalateAt,
          dueAt: notice.dueAt,
          endedAt: notice.fulfilledAt,
          tone: toneOf(notice, now),
          word:
            notice.timeliness === 'open'
              ? now > notice.dueAt!
                ? 'late'
                : `${span(notice.dueAt! - now)} left`
              : notice.timeliness,
        }))}
    />
  );
}
