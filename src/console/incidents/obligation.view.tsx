import type { Millis } from '../../kernel/time.ts';
import type { ObligationView } from '../../domain/obligations/obligation.schema.ts';
import { Field, FormError, PostForm, SelectField } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, Countdown, Empty, Facts } from '../shared/parts.tsx';
import { Chip, words } from '../shared/states.tsx';
import { standingOf, ToldBy } from './obligations.view.tsx';
import type { RefusedForm } from './supplier-accounts.view.tsx';

const DECISIONS: Readonly<Record<string, string>> = {
  not_required_asked: 'asked for “not required”',
  not_required: 'decided that it is not required',
  kept: 'decided that it is required',
  withheld: 'withheld it',
  returned: 'let it return',
  started: 'started its clock',
  submitted: 'recorded that it was handed in',
  told: 'told it by a notice',
  came_back: 'opened it again: its notice came back',
};

export interface TellableContact {
  id: string;
  name: string;
  role: string;
  /** How they are reached; empty: by nothing that is known. */
  ways: string;
}

/** One duty: its arithmetic, what was decided about it, and what may be. */
export function ObligationPageView({
  frame,
  incident,
  duty,
  contacts,
  startsByHand,
  now,
  refused,
}: {
  frame: Frame;
  incident: string;
  duty: ObligationView;
  /** To whom it may be told. */
  contacts: readonly TellableContact[];
  startsByHand: boolean;
  now: Millis;
  refused?: RefusedForm | undefined;
}) {
  const { tone, word } = standingOf(duty);
  const open = duty.obligation === 'required' && duty.fulfilledAt === null;
  const may = frame.may('incidents:act');
  return (
    <Page
      title={duty.title}
      frame={frame}
      crumbs={[
        { title: 'Incidents', path: '/incidents' },
        { title: incident, path: `/incidents/${incident}` },
        { title: 'Duties to tell', path: `/incidents/${incident}/obligations` },
      ]}
    >
      <div class="head">
        <div>
          <p class="ref">{duty.reference}</p>
          <h1>{duty.title}</h1>
          <p class="lead">
            {words(duty.phase)}, to {duty.recipient}, for {duty.integrationName} ({duty.caseReference}).
          </p>
        </div>
        <Chip tone={tone}>{word}</Chip>
      </div>
      <div class="grid">
        <section class="card w7">
          <h2>Its clock</h2>
          <Facts
            facts={[
              ['Rule', duty.source],
              ['Whose', duty.watched ? `${duty.whose}; we watch it and send nothing` : duty.whose],
              [
                'From',
                duty.startAt === null ? (
                  `${words(duty.startEvent)}, which has not happened`
                ) : (
                  <At at={Date.parse(duty.startAt)} />
                ),
              ],
              [
                'By',
                duty.standing === 'dated' ? (
                  <>
                    <At at={Date.parse(duty.dueAt!)} />{' '}
                    {open && !duty.watched && <Countdown dueAt={Date.parse(duty.dueAt!)} now={now} />}
                  </>
                ) : duty.standing === 'no_number' ? (
                  'a duty without a number'
                ) : (
                  'not started'
                ),
              ],
              ['Day there', duty.dueDate ?? '–'],
              ['Arithmetic', duty.why],
              ['Told', duty.told === null ? 'not through us' : <ToldBy one={duty} />],
              ['Fulfilled', <At at={duty.fulfilledAt === null ? null : Date.parse(duty.fulfilledAt)} />],
            ]}
          />
          {duty.disputed.length > 1 && (
            <>
              <h3>Disputed</h3>
              <ul>
                {duty.disputed.map((one) => (
                  <li>
                    From <At at={Date.parse(one.startAt)} /> ({one.assertedBy}: {one.basis}) it would be{' '}
                    {one.dueAt === null ? 'without a number' : <At at={Date.parse(one.dueAt)} />}
                  </li>
                ))}
              </ul>
              <p class="soft small">Both stand on record; the earlier is worked to.</p>
            </>
          )}
        </section>
        <section class="card w5">
          <h2>Decisions</h2>
          {duty.decisions.length === 0 && <Empty>Nobody has decided anything about it.</Empty>}
          <ol class="timeline">
            {duty.decisions.map((one) => (
              <li>
                <At at={Date.parse(one.at)} />
                <b>{one.by}</b> {DECISIONS[one.decision] ?? words(one.decision)}
                {one.until !== null && (
                  <>
                    {' '}
                    until <At at={Date.parse(one.until)} />
                  </>
                )}
                <div class="soft small">
                  {[one.authority, one.document, one.reason].filter(Boolean).join(' · ')}
                </div>
              </li>
            ))}
          </ol>
        </section>
        {may && (open || mayBeTakenBack(duty)) && (
          <section class="card w12" id="acts">
            <h2>What may be done</h2>
            <Acts
              frame={frame}
              duty={duty}
              contacts={contacts}
              startsByHand={startsByHand}
              refused={refused}
            />
          </section>
        )}
      </div>
    </Page>
  );
}

