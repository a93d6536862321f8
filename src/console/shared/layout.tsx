import { createContext, type ComponentChildren, type VNode } from 'preact';
import { useContext } from 'preact/hooks';
import { render } from 'preact-render-to-string';
import { ANSWERED_FORM_ADDRESS } from './answered-form-script.ts';
import type { Frame } from './frame.ts';
import { STYLE_SHEET } from './styles.ts';

/** How the page answers a form, if it does: the browser is told, so that nobody is asked to send the form again. */
const AnswersForm = createContext<'refused' | 'done' | undefined>(undefined);

/** A whole page of the console. */
export function Page({
  title,
  frame,
  crumbs,
  moves,
  children,
}: {
  title: string;
  frame: Frame;
  crumbs?: readonly { title: string; path: string }[];
  /** Loads what makes parts of the page move; every page is whole without it. */
  moves?: boolean;
  children: ComponentChildren;
}) {
  return (
    <html lang="en">
      <Head title={title} moves={moves} />
      <body>
        <a class="skip" href="#content">
          Skip to the content
        </a>
        <header class="top">
          <a class="mark" href="/">
            <Mark />
            Countersign
          </a>
          <nav aria-label="Areas">
            {frame.areas.map((area) => (
              <a href={area.path} aria-current={isWithin(frame.path, area.path) ? 'page' : undefined}>
                {area.title}
              </a>
            ))}
          </nav>
          {frame.userName && (
            <div class="who">
              <a href="/profile">{frame.userName}</a>
              <form class="inline" method="post" action="/sign-out">
                <input type="hidden" name="_csrf" value={frame.csrf} />
                <button class="plain small" type="submit">
                  Sign out
                </button>
              </form>
            </div>
          )}
        </header>
        <main id="content">
          {crumbs && crumbs.length > 0 && (
            <nav class="crumbs" aria-label="Where this is">
              {crumbs.map((crumb, at) => (
                <>
                  {at > 0 && ' / '}
                  <a href={crumb.path}>{crumb.title}</a>
                </>
              ))}
            </nav>
          )}
          {frame.flash && (
            <p class={`notice ${frame.flash.tone}`} role="status">
              {frame.flash.text}
            </p>
          )}
          {children}
        </main>
      </body>
    </html>
  );
}

/** A page for somebody outside: one subject, no navigation, nothing of anybody else. */
export function OutsidePage({
  title,
  language = 'en',
  children,
}: {
  title: string;
  language?: string;
  children: ComponentChildren;
}) {
  return (
    <html lang={language}>
      <Head title={title} />
      <body class="outside">
        <header class="top">
          <span class="mark">
            <Mark />
            Countersign
          </span>
        </header>
        <main id="content">{children}</main>
      </body>
    </html>
  );
}

function Head({ title, moves }: { title: string; moves?: boolean }) {
  return (
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="referrer" content="no-referrer" />
      <title>{`${title} · Countersign`}</title>
      <link rel="stylesheet" href={STYLE_SHEET} />
      <link rel="icon" href="data:," />
      <FormAnswer />
      <script src={ANSWERED_FORM_ADDRESS} defer />
      {moves && (
        <>
          <meta
            name="htmx-config"
            content='{"includeIndicatorCSS":false,"morphIgnore":["data-htmx-powered","open"]}'
          />
          <script src="/assets/htmx/htmx.min.js?v=4.0.1" />
          <script src="/assets/htmx/ext/hx-sse.min.js?v=4.0.1" />
        </>
      )}
    </head>
  );
}

/** For `forms.js`. */
function FormAnswer() {
  const how = useContext(AnswersForm);
  return how ? <meta name="answers-form" content={how} /> : null;
}

/** Two hands on one seal. */
function Mark() {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2.2">
      <circle cx="9" cy="12" r="6.5" />
      <circle cx="15" cy="12" r="6.5" />
    </svg>
  );
}

function isWithin(path: string, area: string): boolean {
  return area === '/' ? path === '/' : path === area || path.startsWith(`${area}/`);
}

/** The document as it goes over the wire. */
export function document(page: VNode, answer: { method: string; status: number }): string {
  const how = answer.method !== 'POST' ? undefined : answer.status >= 400 ? 'refused' : 'done';
  const drawn = <AnswersForm.Provider value={how}>{page}</AnswersForm.Provider>;
  return `<!doctype html>${render(drawn)}`;
}
