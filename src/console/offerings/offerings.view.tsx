import { STANDINGS, type OfferingLine } from '../../domain/responsibility/offering.schema.ts';
import { Field, FormError, PostForm, SelectField, type FormProblems, type Option } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { Pager, type Listed } from '../shared/paging.tsx';
import { DataTable, Empty, ShareBar } from '../shared/parts.tsx';
import { Chip } from '../shared/states.tsx';
import { STANDING } from './standings.ts';

/** How many customers stand where, as one bar. */
export function Progress({ counts, label }: { counts: OfferingLine['counts']; label: string }) {
  const order = [...STANDINGS].sort(
    (a, b) => Object.keys(STANDING).indexOf(a) - Object.keys(STANDING).indexOf(b),
  );
  return (
    <ShareBar
      label={label}
      parts={order.map((one) => ({
        tone: STANDING[one].tone,
        count: counts[one] ?? 0,
        word: STANDING[one].word,
      }))}
    />
  );
}

export function OfferingsView({
  frame,
  page,
  first,
}: {
  frame: Frame;
  page: Listed<OfferingLine>;
  first: boolean;
}) {
  return (
    <Page title="Offerings" frame={frame}>
      <div class="head">
        <div>
          <h1>Offerings</h1>
          <p class="lead">
            One matrix and one term sheet for many customers. Each customer has a version and a signature of
            its own.
          </p>
        </div>
        {frame.may('offerings:write') && (
          <a class="button" href="/offerings/new">
            New offering
          </a>
        )}
      </div>
      {page.rows.length === 0 ? (
        <Empty>Nothing is offered to customers here yet.</Empty>
      ) : (
        <DataTable
          caption="Offerings"
          columns={[
            { title: 'Offering' },
            { title: 'Published' },
            { title: 'Customers', numeric: true },
            { title: 'Where they stand' },
          ]}
          rows={page.rows.map((one) => [
            <a href={`/offerings/${one.id}`}>
              <b>{one.name}</b>
            </a>,
            <span class="line tight">
              {one.version === null ? (
                <Chip tone="wait">not published</Chip>
              ) : (
                <Chip tone="info">{`version ${one.version}`}</Chip>
              )}
              {one.retiredAt !== null && <Chip tone="calm">retired</Chip>}
              {one.version !== null && one.drafted && one.retiredAt === null && (
                <Chip tone="wait">draft differs</Chip>
              )}
            </span>,
            Object.values(one.counts).reduce((sum, count) => sum + count, 0),
            <Progress counts={one.counts} label={`Customers of ${one.name}`} />,
          ])}
        />
      )}
      <Pager path="/offerings" query={{}} next={page.next} first={first} />
    </Page>
  );
}

export function NewOfferingView({
  frame,
  options,
  typed,
  problems,
}: {
  frame: Frame;
  options: readonly Option[];
  typed: Readonly<Record<string, string>>;
  problems: FormProblems;
}) {
  return (
    <Page title="New offering" frame={frame} crumbs={[{ title: 'Offerings', path: '/offerings' }]}>
      <h1>New offering</h1>
      <p class="lead">It begins as a draft. No customer sees it before you publish and propose it.</p>
      <section class="card w6">
        <PostForm frame={frame} action="/offerings/new" label="New offering">
          <FormError problems={problems} />
          <Field
            name="name"
            label="Name"
            hint="As your customers know the service"
            required
            maxLength={200}
            value={typed['name'] ?? ''}
            problem={problems['name']}
          />
          <SelectField
            name="from"
            label="Begin with"
            options={options}
            none="an empty matrix"
            value={typed['from']}
            problem={problems['template'] ?? problems['fromIntegrationId']}
          />
          <p class="actions">
            <button type="submit">Begin the draft</button>
          </p>
        </PostForm>
      </section>
    </Page>
  );
}
