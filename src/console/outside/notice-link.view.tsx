import type { ShownNotice } from '../../domain/notices/acknowledgement.service.ts';
import { Field } from '../shared/forms.tsx';
import { OutsidePage } from '../shared/layout.tsx';
import { At } from '../shared/parts.tsx';
import { Chip } from '../shared/states.tsx';

function Letter({ notice }: { notice: ShownNotice }) {
  return (
    <>
      <p class="ref">{notice.reference}</p>
      <h1>{notice.subject}</h1>
      <div class="letter">{notice.text}</div>
    </>
  );
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
  return (
    <OutsidePage title={notice.subject}>
      <Letter notice={notice} />
      <section class="card">
        <h2>Acknowledge this notice</h2>
        <p>
          Confirm that you have received and read it. This is no admission of anything: it says that somebody
          on your side is on it.
        </p>
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
        <form method="post" action="/notice" aria-label="Acknowledge this notice">
          <input type="hidden" name="text_hash" value={notice.textHash} />
          <input type="hidden" name="proof" value={proof} />
          <Field
            name="name"
            label="Your first and last name"
            hint="It stands on record as the name of who acknowledged."
            value={name ?? ''}
            required
            maxLength={120}
            autocomplete="name"
          />
          <p class="actions">
            <button type="submit">Acknowledge</button>
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
