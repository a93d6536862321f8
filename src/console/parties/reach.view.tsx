import type { Id } from '../../kernel/ids.ts';
import type { ContactWay } from '../../domain/notices/contact-ways.queries.ts';
import type { ContactReachView } from '../../domain/parties/on-call.queries.ts';
import { Field, FormError, PostForm, SelectField, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, Empty } from '../shared/parts.tsx';
import { Chip } from '../shared/states.tsx';
import type { PartyHead } from './party.queries.ts';

/** A form that was refused: which one, what was typed, and what was wrong. */
export interface ReachBad {
  at: 'hours' | 'absence' | 'ways';
  form: Readonly<Record<string, string>>;
  problems: FormProblems;
}

/** A way beside mail, with the title of its channel. */
export type ShownWay = ContactWay & { title: string };

interface Model {
  frame: Frame;
  head: PartyHead;
  contactId: Id;
  reach: ContactReachView;
  ways: readonly ShownWay[];
  bad: ReachBad | undefined;
}

const WEEK = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

export function ReachView(model: Model) {
  const { frame, head, reach } = model;
  return (
    <Page
      title={`When to reach ${reach.name}`}
      frame={frame}
      crumbs={[
        { title: 'Portfolio', path: '/portfolio' },
        { title: head.name, path: `/parties/${head.reference}` },
      ]}
    >
      <div class="head">
        <div>
          <p class="ref">{head.reference}</p>
          <h1>When to reach {reach.name}</h1>
          <p class="lead">
            Whoever is on duty is called first. A duty to tell never waits past its warning for anybody.
          </p>
        </div>
      </div>
      <div class="grid">
        <section class="card w7" id="hours">
          <h2>On duty</h2>
          <Hours {...model} />
        </section>
        <section class="card w5" id="absences">
          <h2>Away</h2>
          <Absences {...model} />
        </section>
        <section class="card w12" id="ways">
          <h2>Other ways</h2>
          {model.bad?.at === 'ways' && <FormError problems={model.bad.problems} />}
          <Ways {...model} />
        </section>
      </div>
    </Page>
  );
}

const STATE_CHIPS = {
  untried: { tone: 'calm', word: 'nothing was sent there yet' },
  taken: { tone: 'dead', word: 'took the last message' },
  failing: { tone: 'wait', word: 'did not take the last message yet' },
  bounced: { tone: 'live', word: 'refused the last message' },
  confirmed: { tone: 'dead', word: 'confirmed by a code' },
} as const;

function Ways({ frame, head, contactId, reach, ways }: Model) {
  if (ways.length === 0) return <Empty>No other way than mail and phone.</Empty>;
  return (
    <ul class="asks">
      {ways.map((one) => (
        <li>
          <div class="what">
            <div class="line tight">
              <strong>{`${one.order}. ${one.title}`}</strong>
              {one.state && <Chip tone={STATE_CHIPS[one.state].tone}>{STATE_CHIPS[one.state].word}</Chip>}
            </div>
            <div class="soft small">
              {one.address}, since <At at={one.addedAt} />
            </div>
          </div>
          <PostForm
            frame={frame}
            action={`/parties/${head.reference}/contacts/${contactId}/addresses/${one.id}/end`}
            label={`Remove ${one.title} of ${reach.name}`}
            inline
          >
            <button type="submit" class="plain small">
              Remove
            </button>
          </PostForm>
        </li>
      ))}
    </ul>
  );
}

