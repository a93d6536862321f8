import type { CalendarView } from '../../domain/agreements/draft.schema.ts';
import { windowWords as termWindow } from '../../domain/agreements/term.rules.ts';
import { windowWords } from '../../domain/responsibility/matrix-text.rules.ts';
import { DUTIES } from '../../domain/responsibility/matrix.rules.ts';
import type { OfferingDiff, OfferingView } from '../../domain/responsibility/offering.schema.ts';
import { Field, FormError, PostForm, SelectField } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { DataTable, Empty } from '../shared/parts.tsx';
import { Chip, words } from '../shared/states.tsx';
import { FIRST_SHEET, one, sorted, type Given } from './draft-form.ts';
import { DIRECTIONS, RowForm, TermForm, worded, type Editing } from './draft-forms.view.tsx';
import { Differences } from './target.view.tsx';

interface Model {
  frame: Frame;
  offering: OfferingView;
  calendars: readonly CalendarView[];
  since: OfferingDiff | undefined;
  editing: Editing | undefined;
  problems: readonly string[];
}

export function OfferingDraftView(model: Model) {
  const { frame, offering, since, editing, problems } = model;
  const path = `/offerings/${offering.id}`;
  return (
    <Page
      title={`Draft: ${offering.name}`}
      frame={frame}
      crumbs={[
        { title: 'Offerings', path: '/offerings' },
        { title: offering.name, path },
      ]}
    >
      <div class="head">
        <div>
          <h1>Draft of {offering.name}</h1>
          <p class="lead">Roles stand where each customer’s own parties will.</p>
        </div>
        {frame.may('offerings:write') && offering.drafted && (
          <PostForm frame={frame} action={`${path}/publish`} inline label="Publish the draft">
            <input type="hidden" name="row_version" value={offering.rowVersion} />
            <button type="submit">{`Publish as version ${(offering.version ?? 0) + 1}`}</button>
          </PostForm>
        )}
      </div>
      {problems.length > 0 && (
        <div class="notice live" role="alert">
          {problems.map((text) => (
            <p>{text}</p>
          ))}
        </div>
      )}
      <div class="grid">
        {editing?.what === 'row' && <RowForm {...model} editing={editing} path={path} />}
        {editing?.what === 'term' && <TermForm {...model} editing={editing} path={path} />}
        <Rows {...model} path={path} />
        <Terms {...model} path={path} />
        {since && (since.rows.length > 0 || since.terms.length > 0) && (
          <section class="card w12">
            <h2>What is new since version {offering.version}</h2>
            <Differences diff={since} before={`version ${offering.version}`} after="draft" />
          </section>
        )}
        {frame.may('offerings:write') && <Settings {...model} path={path} />}
      </div>
    </Page>
  );
}

function Rows({ frame, offering, path }: Model & { path: string }) {
  const writes = frame.may('offerings:write');
  const rows = sorted(offering.draft.rows);
  const missing = DUTIES.filter((duty) => !rows.some((row) => row.duty === duty));
  return (
    <section class="card w12">
      <h2>
        Matrix
        {writes && (
          <a class="aside" href={`${path}/draft?row=new`}>
            a further row
          </a>
        )}
      </h2>
      {missing.length > 0 && (
        <p>
          <Chip tone="live">{`${missing.length} duties open`}</Chip>{' '}
          <span class="small">{missing.map(words).join(', ')}</span>
        </p>
      )}
      {rows.length === 0 ? (
        <Empty>No row yet.</Empty>
      ) : (
        <DataTable
          caption="Rows of the matrix"
          columns={[
            { title: 'Duty' },
            { title: 'Accountable' },
            { title: 'Performed by' },
            { title: 'Contact' },
            { title: 'Within' },
            { title: '' },
          ]}
          rows={rows.map((row, at) => [
            <div>
              <b>{words(row.duty)}</b>
              {row.part && <div class="soft small">part {row.part}</div>}
              {row.note && <div class="soft small">{row.note}</div>}
            </div>,
            words(row.accountable),
            row.performing.map(words).join(', '),
            words(row.contact),
            <span>
              {row.windowMinutes === null ? '–' : windowWords(row.windowMinutes)}
              {row.pathKind && `, by ${row.pathKind === 'connector' ? 'machine' : 'asking'}`}
            </span>,
            writes ? (
              <a href={`${path}/draft?row=${at}`} aria-label={`Change ${words(row.duty)} ${row.part}`}>
                change
              </a>
            ) : (
              ''
            ),
          ])}
        />
      )}
    </section>
  );
}

