import { NoticeClock, NoticeLanes, NoticeReceipt } from '../notices/notice-parts.tsx';
import { DataTable, Empty } from '../shared/parts.tsx';
import { Chip, words } from '../shared/states.tsx';
import type { Room } from './room.queries.ts';
import { UpdateLine } from './updates.view.tsx';

/** Who has to be told, by which clock, and how often they hear again. */
export function Notices({ room: { head, notices, updates }, now }: { room: Room; now: number }) {
  if (notices.length === 0) return <Empty>Nobody has to be told, as far as the agreements say.</Empty>;
  const open = notices.filter(({ timeliness }) => timeliness !== 'met');
  const shown = [
    ...open.toSorted((a, b) => (a.dueAt ?? Infinity) - (b.dueAt ?? Infinity)),
    ...notices.filter(({ timeliness }) => timeliness === 'met'),
  ].slice(0, 12);
  return (
    <>
      {updates && updates.told.length > 0 && (
        <UpdateLine reference={head.reference} updates={updates} now={now} />
      )}
      <NoticeLanes notices={open.length > 0 ? open : notices} now={now} />
      <DataTable
        caption="Notices"
        columns={[{ title: 'To' }, { title: 'Clock' }, { title: 'Standing' }]}
        rows={shown.map((notice) => [
          <div>
            <a href={`/notices/${notice.reference}`}>
              <b>{notice.partyName}</b>
            </a>
            <div class="soft small nowrap">{`${notice.reference} · ${words(notice.trigger)}`}</div>
          </div>,
          <div>
            <NoticeClock notice={notice} now={now} />
            {notice.escalatedAt !== null && notice.timeliness === 'open' && (
              <Chip tone="live">escalated</Chip>
            )}
          </div>,
          <NoticeReceipt notice={notice} />,
        ])}
      />
      {notices.length > shown.length && (
        <p class="soft small">
          {notices.length - shown.length} more, all told in time: <a href="/notices">all notices</a>
        </p>
      )}
    </>
  );
}
