import type { ReviewView } from '../../domain/policy/access-review.schema.ts';
import { Field, PostForm, SelectField, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { Pager, type Listed } from '../shared/paging.tsx';
import { At, Countdown, DataTable, Empty, Tabs } from '../shared/parts.tsx';
import { Chip } from '../shared/states.tsx';

export const CAUSES: Readonly<Record<ReviewView['cause'], string>> = {
  monthly: 'every month',
  person_left: 'somebody left',
  party_changed: 'a party changed',
  incident_closed: 'an incident closed',
  by_hand: 'opened by hand',
};

const TIERS = [
  { value: '1', word: 'tier 1' },
  { value: '2', word: 'tier 2' },
  { value: '3', word: 'tier 3' },
  { value: '4', word: 'tier 4' },
];

/** What a campaign is about, in a few words. */
export function aboutOf({ cause, period, subject, reason }: ReviewView): string {
  if (cause === 'monthly') return `the high tier in ${period ?? ''}`;
  return subject ?? (reason || CAUSES[cause]);
}

/** Decided, removed, open. */
export function Progress({ review }: { review: Pick<ReviewView, 'items' | 'decided' | 'removed'> }) {
  const { items, decided, removed } = review;
  const share = items === 0 ? 100 : Math.round((decided / items) * 100);
  return (
    <span class="small">
      <svg
        class="bar bar-cell"
        viewBox="0 0 100 1"
        preserveAspectRatio="none"
        role="img"
        aria-label={`${share} % decided`}
      >
        <rect class="p-dead" x="0" y="0" width={share} height="1" />
      </svg>
      {`${decided} of ${items} decided${removed > 0 ? `, ${removed} removed` : ''}`}
    </span>
  );
}

export function ReviewsView({
  frame,
  page,
  open,
  first,
  typed,
  problems,
  asked,
}: {
  frame: Frame;
  page: Listed<ReviewView>;
  open: boolean;
  first: boolean;
  typed: Readonly<Record<string, string>>;
  problems: FormProblems;
  /** Whether the form stands open. */
  asked: boolean;
}) {
  return (
    <Page title="Access reviews" frame={frame}>
      <div class="head">
        <div>
          <h1>Access reviews</h1>
          <p class="lead">
            Who can view, rotate and revoke, drawn from the record and looked at again: every month for the
            high tier, and when somebody leaves, a party changes or an incident closes.
          </p>
        </div>
      </div>
      <Tabs
        label="Which"
        here={open ? '/access-reviews?open=1' : '/access-reviews'}
        tabs={[
          { title: 'All', path: '/access-reviews' },
          { title: 'Not finished', path: '/access-reviews?open=1' },
        ]}
      />
      {page.rows.length === 0 ? (
        <Empty>{open ? 'Every review is finished.' : 'No review yet. They open by themselves.'}</Empty>
      ) : (
        <DataTable
          caption="Access reviews"
          columns={[
            { title: 'Review' },
            { title: 'Why' },
            { title: 'Progress' },
            { title: 'Due' },
            { title: 'Opened' },
          ]}
          rows={page.rows.map((review) => [
            <div>
              <a href={`/access-reviews/${review.reference}`}>
                <b>{aboutOf(review)}</b>
              </a>
              <div class="ref">{review.reference}</div>
            </div>,
            CAUSES[review.cause],
            <Progress review={review} />,
            <Standing review={review} now={frame.now} />,
            <At at={Date.parse(review.openedAt)} day />,
          ])}
        />
      )}
      <Pager path="/access-reviews" query={{ open: open ? '1' : undefined }} next={page.next} first={first} />
      {frame.may('reviews:open') && (
        <details class="card slim" open={asked} id="open">
          <summary>Open one by hand</summary>
          <PostForm frame={frame} action="/access-reviews" label="Open an access review">
            <div class="pair">
              <Field
                name="integration"
                label="Integration"
                hint="Its reference, such as INT-2026-0001"
                value={typed['integration'] ?? ''}
                problem={problems['integration']}
              />
              <SelectField
                name="tier"
                label="or every integration of a tier"
                options={TIERS}
                none="no tier"
                value={typed['tier']}
                problem={problems['tier']}
                hint="Everything past its draft"
              />
            </div>
            <Field
              name="reason"
              label="Why"
              type="area"
              maxLength={1000}
              required
              value={typed['reason'] ?? ''}
              problem={problems['reason']}
            />
            <p class="actions">
              <button type="submit">Open the review</button>
            </p>
          </PostForm>
        </details>
      )}
    </Page>
  );
}

/** Finished, due, late; and removals that nobody has carried out. */
export function Standing({ review, now }: { review: ReviewView; now: number }) {
  return (
    <span class="line tight">
      {review.finishedAt !== null ? (
        <Chip tone="dead">finished</Chip>
      ) : review.overdue > 0 ? (
        <Chip tone="live">{`${review.overdue} of ${review.parts} parts late`}</Chip>
      ) : (
        <Countdown dueAt={review.dueAt === null ? null : Date.parse(review.dueAt)} now={now} />
      )}
      {review.waiting > 0 && (
        <Chip tone="wait">{review.waiting === 1 ? '1 removal open' : `${review.waiting} removals open`}</Chip>
      )}
    </span>
  );
}
