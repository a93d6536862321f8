import type { NoticeView } from '../../domain/notices/notices.queries.ts';
import { NoticeClock, NoticeLanes, NoticeReceipt } from '../notices/notice-parts.tsx';
import { Short, tally, Whole } from '../shared/fold.tsx';
import { DataTable, Empty } from '../shared/parts.tsx';
import { Chip, words, type Tone } from '../shared/states.tsx';
import type { Room } from './room.queries.ts';
import { UpdateLine } from './updates.view.tsx';

/** Who has to be told, by which clock, and how often they hear again. */
export function Notices({ room: { head, notices, updates, totals }, now }: { room: Room; now: number }) {
  const total = totals.notices;
  if (notices.length === 0) return <Empty>Nobody has to be told, as far as the agreements say.</Empty>;
  const ordered = [
    ...notices.filter(waits).toSorted((a, b) => (a.dueAt ?? Infinity) - (b.dueAt ?? Infinity)),
    ...notices.filter((one) => !waits(one)),
  ];
  return (
    <>
      {updates && updates.told.length > 0 && (
        <UpdateLine reference={head.reference} updates={updates} now={now} />
      )}
      <Short
        id="notices"
        items={ordered}
        first={3}
        needs={waits}
        more="More clocks that run"
        settled="Nothing left to tell"
        states={(part) => tally(part, (one) => standingOf(one, now))}
      >
        {(part) => (
          <>
            <NoticeLanes notices={part.some(waits) ? part.filter(waits) : part} now={now} />
            <NoticeTable notices={part} now={now} />
          </>
        )}
      </Short>
      <Whole shown={notices.length} of={total} path={`/notices?incident=${head.reference}`} />
    </>
  );
}

/** Whether somebody has yet to be told, in time or late. */
function waits({ obligation, timeliness, fulfilledAt }: NoticeView): boolean {
  return obligation === 'required' && timeliness !== 'met' && fulfilledAt === null;
}

function standingOf(one: NoticeView, now: number): { tone: Tone; word: string } {
  if (one.obligation !== 'required') return { tone: 'calm', word: words(one.obligation) };
  if (one.timeliness === 'met') return { tone: 'dead', word: 'told in time' };
  if (one.fulfilledAt !== null) return { tone: 'live', word: 'told late' };
  const late = one.timeliness === 'missed' || (one.dueAt !== null && now > one.dueAt);
  return late ? { tone: 'live', word: 'late' } : { tone: 'info', word: 'to be told' };
}

function NoticeTable({ notices, now }: { notices: readonly NoticeView[]; now: number }) {
  return (
    <DataTable
      caption="Notices"
      close
      columns={[{ title: 'To' }, { title: 'Clock' }, { title: 'Standing' }]}
      rows={notices.map((notice) => [
        <div>
          <a href={`/notices/${notice.reference}`}>
            <b>{notice.partyName}</b>
          </a>
          <div class="soft small nowrap">{`${notice.reference} · ${words(notice.trigger)}`}</div>
        </div>,
        <div>
          <NoticeClock notice={notice} now={now} />
          {notice.escalatedAt !== null && notice.timeliness === 'open' && <Chip tone="live">escalated</Chip>}
        </div>,
        <NoticeReceipt notice={notice} />,
      ])}
    />
  );
}