function Hours({ frame, head, contactId, reach, bad }: Model) {
  const { hours } = reach;
  const refused = bad?.at === 'hours' ? bad : undefined;
  const form: Readonly<Record<string, string>> = refused?.form ?? {
    zone: reach.zone,
    from: hours?.from ?? '00:00',
    until: hours?.until ?? '24:00',
    quietFrom: hours?.quietFrom ?? '',
    quietUntil: hours?.quietUntil ?? '',
    mostPerHour: hours?.mostPerHour == null ? '' : String(hours.mostPerHour),
    ...Object.fromEntries((hours?.days ?? [1, 2, 3, 4, 5, 6, 7]).map((day) => [`day${day}`, '1'])),
  };
  const problems = refused?.problems ?? {};
  const field = (name: string, of = name) => ({
    name,
    value: form[name] ?? '',
    problem: problems[of],
    idPrefix: 'hours-',
  });
  return (
    <PostForm
      frame={frame}
      action={`/parties/${head.reference}/contacts/${contactId}/hours`}
      label="Hours on duty"
    >
      {hours === null && <p class="soft small">Nothing is said yet: always on duty.</p>}
      <FormError problems={problems} />
      <fieldset aria-describedby={problems['days'] ? 'hours-days-error' : undefined}>
        <legend>Days on which a duty begins</legend>
        {problems['days'] && (
          <p class="error" id="hours-days-error">
            {problems['days']}
          </p>
        )}
        {WEEK.map((word, at) => (
          <label class="check">
            <input type="checkbox" name={`day${at + 1}`} value="1" checked={form[`day${at + 1}`] === '1'} />
            <span>{word}</span>
          </label>
        ))}
      </fieldset>
      <div class="pair">
        <Field {...field('from')} label="From" hint="08:00" maxLength={5} required />
        <Field
          {...field('until')}
          label="Until"
          hint="Earlier than its begin: the next day"
          maxLength={5}
          required
        />
        <Field {...field('zone')} label="Time zone" hint="Europe/Berlin" maxLength={64} required />
        <Field
          {...field('mostPerHour')}
          label="Most messages in an hour"
          hint="Empty: no limit"
          maxLength={4}
        />
        <Field {...field('quietFrom', 'quiet')} label="Quiet from" hint="Empty: never" maxLength={5} />
        <Field {...field('quietUntil')} label="Quiet until" hint="Notices wait until then" maxLength={5} />
      </div>
      <p class="actions">
        <button type="submit">Keep the hours</button>
      </p>
    </PostForm>
  );
}

function Absences({ frame, head, contactId, reach, bad }: Model) {
  const path = `/parties/${head.reference}/contacts/${contactId}/absences`;
  const refused = bad?.at === 'absence' ? bad : undefined;
  const problems = refused?.problems ?? {};
  const form: Readonly<Record<string, string>> = refused?.form ?? { zone: reach.zone };
  const field = (name: string) => ({
    name,
    value: form[name] ?? '',
    problem: problems[name],
    idPrefix: 'absence-',
  });
  return (
    <div class="rows tight">
      {reach.absences.length === 0 ? (
        <Empty>No absence to come.</Empty>
      ) : (
        <ul class="asks">
          {reach.absences.map((one) => (
            <li>
              <div class="what">
                <div class="line tight">
                  {one.from <= frame.now && <Chip tone="wait">away now</Chip>}
                  <span>
                    <At at={one.from} /> until <At at={one.until} />
                  </span>
                </div>
                <div class="soft small">
                  {one.standIn === null ? 'nobody stands in' : `${one.standIn} stands in`}
                </div>
              </div>
              <PostForm frame={frame} action={`${path}/${one.id}/end`} label="Take an absence back" inline>
                <button type="submit" class="plain small">
                  Take back
                </button>
              </PostForm>
            </li>
          ))}
        </ul>
      )}
      <PostForm frame={frame} action={path} label="Add an absence">
        <FormError problems={problems} />
        <Field {...field('from')} label="Away from" type="datetime-local" required />
        <Field {...field('until')} label="Back at" type="datetime-local" required />
        <Field {...field('zone')} label="Time zone of both" maxLength={64} required />
        <SelectField
          {...field('standInId')}
          label="Who stands in"
          none="Nobody"
          options={reach.others.map((one) => ({ value: one.id, word: one.name }))}
        />
        <p class="actions">
          <button type="submit">Put it on record</button>
        </p>
      </PostForm>
    </div>
  );
}
