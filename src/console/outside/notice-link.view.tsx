import type { ShownNotice } from '../../domain/notices/acknowledgement.service.ts';
import { Field } from '../shared/forms.tsx';
import { OutsidePage } from '../shared/layout.tsx';
import { At } from '../shared/parts.tsx';
import { Chip } from '../shared/states.tsx';

function Letter({ notice }: { notice: ShownNotice }) {
  return (
    <>
      {!notice.subject.startsWith(notice.reference) && <p class="ref">{notice.reference}</p>}
      <h1>{notice.subject}</h1>
      <div class="letter">{notice.text}</div>
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

/** The notice and the one thing to do: type a name and confirm. */
export function NoticeLinkView({
  notice,
  proof,
  problem,
  name,
}: {
  notice: ShownNotice;
  proof: string;
  problem?: string;
  name?: string;
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
            It was to reach you by <At at={notice.dueAt} />.
          </p>
        )}
        {problem && (
          <p class="notice live" role="alert">
            {problem}
          </p>
        )}
        <form method="post" action="/notice" aria-label={title}>
          <input type="hidden" name="text_hash" value={notice.textHash} />
          <input type="hidden" name="proof" value={proof} />
          <Field
            name="name"
            label="Your first and last name"
            hint="It stands on record as the name of who answered."
            value={name ?? ''}
            required
            maxLength={120}
            autocomplete="name"
          />
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

export function AcknowledgedView({ notice }: { notice: ShownNotice }) {
  return (
    <OutsidePage title={notice.subject}>
      <p class="notice dead" role="status">
        <Chip tone="dead">acknowledged</Chip>{' '}
        {notice.acknowledged?.typedName ? `by ${notice.acknowledged.typedName} ` : ''}
        <At at={notice.acknowledged?.at ?? null} />. Thank you. Nothing more is needed here.
      </p>
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
