import type { ShownConfirmation, ShownVersion } from '../../domain/responsibility/signing-links.service.ts';
import { DUTIES } from '../../domain/responsibility/matrix.rules.ts';
import { dutyName } from '../../domain/responsibility/matrix-text.rules.ts';
import { Field } from '../shared/forms.tsx';
import { OutsidePage } from '../shared/layout.tsx';
import { At, DataTable, Facts, PaperFoot } from '../shared/parts.tsx';
import { Chip, words } from '../shared/states.tsx';
import { signingWordsIn, type SigningWords } from './signing-link.words.ts';
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
  const w = signingWordsIn(shown.language);
  const title = w.title(shown.integrationName);
  // Below a long text: what became of an answer is said there, where the reader is taken back to.
  const signs = !signed && !shown.used && !shown.strongerWays;
  return (
    <OutsidePage title={title} language={w.language}>
      <p class="ref">
        {shown.reference}, {w.version} {version.number}
      </p>
      <h1>{title}</h1>
      <p class="lead">
        {w.lead[0](shown.contactName)}
        <b>{shown.partyName}</b>
        {w.lead[1]}
      </p>
      {problem && !signs && <Problem text={problem} />}
      {signed ? (
        <p class="notice dead" role="status">
          <Chip tone="dead">{w.signed}</Chip> {w.signedFor(shown.partyName, signed.signsFor)}{' '}
          <At at={signed.at} />.{' '}
          {shown.missing.length > 0 ? w.stillToSign(shown.missing.join(', ')) : w.everySide}
        </p>
      ) : shown.used ? (
        <p class="notice wait" role="status">
          {w.used}
        </p>
      ) : shown.strongerWays ? (
        <div class="notice wait" role="status">
          <p>{w.stronger}</p>
          <ul>
            {shown.strongerWays.map((way) => (
              <li>{w.ways[way]}</li>
            ))}
          </ul>
          <p>{w.strongerHow}</p>
          <Meaning shown={shown} w={w} />
        </div>
      ) : (
        <Asked shown={shown} w={w} />
      )}
      {shown.changes && shown.changes.length > 0 && (
        <section class="card">
          <h2>{w.changes}</h2>
          <DataTable
            caption={w.caption}
            columns={w.columns.map((column) => ({ title: column }))}
            rows={shown.changes.map((one) => [one.where, one.what, one.before, <b>{one.after}</b>])}
          />
        </section>
      )}
      <p class="line small">
        {shown.languages.map((language) =>
          language === shown.language ? (
            <b lang={language}>{LANGUAGES[language] ?? language}</b>
          ) : (
            <a href={`/sign-matrix?language=${language}`} lang={language} hreflang={language}>
              {LANGUAGES[language] ?? language}
            </a>
          ),
        )}
      </p>
      <div class="letter">{shown.text}</div>
      {shown.terms && (
        <>
          <h2>{w.terms}</h2>
          <div class="letter">{shown.terms.text}</div>
          <p class="soft small">
            {w.termsHash} <span class="mono">{shown.terms.textHash.slice(0, 16)}…</span>
          </p>
        </>
      )}
      {!signed && !shown.used && (
        <>
          {signs && (
            <section class="card" id="sign">
              <h2>{w.sign}</h2>
              {problem && <Problem text={problem} />}
              <form method="post" action="/sign-matrix/code#sign" aria-label={w.askCode}>
                <input type="hidden" name="proof" value={proof} />
                <input type="hidden" name="language" value={shown.language} />
                {codeSent ? (
                  <p class="notice dead" role="status">
                    {w.codeSent(shown.maskedEmail)}
                  </p>
                ) : (
                  <p>{w.codeFirst(shown.maskedEmail)}</p>
                )}
                <button type="submit" class={codeSent ? 'plain small' : undefined}>
                  {codeSent ? w.mailAnother : w.mailCode}
                </button>
              </form>
              <form method="post" action="/sign-matrix#sign" aria-label={w.signForm}>
                <input type="hidden" name="proof" value={proof} />
                <input type="hidden" name="language" value={shown.language} />
                <input type="hidden" name="content_hash" value={version.contentHash} />
                <input type="hidden" name="text_hash" value={shown.textHash} />
                <Field
                  name="code"
                  label={w.code}
                  hint={w.codeHint}
                  maxLength={20}
                  autocomplete="one-time-code"
                  required
                />
                <Field
                  name="signs_for"
                  label={w.name}
                  hint={w.nameHint(shown.contactName)}
                  value={signsFor}
                  maxLength={200}
                  autocomplete="name"
                  required
                />
                <p class="actions">
                  <button type="submit">{w.signFor(shown.partyName)}</button>
                </p>
              </form>
            </section>
          )}
          <section class="card" id="back">
            <details open={comment !== '' || (codeSent && shown.strongerWays !== undefined)}>
              <summary>{w.back}</summary>
              {shown.strongerWays && (
                <form method="post" action="/sign-matrix/code" aria-label={w.askCodeBack}>
                  <input type="hidden" name="proof" value={proof} />
                  <input type="hidden" name="language" value={shown.language} />
                  <input type="hidden" name="purpose" value="send_back" />
                  {codeSent && (
                    <p class="notice dead" role="status">
                      {w.codeSent(shown.maskedEmail)}
                    </p>
                  )}
                  <button type="submit" class="plain small">
                    {codeSent ? w.mailAnother : w.mailCode}
                  </button>
                </form>
              )}
              <form method="post" action="/sign-matrix/back#sign" aria-label={w.backForm}>
                <input type="hidden" name="proof" value={proof} />
                <input type="hidden" name="language" value={shown.language} />
                <label for="duty">{w.about}</label>
                <select id="duty" name="duty">
                  <option value="">{w.whole}</option>
                  {DUTIES.map((duty) => (
                    <option value={duty}>{dutyName(duty, w.language)}</option>
                  ))}
                </select>
                <Field
                  name="text"
                  label={w.different}
                  type="area"
                  value={comment}
                  maxLength={2000}
                  required
                />
                <Field
                  name="code"
                  idPrefix="back-"
                  label={w.codeBack}
                  hint={w.codeBackHint}
                  maxLength={20}
                  autocomplete="one-time-code"
                  required
                />
                <p class="actions">
                  <button class="plain" type="submit">
                    {w.sendBack}
                  </button>
                </p>
              </form>
            </details>
          </section>
        </>
      )}
      <section class="card" id="standing">
        <h2>{w.beside}</h2>
        <Facts
          facts={[
            [w.review, standing.reviewOn ?? w.noReview],
            [
              w.exceptions,
              standing.exceptions.length === 0
                ? w.noExceptions
                : standing.exceptions.map(({ rule, until }) => w.until(words(rule), until)).join('; '),
            ],
          ]}
        />
      </section>
      <p class="soft small">
        {w.exactly[0]} <span class="mono">{shown.textHash.slice(0, 16)}…</span>, {w.exactly[1]}{' '}
        <span class="mono">{version.contentHash.slice(0, 16)}…</span>
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
function Asked({ shown, w }: { shown: ShownVersion; w: SigningWords }) {
  return (
    <section class="card">
      <h2>{w.asked}</h2>
      <ol class="how">
        {w.steps(shown.maskedEmail).map(([what, how]) => (
          <li>
            <b>{what}</b>
            {how}
          </li>
        ))}
      </ol>
      <Meaning shown={shown} w={w} />
    </section>
  );
}

/** Who asks, by when, and what a signature binds to. */
function Meaning({ shown, w }: { shown: ShownVersion; w: SigningWords }) {
  return (
    <Facts
      facts={[
        [w.asks, shown.askedBy ?? w.operator],
        [
          w.byWhen,
          <>
            <At at={shown.until} />
            {w.thenEnds}
          </>,
        ],
        [w.means, w.meaning(shown.partyName)],
        [w.howLong, w.days(shown.version.reattestDays)],
        [w.notDone, w.nothing],
      ]}
    />
  );
}

export function ConfirmContactView({ shown, proof }: { shown: ShownConfirmation; proof: string }) {
  const w = signingWordsIn(shown.language);
  const title = w.confirm.title(shown.integrationName);
  return (
    <OutsidePage title={title} language={w.language}>
      <p class="ref">{shown.reference}</p>
      <h1>{title}</h1>
      <p class="lead">{w.confirm.lead(shown.contactName, shown.partyName)}</p>
      <ul>
        {shown.duties.map((duty) => (
          <li>{dutyName(duty, w.language)}</li>
        ))}
      </ul>
      {shown.confirmedAt ? (
        <p class="notice dead" role="status">
          <Chip tone="dead">{w.confirm.confirmed}</Chip> <At at={shown.confirmedAt.getTime()} />.{' '}
          {w.confirm.thanks}
        </p>
      ) : (
        <form class="card" method="post" action="/confirm-contact" aria-label={w.confirm.form}>
          <input type="hidden" name="proof" value={proof} />
          <p>{w.confirm.text}</p>
          <p class="actions">
            <button type="submit">{w.confirm.button}</button>
          </p>
        </form>
      )}
    </OutsidePage>
  );
}

/** For links that open nothing, or nothing any more, and for what is done. */
export function BadSigningLinkView({
  kind,
  message,
  language,
}: {
  kind: 'ended' | 'unknown' | 'sent-back';
  message: string;
  language: string;
}) {
  const w = signingWordsIn(language);
  const title = w.bad[kind];
  return (
    <OutsidePage title={title} language={w.language}>
      <h1>{title}</h1>
      <p class="lead">{message}</p>
      {kind !== 'sent-back' && (
        <div class="card">
          <h2>{w.canDo}</h2>
          <ul>
            {w.mends.map((mend) => (
              <li>{mend}</li>
            ))}
          </ul>
        </div>
      )}
    </OutsidePage>
  );
}
