import { Field, FormError, PostForm, SelectField, type FormProblems, type Option } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { Pager, type Listed } from '../shared/paging.tsx';
import { DataTable, Empty } from '../shared/parts.tsx';
import { Chip, words } from '../shared/states.tsx';
import type { AgreementLine } from './agreements.queries.ts';

export function AgreementsView({
  frame,
  page,
  q,
  first,
}: {
  frame: Frame;
  page: Listed<AgreementLine>;
  q: string | undefined;
  first: boolean;
}) {
  const today = new Date(frame.now).toISOString().slice(0, 10);
  return (
    <Page title="Agreements" frame={frame}>
      <div class="head">
        <div>
          <h1>Agreements</h1>
          <p class="lead">
            Who must be told by when, in both directions, and what may be done without asking.
          </p>
        </div>
        {frame.may('agreements:write') && (
          <a class="button" href="/agreements/new">
            New agreement
          </a>
        )}
      </div>
      <form class="search" role="search">
        <label class="choice grow">
          <span>Title, reference or party</span>
          <input type="search" name="q" value={q ?? ''} />
        </label>
        <button type="submit">Search</button>
      </form>
      {page.rows.length === 0 ? (
        <Empty>{q ? 'No agreement is called that.' : 'Nothing has been agreed here yet.'}</Empty>
      ) : (
        <DataTable
          caption="Agreements"
          columns={[
            { title: 'Agreement' },
            { title: 'With' },
            { title: 'In force' },
            { title: 'We tell them', numeric: true },
            { title: 'They tell us', numeric: true },
            { title: 'Authority to act' },
            { title: 'Review' },
            { title: 'Integrations', numeric: true },
          ]}
          rows={page.rows.map((one) => [
            <div>
              <a href={`/agreements/${one.reference}`}>
                <b>{one.title}</b>
              </a>
              <div class="ref">{one.reference}</div>
            </div>,
            one.partyName,
            <span class="line tight">
              {one.version === null ? (
                <Chip tone="live">nothing in force</Chip>
              ) : (
                <Chip tone="dead">{`version ${one.version}`}</Chip>
              )}
              {one.draft && <Chip tone="wait">draft</Chip>}
            </span>,
            one.version === null ? '–' : one.toParty,
            one.version === null ? '–' : one.fromParty,
            one.authority ? words(one.authority) : <span class="soft">–</span>,
            one.reviewOn === null ? (
              <span class="soft">no date</span>
            ) : one.reviewOn < today ? (
              <Chip tone="live">{`overdue since ${one.reviewOn}`}</Chip>
            ) : (
              one.reviewOn
            ),
            one.integrations,
          ])}
        />
      )}
      <Pager path="/agreements" query={{ q }} next={page.next} first={first} />
    </Page>
  );
}

export function NewAgreementView({
  frame,
  parties,
  given,
  problems,
}: {
  frame: Frame;
  parties: readonly Option[];
  given: Readonly<Record<string, string>>;
  problems: FormProblems;
}) {
  return (
    <Page title="New agreement" frame={frame} crumbs={[{ title: 'Agreements', path: '/agreements' }]}>
      <h1>New agreement</h1>
      <p class="lead">
        With one counterparty. It begins as a draft; nothing is in force before you publish it.
      </p>
      <section class="card w6">
        <PostForm frame={frame} action="/agreements/new" label="New agreement">
          <FormError problems={problems} />
          <SelectField
            name="partyId"
            label="With whom"
            options={parties}
            none="Choose a party"
            value={given['partyId']}
            problem={problems['partyId']}
          />
          <Field
            name="title"
            label="Title"
            hint="As the contract is called"
            required
            maxLength={300}
            value={given['title'] ?? ''}
            problem={problems['title']}
          />
          <p class="actions">
            <button type="submit">Begin the draft</button>
          </p>
        </PostForm>
      </section>
    </Page>
  );
}
