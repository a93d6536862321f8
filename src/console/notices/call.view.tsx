import type { CallScript } from '../../domain/notices/calls.service.ts';
import type { AttemptView, NoticeView as NoticeRow } from '../../domain/notices/notices.queries.ts';
import { Field, FormError, PostForm, SelectField, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, Empty } from '../shared/parts.tsx';
import { Chip, words } from '../shared/states.tsx';
import { NoticeClock } from './notice-parts.tsx';

/** A call about a notice: the script beside the form that takes down what came of it. */
export function CallView({
  frame,
  notice,
  contacts,
  script,
  calls,
  form,
  problems,
}: CallScript & {
  frame: Frame;
  notice: NoticeRow;
  /** Those made so far. */
  calls: readonly AttemptView[];
  form: Readonly<Record<string, string>>;
  problems: FormProblems;
}) {
  const field = (name: string) => ({ name, value: form[name] ?? '', problem: problems[name] });
  return (
    <Page
      title={`Call ${notice.partyName} about ${notice.reference}`}
      frame={frame}
      crumbs={[
        { title: 'Notices', path: '/notices' },
        { title: notice.reference, path: `/notices/${notice.reference}` },
      ]}
    >
      <div class="head">
        <div>
          <p class="ref">{notice.reference}</p>
          <h1>Call {notice.partyName}</h1>
          <p class="lead">Read it out, and take down who heard it and when. That counts as told.</p>
        </div>
        <NoticeClock notice={notice} now={frame.now} />
      </div>
      <div class="grid">
        <section class="w7">
          <h2>What to say</h2>
          <div class="letter">{script}</div>
        </section>
        <div class="w5 rows">
          <section class="card">
            <h2>Whom to call, in order</h2>
            {contacts.length === 0 ? (
              <Empty>No contact there has a phone number.</Empty>
            ) : (
              <ol>
                {contacts.map((one) => (
                  <li>
                    <b>{one.name}</b> <span class="soft small">{words(one.role)}</span>{' '}
                    {one.away && <Chip tone="wait">away</Chip>}
                    <div>
                      <a href={`tel:${one.phone.replace(/[^+\d]/g, '')}`}>{one.phone}</a>
                    </div>
                  </li>
                ))}
              </ol>
            )}
          </section>
          {contacts.length > 0 && notice.obligation === 'required' && (
            <section class="card">
              <h2>What came of it</h2>
              <PostForm frame={frame} action={`/notices/${notice.reference}/call`} label="What came of it">
                <FormError problems={problems} />
                <SelectField
                  {...field('contactId')}
                  label="Called"
                  options={contacts.map(({ id, name, phone, away }) => ({
                    value: id,
                    word: `${name}, ${phone}${away ? ' (away)' : ''}`,
                  }))}
                />
                <div class="pair">
                  <Field {...field('at')} label="When" type="datetime-local" required />
                  <Field {...field('zone')} label="Time zone" required />
                </div>
                <SelectField
                  {...field('outcome')}
                  label="Outcome"
                  options={[
                    { value: 'heard', word: 'Somebody answered and heard it' },
                    { value: 'nobody', word: 'Nobody answered' },
                  ]}
                />
                <Field {...field('answeredBy')} label="Who answered" maxLength={200} />
                <Field
                  {...field('code')}
                  label="Six digits that they read back"
                  hint="From the message that reached them. With these the call is their acknowledgement."
                  maxLength={12}
                  autocomplete="off"
                />
                <Field {...field('nextAction')} label="What they do next" maxLength={500} />
                <Field {...field('note')} label="Note" hint="Never a credential" maxLength={500} />
                <p class="actions">
                  <button type="submit">Put it on record</button>
                </p>
              </PostForm>
            </section>
          )}
          {calls.length > 0 && (
            <section class="card" id="calls">
              <h2>Calls so far</h2>
              <ul class="plain">
                {calls.map((one) => (
                  <li>
                    <At at={one.startedAt} />{' '}
                    <Chip tone={one.outcome === 'accepted' ? 'dead' : 'wait'}>
                      {one.outcome === 'accepted' ? 'told' : 'not reached'}
                    </Chip>
                    <div class="soft small">
                      {one.address}: {one.peerAnswer}
                    </div>
                  </li>
                ))}
              </ul>
            </section>
          )}
        </div>
      </div>
    </Page>
  );
}