function Terms({ frame, offering, editing, path }: Model & { path: string }) {
  const writes = frame.may('offerings:write');
  const sheet = offering.draft.terms;
  const shown = sheet ?? FIRST_SHEET;
  const form: Given = editing?.what === 'sheet' ? editing.form : {};
  const problems = editing?.what === 'sheet' ? editing.problems : {};
  const field = (name: string, stored: string) => ({
    name,
    value: editing?.what === 'sheet' ? one(form, name) : stored,
    problem: problems[name],
  });
  return (
    <section class="card w12">
      <h2>
        Term sheet
        {writes && (
          <a class="aside" href={`${path}/draft?term=new`}>
            a further term
          </a>
        )}
      </h2>
      {shown.terms.length === 0 ? (
        <Empty>No term yet: nobody promises to tell anybody anything.</Empty>
      ) : (
        <DataTable
          caption="Terms"
          columns={[
            { title: 'Who tells whom' },
            { title: 'When' },
            { title: 'Within' },
            { title: 'Told' },
            { title: '' },
          ]}
          rows={shown.terms.map((term, at) => [
            DIRECTIONS.find(({ value }) => value === term.direction)!.word,
            `${words(term.trigger)}, from ${words(term.startEvent)}`,
            termWindow(term),
            term.recipients.map(words).join(', '),
            writes ? <a href={`${path}/draft?term=${at}`}>change</a> : '',
          ])}
        />
      )}
      {writes && (
        <details open={sheet === null || editing?.what === 'sheet'}>
          <summary>What holds for all terms</summary>
          <PostForm frame={frame} action={`${path}/draft/sheet`} label="What holds for all terms">
            <FormError problems={problems} />
            <input type="hidden" name="row_version" value={offering.rowVersion} />
            <div class="trio">
              <SelectField
                {...field('authority', shown.authority)}
                label="Authority to act"
                options={worded(['revoke_now', 'replace_first', 'approve_within'])}
              />
              <Field
                {...field('approveWithinMinutes', String(shown.approveWithinMinutes ?? ''))}
                label="Approve within so many minutes"
              />
              <SelectField
                {...field('approveOtherwise', shown.approveOtherwise)}
                label="Else"
                options={worded(['act', 'escalate'])}
              />
              <Field
                {...field('drillEveryDays', String(shown.drillEveryDays ?? ''))}
                label="Drill every so many days"
              />
              <Field {...field('reviewOn', shown.reviewOn ?? '')} label="Review on" type="date" />
              <Field
                {...field('prevailingLanguage', shown.prevailingLanguage)}
                label="Prevailing language"
                required
              />
            </div>
            <Field
              {...field('steps', shown.containmentSteps.map(({ step }) => step).join('\n'))}
              label="Containment agreed beforehand"
              hint="One step a line"
              type="area"
            />
            <p class="actions">
              <button type="submit">Save</button>
              {sheet !== null && (
                <button class="plain" type="submit" name="remove" value="1">
                  Offer no terms
                </button>
              )}
            </p>
          </PostForm>
        </details>
      )}
    </section>
  );
}

function Settings({ frame, offering, path }: Model & { path: string }) {
  return (
    <section class="card w12">
      <details>
        <summary>Name, reminders and renewal</summary>
        <PostForm frame={frame} action={`${path}/draft/settings`} label="Name, reminders and renewal">
          <input type="hidden" name="row_version" value={offering.rowVersion} />
          <div class="trio">
            <Field name="name" label="Name" value={offering.name} required maxLength={200} />
            <Field
              name="chase_every_hours"
              label="Remind at most every so many hours"
              value={String(offering.chaseEveryHours)}
              required
            />
            <Field
              name="reattest_days"
              label="Signed anew after so many days"
              value={String(offering.reattestDays)}
              required
            />
          </div>
          <label class="check">
            <input type="checkbox" name="chase_by_itself" value="1" checked={offering.chaseByItself} />
            <span>Remind by itself, as often as that</span>
          </label>
          <p class="actions">
            <button type="submit">Save</button>
          </p>
        </PostForm>
      </details>
    </section>
  );
}
