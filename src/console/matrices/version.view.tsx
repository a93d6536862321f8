import type { Id } from '../../kernel/ids.ts';
import {
  strongEnough,
  waysThatSuffice,
  type Strength,
} from '../../domain/responsibility/attestation.rules.ts';
import type { VersionView } from '../../domain/responsibility/matrix.schema.ts';
import type { MatrixDiff } from '../../domain/responsibility/matrix-views.queries.ts';
import { DUTIES } from '../../domain/responsibility/matrix.rules.ts';
import { Field, PostForm } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, Facts, PaperFoot } from '../shared/parts.tsx';
import { Chip, StateChip, words } from '../shared/states.tsx';
import { Changes } from './changes.tsx';
import type { Choices, VersionLine } from './choices.queries.ts';
import { MatrixTable } from './matrix-table.tsx';
import { Invite } from './invite.tsx';
import { Given, Mails, Signers } from './signatures.tsx';

interface Model {
  frame: Frame;
  version: VersionView;
  head: { reference: string; name: string };
  diff: MatrixDiff | undefined;
  /** What the policy asks of a signature. */
  least: Strength;
  side: Id | null;
  /** Signatures on paper that the reader may confirm. */
  papers: ReadonlySet<Id>;
  credentials: readonly { id: Id; name: string }[];
  contacts: Choices['contacts'];
  versions: readonly VersionLine[];
  language: string;
  problem?: string | undefined;
}

const SIGNABLE = ['proposed', 'countersigned', 'expired'];

export function VersionPageView(model: Model) {
  const { frame, version, head, diff, credentials, language, problem } = model;
  const shown = version.texts.find((one) => one.language === language) ?? version.texts[0];
  return (
    <Page
      title={`Matrix version ${version.number}: ${head.name}`}
      frame={frame}
      crumbs={[
        { title: 'Matrices', path: '/matrices' },
        { title: head.name, path: `/integrations/${head.reference}` },
        { title: 'Matrix', path: `/integrations/${head.reference}/matrix` },
      ]}
    >
      <div class="head">
        <div>
          <p class="ref">{head.reference}</p>
          <h1>
            {head.name}: version {version.number}
          </h1>
        </div>
        <p class="line">
          <StateChip state={version.state} />
          {version.fellAt !== null && <Chip tone="live">signatures fell</Chip>}
        </p>
      </div>
      {problem && (
        <p class="notice live" role="alert">
          {problem}
        </p>
      )}
      <div class="grid">
        <section class="card w8">
          <h2>
            What it says
            <span class="aside">
              <a href={`/integrations/${head.reference}/matrix.xlsx?version=${version.number}`}>
                as a spreadsheet
              </a>{' '}
              · <a href={`/integrations/${head.reference}/matrix.csv?version=${version.number}`}>as CSV</a>
            </span>
          </h2>
          <MatrixTable
            rows={version.rows}
            credentials={new Map(credentials.map(({ id, name }) => [id as string, name]))}
          />
        </section>
        <div class="w4 rows">
          <section class="card">
            <h2>Signatures</h2>
            <Signers version={version} />
            <Others {...model} />
            <Mails version={version} frame={frame} />
            <Invite {...model} />
          </section>
          <Answer {...model} shown={shown} />
        </div>
        {version.fellBecause.length > 0 && (
          <section class="card w12">
            <h2>Why the signatures fell</h2>
            <Changes changes={version.fellBecause} before="signed" after="then" />
          </section>
        )}
        {diff && diff.changes.length > 0 && (
          <section class="card w12">
            <h2>
              What is new since version {diff.before.number}
              <a class="aside" href={`/matrices/${version.id}/changes/${diff.before.id}`}>
                side by side
              </a>
            </h2>
            <Changes changes={diff.changes} before={`version ${diff.before.number}`} after="this version" />
          </section>
        )}
        {version.comments.length > 0 && (
          <section class="card w12">
            <h2>Comments</h2>
            <ul class="plain">
              {version.comments.map((comment) => (
                <li>
                  <b>{comment.author}</b>, {comment.party.name ?? 'the other side'}
                  {comment.duty &&
                    ` on ${words(comment.duty)}${comment.part ? `, part ${comment.part}` : ''}`}
                  : {comment.text}{' '}
                  <span class="soft small">
                    <At at={Date.parse(comment.at)} />
                  </span>
                </li>
              ))}
            </ul>
          </section>
        )}
        {shown && (
          <section class="card w12 hashes" id="text">
            <h2>
              The text that is signed
              <span class="aside">
                {version.texts.map((one) => (
                  <>
                    {' '}
                    <a
                      href={`/matrices/${version.id}?language=${one.language}#text`}
                      aria-current={one === shown ? 'true' : undefined}
                    >
                      {LANGUAGES[one.language] ?? one.language}
                    </a>
                  </>
                ))}
              </span>
            </h2>
            <div class="letter">{shown.text}</div>
            <TermsText version={version} language={shown.language} />
            <Facts
              facts={[
                ['hash of the content', <span class="mono">{version.contentHash}</span>],
                ['hash of this text', <span class="mono">{shown.textHash}</span>],
                ['proposed', <At at={version.proposedAt === null ? null : Date.parse(version.proposedAt)} />],
                ['by', version.proposedBy?.name ?? 'the operator'],
                [
                  'in force from',
                  <At at={version.validFrom === null ? null : Date.parse(version.validFrom)} />,
                ],
                ['until', <At at={version.validUntil === null ? null : Date.parse(version.validUntil)} />],
              ]}
            />
          </section>
        )}
      </div>
      <PaperFoot reference={head.reference} version={version} />
    </Page>
  );
}

