import type { ComponentChildren } from 'preact';
import type { Id } from '../../kernel/ids.ts';
import type {
  ReviewItemView,
  ReviewPartView,
  ReviewView as Review,
} from '../../domain/policy/access-review.schema.ts';
import { Field, PostForm, SelectField } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { addressOf, Pager, type Listed } from '../shared/paging.tsx';
import { At, Countdown, DataTable, Empty, Tabs } from '../shared/parts.tsx';
import { Chip, words, type Tone } from '../shared/states.tsx';
import { aboutOf, CAUSES, Progress, Standing } from './reviews.view.tsx';

export interface ReviewAsked {
  by: 'person' | 'credential';
  part?: Id | undefined;
  /** Also what is decided. */
  all?: '1' | undefined;
  after?: string | undefined;
  /** Where the list of parts begins. */
  parts?: string | undefined;
}
type Item = ReviewItemView & { group: string };
export interface ReviewModel {
  review: Review;
  parts: readonly ReviewPartView[];
  /** Where the next parts begin; absent: these are the last. */
  nextParts: string | undefined;
  /** The part that is shown. */
  shown: ReviewPartView | undefined;
  /** The one that is shown; absent: all of them. */
  part: Id | undefined;
  page: Listed<Item>;
  reviewers: readonly { id: Id; name: string; email: string }[];
  /** Items that this reader may decide. */
  mayDecide: ReadonlySet<Id>;
}

/** Where an access comes from, for people. */
export const BASIS_WORDS: Readonly<Record<ReviewItemView['basis'], string>> = {
  role: 'role of an account',
  token: 'API token',
  holder: 'holds the value',
  location: 'copies lie with them',
  path: 'agreed way to revoke',
  connection: 'connection that manages it',
  matrix: 'named by the matrix',
  owner: 'owner of the credential',
};
const WORK: Readonly<Record<NonNullable<ReviewItemView['work']>, { tone: Tone; word: string }>> = {
  done: { tone: 'dead', word: 'taken away' },
  waiting: { tone: 'wait', word: 'to be taken away' },
  failed: { tone: 'live', word: 'still there' },
};

export function ReviewView({
  frame,
  model,
  asked,
  problem,
}: {
  frame: Frame;
  model: ReviewModel;
  asked: ReviewAsked;
  problem?: string;
}) {
  const { review, page, mayDecide } = model;
  const path = `/access-reviews/${review.reference}`;
  const kept = { by: asked.by, part: asked.part, all: asked.all };
  const mine = page.rows.filter(({ id }) => mayDecide.has(id));
  const part = model.shown;
  return (
    <Page
      title={review.reference}
      frame={frame}
      crumbs={[{ title: 'Access reviews', path: '/access-reviews' }]}
    >
      <div class="head">
        <div>
          <p class="ref">{review.reference}</p>
          <h1>{`Who can view, rotate and revoke: ${aboutOf(review)}`}</h1>
          <p class="lead">
            {`${CAUSES[review.cause]}, opened `}
            <At at={Date.parse(review.openedAt)} day />
          </p>
        </div>
        <p class="line">
          <Standing review={review} now={frame.now} />
          <a class="button plain small" href={`${path}/items.csv`}>
            CSV
          </a>
        </p>
      </div>
      {problem && (
        <p class="notice live" role="alert">
          {problem}
        </p>
      )}
      {review.finishedAt !== null && (
        <p class="notice dead">
          Finished <At at={Date.parse(review.finishedAt)} />. The outcome stands in the ledger under its
          SHA-256: <span class="mono">{review.contentHash}</span>
        </p>
      )}
      <section class="card">
        <h2>
          Who reviews what <span class="aside">{review.parts}</span>
        </h2>
        <Parts frame={frame} model={model} path={path} first={asked.parts === undefined} />
      </section>
      <section id="items" class="rows">
        <Tabs label="How the items are grouped" {...groupTabs(path, kept)} />
        <p class="line">
          {part && <Chip tone="info">{part.integration?.name ?? 'accounts and tokens'}</Chip>}
          {asked.part && (
            <a class="small" href={addressOf(path, { ...kept, part: undefined })}>
              everything
            </a>
          )}
          <a class="small" href={addressOf(path, { ...kept, all: asked.all ? undefined : '1' })}>
            {asked.all ? 'only what is open' : 'what is decided, too'}
          </a>
        </p>
        {mine.length > 1 && (
          <details class="card slim">
            <summary>{`Decide all ${mine.length} on this page that are yours, with one reason`}</summary>
            <Decide
              frame={frame}
              action={`${path}/decide`}
              asked={asked}
              prefix="all-"
              label="Everything of yours on this page"
            >
              {mine.map(({ id }) => (
                <input type="hidden" name="item" value={id} />
              ))}
            </Decide>
          </details>
        )}
        {page.rows.length === 0 ? (
          <Empty>{asked.all ? 'Nothing was found on record.' : 'Nothing is open.'}</Empty>
        ) : (
          groupsOf(page.rows).map((items, at) => (
            <Group frame={frame} model={model} asked={asked} items={items} prefix={`g${at}-`} path={path} />
          ))
        )}
        <Pager path={path} query={kept} next={page.next} first={asked.after === undefined} />
      </section>
    </Page>
  );
}

