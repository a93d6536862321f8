import type { ShownNotice } from '../../domain/notices/acknowledgement.service.ts';
import type { Millis } from '../../kernel/time.ts';
import { Field, FormError, type FormProblems } from '../shared/forms.tsx';
import { OutsidePage } from '../shared/layout.tsx';
import { Chip } from '../shared/states.tsx';
import { When } from '../shared/when.tsx';

function Letter({ notice }: { notice: ShownNotice }) {
  return (
    <>
      {!notice.subject.startsWith(notice.reference) && <p class="ref">{notice.reference}</p>}
      <h1>{notice.subject}</h1>
      <div class="letter" lang={notice.language}>
        {notice.text}
      </div>
    </>
  );
}

/** What an answer says, and what is to be pressed for it. */
function asked(category: string): { title: string; text: string; button: string } {
  if (category === 'drill')
    return {
      title: 'Answer the call',
      text: 'Say that the call has reached you. Nothing is revoked by it: it shows how fast you can be reached.',
      button: 'The call has reached me',
    };
  if (category === 'contact-confirmation')
    return {
      title: 'Confirm that this reaches you',
      text: 'Say that you are the contact, and that mail to this address reaches you. Nothing else follows from it.',
      button: 'It reaches me',
    };
  return {
    title: 'Acknowledge this notice',
    text: 'Confirm that you have received and read it. This is no admission of anything: it says that somebody on your side is on it.',
    button: 'Acknowledge',
  };
}

/** The notice and the one thing to do: type a name and the code of the message, and confirm. */
export function NoticeLinkView({
  notice,
  now,
  proof,
  problems = {},
  typed = {},
}: {
  notice: ShownNotice;
  now: Millis;
  proof: string;
  problems?: FormProblems;
  typed?: Readonly<Record<string, string>>;
}) {
  const { title, text, button } = asked(notice.category);
  return (
    <OutsidePage title={notice.subject}>
      <Letter notice={notice} />
      <section class="card">
        <h2>{title}</h2>
        <p>{text}</p>
        {notice.dueAt !== null && (
          <p class="soft small">
            {notice.dueAt < now ? 'It was' : 'It is'} to reach you by{' '}
            <When at={notice.dueAt} zone={notice.zone} now={now} />.
          </p>
        )}
        <FormError problems={problems} />
        <form method="post" action="/notice" aria-label={title}>
          <input type="hidden" name="text_hash" value={notice.textHash} />
          <input type="hidden" name="proof" value={proof} />
          <Field
            name="name"
            label="Your first and last name"
            hint="It stands on record as the name of who answered."
            value={typed['name'] ?? ''}
            problem={problems['name']}
            required
            maxLength={120}
            autocomplete="name"
          />
          <Field
            name="code"
            label="The code of the message"
            hint="Six digits beside the link that you opened: they show that a person read it."
            value={typed['code'] ?? ''}
            problem={problems['code']}
            required
            maxLength={12}
            autocomplete="off"
          />
          {notice.dueAt !== null && (
            <Field
              name="next"
              label="What happens next on your side, if you know it already"
              hint="Without it this is asked again in a few hours: an acknowledgement that nothing follows does not last."
              value={typed['next'] ?? ''}
              problem={problems['next']}
              maxLength={500}
            />
          )}
          <p class="actions">
            <button type="submit">{button}</button>
          </p>
        </form>
      </section>
      <p class="soft small">
        What you confirm is exactly this text, SHA-256{' '}
        <span class="mono">{notice.textHash.slice(0, 16)}…</span>
      </p>
    </OutsidePage>
  );
}

export function AcknowledgedView({
  notice,
  now,
  proof,
  problems = {},
  typed = {},
}: {
  notice: ShownNotice;
  now: Millis;
  proof: string;
  problems?: FormProblems;
  typed?: Readonly<Record<string, string>>;
}) {
  const done = notice.acknowledged;
  return (
    <OutsidePage title={notice.subject}>
      <p class="notice dead" role="status">
        <Chip tone="dead">acknowledged</Chip> {done?.typedName ? `by ${done.typedName} ` : ''}
        {done && <When at={done.at} zone={notice.zone} now={now} />}. Thank you.
        {done?.nextAction
          ? ` Next on your side: ${done.nextAction}`
          : done?.lapsesAt == null && ' Nothing more is needed here.'}
      </p>
      {done && done.lapsesAt !== null && (
        <section class="card">
          <h2>{done.nextAction ? 'Something else is next' : 'What happens next on your side?'}</h2>
          <p>
            {done.nextAction ? 'It' : 'Without a next action it'} stands until{' '}
            <When at={done.lapsesAt} zone={notice.zone} now={now} />; then you are told again, unless the case
            has ended.
          </p>
          <FormError problems={problems} />
          <form method="post" action="/notice/next" aria-label="What happens next">
            <input type="hidden" name="proof" value={proof} />
            <Field
              name="next"
              label="The next action, in a few words"
              value={typed['next'] ?? ''}
              problem={problems['next']}
              required
              maxLength={500}
            />
            <p class="actions">
              <button type="submit">Say so</button>
            </p>
          </form>
        </section>
      )}
      <Letter notice={notice} />
    </OutsidePage>
  );
}

/** For links that open nothing, or nothing any more. */
export function BadLinkView({ ended, message }: { ended: boolean; message: string }) {
  return (
    <OutsidePage title={ended ? 'This link has ended' : 'This link opens nothing'}>
      <h1>{ended ? 'This link has ended' : 'This link opens nothing'}</h1>
      <p class="lead">{message}</p>
      <div class="card">
        <h2>What you can do</h2>
        <ul>
          <li>Open the link again from the newest mail; some mail programs cut long links in two.</li>
          <li>If the page stayed open for more than an hour, open the link in the mail once more.</li>
          <li>Else answer the mail: a person at the sender can send the notice again.</li>
        </ul>
      </div>
    </OutsidePage>
  );
}