/** What is signed with it, where the reader is a side of it. */
function TermsText({ version, language }: { version: VersionView; language: string }) {
  const text = version.terms?.texts.find((one) => one.language === language);
  if (!text) return null;
  return (
    <>
      <h3>The terms that are signed with it</h3>
      <div class="letter">{text.text}</div>
      <Facts
        facts={[
          ['hash of the terms', <span class="mono">{version.terms!.contentHash}</span>],
          ['hash of this text', <span class="mono">{text.textHash}</span>],
          [
            'in force',
            version.terms!.agreementVersionId === null ? (
              <Chip tone="wait">once every side has signed</Chip>
            ) : (
              <Chip tone="dead">as a version of the agreement</Chip>
            ),
          ],
        ]}
      />
    </>
  );
}

export const LANGUAGES: Readonly<Record<string, string>> = { en: 'English', de: 'Deutsch' };

/** Signatures that do not count, and one's own to take back. */
function Others({ frame, version, side, papers }: Model) {
  const path = `/matrices/${version.id}/signatures`;
  return (
    <>
      {version.signatures
        .filter(({ counts }) => !counts)
        .map((one) => (
          <div class="rows tight">
            <Chip tone={one.way === 'paper' && one.why?.startsWith('paper') ? 'wait' : 'calm'}>
              {one.why ?? ''}
            </Chip>
            <span class="small">{one.party.name}</span>
            <Given signature={one} />
            {papers.has(one.id) && (
              <PostForm frame={frame} action={`${path}/${one.id}/confirm`} inline label="Confirm the paper">
                <button class="small" type="submit">
                  I have seen the paper: it is signed
                </button>
              </PostForm>
            )}
          </div>
        ))}
      {version.signatures
        .filter(({ counts, party }) => counts && party.id === side && frame.may('matrices:countersign'))
        .map((one) => (
          <details>
            <summary>Withdraw our signature</summary>
            <PostForm frame={frame} action={`${path}/${one.id}/withdraw`} label="Withdraw our signature">
              <Field name="reason" label="Why" type="area" rows={2} required idPrefix="signature-" />
              <p class="actions">
                <button class="danger small" type="submit">
                  Withdraw
                </button>
              </p>
            </PostForm>
          </details>
        ))}
    </>
  );
}

/** The reader's own answer: sign, send back, take back. */
function Answer({
  frame,
  version,
  side,
  least,
  shown,
}: Model & { shown: VersionView['texts'][number] | undefined }) {
  const path = `/matrices/${version.id}`;
  const mine = version.signers.find(({ id }) => id === side);
  const own = version.signatures.filter(({ counts, party }) => counts && party.id === side);
  const weak = own.length > 0 && !own.some(({ strength }) => strongEnough(strength, least));
  const needsCode = !strongEnough('mailbox', least);
  const byKey = !strongEnough('account_mfa', least);
  if (!frame.may('matrices:countersign') || !SIGNABLE.includes(version.state) || !shown) return null;
  return (
    <section class="card unprinted">
      <h2>Your answer</h2>
      {mine && needsCode && (!mine.signed || weak) && (
        <div class="notice wait">
          <p>
            {weak ? 'Your side has signed, and more weakly than the policy asks for by now. ' : ''}
            The policy of this integration asks for a signature of the strength <b>{words(least)}</b> or more.
            These ways are enough:
          </p>
          <ul>
            {waysThatSuffice(least).map((way) => (
              <li>{way}</li>
            ))}
          </ul>
        </div>
      )}
      {mine && (!mine.signed || weak) && !byKey && (
        <>
          <PostForm frame={frame} action={`${path}/sign`} label="Sign">
            <p class="small">
              You sign for <b>{mine.name}</b>: exactly the text below in{' '}
              {LANGUAGES[shown.language] ?? shown.language}.
            </p>
            <input type="hidden" name="language" value={shown.language} />
            <input type="hidden" name="content_hash" value={version.contentHash} />
            <input type="hidden" name="text_hash" value={shown.textHash} />
            <Field
              name="signs_for"
              label="Your name and position"
              required
              maxLength={200}
              autocomplete="name"
            />
            <Field
              name="code"
              label={needsCode ? 'Code from your mail' : 'Code from your mail, if you asked for one'}
              hint="With it your signature stands on two factors."
              required={needsCode}
              maxLength={20}
              autocomplete="one-time-code"
            />
            <p class="actions">
              <button type="submit">Sign</button>
            </p>
          </PostForm>
          <PostForm frame={frame} action={`${path}/code`} inline label="Ask for a code">
            <button class="plain small" type="submit">
              Mail me a code
            </button>
          </PostForm>
        </>
      )}
      {!mine && (
        <p class="soft small">You act for no party that signs here; those sign by the link in their mail.</p>
      )}
      {version.state === 'proposed' && (
        <details>
          <summary>Send it back with a comment</summary>
          <PostForm frame={frame} action={`${path}/send-back`} label="Send it back">
            <label for="back-duty">About</label>
            <select id="back-duty" name="duty">
              <option value="">the whole</option>
              {DUTIES.map((duty) => (
                <option value={duty}>{words(duty)}</option>
              ))}
            </select>
            <Field name="text" label="What should be different" type="area" rows={2} required />
            <p class="actions">
              <button class="plain" type="submit">
                Send back
              </button>
            </p>
          </PostForm>
        </details>
      )}
      {version.state === 'proposed' && frame.may('matrices:write') && (
        <details>
          <summary>Withdraw the proposal</summary>
          <PostForm frame={frame} action={`${path}/withdraw`} label="Withdraw the proposal">
            <Field name="reason" label="Why" type="area" rows={2} required idPrefix="proposal-" />
            <p class="actions">
              <button class="danger small" type="submit">
                Withdraw
              </button>
            </p>
          </PostForm>
        </details>
      )}
    </section>
  );
}
