import type { ShownConfirmation, ShownVersion } from '../../domain/responsibility/signing-links.service.ts';
import { DUTIES } from '../../domain/responsibility/matrix.rules.ts';
import { Field } from '../shared/forms.tsx';
import { OutsidePage } from '../shared/layout.tsx';
import { At, DataTable, Facts, PaperFoot } from '../shared/parts.tsx';
import { Chip, words } from '../shared/states.tsx';
import type { Standing } from './standing.queries.ts';

const LANGUAGES: Readonly<Record<string, string>> = { en: 'English', de: 'Deutsch' };

/** One page: what is agreed, what is new in it, and how to say yes or no. */
export function SigningLinkView({
  shown,
  standing,
  proof,
  codeSent,
  signsFor,
  comment,
  problem,
}: {
  shown: ShownVersion;
  standing: Standing;
  proof: string;
  codeSent: boolean;
  signsFor: string;
  /** What was typed into the form to send it back. */
  comment: string;
  problem?: string | undefined;
}) {
  const { version, signed } = shown;
  const title = `Who answers for what: ${shown.integrationName}`;
  // Below a long text: what became of an answer is said there, where the reader is taken back to.
  const signs = !signed && !shown.used && !shown.strongerWays;
  return (
    <OutsidePage title={title}>
      <p class="ref">
        {shown.reference}, version {version.number}
      </p>
      <h1>{title}</h1>
      <p class="lead">
        {shown.contactName}, you are asked to sign for <b>{shown.partyName}</b>: which side answers for which
        duty when a credential of this integration is issued, kept, replaced or leaked.
      </p>
      {problem && !signs && <Problem text={problem} />}
      {signed ? (
        <p class="notice dead" role="status">
          <Chip tone="dead">signed</Chip> for {shown.partyName} by {signed.signsFor} <At at={signed.at} />.{' '}
          {shown.missing.length > 0
            ? `Still to sign: ${shown.missing.join(', ')}. Nothing more is needed from you.`
            : 'Every side has signed: it is in force.'}
        </p>
      ) : shown.used ? (
        <p class="notice wait" role="status">
          This link was used, and what was signed with it stands no longer: the matrix was changed since. When
          you are asked to sign anew, a new mail comes.
        </p>
      ) : shown.strongerWays ? (
        <div class="notice wait" role="status">
          <p>
            A link and a code to the same mailbox are one factor, and the policy of this integration asks for
            more. Read the text here, then sign in one of these ways:
          </p>
          <ul>
            {shown.strongerWays.map((way) => (
              <li>{way}</li>
            ))}
          </ul>
          <p>Answer the mail to be given an account, or the document to sign with your key or on paper.</p>
          <Meaning shown={shown} />
        </div>
      ) : (
        <Asked shown={shown} />
      )}
      {shown.changes && shown.changes.length > 0 && (
        <section class="card">
          <h2>What is new since both sides last signed</h2>
          <DataTable
            caption="What is new"
            columns={[{ title: 'Duty' }, { title: 'What' }, { title: 'Signed' }, { title: 'Now' }]}
            rows={shown.changes.map((one) => [one.where, one.what, one.before, <b>{one.after}</b>])}
          />
        </section>
      )}
      <p class="line small">
        {shown.languages.map((language) =>
          language === shown.language ? (
            <b>{LANGUAGES[language] ?? language}</b>
          ) : (
            <a href={`/sign-matrix?language=${language}`}>{LANGUAGES[language] ?? language}</a>
          ),
        )}
      </p>
      <div class="letter">{shown.text}</div>
      {shown.terms && (
        <>
          <h2>The terms that you sign with it</h2>
          <div class="letter">{shown.terms.text}</div>
          <p class="soft small">
            Its hash stands in the text above: SHA-256{' '}
            <span class="mono">{shown.terms.textHash.slice(0, 16)}…</span>
          </p>
        </>
      )}
      {!signed && !shown.used && (
        <>
          {signs && (
            <section class="card" id="sign">
              <h2>Sign</h2>
              {problem && <Problem text={problem} />}
              <form method="post" action="/sign-matrix/code#sign" aria-label="Ask for a code">
                <input type="hidden" name="proof" value={proof} />
                <input type="hidden" name="language" value={shown.language} />
                {codeSent ? (
                  <p class="notice dead" role="status">
                    A code is on its way to {shown.maskedEmail}. It is good for 15 minutes.
                  </p>
                ) : (
                  <p>First, have a code mailed to {shown.maskedEmail}.</p>
                )}
                <button type="submit" class={codeSent ? 'plain small' : undefined}>
                  {codeSent ? 'Mail me another code' : 'Mail me a code'}
                </button>
              </form>
              <form method="post" action="/sign-matrix#sign" aria-label="Sign the matrix">
                <input type="hidden" name="proof" value={proof} />
                <input type="hidden" name="language" value={shown.language} />
                <input type="hidden" name="content_hash" value={version.contentHash} />
                <input type="hidden" name="text_hash" value={shown.textHash} />
                <Field
                  name="code"
                  label="Code"
                  hint="Eight digits from the mail."
                  maxLength={20}
                  autocomplete="one-time-code"
                  required
                />
                <Field
                  name="signs_for"
                  label="Your name and position"
                  hint={`For example: ${shown.contactName}, head of security. It stands under the matrix.`}
                  value={signsFor}
                  maxLength={200}
                  autocomplete="name"
                  required
                />
                <p class="actions">
                  <button type="submit">Sign for {shown.partyName}</button>
                </p>
              </form>
            </section>
          )}
          <section class="card" id="back">
            <details open={comment !== '' || (codeSent && shown.strongerWays !== undefined)}>
              <summary>I do not agree: send it back</summary>
              {shown.strongerWays && (
                <form method="post" action="/sign-matrix/code" aria-label="Ask for a code to send it back">
                  <input type="hidden" name="proof" value={proof} />
                  <input type="hidden" name="language" value={shown.language} />
                  <input type="hidden" name="purpose" value="send_back" />
                  {codeSent && (
                    <p class="notice dead" role="status">
                      A code is on its way to {shown.maskedEmail}. It is good for 15 minutes.
                    </p>
                  )}
                  <button type="submit" class="plain small">
                    {codeSent ? 'Mail me another code' : 'Mail me a code'}
                  </button>
                </form>
              )}
              <form method="post" action="/sign-matrix/back#sign" aria-label="Send it back">
                <input type="hidden" name="proof" value={proof} />
                <label for="duty">About</label>
                <select id="duty" name="duty">
                  <option value="">the whole</option>
                  {DUTIES.map((duty) => (
                    <option value={duty}>{words(duty)}</option>
                  ))}
                </select>
                <Field
                  name="text"
                  label="What should be different"
                  type="area"
                  value={comment}
                  maxLength={2000}
                  required
                />
                <Field
                  name="code"
                  idPrefix="back-"
                  label="Code to send it back"
                  hint="Eight digits from the mail: it shows that it is you who sends it back."
                  maxLength={20}
                  autocomplete="one-time-code"
                  required
                />
                <p class="actions">
                  <button class="plain" type="submit">
                    Send back
                  </button>
                </p>
              </form>
            </details>
          </section>
        </>
      )}
      <section class="card" id="standing">
        <h2>Beside the matrix</h2>
        <Facts
          facts={[
            ['next review of the agreement', standing.reviewOn ?? 'none is agreed'],
            [
              'let pass for a time',
              standing.exceptions.length === 0
                ? 'nothing: no rule has an exception'
                : standing.exceptions.map(({ rule, until }) => `${words(rule)}, until ${until}`).join('; '),
            ],
          ]}
        />
      </section>
      <p class="soft small">
        What is signed is exactly this text, SHA-256 <span class="mono">{shown.textHash.slice(0, 16)}…</span>,
        of the content <span class="mono">{version.contentHash.slice(0, 16)}…</span>
      </p>
      <PaperFoot reference={shown.reference} version={version} />
    </OutsidePage>
  );
}

