import type { AttemptView, NoticeView as NoticeRow } from '../../domain/notices/notices.queries.ts';
import { ClockLanes } from '../shared/charts.tsx';
import { PostForm } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { Pager, type Listed } from '../shared/paging.tsx';
import { At, DataTable, Facts, OnlyOf, Tabs } from '../shared/parts.tsx';
import { Chip, words, type Tone } from '../shared/states.tsx';
import { NoticeClock, NoticeReceipt } from './notice-parts.tsx';
import type { NoticeTotals, TextSource } from './notices.queries.ts';

export function NoticesView({
  frame,
  show,
  incident,
  page,
  totals,
  first,
}: {
  frame: Frame;
  show: 'all' | 'open' | 'missed' | 'met';
  /** Only what is about this one. */
  incident: string | undefined;
  page: Listed<NoticeRow>;
  totals: NoticeTotals;
  first: boolean;
}) {
  return (
    <Page title="Notices" frame={frame}>
      <div class="head">
        <div>
          <h1>Notices</h1>
          <p class="lead">What was promised to be told, to whom, by when, and what came of it.</p>
        </div>
        <p class="line">
          {frame.may('notices:write') && <a href="/written-notices">Written notices</a>}
          {frame.may('notice-templates:read') && <a href="/notice-templates">Texts of notices</a>}
        </p>
      </div>
      <Tabs
        label="Notices"
        here={show === 'all' ? '/notices' : `/notices?show=${show}`}
        tabs={[
          { title: 'All', path: '/notices' },
          { title: 'Clock runs', path: '/notices?show=open', count: totals.open },
          { title: 'Late', path: '/notices?show=missed', count: totals.missed },
          { title: 'In time', path: '/notices?show=met', count: totals.met },
        ]}
      />
      {incident && <OnlyOf incident={incident} all={show === 'all' ? '/notices' : `/notices?show=${show}`} />}
      <section class="card">
        {page.rows.length === 0 ? (
          <p class="empty">None.</p>
        ) : (
          <DataTable
            caption="Notices"
            columns={[
              { title: 'Notice' },
              { title: 'To' },
              { title: 'Clock' },
              { title: 'Standing' },
              { title: 'Due' },
              { title: 'Attempts', numeric: true },
            ]}
            rows={page.rows.map((notice) => [
              <div>
                <a href={`/notices/${notice.reference}`}>
                  <b>{notice.reference}</b>
                </a>
                <div class="soft small">{`${words(notice.category)}, ${words(notice.trigger)}`}</div>
              </div>,
              <div>
                {notice.partyName}
                <div class="soft small">{notice.integrationName}</div>
              </div>,
              <NoticeClock notice={notice} now={frame.now} />,
              <NoticeReceipt notice={notice} />,
              <At at={notice.dueAt} empty="without undue delay" />,
              notice.attempts,
            ])}
          />
        )}
        <Pager
          path="/notices"
          query={{ show: show === 'all' ? undefined : show, incident }}
          next={page.next}
          first={first}
        />
      </section>
    </Page>
  );
}

const OUTCOME: Readonly<Record<string, Tone>> = {
  accepted: 'dead',
  refused: 'live',
  retry: 'wait',
  unknown: 'doubt',
  started: 'info',
};

