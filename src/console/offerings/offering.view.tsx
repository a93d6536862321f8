import type { OfferingView, TargetLine } from '../../domain/responsibility/offering.schema.ts';
import { Field, PostForm } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { Pager, type Listed } from '../shared/paging.tsx';
import { At, DataTable, Empty, Facts } from '../shared/parts.tsx';
import { Chip } from '../shared/states.tsx';
import type { Candidate } from './choices.queries.ts';
import { Progress } from './offerings.view.tsx';
import { STANDING } from './standings.ts';

interface Model {
  frame: Frame;
  offering: OfferingView;
  page: Listed<TargetLine>;
  others: readonly Candidate[];
  q: string | undefined;
  first: boolean;
  problems: readonly string[];
}

export function OfferingPageView(model: Model) {
  const { frame, offering, page, first, problems } = model;
  const path = `/offerings/${offering.id}`;
  const writes = frame.may('offerings:write') && offering.retiredAt === null;
  const waiting = (offering.counts.waiting ?? 0) + (offering.counts.lapsed ?? 0);
  const behind = (offering.counts.behind ?? 0) + (offering.counts.failed ?? 0);
  return (
    <Page title={offering.name} frame={frame} crumbs={[{ title: 'Offerings', path: '/offerings' }]}>
      <div class="head">
        <div>
          <h1>{offering.name}</h1>
          <p class="lead">Offered by {offering.supplier.name}.</p>
          {offering.retiredAt !== null && (
            <p class="notice wait">
              Retired on <At at={Date.parse(offering.retiredAt)} day />: {offering.retiredBecause} What is
              signed stays in force; nobody is asked to sign it any more.
            </p>
          )}
        </div>
        <p class="line">
          {offering.retiredAt !== null && <Chip tone="calm">retired</Chip>}
          {offering.version === null ? (
            <Chip tone="wait">not published</Chip>
          ) : (
            <Chip tone="info">{`version ${offering.version}`}</Chip>
          )}
          <a class="button plain" href={`${path}/draft`}>
            {writes ? 'Edit the draft' : 'See the draft'}
          </a>
        </p>
      </div>
      {problems.length > 0 && (
        <div class="notice live" role="alert">
          {problems.map((text) => (
            <p>{text}</p>
          ))}
        </div>
      )}
      <div class="grid">
        <section class="card w8">
          <h2>Where customers stand</h2>
          <Progress counts={offering.counts} label={`Customers of ${offering.name}`} />
          {writes && (
            <p class="actions">
              {behind > 0 && offering.version !== null && (
                <PostForm frame={frame} action={`${path}/propose`} inline label="Propose to those behind">
                  <input type="hidden" name="everybody" value="1" />
                  <button type="submit">{`Propose version ${offering.version} to all who lack it`}</button>
                </PostForm>
              )}
              {waiting > 0 && (
                <PostForm frame={frame} action={`${path}/remind`} inline label="Remind who has not signed">
                  <button class="plain" type="submit">
                    Remind who has not signed
                  </button>
                </PostForm>
              )}
            </p>
          )}
        </section>
        <section class="card w4">
          <h2>Versions</h2>
          <Facts
            facts={[
              ...offering.versions
                .slice(0, 6)
                .map((one) => [`version ${one.number}`, <At at={Date.parse(one.publishedAt)} />] as const),
              [
                'reminders',
                offering.retiredAt !== null
                  ? 'none any more'
                  : offering.chaseByItself
                    ? `by themselves, every ${offering.chaseEveryHours} hours`
                    : `on request, at most every ${offering.chaseEveryHours} hours`,
              ],
              ['signed anew', `every ${offering.reattestDays} days`],
            ]}
          />
          {writes && offering.drafted && (
            <PostForm frame={frame} action={`${path}/publish`} label="Publish the draft">
              <input type="hidden" name="row_version" value={offering.rowVersion} />
              <p class="actions">
                <button type="submit">{`Publish the draft as version ${(offering.version ?? 0) + 1}`}</button>
              </p>
            </PostForm>
          )}
        </section>
        <section class="card w12">
          <h2>Customers</h2>
          {page.rows.length === 0 ? (
            <Empty>It was proposed to nobody yet.</Empty>
          ) : (
            <DataTable
              caption="Customers"
              columns={[
                { title: 'Integration' },
                { title: 'Customer' },
                { title: 'Where it stands' },
                { title: 'Version', numeric: true },
                { title: 'Signed' },
                { title: 'Reminded' },
              ]}
              rows={page.rows.map((one) => customerRow(offering, one))}
            />
          )}
          <Pager path={path} query={{}} next={page.next} first={first} />
        </section>
        {writes && offering.version !== null && <Further {...model} path={path} />}
        {writes && (
          <section class="card w12" id="retire">
            <h2>Retire it</h2>
            <p class="soft small">
              Nobody is reminded any more. What not every side has signed is withdrawn, and the links to it
              end. What is signed stays in force.
            </p>
            <PostForm frame={frame} action={`${path}/retire`} label="Retire the offering">
              <input type="hidden" name="row_version" value={offering.rowVersion} />
              <Field name="reason" label="Why" required maxLength={2000} idPrefix="retire-" />
              <p class="actions">
                <button type="submit" class="plain">
                  Retire the offering
                </button>
              </p>
            </PostForm>
          </section>
        )}
      </div>
    </Page>
  );
}