function groupTabs(path: string, kept: Readonly<Record<string, string | undefined>>) {
  const to = (by: string) => addressOf(path, { ...kept, by });
  return {
    here: to(kept['by'] ?? 'credential'),
    tabs: [
      { title: 'By credential', path: to('credential') },
      { title: 'By person', path: to('person') },
    ],
  };
}

function groupsOf(rows: readonly Item[]): Item[][] {
  const groups: Item[][] = [];
  for (const row of rows) {
    const last = groups.at(-1);
    if (last?.[0]?.group === row.group) last.push(row);
    else groups.push([row]);
  }
  return groups;
}

function Parts({
  frame,
  model,
  path,
  first,
}: {
  frame: Frame;
  model: ReviewModel;
  path: string;
  first: boolean;
}) {
  const { parts, reviewers, review } = model;
  if (parts.length === 0) return <Empty>Nothing was found on record.</Empty>;
  const open = parts.filter(({ finishedAt }) => finishedAt === null);
  return (
    <>
      <DataTable
        caption="Parts of the review"
        columns={[{ title: 'What' }, { title: 'Reviewer' }, { title: 'Progress' }, { title: 'Due' }]}
        rows={parts.map((part) => [
          <a href={addressOf(path, { part: part.id, all: part.finishedAt ? '1' : undefined })}>
            <b>{part.integration?.name ?? 'Accounts and tokens'}</b>
          </a>,
          part.reviewer?.name ?? <span class="soft">whoever may decide</span>,
          part.listed ? <Progress review={part} /> : <span class="soft">being drawn from the record</span>,
          part.finishedAt ? (
            <span class="line tight">
              <Chip tone="dead">finished</Chip>
              {part.missedAt && <Chip tone="wait">late</Chip>}
            </span>
          ) : (
            <span class="line tight">
              <Countdown dueAt={Date.parse(part.dueAt)} now={frame.now} />
              <span class="soft small">
                <At at={Date.parse(part.dueAt)} day /> {part.zone}
              </span>
            </span>
          ),
        ])}
      />
      {review.parts > parts.length && (
        <p class="line small">
          <span class="soft">{`${parts.length} of ${review.parts}.`}</span>
          {!first && <a href={path}>To the beginning</a>}
          {model.nextParts !== undefined && (
            <a rel="next" href={addressOf(path, { parts: model.nextParts })}>
              Further parts
            </a>
          )}
        </p>
      )}
      {reviewers.length > 0 && open.length > 0 && (
        <details>
          <summary>Hand a part over to somebody else</summary>
          <PostForm frame={frame} action={`${path}/hand-over`} label="Hand over">
            <div class="pair">
              <SelectField
                name="part"
                label="Part"
                options={open.map((part) => ({
                  value: part.id,
                  word: part.integration?.name ?? 'Accounts and tokens',
                }))}
              />
              <SelectField
                name="user"
                label="To"
                options={reviewers.map(({ id, name, email }) => ({ value: id, word: `${name} (${email})` }))}
              />
            </div>
            <Field name="reason" label="Why" required maxLength={1000} idPrefix="hand-" />
            <p class="actions">
              <button type="submit">Hand over</button>
            </p>
          </PostForm>
        </details>
      )}
    </>
  );
}