export function NoticeView({
  frame,
  notice,
  source,
  attempts,
  letter,
}: {
  frame: Frame;
  notice: NoticeRow;
  source: TextSource;
  attempts: readonly AttemptView[];
  letter: { subject: string; text: string } | undefined;
}) {
  return (
    <Page
      title={`${notice.reference} to ${notice.partyName}`}
      frame={frame}
      crumbs={[
        { title: 'Notices', path: '/notices' },
        ...(source.incidentReference
          ? [{ title: source.incidentReference, path: `/incidents/${source.incidentReference}` }]
          : []),
      ]}
    >
      <div class="head">
        <div>
          <p class="ref">{notice.reference}</p>
          <h1>Notice to {notice.partyName}</h1>
          {letter && <p class="lead">{letter.subject}</p>}
        </div>
        <p class="line">
          <NoticeClock notice={notice} now={frame.now} />
          <NoticeReceipt notice={notice} />
          {frame.may('notices:write') && notice.obligation === 'required' && (
            <a class="button plain small" href={`/notices/${notice.reference}/call`}>
              Call them
            </a>
          )}
          {frame.may('notices:write') && notice.contactName && (
            <PostForm
              frame={frame}
              action={`/notices/${notice.reference}/write`}
              inline
              label="Write to them again"
            >
              <button class="plain small" type="submit">
                Write to them again
              </button>
            </PostForm>
          )}
        </p>
      </div>
      <div class="grid">
        <section class="card w12 slim">
          <ClockLanes
            label="Clock of the notice"
            now={frame.now}
            lanes={[
              {
                name: `${words(notice.trigger)} since ${words(source.category)}`,
                startAt: notice.startAt,
                warnAt: notice.warnAt,
                escalateAt: notice.escalateAt,
                dueAt: notice.dueAt,
                endedAt: notice.fulfilledAt,
                tone: notice.timeliness === 'met' ? 'dead' : notice.timeliness === 'missed' ? 'live' : 'info',
                word: words(notice.timeliness),
              },
            ]}
          />
          <p class="soft small">{notice.dueWhy || 'A duty without a number: without undue delay.'}</p>
        </section>
        <div class="w7 rows">
          <section>
            <h2>What they are told</h2>
            {letter ? (
              <div class="letter">{letter.text}</div>
            ) : (
              <p class="notice wait">
                Its facts no longer fill the template of its category. Mend the template.
              </p>
            )}
          </section>
          <section class="card">
            <h2>Attempts</h2>
            {attempts.length === 0 ? (
              <p class="empty">No attempt yet.</p>
            ) : (
              <DataTable
                caption="Attempts"
                columns={[
                  { title: '#', numeric: true },
                  { title: 'When' },
                  { title: 'To' },
                  { title: 'Outcome' },
                  { title: 'What the peer said' },
                ]}
                rows={attempts.map((attempt) => [
                  attempt.number,
                  <At at={attempt.startedAt} />,
                  <div class="reach">
                    {attempt.address}
                    <div class="soft small">{attempt.channel}</div>
                  </div>,
                  <span class="line tight">
                    <Chip tone={OUTCOME[attempt.outcome] ?? 'calm'}>{attempt.outcome}</Chip>
                    {attempt.possiblyTwice && <Chip tone="doubt">possibly twice</Chip>}
                    {attempt.bounce && <Chip tone="live">came back</Chip>}
                  </span>,
                  <div>
                    <span class="mono">{attempt.peerAnswer || '–'}</span>
                    {attempt.bounce && (
                      <div class="small">
                        <At at={attempt.bouncedAt} />: {attempt.bounce}
                      </div>
                    )}
                  </div>,
                ])}
              />
            )}
          </section>
        </div>
        <section class="card w5">
          <h2>What was frozen when it was owed</h2>
          <Facts
            facts={[
              ['to', `${notice.partyName}${notice.contactName ? `, ${notice.contactName}` : ''}`],
              [
                'integration',
                <a href={`/portfolio?q=${encodeURIComponent(notice.integrationName)}`}>
                  {notice.integrationName}
                </a>,
              ],
              ['case', source.caseReference ?? '–'],
              ['agreement', source.agreement ?? '–'],
              ['counted from', <At at={notice.startAt} />],
              ['warns', <At at={notice.warnAt} />],
              ['escalates', <At at={notice.escalateAt} />],
              ['due', <At at={notice.dueAt} empty="without undue delay" />],
              ['kept when', words(notice.fulfilledBy)],
            ]}
          />
          <h3>What came of it</h3>
          <Facts
            facts={[
              ['told', notice.told === 1 ? 'once' : `${notice.told} times`],
              ['taken by the peer', <At at={notice.acceptedAt} />],
              [
                'acknowledged',
                notice.acknowledgedAt === null ? (
                  '–'
                ) : (
                  <>
                    <At at={notice.acknowledgedAt} /> by {source.acknowledgedBy ?? 'somebody'}
                    {notice.acknowledgementStrength && ` (${words(notice.acknowledgementStrength)})`}
                  </>
                ),
              ],
              [
                'answer must be',
                <>
                  {words(notice.leastStrength)} or stronger
                  {notice.weakerAcknowledgement &&
                    `; given so far: ${words(notice.weakerAcknowledgement)}, which leaves it open`}
                </>,
              ],
              ['next action', source.nextAction ?? '–'],
              ['kept', <At at={notice.fulfilledAt} />],
              ['next attempt', <At at={notice.nextAttemptAt} />],
              ['message id', <span class="mono">{notice.messageId}</span>],
            ]}
          />
          {source.escalations.length > 0 && (
            <>
              <h3>Escalations</h3>
              <ul class="plain">
                {source.escalations.map((one) => (
                  <li>
                    <At at={one.at} /> <b>{words(one.level)}</b> {one.to && `to ${words(one.to)}`}
                    <div class="soft small">{one.reason}</div>
                  </li>
                ))}
              </ul>
            </>
          )}
        </section>
      </div>
    </Page>
  );
}