function customerRow(offering: OfferingView, one: TargetLine) {
  return [
    <div>
      <a href={`/offerings/${offering.id}/targets/${one.integrationId}`}>
        <b>{one.name}</b>
      </a>
      <div class="ref">{one.reference}</div>
    </div>,
    one.customer ?? <span class="soft">no customer</span>,
    <div class="rows tight">
      <span>
        <StandingChip one={one} />
      </span>
      {one.failure && <span class="small soft">{one.failure.fields[0]?.problem ?? one.failure.message}</span>}
    </div>,
    one.version ?? '–',
    <Signed one={one} />,
    one.chasedAt === null ? (
      <span class="soft">–</span>
    ) : (
      <span>
        <At at={Date.parse(one.chasedAt)} day />
        {one.chases > 1 && `, ${one.chases} times`}
      </span>
    ),
  ];
}

export function StandingChip({ one }: { one: TargetLine }) {
  const { tone, word, mend } = STANDING[one.standing];
  return (
    <Chip tone={tone} title={mend}>
      {word}
    </Chip>
  );
}

export function Signed({ one }: { one: TargetLine }) {
  if (!['waiting', 'signed', 'behind'].includes(one.standing)) return <span class="soft">–</span>;
  return (
    <span class="line tight">
      <Chip tone={one.signed.supplier ? 'dead' : 'wait'}>
        {one.signed.supplier ? 'we signed' : 'we not yet'}
      </Chip>
      <Chip tone={one.signed.customer ? 'dead' : 'wait'}>
        {one.signed.customer ? 'they signed' : 'they not yet'}
      </Chip>
    </span>
  );
}

/** Customers who have no offering yet. */
function Further({ frame, offering, others, q, path }: Model & { path: string }) {
  return (
    <section class="card w12" id="further">
      <h2>Propose to further customers</h2>
      <form class="search" role="search" action={`${path}#further`}>
        <label class="choice grow">
          <span>Integration or customer</span>
          <input type="search" name="q" value={q ?? ''} />
        </label>
        <button class="plain" type="submit">
          Search
        </button>
      </form>
      {others.length === 0 ? (
        <Empty>
          {q
            ? 'No such customer without an offering.'
            : `Every integration that ${offering.supplier.name} supplies to one customer has an offering.`}
        </Empty>
      ) : (
        <PostForm frame={frame} action={`${path}/propose`} label="Propose to further customers">
          <ul class="plain">
            {others.map((one) => (
              <li>
                <label class="check">
                  <input type="checkbox" name="integration" value={one.id} />
                  <span>
                    {one.name}, {one.customer} <span class="ref">{one.reference}</span>
                  </span>
                </label>
              </li>
            ))}
          </ul>
          <p class="actions">
            <button type="submit">{`Propose version ${offering.version}`}</button>
          </p>
        </PostForm>
      )}
    </section>
  );
}