function Problem({ text }: { text: string }) {
  return (
    <p class="notice live" role="alert">
      {text}
    </p>
  );
}

/** What is asked, in three steps, for somebody who sees such a page for the first time. */
function Asked({ shown }: { shown: ShownVersion }) {
  return (
    <section class="card">
      <h2>What you are asked to do</h2>
      <ol class="how">
        <li>
          <b>Read</b> the text below: duty by duty, which party answers for it, who performs it and within
          what time.
        </li>
        <li>
          <b>Have a code mailed</b> to your registered mailbox, {shown.maskedEmail}. It shows that you are the
          one who was asked.
        </li>
        <li>
          <b>Sign</b> with your name, your position and the code. If something is wrong, send it back with
          what should be different.
        </li>
      </ol>
      <Meaning shown={shown} />
    </section>
  );
}

/** Who asks, by when, and what a signature binds to. */
function Meaning({ shown }: { shown: ShownVersion }) {
  const long = shown.version.reattestDays === 365 ? 'a year' : `${shown.version.reattestDays} days`;
  return (
    <Facts
      facts={[
        ['who asks', shown.askedBy ?? 'the operator of this installation'],
        [
          'by when',
          <>
            <At at={shown.until} />; then this link ends
          </>,
        ],
        [
          'what signing means',
          `You say for ${shown.partyName} that it answers for the duties that name it, within the times that stand there. It is in force when every side has signed the same text.`,
        ],
        ['for how long', `For ${long}, or until the text is changed: then you are asked anew.`],
        ['what it does not do', 'Opening this page, or asking for a code, signs nothing.'],
      ]}
    />
  );
}

