import type { NoticeSource } from '../../domain/notices/notice-liquid.ts';
import type { TemplateVersion, WrittenText } from '../../domain/notices/notice-templates.queries.ts';
import type { TextName } from '../../domain/notices/notice-texts.service.ts';
import { RECIPIENTS } from '../../domain/notices/notice-template.schema.ts';
import { Field, FormError, PostForm, SelectField, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, DataTable, Tabs } from '../shared/parts.tsx';
import { Chip, words } from '../shared/states.tsx';
import { lineDiff } from './line-diff.ts';

export interface Preview {
  subject: string;
  text: string;
  html: string;
  about: string | null;
}

const CRUMB = { title: 'Texts of notices', path: '/notice-templates' };

export function TemplatesView({
  frame,
  categories,
}: {
  frame: Frame;
  categories: readonly {
    category: string;
    title: string;
    shippedIn: readonly string[];
    written: readonly WrittenText[];
  }[];
}) {
  return (
    <Page title="Texts of notices" frame={frame} crumbs={[{ title: 'Notices', path: '/notices' }]}>
      <div class="head">
        <div>
          <h1>Texts of notices</h1>
          <p class="lead">What they say, by language and kind of recipient. What was sent keeps its text.</p>
        </div>
      </div>
      <section class="card">
        <DataTable
          caption="Texts of notices"
          columns={[{ title: 'Category' }, { title: 'Languages' }, { title: 'Written here' }]}
          rows={categories.map(({ category, title, shippedIn, written }) => [
            <div>
              <b>{title}</b>
              <div class="soft small">{category}</div>
            </div>,
            <span class="line tight">
              {shippedIn.map((language) => (
                <a href={`/notice-templates/${category}/${language}`}>{language}</a>
              ))}
            </span>,
            written.length === 0 ? (
              <span class="soft">as shipped</span>
            ) : (
              <span class="line tight">
                {written.map((one) => (
                  <a href={`/notice-templates/${category}/${one.language}?recipient=${one.recipient}`}>
                    {`${one.language}, ${words(one.recipient)}: ${one.shipped ? 'as shipped' : `version ${one.number}`}`}
                  </a>
                ))}
              </span>
            ),
          ])}
        />
      </section>
    </Page>
  );
}

export function TemplateView({
  frame,
  name,
  title,
  variables,
  shipped,
  current,
  versions,
  compare,
  form,
  problems,
  preview,
  notices,
  notice,
  typed,
}: {
  frame: Frame;
  name: TextName;
  title: string;
  variables: readonly string[];
  shipped: NoticeSource | undefined;
  current: { number: number | null; source: NoticeSource };
  versions: readonly TemplateVersion[];
  /** The version to compare with the one before it. */
  compare: number | undefined;
  form: Readonly<Record<string, string>>;
  problems: FormProblems;
  preview: Preview | undefined;
  /** Whose facts it may be filled with. */
  notices: readonly { reference: string; party: string; about: string | null }[];
  notice: string | undefined;
  /** Whether it shows what was typed, and not what is kept. */
  typed: boolean;
}) {
  const path = `/notice-templates/${name.category}/${name.language}`;
  const writes = frame.may('notice-templates:write');
  return (
    <Page title={title} frame={frame} crumbs={[{ title: 'Notices', path: '/notices' }, CRUMB]}>
      <div class="head">
        <div>
          <p class="ref">{`${name.category}, ${name.language}`}</p>
          <h1>{title}</h1>
        </div>
        <Chip tone="info">
          {versions[0] && !versions[0].shipped ? `version ${versions[0].number}` : 'as shipped'}
        </Chip>
      </div>
      <Tabs
        label="Kinds of recipients"
        here={name.recipient === 'any' ? path : `${path}?recipient=${name.recipient}`}
        tabs={RECIPIENTS.map((one) => ({
          title: one === 'any' ? 'Anybody' : words(one),
          path: one === 'any' ? path : `${path}?recipient=${one}`,
        }))}
      />
      <div class="grid">
        <section class="card w7">
          <h2>The text</h2>
          <p class="soft small">Variables: {variables.join(', ')}. Of Liquid, if, unless and for.</p>
          <PostForm
            frame={frame}
            action={path}
            label="The text"
            {...(writes && { live: { path: `${path}/live`, part: 'reads', frame: 'mail' } })}
          >
            <input type="hidden" name="recipient" value={name.recipient} />
            <FormError problems={problems} />
            {notices.length > 0 && (
              <SelectField
                name="notice"
                label="Read it with the facts of"
                value={notice}
                none="The newest"
                options={notices.map((one) => ({
                  value: one.reference,
                  word: `${one.reference} to ${one.party}${one.about ? `, ${one.about}` : ''}`,
                }))}
              />
            )}
            <Field
              name="subject"
              label="Subject"
              value={form['subject'] ?? ''}
              problem={problems['subject']}
              required
              maxLength={300}
            />
            <Field
              name="text"
              label="As plain text"
              type="area"
              rows={18}
              value={form['text'] ?? ''}
              problem={problems['text']}
              required
            />
            <Field
              name="html"
              label="As HTML"
              hint="Tables and inline styles; no picture, script or style sheet."
              type="area"
              rows={18}
              value={form['html'] ?? ''}
              problem={problems['html']}
              required
            />
            {writes && (
              <>
                <Field
                  name="note"
                  label="Why"
                  value={form['note'] ?? ''}
                  problem={problems['note']}
                  maxLength={500}
                />
                <p class="actions">
                  <button type="submit" name="do" value="save">
                    Save as version {(versions[0]?.number ?? 0) + 1}
                  </button>
                  <button class="plain" type="submit" name="do" value="preview">
                    Preview
                  </button>
                  <button
                    class="plain"
                    type="submit"
                    formAction={`${path}/html`}
                    formTarget="mail"
                    formNoValidate
                  >
                    See it as mail
                  </button>
                  {current.number !== null && versions[0] && !versions[0].shipped && shipped && (
                    <button class="plain" type="submit" name="do" value="shipped">
                      Use the shipped text again
                    </button>
                  )}
                </p>
              </>
            )}
          </PostForm>
        </section>
        <div class="w5 rows">
          <section>
            <h2>How it reads</h2>
            <Reads name={name} preview={preview} />
          </section>
          {(preview || writes) && (
            <section>
              <h2>As mail, in HTML</h2>
              {typed && <p class="soft small">“See it as mail” shows here what you typed.</p>}
              <iframe
                class="mail"
                name="mail"
                title="The mail in HTML"
                sandbox=""
                {...(!typed && {
                  src: `${path}/html?recipient=${name.recipient}${notice ? `&notice=${notice}` : ''}`,
                })}
              />
            </section>
          )}
          <Versions path={path} name={name} versions={versions} shipped={shipped} compare={compare} />
        </div>
      </div>
      {writes && <script src="/assets/live-preview.js" />}
    </Page>
  );
}

