import type { OfferingDiff, OfferingView, TargetDiff } from '../../domain/responsibility/offering.schema.ts';
import { PostForm } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { DataTable, Facts } from '../shared/parts.tsx';
import { Chip, StateChip } from '../shared/states.tsx';
import { Signed, StandingChip } from './offering.view.tsx';
import { STANDING } from './standings.ts';

/** What one customer has against what is offered now. */
export function TargetView({
  frame,
  offering,
  diff,
}: {
  frame: Frame;
  offering: OfferingView;
  diff: TargetDiff;
}) {
  const { target, current } = diff;
  const path = `/offerings/${offering.id}`;
  const same = diff.rows.length === 0 && diff.terms.length === 0;
  return (
    <Page
      title={`${target.name}: ${offering.name}`}
      frame={frame}
      crumbs={[
        { title: 'Offerings', path: '/offerings' },
        { title: offering.name, path },
      ]}
    >
      <div class="head">
        <div>
          <p class="ref">{target.reference}</p>
          <h1>{target.name}</h1>
          <p class="lead">{target.customer ?? 'No customer'} against what is offered now.</p>
        </div>
        <p class="line">
          <StandingChip one={target} />
          <Signed one={target} />
        </p>
      </div>
      {target.failure && (
        <div class="notice live" role="alert">
          <p>{target.failure.message}</p>
          {target.failure.fields.map((one) => (
            <p>
              {one.problem}. {one.mend}
            </p>
          ))}
        </div>
      )}
      <div class="grid">
        <section class="card w8">
          <h2>
            What is different
            <span class="aside">
              {`version ${diff.offered} of the offering against `}
              {current ? `version ${current.number} of its matrix` : 'no matrix'}
            </span>
          </h2>
          {same ? (
            <p>
              <Chip tone="dead">the same</Chip> It says what is offered now.
            </p>
          ) : (
            <Differences diff={diff} before="they have" after="offered" />
          )}
        </section>
        <section class="card w4">
          <h2>What to do</h2>
          <p>{STANDING[target.standing].mend}</p>
          <Facts
            facts={[
              ['proposed', target.version === null ? 'never' : `version ${target.version}`],
              ['their matrix', current ? <StateChip state={current.state} /> : '–'],
              ['reminders', String(target.chases)],
            ]}
          />
          {current && (
            <p>
              <a href={`/matrices/${current.versionId}`}>Open their version</a>
            </p>
          )}
          {frame.may('offerings:write') && (
            <p class="actions">
              <PostForm frame={frame} action={`${path}/propose`} inline label="Propose to this customer">
                <input type="hidden" name="integration" value={target.integrationId} />
                <button type="submit">{`Propose version ${diff.offered}`}</button>
              </PostForm>
              {target.standing === 'waiting' && (
                <PostForm frame={frame} action={`${path}/remind`} inline label="Remind this customer">
                  <input type="hidden" name="integration" value={target.integrationId} />
                  <button class="plain" type="submit">
                    Remind
                  </button>
                </PostForm>
              )}
              <PostForm
                frame={frame}
                action={`${path}/targets/${target.integrationId}/remove`}
                inline
                label="Take this customer out"
              >
                <button class="plain" type="submit">
                  Take it out
                </button>
              </PostForm>
            </p>
          )}
        </section>
        {diff.problems.length > 0 && (
          <section class="card w12">
            <h2>Why what is offered would not fit there yet</h2>
            <ul class="plain">
              {diff.problems.map((one) => (
                <li>
                  {one.problem}. {one.mend}
                </li>
              ))}
            </ul>
          </section>
        )}
      </div>
    </Page>
  );
}

/** Rows and terms that are different, in words. */
export function Differences({ diff, before, after }: { diff: OfferingDiff; before: string; after: string }) {
  return (
    <DataTable
      caption="What is different"
      columns={[{ title: 'Where' }, { title: 'What' }, { title: before }, { title: after }]}
      rows={[
        ...diff.rows.map(({ words }) => [words.where, words.what, words.before, <b>{words.after}</b>]),
        ...diff.terms.map((one) => ['terms', one.what, one.before, <b>{one.after}</b>]),
      ]}
    />
  );
}
