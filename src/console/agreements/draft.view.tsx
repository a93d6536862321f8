import type { AgreementPreview, DraftView as Draft } from '../../domain/agreements/draft.schema.ts';
import { Field, FormError, PostForm, SelectField, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { Chip } from '../shared/states.tsx';
import type { AgreementHead } from './agreements.queries.ts';
import { Terms } from './agreement.view.tsx';
import { again, againAll, type Given } from './draft-form.ts';

const AUTHORITIES = [
  { value: 'revoke_now', word: 'revoke now' },
  { value: 'replace_first', word: 'replace first' },
  { value: 'approve_within', word: 'approve first, within a time' },
];

export function DraftView({
  frame,
  head,
  draft,
  preview,
  names,
  form,
  rowVersion,
  problems,
}: {
  frame: Frame;
  head: AgreementHead;
  draft: Draft;
  preview: AgreementPreview;
  names: ReadonlyMap<string, string>;
  form: Given;
  rowVersion: number;
  problems: FormProblems;
}) {
  const path = `/agreements/${head.reference}`;
  return (
    <Page
      title={`Draft of ${head.title}`}
      frame={frame}
      crumbs={[
        { title: 'Agreements', path: '/agreements' },
        { title: head.title, path },
      ]}
    >
      <div class="head">
        <div>
          <p class="ref">{head.reference}</p>
          <h1>{`Draft of version ${draft.basedOn + 1}`}</h1>
          <p class="lead">
            {head.title}, with {head.partyName}. Nothing of it is in force before it is published.
          </p>
        </div>
        <div class="line">
          <Chip tone="wait">draft</Chip>
          {draft.basedOn > 0 && (
            <a class="button plain" href={`${path}/compare?a=${draft.basedOn}&b=draft`}>
              What it changes
            </a>
          )}
          <PostForm frame={frame} action={`${path}/draft/discard`} inline label="Discard the draft">
            <input type="hidden" name="rowVersion" value={draft.rowVersion} />
            <button class="plain" type="submit">
              Discard
            </button>
          </PostForm>
          <PostForm frame={frame} action={`${path}/draft/publish`} inline label="Publish the draft">
            <input type="hidden" name="rowVersion" value={draft.rowVersion} />
            <button type="submit">{`Publish version ${draft.basedOn + 1}`}</button>
          </PostForm>
        </div>
      </div>
      <FormError problems={problems} />
      <div class="grid">
        <section class="card w12">
          <h2>Who tells whom by when</h2>
          <Terms
            shown={{ content: draft.content, preview }}
            names={names}
            partyName={head.partyName}
            editPath={(at) => `${path}/draft/terms/${at}`}
          />
          <p class="actions">
            <a class="button" href={`${path}/draft/terms/new`}>
              Add a term
            </a>
            <a class="button plain" href={`${path}/draft/templates`}>
              Add from a template
            </a>
          </p>
        </section>
        <section class="card w12">
          <h2>What else is agreed</h2>
          <HeadForm
            frame={frame}
            action={`${path}/draft`}
            form={form}
            rowVersion={rowVersion}
            problems={problems}
          />
        </section>
      </div>
    </Page>
  );
}

function HeadForm({
  frame,
  action,
  form,
  rowVersion,
  problems,
}: {
  frame: Frame;
  action: string;
  form: Given;
  rowVersion: number;
  problems: FormProblems;
}) {
  const steps = againAll(form, 'step');
  const field = (name: string) => ({ name, value: again(form, name), problem: problems[name] });
  return (
    <PostForm frame={frame} action={action} label="What else is agreed">
      <input type="hidden" name="rowVersion" value={rowVersion} />
      <div class="trio">
        <Field
          {...field('validFrom')}
          label="In force from"
          hint="2026-12-01T00:00:00Z; empty: from its publication"
        />
        <Field {...field('validUntil')} label="Until" hint="Empty: open end" />
        <Field {...field('reviewOn')} label="Review on" hint="A day" type="date" />
        <Field {...field('prevailingLanguage')} label="Prevailing language" hint="en, de, pt-BR" required />
        <Field {...field('drillEveryDays')} label="Drill every so many days" hint="Empty: not agreed" />
      </div>
      <fieldset>
        <legend>Authority to act on a live credential</legend>
        <div class="trio">
          <SelectField {...field('authority')} label="Authority" options={AUTHORITIES} />
          <Field
            {...field('approveWithinMinutes')}
            label="Minutes to approve"
            hint="Where approval is first"
          />
          <SelectField
            {...field('approveOtherwise')}
            label="If nobody approves"
            options={[
              { value: 'escalate', word: 'escalate' },
              { value: 'act', word: 'act' },
            ]}
          />
        </div>
      </fieldset>
      <fieldset>
        <legend>Containment steps agreed beforehand</legend>
        {problems['step'] && <p class="error">{problems['step']}</p>}
        {[...steps, '', ''].map((step, at) => (
          <div class="step-row">
            <Field name="step" idPrefix={`${at}-`} label={`Step ${at + 1}`} value={step} maxLength={500} />
            <SelectField
              name="stepBy"
              idPrefix={`${at}-`}
              label="By whom"
              value={againAll(form, 'stepBy')[at]}
              none="whoever is first"
              options={[
                { value: 'us', word: 'us' },
                { value: 'them', word: 'them' },
              ]}
            />
            <SelectField
              name="stepAuthority"
              idPrefix={`${at}-`}
              label="Without asking"
              value={againAll(form, 'stepAuthority')[at]}
              none="as agreed above"
              options={AUTHORITIES}
            />
          </div>
        ))}
        <p class="hint">An empty line is left out; saving gives two more.</p>
      </fieldset>
      <p class="actions">
        <button type="submit">Save the draft</button>
      </p>
    </PostForm>
  );
}