export function ConfirmContactView({ shown, proof }: { shown: ShownConfirmation; proof: string }) {
  const title = `Contact for ${shown.integrationName}`;
  return (
    <OutsidePage title={title}>
      <p class="ref">{shown.reference}</p>
      <h1>{title}</h1>
      <p class="lead">
        {shown.contactName}, you were named as the contact of {shown.partyName} for these duties:
      </p>
      <ul>
        {shown.duties.map((duty) => (
          <li>{words(duty)}</li>
        ))}
      </ul>
      {shown.confirmedAt ? (
        <p class="notice dead" role="status">
          <Chip tone="dead">confirmed</Chip> <At at={shown.confirmedAt.getTime()} />. Thank you. Nothing more
          is needed here.
        </p>
      ) : (
        <form class="card" method="post" action="/confirm-contact" aria-label="Confirm">
          <input type="hidden" name="proof" value={proof} />
          <p>Confirm that you can be reached for them. If you are not the one, answer the mail.</p>
          <p class="actions">
            <button type="submit">I am the contact</button>
          </p>
        </form>
      )}
    </OutsidePage>
  );
}

const TITLES = {
  ended: 'This link has ended',
  unknown: 'This link opens nothing',
  'sent-back': 'Sent back',
} as const;

/** For links that open nothing, or nothing any more, and for what is done. */
export function BadSigningLinkView({ kind, message }: { kind: keyof typeof TITLES; message: string }) {
  const title = TITLES[kind];
  return (
    <OutsidePage title={title}>
      <h1>{title}</h1>
      <p class="lead">{message}</p>
      {kind !== 'sent-back' && (
        <div class="card">
          <h2>What you can do</h2>
          <ul>
            <li>Open the link again from the newest mail; some mail programs cut long links in two.</li>
            <li>If the page stayed open for more than an hour, open the link in the mail once more.</li>
            <li>Else answer the mail: a person at the sender can send you a new link.</li>
          </ul>
        </div>
      )}
    </OutsidePage>
  );
}
