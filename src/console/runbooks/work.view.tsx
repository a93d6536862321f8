import type { Id } from '../../kernel/ids.ts';
import type { StepView } from '../../domain/runbooks/run.schema.ts';
import { Waiting } from '../incidents/room-work.view.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { addressOf, Pager, type Listed } from '../shared/paging.tsx';
import type { StuckNotice } from '../../domain/notices/stuck-notices.service.ts';
import { PostForm } from '../shared/forms.tsx';
import { At, Countdown, OnlyOf, Tabs } from '../shared/parts.tsx';
import { Chip } from '../shared/states.tsx';
import type { About, Asked, WorkCounts } from './work.queries.ts';

const EMPTY = {
  mine: 'Nothing waits for you.',
  parked: 'Nothing waits for anybody.',
  stuck: 'Nothing has failed, and nothing stands still that should move.',
} as const;

export function WorkView({
  frame,
  show,
  steps,
  counts,
  notices,
  asked,
  incidents,
  about,
  incident,
  first,
  reviews,
  releases,
}: {
  frame: Frame;
  show: keyof typeof EMPTY;
  steps: Listed<StepView>;
  counts: WorkCounts;
  /** That have not arrived. */
  notices: readonly StuckNotice[];
  asked: Asked;
  incidents: ReadonlyMap<Id, string>;
  /** What steps are about, by step. */
  about: ReadonlyMap<Id, About>;
  /** Only what is about this one. */
  incident: string | undefined;
  first: boolean;
  /** Access reviews that are the reader's. */
  reviews: readonly { reference: string; dueAt: Date; open: number; parts: number }[];
  /** People and machines that wait for the reader to let a value go. */
  releases: number;
}) {
  const here = show === 'mine' ? '/work' : `/work?show=${show}`;
  const back = addressOf('/work', { show: show === 'mine' ? undefined : show, incident });
  return (
    <Page title="Work" frame={frame}>
      <div class="head">
        <div>
          <h1>Work</h1>
          <p class="lead">
            Steps that do not go on without a person: decisions, tasks, statements, and what gave up.
          </p>
        </div>
      </div>
      <Tabs
        label="Work"
        here={here}
        tabs={[
          { title: 'For me', path: '/work' },
          { title: 'For anybody', path: '/work?show=parked', count: counts.parked },
          {
            title: 'Failed and stalled',
            path: '/work?show=stuck',
            count: counts.stuck + counts.notices,
          },
        ]}
      />
      {incident && <OnlyOf incident={incident} all={here} />}
      {releases > 0 && (
        <p class="notice wait">
          <a href="/releases">
            {releases === 1
              ? '1 release of a value waits for you'
              : `${releases} releases of values wait for you`}
          </a>
        </p>
      )}
      {reviews.length > 0 && (
        <section class="card">
          <h2>Access that you review</h2>
          <ul class="plain">
            {reviews.map(({ reference, dueAt, open, parts }) => (
              <li class="line">
                <a href={`/access-reviews/${reference}`}>{reference}</a>
                <span>{`${open} open in ${parts === 1 ? '1 part' : `${parts} parts`}`}</span>
                <Countdown dueAt={dueAt.getTime()} now={frame.now} />
              </li>
            ))}
          </ul>
        </section>
      )}
      {notices.length > 0 && (
        <section class="card" id="notices">
          <h2>Notices that have not arrived</h2>
          <ul class="asks">
            {notices.map((notice) => (
              <li>
                <div class="what">
                  <div class="line tight">
                    <Chip tone={notice.how === 'retrying' ? 'wait' : 'live'}>{notice.how}</Chip>
                    <a href={`/notices/${notice.reference}`}>
                      <b>{notice.reference}</b>
                    </a>
                    <span>to {notice.partyName}</span>
                    <Countdown dueAt={notice.dueAt} now={frame.now} />
                  </div>
                  <div class="soft small">
                    {notice.attempts === 1 ? '1 attempt' : `${notice.attempts} attempts`}
                    {notice.lastAnswer && `; last: ${notice.lastAnswer}`}
                    {notice.nextAttemptAt !== null && (
                      <>
                        ; next <At at={notice.nextAttemptAt} />
                      </>
                    )}
                  </div>
                </div>
                {frame.may('notices:write') && (
                  <a class="button plain small" href={`/notices/${notice.reference}/call`}>
                    Call {notice.partyName}
                  </a>
                )}
                {frame.may('operations:act') && (
                  <PostForm
                    frame={frame}
                    action={`/notices/${notice.reference}/retry`}
                    inline
                    label={`Try ${notice.reference} again`}
                  >
                    <button class="plain small" type="submit">
                      Try now
                    </button>
                  </PostForm>
                )}
              </li>
            ))}
          </ul>
        </section>
      )}
      <section class="card">
        {steps.rows.length === 0 ? (
          <p class="empty">{EMPTY[show]}</p>
        ) : (
          <Waiting
            steps={steps.rows}
            asked={asked}
            frame={frame}
            back={back}
            incidents={incidents}
            about={about}
          />
        )}
        <Pager
          path="/work"
          query={{ show: show === 'mine' ? undefined : show, incident }}
          next={steps.next}
          first={first}
        />
      </section>
    </Page>
  );
}