/** The subject and the text, filled; it is what the page puts in place anew while somebody types. */
function Reads({ name, preview }: { name: TextName; preview: Preview | undefined }) {
  return (
    <div id="reads" aria-live="polite">
      {preview ? (
        <>
          <p class="soft small">
            {preview.about ? (
              <>
                With the facts of <a href={`/notices/${preview.about}`}>{preview.about}</a>.
              </>
            ) : (
              'With an example.'
            )}
          </p>
          <p>
            <b>{preview.subject}</b>
          </p>
          <div class="letter" lang={name.language}>
            {preview.text}
          </div>
        </>
      ) : (
        <p class="empty">Mend the text first.</p>
      )}
    </div>
  );
}

function Versions({
  path,
  name,
  versions,
  shipped,
  compare,
}: {
  path: string;
  name: TextName;
  versions: readonly TemplateVersion[];
  shipped: NoticeSource | undefined;
  compare: number | undefined;
}) {
  const empty: NoticeSource = { subject: '', text: '', html: '' };
  const sourceAt = (number: number): NoticeSource => {
    const version = versions.find((one) => one.number === number);
    return version && !version.shipped ? version : (shipped ?? empty);
  };
  return (
    <section class="card" id="versions">
      <h2>Versions</h2>
      {versions.length === 0 && <p class="empty">Nobody has changed what is shipped.</p>}
      <ul class="plain">
        {versions.map((one) => (
          <li>
            <a
              href={`${path}?recipient=${name.recipient}&compare=${one.number}#versions`}
            >{`Version ${one.number}`}</a>
            {one.shipped && ': the shipped text again'} by {one.writtenBy}{' '}
            <At at={Date.parse(one.createdAt)} />
            {one.note && <div class="soft small">{one.note}</div>}
            {compare === one.number &&
              (['subject', 'text', 'html'] as const).map((part) => (
                <Diff
                  part={part}
                  before={sourceAt(one.number - 1)[part]}
                  after={sourceAt(one.number)[part]}
                />
              ))}
          </li>
        ))}
      </ul>
    </section>
  );
}

const MARK = { same: ' ', added: '+', removed: '−' } as const;

function Diff({ part, before, after }: { part: string; before: string; after: string }) {
  const lines = lineDiff(before, after);
  if (lines.every(({ how }) => how === 'same')) return null;
  return (
    <div>
      <h3>{part}</h3>
      <div class="letter mono small">
        {lines.map(({ how, text }) =>
          how === 'added' ? (
            <ins>{`${MARK[how]} ${text}\n`}</ins>
          ) : how === 'removed' ? (
            <del>{`${MARK[how]} ${text}\n`}</del>
          ) : (
            `${MARK[how]} ${text}\n`
          ),
        )}
      </div>
    </div>
  );
}
