import type { CalendarView, DraftView as Draft } from '../../domain/agreements/draft.schema.ts';
import type { TermTemplate } from '../../domain/agreements/term-template.schema.ts';
import {
  FULFILMENTS,
  START_EVENTS,
  STRENGTHS,
  TRIGGERS,
  windowWords,
} from '../../domain/agreements/term.rules.ts';
import { Field, FormError, PostForm, SelectField, type FormProblems, type Option } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { DataTable } from '../shared/parts.tsx';
import { Chip, words } from '../shared/states.tsx';
import type { AgreementHead } from './agreements.queries.ts';
import { again, peopleIn, rowsFor, rungTextsIn, type Given } from './draft-form.ts';

const UNITS: readonly Option[] = [
  { value: 'elapsed-hours', word: 'hours, nights and weekends count' },
  { value: 'calendar-days', word: 'calendar days' },
  { value: 'business-days', word: 'business days' },
  { value: 'months', word: 'months' },
];

const worded = (values: readonly string[]): Option[] =>
  values.map((value) => ({ value, word: words(value) }));

function crumbs(head: AgreementHead) {
  const path = `/agreements/${head.reference}`;
  return [
    { title: 'Agreements', path: '/agreements' },
    { title: head.title, path },
    { title: 'Draft', path: `${path}/draft` },
  ];
}

export function TermView({
  frame,
  head,
  draft,
  contacts,
  calendars,
  at,
  form,
  rowVersion,
  problems,
}: {
  frame: Frame;
  head: AgreementHead;
  draft: Draft;
  contacts: readonly (Option & { side: 'them' | 'us' })[];
  calendars: readonly CalendarView[];
  at: 'new' | number;
  form: Given;
  rowVersion: number;
  problems: FormProblems;
}) {
  const title = at === 'new' ? 'A further term' : `Term ${at + 1}`;
  const field = (name: string) => ({ name, value: again(form, name), problem: problems[name] });
  return (
    <Page title={title} frame={frame} crumbs={crumbs(head)}>
      <h1>{title}</h1>
      <p class="lead">
        {head.title}, draft of version {draft.basedOn + 1}
      </p>
      <section class="card w8">
        <PostForm frame={frame} action={`/agreements/${head.reference}/draft/terms/${at}`} label={title}>
          <input type="hidden" name="rowVersion" value={rowVersion} />
          <input type="hidden" name="ruleVersion" value={again(form, 'ruleVersion')} />
          <FormError problems={problems} />
          <div class="pair">
            <Field {...field('name')} label="Name" hint="Within this agreement" maxLength={200} />
            <SelectField
              {...field('direction')}
              label="Who tells whom"
              hint="Both directions are clocked"
              options={[
                { value: 'to_party', word: `we tell ${head.partyName}` },
                { value: 'from_party', word: `${head.partyName} tells us` },
              ]}
            />
            <SelectField {...field('trigger')} label="When" options={worded(TRIGGERS)} />
            <SelectField {...field('startEvent')} label="Counted from" options={worded(START_EVENTS)} />
          </div>
          <fieldset>
            <legend>Window</legend>
            <div class="pair">
              <Field {...field('windowCount')} label="How many" hint="A whole number from 1" />
              <SelectField
                {...field('windowUnit')}
                label="Of what"
                hint="A duty may have no number: then none is invented"
                options={UNITS}
                none="no number: without undue delay"
              />
              <Field {...field('zone')} label="Time zone" hint="Europe/Berlin" required />
              <SelectField
                {...field('calendar')}
                label="Calendar"
                hint="For business days"
                options={calendars.map(({ key, name }) => ({ value: key, word: `${name} (${key})` }))}
                none="Monday to Friday"
              />
              <Field {...field('warnPercent')} label="Warn after so many per cent" required />
              <Field {...field('escalatePercent')} label="Escalate after so many per cent" required />
            </div>
          </fieldset>
          <fieldset>
            <legend>Who is told, in this order</legend>
            <input type="hidden" name="blankRows" value={again(form, 'blankRows')} />
            <People name="recipient" label="Recipient" form={form} contacts={contacts} problems={problems} />
            <p class="hint">
              A fallback is told after its minutes (15) or its share of the window (40 %), if nobody was
              reached or answered by then; where nothing stands, from half of the window.
            </p>
            <People name="fallback" label="Fallback" form={form} contacts={contacts} problems={problems} />
          </fieldset>
          <fieldset>
            <legend>What counts as telling</legend>
            <div class="trio">
              <SelectField {...field('fulfilledBy')} label="Kept when" options={worded(FULFILMENTS)} />
              <SelectField
                {...field('leastStrength')}
                label="An answer must have at least"
                options={worded(STRENGTHS)}
                none="what the policy says"
              />
              <Field {...field('language')} label="Language" required />
              <Field {...field('category')} label="Category" required />
            </div>
          </fieldset>
          {again(form, 'ruleVersion') !== '1' && (
            <p class="hint">From the template {again(form, 'ruleVersion')}.</p>
          )}
          <p class="actions">
            <button type="submit">{at === 'new' ? 'Add the term' : 'Save the term'}</button>
            <button class="plain" type="submit" name="more" value="1">
              More rows for recipients
            </button>
            {at !== 'new' && (
              <button class="plain" type="submit" name="remove" value="1">
                Take it out
              </button>
            )}
          </p>
        </PostForm>
      </section>
    </Page>
  );
}