function Group({
  frame,
  model,
  asked,
  items,
  prefix,
  path,
}: {
  frame: Frame;
  model: ReviewModel;
  asked: ReviewAsked;
  items: readonly Item[];
  prefix: string;
  path: string;
}) {
  const [first] = items;
  if (!first) return null;
  const open = items.filter(({ id }) => model.mayDecide.has(id));
  const others = items.filter(({ id }) => !model.mayDecide.has(id));
  const title =
    asked.by === 'person' ? first.subject.name : (first.credential?.name ?? 'Accounts and tokens');
  const list = (lines: readonly Item[], mine: boolean) => (
    <ul class="plain">
      {lines.map((item) => (
        <Line frame={frame} item={item} by={asked.by} mine={mine} path={path} />
      ))}
    </ul>
  );
  return (
    <section class="card slim">
      <h3>
        {asked.by === 'credential' && first.credential ? (
          <a href={`/credentials/${first.credential.reference}`}>{title}</a>
        ) : (
          title
        )}{' '}
        <span class="ref">
          {asked.by === 'person'
            ? [words(first.subject.kind), first.subject.of].filter(Boolean).join(' · ')
            : first.credential && `${first.credential.reference} · ${first.credential.environment}`}
        </span>{' '}
        {asked.by === 'person' && !first.subject.active && <Chip tone="live">left</Chip>}
      </h3>
      {open.length > 0 && (
        <Decide
          frame={frame}
          action={`${path}/decide`}
          asked={asked}
          prefix={prefix}
          label={title}
          whole={open.map(({ id }) => id)}
        >
          {list(open, true)}
        </Decide>
      )}
      {others.length > 0 && list(others, false)}
    </section>
  );
}

function Line({
  frame,
  item,
  by,
  mine,
  path,
}: {
  frame: Frame;
  item: Item;
  by: ReviewAsked['by'];
  mine: boolean;
  path: string;
}) {
  const { subject, credential } = item;
  const what =
    by === 'person' ? (
      <b>{credential?.name ?? (item.role ? words(item.role) : 'API token')}</b>
    ) : (
      <>
        <b>{subject.name}</b> <span class="soft small">{subject.of}</span>
      </>
    );
  const text = (
    <span class="line tight">
      {what}
      {item.access.map((access) => (
        <Chip tone="info">{access}</Chip>
      ))}
      <span class="soft small">
        {BASIS_WORDS[item.basis]}
        {item.role && by === 'credential' ? ` ${words(item.role)}` : ''}
      </span>
      {by === 'credential' && !subject.active && <Chip tone="live">left</Chip>}
      <span class="ref">{`item ${item.number}`}</span>
    </span>
  );
  if (mine)
    return (
      <li>
        <label class="check">
          <input type="checkbox" name="item" value={item.id} /> {text}
        </label>
      </li>
    );
  const work = item.work && WORK[item.work];
  return (
    <li>
      {text}
      {item.decision ? (
        <span class="line tight small">
          <Chip tone={item.decision === 'keep' ? 'calm' : 'wait'}>
            {item.decision === 'keep' ? 'kept' : 'removed'}
          </Chip>
          {work && <Chip tone={work.tone}>{work.word}</Chip>}
          <span class="soft">
            {item.decidedBy} <At at={Date.parse(item.decidedAt!)} day />
            {item.reason && `: ${item.reason}`}
            {item.workNote && ` ${item.workNote}`}
          </span>
          {item.work === 'failed' && frame.may('reviews:decide') && (
            <PostForm frame={frame} action={`${path}/items/${item.id}/retry`} inline label="Ask again">
              <button class="plain small" type="submit">
                Ask for it once more
              </button>
            </PostForm>
          )}
        </span>
      ) : (
        <span class="soft small"> is for somebody else to decide</span>
      )}
    </li>
  );
}

function Decide({
  frame,
  action,
  asked,
  prefix,
  label,
  whole,
  children,
}: {
  frame: Frame;
  action: string;
  asked: ReviewAsked;
  prefix: string;
  label: string;
  /** Where items are ticked: all that could be, to be kept at one press. */
  whole?: readonly Id[];
  children: ComponentChildren;
}) {
  const back = addressOf('', { by: asked.by, part: asked.part, all: asked.all }).slice(1);
  return (
    <PostForm frame={frame} action={action} label={label}>
      {children}
      <input type="hidden" name="back" value={back} />
      <Field name="reason" label="Why" maxLength={1000} idPrefix={prefix} />
      <p class="actions">
        <button type="submit" name="decision" value="keep">
          {whole ? 'Keep what is ticked' : 'Keep all of them'}
        </button>
        <button class="danger" type="submit" name="decision" value="remove">
          {whole ? 'Remove what is ticked' : 'Remove all of them'}
        </button>
        {whole && whole.length > 1 && (
          <button class="plain" type="submit" name="keep_all" value={whole.join(' ')}>
            {`Keep all ${whole.length} of these`}
          </button>
        )}
      </p>
    </PostForm>
  );
}
