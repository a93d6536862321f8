import type { StrongerWays } from '../../domain/notices/acknowledgement-proofs.service.ts';
import { STRENGTH_WORDS } from '../../domain/notices/acknowledgement.rules.ts';
import type { ShownNotice } from '../../domain/notices/acknowledgement.service.ts';
import type { Millis } from '../../kernel/time.ts';
import { Field, FormError, type FormProblems } from '../shared/forms.tsx';
import { OutsidePage } from '../shared/layout.tsx';
import { Chip, words } from '../shared/states.tsx';
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
  ways,
  now,
  path,
  proof,
  problems = {},
  typed = {},
}: {
  notice: ShownNotice;
  ways: StrongerWays;
  now: Millis;
  /** Of this page. */
  path: string;
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
        <Asked notice={notice} now={now} />
        <FormError problems={problems} />
        <form method="post" action={path} aria-label={title}>
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
          <Stronger path={path} notice={notice} ways={ways} problems={problems} typed={typed} />
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
        <SecondChannels ways={ways} path={path} proof={proof} problem={problems['channel']} />
      </section>
      <p class="soft small">
        What you confirm is exactly this text, SHA-256{' '}
        <span class="mono">{notice.textHash.slice(0, 16)}…</span>
      </p>
    </OutsidePage>
  );
}

/** How strong an answer must be, where the code of the message is not enough; and what was given so far. */
function Asked({ notice, now }: { notice: ShownNotice; now: Millis }) {
  const { leastStrength, weaker } = notice;
  if (leastStrength === 'mailbox') return null;
  const least = `${STRENGTH_WORDS[leastStrength]}${leastStrength === 'detached_signature' ? '' : ', or something stronger'}`;
  return weaker ? (
    <p class="notice wait" role="status">
      <Chip tone="wait">still open</Chip> {weaker.name ?? 'Somebody'} said{' '}
      <When at={weaker.at} zone={notice.zone} now={now} /> that it reached you, and that is on record. It was
      given by {STRENGTH_WORDS[weaker.strength]}; what ends the duty is {least}.
    </p>
  ) : (
    <p class="notice wait">
      To end this, give {least}. The code of the message alone is put on record, and leaves it open.
    </p>
  );
}

/** What may be given beside the code: a code by another channel, or a signature. */
function Stronger({
  path,
  notice,
  ways,
  problems,
  typed,
}: {
  path: string;
  notice: ShownNotice;
  ways: StrongerWays;
  problems: FormProblems;
  typed: Readonly<Record<string, string>>;
}) {
  const asked = notice.leastStrength === 'detached_signature' || Boolean(problems['signature']);
  return (
    <>
      {ways.codeBy && (
        <Field
          name="secondCode"
          label={`The code that went to you by ${ways.codeBy}`}
          hint="Eight digits, good for a quarter of an hour."
          value={typed['secondCode'] ?? ''}
          problem={problems['secondCode']}
          maxLength={12}
          autocomplete="off"
        />
      )}
      {(ways.hasKey || asked) && (
        <details open={asked}>
          <summary>Sign it with your own key</summary>
          <p class="small">
            Download <a href={`${path}/document`}>notice.json</a>, sign exactly its bytes, and paste the
            signature: <code>ssh-keygen -Y sign -n countersign -f KEY notice.json</code>
          </p>
          <Field
            name="signature"
            label="The signature"
            hint={
              ways.hasKey
                ? 'What stands in notice.json.sig, or an Ed25519 signature in base64.'
                : 'No key of yours was registered before this notice: ask the sender to register it for the next one.'
            }
            type="area"
            rows={5}
            value={typed['signature'] ?? ''}
            problem={problems['signature']}
          />
        </details>
      )}
    </>
  );
}

function SecondChannels({
  ways,
  path,
  proof,
  problem,
}: {
  ways: StrongerWays;
  /** Of this page. */
  path: string;
  proof: string;
  problem: string | undefined;
}) {
  if (ways.channels.length === 0) return null;
  return (
    <form method="post" action={`${path}/code`} aria-label="A second channel">
      <h3>A second channel</h3>
      <p class="soft small">
        A code that reaches you another way makes your answer stronger. Ask for it, then type it above.
      </p>
      <input type="hidden" name="proof" value={proof} />
      {problem && <p class="error">{problem}</p>}
      <p class="actions">
        {ways.channels.map(({ key, title }) => (
          <button class="plain" type="submit" name="channel" value={key}>
            {ways.codeBy === title ? `Send another code by ${title}` : `Send a code by ${title}`}
          </button>
        ))}
      </p>
    </form>
  );
}

export function AcknowledgedView({
  notice,
  now,
  path,
  proof,
  problems = {},
  typed = {},
}: {
  notice: ShownNotice;
  now: Millis;
  /** Of this page. */
  path: string;
  proof: string;
  problems?: FormProblems;
  typed?: Readonly<Record<string, string>>;
}) {
  const done = notice.acknowledged;
  return (
    <OutsidePage title={notice.subject}>
      <p class="notice dead" role="status">
        <Chip tone="dead">acknowledged</Chip> {done?.typedName ? `by ${done.typedName} ` : ''}
        {done && <When at={done.at} zone={notice.zone} now={now} />}
        {done && done.strength !== 'mailbox' && ` (${words(done.strength)})`}. Thank you.
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
          <form method="post" action={`${path}/next`} aria-label="What happens next">
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