/** Beyond so many, a row that is filled offers only who stands in it and nobody: the page stays small. */
const FULL_ROWS = 40;

/** A row for each contact that is named, in the order to tell them, and blank ones after them. */
function People({
  name,
  label,
  form,
  contacts,
  problems,
}: {
  name: 'recipient' | 'fallback';
  label: string;
  form: Given;
  contacts: readonly Option[];
  problems: FormProblems;
}) {
  const chosen = peopleIn(form, name);
  const texts = name === 'fallback' ? rungTextsIn(form) : [];
  return (
    <div class={name === 'fallback' ? 'pair' : 'trio'}>
      {Array.from({ length: rowsFor(chosen.length, form) }, (_, at) => (
        <>
          <SelectField
            name={`${name}${at + 1}`}
            label={`${label} ${at + 1}`}
            value={chosen[at]}
            problem={problems[`${name}${at + 1}`]}
            options={
              at < chosen.length && at >= FULL_ROWS
                ? contacts.filter(({ value }) => value === chosen[at])
                : contacts
            }
            none="nobody"
          />
          {name === 'fallback' && (
            <Field
              name={`fallbackAfter${at + 1}`}
              label={`Told after, ${at + 1}`}
              value={texts[at] ?? ''}
              problem={problems[`fallbackAfter${at + 1}`]}
              maxLength={12}
            />
          )}
        </>
      ))}
    </div>
  );
}

const AUDIENCES = {
  counterparty: 'Between the parties',
  industry: 'Industry',
  authority: 'To authorities',
  people: 'To people',
} as const;
const BASES = { text: 'text read', quoted: 'quoted', unconfirmed: 'not confirmed' } as const;

export function TemplatesView({
  frame,
  head,
  templates,
}: {
  frame: Frame;
  head: AgreementHead;
  templates: readonly TermTemplate[];
}) {
  const path = `/agreements/${head.reference}/draft/terms/new`;
  return (
    <Page title="Templates of terms" frame={frame} crumbs={crumbs(head)}>
      <h1>Templates of terms</h1>
      <p class="lead">
        Windows as laws and industries word them, with their source. A template is a proposal; the contract's
        own window is usually shorter. Where a rule has no number, none stands here.
      </p>
      <div class="grid">
        {(Object.keys(AUDIENCES) as (keyof typeof AUDIENCES)[]).map((audience) => (
          <section class="card w12">
            <h2>{AUDIENCES[audience]}</h2>
            <DataTable
              caption={AUDIENCES[audience]}
              columns={[
                { title: 'Rule' },
                { title: 'Who tells whom' },
                { title: 'Starts' },
                { title: 'Window' },
                { title: 'As of' },
                { title: '' },
              ]}
              rows={templates
                .filter((template) => template.audience === audience)
                .map((template) => [
                  <div>
                    <b>{template.title}</b>
                    <div class="small soft">
                      {template.source.url ? (
                        <a href={template.source.url} rel="noreferrer">
                          {template.source.text}, {template.source.article}
                        </a>
                      ) : (
                        `${template.source.text}, ${template.source.article}`
                      )}
                    </div>
                    {template.note && <div class="small soft">{template.note}</div>}
                  </div>,
                  `${template.from} → ${template.to}`,
                  template.starts,
                  <div>
                    {template.window ? (
                      <b>
                        {
                          windowWords({
                            window: template.window,
                            zone: 'UTC',
                            warnPercent: 50,
                            escalatePercent: 80,
                          }).split(' in ')[0]
                        }
                      </b>
                    ) : (
                      <Chip tone="calm">{`no number: ${template.words ?? ''}`}</Chip>
                    )}
                    {!template.inForce && (
                      <div>
                        <Chip tone="wait">not in force</Chip>
                      </div>
                    )}
                  </div>,
                  <div>
                    <span class="nowrap">{template.asOf}</span>
                    <div class="small soft">{BASES[template.basis]}</div>
                  </div>,
                  <span class="line tight">
                    <a
                      class="button plain small"
                      href={`${path}?template=${template.id}&direction=to_party`}
                      aria-label={`We owe it: ${template.title}`}
                    >
                      We owe it
                    </a>
                    <a
                      class="button plain small"
                      href={`${path}?template=${template.id}&direction=from_party`}
                      aria-label={`They owe it: ${template.title}`}
                    >
                      They owe it
                    </a>
                  </span>,
                ])}
            />
          </section>
        ))}
      </div>
    </Page>
  );
}
