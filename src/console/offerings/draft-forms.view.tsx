import { CONTACT_ROLES } from '../../domain/parties/party.schema.ts';
import type { CalendarView } from '../../domain/agreements/draft.schema.ts';
import { FULFILMENTS, START_EVENTS, STRENGTHS, TRIGGERS } from '../../domain/agreements/term.rules.ts';
import { DUTIES } from '../../domain/responsibility/matrix.rules.ts';
import { PERFORMING, type OfferingView } from '../../domain/responsibility/offering.schema.ts';
import { Field, FormError, PostForm, SelectField, type FormProblems, type Option } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { words } from '../shared/states.tsx';
import { all, one, type Given } from './draft-form.ts';

/** The form that is open, as it was filled in. */
export interface Editing {
  what: 'row' | 'term' | 'sheet';
  at: number | undefined;
  form: Given;
  problems: FormProblems;
}

interface Model {
  frame: Frame;
  offering: OfferingView;
  calendars: readonly CalendarView[];
  editing: Editing;
  path: string;
}

export const worded = (values: readonly string[]): Option[] =>
  values.map((value) => ({ value, word: words(value) }));
export const DIRECTIONS: readonly Option[] = [
  { value: 'to_party', word: 'we tell the customer' },
  { value: 'from_party', word: 'the customer tells us' },
];
const UNITS: readonly Option[] = [
  { value: 'elapsed-hours', word: 'hours, nights and weekends count' },
  { value: 'calendar-days', word: 'calendar days' },
  { value: 'business-days', word: 'business days' },
  { value: 'months', word: 'months' },
];

export function RowForm({ frame, offering, editing, path }: Model) {
  const { at, form, problems } = editing;
  const field = (name: string) => ({ name, value: one(form, name), problem: problems[name] });
  const chosen = all(form, 'performing');
  return (
    <section class="card w12">
      <h2>{at === undefined ? 'A further row' : `Change ${words(one(form, 'duty'))}`}</h2>
      <PostForm frame={frame} action={`${path}/draft/row`} label="Row of the matrix">
        <FormError problems={problems} />
        <input type="hidden" name="row_version" value={offering.rowVersion} />
        <input type="hidden" name="at" value={at ?? ''} />
        <div class="trio">
          <SelectField {...field('duty')} label="Duty" options={worded(DUTIES)} />
          <Field
            {...field('part')}
            label="Part"
            hint="An environment, a region; empty: the whole"
            maxLength={120}
          />
          <SelectField
            {...field('accountable')}
            label="Accountable"
            options={worded(['supplier', 'customer'])}
          />
          <SelectField {...field('contact')} label="Whose contact" options={worded(CONTACT_ROLES)} />
          <Field {...field('window')} label="Within" hint="30m, 4h or 2d; empty: none" />
          <SelectField
            {...field('path')}
            label="Revoked by"
            hint="For revocation only"
            options={[
              { value: 'connector', word: 'machine' },
              { value: 'contact', word: 'asking a contact' },
            ]}
            none="not said"
          />
        </div>
        <Checks
          name="performing"
          label="Performed by"
          options={PERFORMING}
          chosen={chosen}
          problem={problems['performing']}
        />
        <Field {...field('note')} label="Note" type="area" rows={2} maxLength={2000} />
        <Buttons at={at} what="row" />
      </PostForm>
    </section>
  );
}

function Checks({
  name,
  label,
  options,
  chosen,
  problem,
}: {
  name: string;
  label: string;
  options: readonly string[];
  chosen: readonly string[];
  problem?: string | undefined;
}) {
  return (
    <fieldset>
      <legend>{label}</legend>
      <div class="line">
        {options.map((value) => (
          <label class="check">
            <input type="checkbox" name={name} value={value} checked={chosen.includes(value)} />{' '}
            {words(value)}
          </label>
        ))}
      </div>
      {problem && <p class="error">{problem}</p>}
    </fieldset>
  );
}

function Buttons({ at, what }: { at: number | undefined; what: string }) {
  return (
    <p class="actions">
      <button type="submit">{at === undefined ? `Add the ${what}` : `Save the ${what}`}</button>
      {at !== undefined && (
        <button class="plain" type="submit" name="remove" value="1">
          Take it out
        </button>
      )}
    </p>
  );
}

export function TermForm({ frame, offering, calendars, editing, path }: Model) {
  const { at, form, problems } = editing;
  const field = (name: string, otherwise = '') => ({
    name,
    value: name in form ? one(form, name) : otherwise,
    problem: problems[name],
  });
  return (
    <section class="card w12">
      <h2>{at === undefined ? 'A further term' : `Term ${at + 1}`}</h2>
      <PostForm frame={frame} action={`${path}/draft/term`} label="Term">
        <FormError problems={problems} />
        <input type="hidden" name="row_version" value={offering.rowVersion} />
        <input type="hidden" name="at" value={at ?? ''} />
        <div class="trio">
          <SelectField {...field('direction')} label="Who tells whom" options={DIRECTIONS} />
          <SelectField {...field('trigger', 'confirmed')} label="When" options={worded(TRIGGERS)} />
          <SelectField
            {...field('startEvent', 'confirmed')}
            label="Counted from"
            options={worded(START_EVENTS)}
          />
          <Field {...field('windowCount', '24')} label="Window: how many" />
          <SelectField
            {...field('windowUnit', 'elapsed-hours')}
            label="Of what"
            options={UNITS}
            none="no number: without undue delay"
          />
          <Field {...field('zone', 'UTC')} label="Time zone" hint="Europe/Berlin" />
          <SelectField
            {...field('calendar')}
            label="Calendar"
            hint="For business days"
            options={calendars.map(({ key, name }) => ({ value: key, word: `${name} (${key})` }))}
            none="Monday to Friday"
          />
          <Field {...field('warnPercent', '50')} label="Warn after so many per cent" />
          <Field {...field('escalatePercent', '80')} label="Escalate after so many per cent" />
          <SelectField
            {...field('fulfilledBy', 'accepted_by_peer')}
            label="Kept when"
            options={worded(FULFILMENTS)}
          />
          <SelectField
            {...field('leastStrength')}
            label="An answer must have at least"
            options={worded(STRENGTHS)}
            none="what the policy says"
          />
          <Field {...field('name')} label="Name" hint="May be empty" maxLength={200} />
        </div>
        <Checks
          name="recipients"
          label="Told, by role"
          options={CONTACT_ROLES}
          chosen={all(form, 'recipients')}
          problem={problems['recipients']}
        />
        <Checks
          name="fallbackRecipients"
          label="Else"
          options={CONTACT_ROLES}
          chosen={all(form, 'fallbackRecipients')}
          problem={problems['fallbackRecipients']}
        />
        <div class="trio">
          {CONTACT_ROLES.map((role) => (
            <Field
              {...field(`after_${role}`)}
              label={`When ${words(role)} is told`}
              hint="Of those ticked under “Else”: 15 min, or 40 % of the window. Nothing: from half of the window."
              maxLength={20}
            />
          ))}
        </div>
        <Buttons at={at} what="term" />
      </PostForm>
    </section>
  );
}