/** Decided to be none here, which somebody may find to be a mistake. */
function mayBeTakenBack({ obligation, fulfilledAt }: ObligationView): boolean {
  return obligation === 'not_required' && fulfilledAt === null;
}

function Acts({
  frame,
  duty,
  contacts,
  startsByHand,
  refused,
}: {
  frame: Frame;
  duty: ObligationView;
  contacts: readonly TellableContact[];
  startsByHand: boolean;
  refused: RefusedForm | undefined;
}) {
  const reached = contacts.filter(({ ways }) => ways !== '');
  const mayTell =
    frame.may('notices:write') &&
    !duty.watched &&
    duty.standing !== 'not_started' &&
    (duty.told === null || duty.told.state === 'refused' || duty.told.dispatch === 'failed');
  const of = (form: string) => (refused?.form === form ? refused : undefined);
  const field = (form: string, name: string, required = true) => ({
    name,
    idPrefix: `${form}-`,
    value: of(form)?.typed[name] ?? '',
    problem: of(form)?.problems[name],
    required,
  });
  const when = (form: string) => (
    <>
      <Field {...field(form, 'at')} type="datetime-local" label="When" />
      <Field
        {...field(form, 'zone')}
        value={of(form)?.typed['zone'] ?? 'UTC'}
        label="Time zone"
        hint="Like Europe/Berlin or UTC."
      />
    </>
  );
  const act = (form: string, title: string, fields: preact.ComponentChildren, word: string) => (
    <details open={of(form) !== undefined}>
      <summary>{title}</summary>
      <PostForm frame={frame} action={`/obligations/${duty.id}/${form}`} label={title}>
        <FormError problems={of(form)?.problems} />
        {fields}
        <p class="actions">
          <button type="submit">{word}</button>
        </p>
      </PostForm>
    </details>
  );
  if (mayBeTakenBack(duty))
    return act(
      'keep',
      'It is required after all',
      <>
        <p class="hint">Its clock is the one that was frozen at first: the time in between counts.</p>
        <Field {...field('keep', 'reason')} label="Why" />
      </>,
      'Take the decision back',
    );
  return (
    <>
      {mayTell && reached.length === 0 && (
        <p class="hint">
          To tell it from here, give the recipient a part in the integration as a party with a contact that
          has an address. Else hand it in where they take it, and record that below.
        </p>
      )}
      {mayTell &&
        reached.length > 0 &&
        act(
          'notice',
          'Tell it from here',
          <>
            <p class="hint">
              It is drafted with what is known of the case. Nothing is sent before it was read and approved.
            </p>
            <SelectField
              name="contactId"
              idPrefix="notice-"
              label="Whom"
              value={of('notice')?.typed['contactId']}
              problem={of('notice')?.problems['contactId']}
              options={reached.map((one) => ({
                value: one.id,
                word: `${one.name} (${words(one.role)}; ${one.ways})`,
              }))}
            />
            <label class="check">
              <input type="checkbox" name="everyCase" value="1" /> The same notice tells it for every case of
              the incident
            </label>
          </>,
          'Draft the notice',
        )}
      {duty.standing !== 'not_started' &&
        act(
          'submit',
          duty.watched ? `${duty.whose} says that it was handed in` : 'It was handed in',
          <>
            {when('submit')}
            <Field {...field('submit', 'document')} label="Number, or where it was handed in" />
            <Field {...field('submit', 'reason', false)} label="Why it is late, where it is" />
            <label class="check">
              <input type="checkbox" name="everyCase" value="1" /> The same report stands for every case of
              the incident
            </label>
          </>,
          'Record it',
        )}
      {startsByHand &&
        act(
          'start',
          'What starts it has happened',
          <>
            {when('start')}
            <Field {...field('start', 'reason')} label="What this rests on" />
          </>,
          'Start its clock',
        )}
      {act(
        'not-required',
        duty.askedBy === null ? 'It is not required here' : `${duty.askedBy} says that it is not required`,
        <>
          <p class="hint">One person asks, a second one decides.</p>
          <Field {...field('not-required', 'reason')} label="Why" />
        </>,
        duty.askedBy === null ? 'Ask for it' : 'Decide: not required',
      )}
      {duty.askedBy !== null &&
        act(
          'keep',
          'It is required after all',
          <Field {...field('keep', 'reason')} label="Why" />,
          'Decide: required',
        )}
      {!duty.watched &&
        act(
          'withhold',
          'An authority asked in writing to wait',
          <>
            <Field {...field('withhold', 'authority')} label="Authority" />
            <Field {...field('withhold', 'document')} label="The written word" hint="Its date and number." />
            <Field {...field('withhold', 'at')} type="datetime-local" label="Until" />
            <Field
              {...field('withhold', 'zone')}
              value={of('withhold')?.typed['zone'] ?? 'UTC'}
              label="Time zone"
              hint="Like Europe/Berlin or UTC."
            />
            <Field {...field('withhold', 'reason')} label="Why" />
          </>,
          'Withhold it',
        )}
    </>
  );
}
