import type { DownstreamState } from '../../domain/incidents/downstream.rules.ts';
import type { DownstreamItemView } from '../../domain/incidents/downstream.schema.ts';
import { Choice, Field, FormError, PostForm, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { Short, tally } from '../shared/fold.tsx';
import { Pager, type Listed } from '../shared/paging.tsx';
import { At, Countdown, DataTable, Empty, Facts, ShareBar, Tabs } from '../shared/parts.tsx';
import { Chip, words, type Tone } from '../shared/states.tsx';

const STATES: Readonly<Record<DownstreamState, { tone: Tone; word: string }>> = {
  open: { tone: 'wait', word: 'open' },
  done: { tone: 'dead', word: 'done' },
  not_doing: { tone: 'calm', word: 'nobody looks' },
};
const BASES = { observed: 'seen there', entitled: 'may be used there', copy: 'a copy lies there' } as const;

export type DownstreamCounts = Record<DownstreamState | 'overdue', number>;

/** What the exposed credentials reached, as work: how much of it is settled, and what ends first. */
export function Downstream({
  counts,
  items,
  now,
  path,
}: {
  counts: DownstreamCounts;
  items: readonly DownstreamItemView[];
  now: number;
  /** Of the whole list. */
  path: string;
}) {
  const total = counts.open + counts.done + counts.not_doing;
  if (total === 0)
    return (
      <Empty>
        Nothing is listed: only what a certainly exposed credential is known to reach is. That is no proof
        that they reached nothing.
      </Empty>
    );
  return (
    <>
      <ShareBar
        label="What the exposed credentials reached"
        parts={[
          { ...STATES.done, count: counts.done },
          { ...STATES.not_doing, count: counts.not_doing },
          { tone: 'wait', word: 'open', count: counts.open - counts.overdue },
          { tone: 'live', word: 'late', count: counts.overdue },
        ]}
      />
      {items.length > 0 && (
        <Short
          id="reached"
          items={items}
          first={2}
          more="More to look for"
          states={(part) => tally(part, standingOf)}
        >
          {(part) => <ItemTable items={part} now={now} />}
        </Short>
      )}
      {total > items.length && (
        <p class="pager">
          <a class="button plain small" href={path}>
            All {total}
          </a>
        </p>
      )}
    </>
  );
}

function standingOf({ state, overdue }: DownstreamItemView): { tone: Tone; word: string } {
  return overdue ? { tone: 'live', word: 'late' } : STATES[state];
}

function ItemTable({ items, now }: { items: readonly DownstreamItemView[]; now: number }) {
  return (
    <DataTable
      caption="What the exposed credentials reached"
      close
      columns={[
        { title: 'Look for' },
        { title: 'Because' },
        { title: 'Who looks' },
        { title: 'Until' },
        { title: 'State' },
      ]}
      rows={items.map((item) => [
        <div>
          <a href={`/downstream/${item.id}`}>
            <b>{words(item.kind)}</b>
          </a>
          <div class="soft small">in {item.system}</div>
        </div>,
        <div>
          <Chip tone={item.basis === 'entitled' ? 'calm' : 'wait'}>{BASES[item.basis]}</Chip>
          <div class="soft small">
            {item.credential ? (
              <a href={`/credentials/${item.credential.reference}`}>
                {`${item.credential.name}, version ${item.credential.version}`}
              </a>
            ) : (
              'a credential that reaches it'
            )}
          </div>
        </div>,
        <div>
          {item.owner.name ?? 'another party'}
          <div class="small">
            {item.contact ? (
              <span class="soft">{item.contact.name}</span>
            ) : (
              <Chip tone="wait">no contact</Chip>
            )}
          </div>
        </div>,
        item.state === 'open' ? (
          <Countdown dueAt={Date.parse(item.dueAt)} now={now} />
        ) : (
          <At at={item.settledAt === null ? null : Date.parse(item.settledAt)} />
        ),
        <div>
          <Chip tone={standingOf(item).tone}>{standingOf(item).word}</Chip>
          {item.note !== '' && <div class="soft small">{item.note.slice(0, 160)}</div>}
        </div>,
      ])}
    />
  );
}

export function DownstreamListView({
  frame,
  show,
  incident,
  page,
  first,
}: {
  frame: Frame;
  show: 'open' | 'settled';
  incident: { reference: string; title: string } | null;
  page: Listed<DownstreamItemView>;
  first: boolean;
}) {
  const path = (what: 'open' | 'settled') =>
    `/downstream?show=${what}${incident ? `&incident=${incident.reference}` : ''}`;
  return (
    <Page
      title="What the exposed credentials reached"
      frame={frame}
      {...(incident
        ? {
            crumbs: [
              { title: 'Incidents', path: '/incidents' },
              { title: incident.reference, path: `/incidents/${incident.reference}` },
            ],
          }
        : {})}
    >
      <div class="head">
        <div>
          {incident && <p class="ref">{incident.reference}</p>}
          <h1>What the exposed credentials reached</h1>
          <p class="lead">
            {frame.outside
              ? 'A credential that reaches your systems was exposed. Look for what may have been done there, and say what you found.'
              : 'Downstream impact: the systems that an exposed credential opens, and what may have been done there. Each with who looks, and until when.'}
          </p>
        </div>
      </div>
      <Tabs
        label="What the exposed credentials reached"
        here={path(show)}
        tabs={[
          { title: 'Open', path: path('open') },
          { title: 'Settled', path: path('settled') },
        ]}
      />
      <section class="card">
        {page.rows.length === 0 ? (
          <Empty>{show === 'open' ? 'Nothing waits to be looked at.' : 'Nothing is settled yet.'}</Empty>
        ) : (
          <ItemTable items={page.rows} now={frame.now} />
        )}
        <Pager
          path="/downstream"
          query={{ show, ...(incident ? { incident: incident.reference } : {}) }}
          next={page.next}
          first={first}
        />
      </section>
    </Page>
  );
}

export interface RefusedItem {
  problems: FormProblems;
  typed: Readonly<Record<string, string>>;
}

export function DownstreamItemPageView({
  frame,
  item,
  refused,
}: {
  frame: Frame;
  item: DownstreamItemView;
  refused?: RefusedItem;
}) {
  return (
    <Page
      title={`${words(item.kind)} in ${item.system}`}
      frame={frame}
      crumbs={[{ title: 'Downstream impact', path: '/downstream' }]}
    >
      <div class="head">
        <div>
          <h1>{`${words(item.kind)} in ${item.system}`}</h1>
          <p class="lead">{item.why}.</p>
        </div>
        <Chip tone={standingOf(item).tone}>{standingOf(item).word}</Chip>
      </div>
      <div class="grid">
        <section class="card w5">
          <h2>Who looks, and until when</h2>
          <Facts
            facts={[
              ['party', item.owner.name ?? 'another party'],
              ['contact', item.contact?.name ?? <Chip tone="wait">nobody named</Chip>],
              ['until', <At at={Date.parse(item.dueAt)} />],
              [
                'credential',
                item.credential ? (
                  <a href={`/credentials/${item.credential.reference}`}>
                    {`${item.credential.name}, version ${item.credential.version}`}
                  </a>
                ) : (
                  'one that reaches the system'
                ),
              ],
              ...(item.note === '' ? [] : [['said', item.note] as const]),
            ]}
          />
        </section>
        {frame.may('statements:sign') &&
          (item.state === 'open' ? (
            <SettleForm frame={frame} item={item} refused={refused} />
          ) : (
            <ReopenForm frame={frame} item={item} refused={refused} />
          ))}
      </div>
    </Page>
  );
}

interface FormOf {
  frame: Frame;
  item: DownstreamItemView;
  refused: RefusedItem | undefined;
}

function SettleForm({ frame, item, refused }: FormOf) {
  const { problems, typed = {} } = refused ?? {};
  return (
    <section class="card w7">
      <h2>Say what you found</h2>
      <PostForm frame={frame} action={`/downstream/${item.id}`} label="Say what you found">
        <FormError problems={problems} />
        <Choice
          name="state"
          label="What came of it"
          value={typed['state'] ?? 'done'}
          options={[
            { value: 'done', word: 'looked for, and treated what was found' },
            { value: 'not_doing', word: 'nobody will look, for the reason below' },
          ]}
        />
        <Field
          name="note"
          label="What was found and done, and where the evidence is"
          hint="It goes on record. No secret, please."
          type="area"
          required
          maxLength={4000}
          value={typed['note'] ?? ''}
          problem={problems?.['note']}
        />
        <p class="actions">
          <button type="submit">Put it on record</button>
        </p>
      </PostForm>
    </section>
  );
}

/** What was said of it stands; who has to say something else opens it again first. */
function ReopenForm({ frame, item, refused }: FormOf) {
  const { problems, typed = {} } = refused ?? {};
  return (
    <section class="card w7">
      <h2>Open it again</h2>
      <PostForm frame={frame} action={`/downstream/${item.id}/reopening`} label="Open it again">
        <FormError problems={problems} />
        <Field
          name="reason"
          label="Why it has to be looked at again"
          hint="It goes on record. No secret, please."
          type="area"
          required
          maxLength={4000}
          value={typed['reason'] ?? ''}
          problem={problems?.['reason']}
        />
        <p class="actions">
          <button type="submit">Open it again</button>
        </p>
      </PostForm>
    </section>
  );
}
