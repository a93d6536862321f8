import type { FieldProblem } from '../../kernel/errors.ts';
import type { Frame } from './frame.ts';
import { Page, document } from './layout.tsx';

/** What a problem says to a person. */
interface ShownProblem {
  status: number;
  title: string;
  detail: string;
  code: string;
  correlationId: string;
  errors?: readonly FieldProblem[];
}

const WHAT_NOW: Readonly<Record<number, string>> = {
  401: 'Sign in, and you get to where you wanted to go.',
  403: 'If you should be able to do this, ask an administrator for the role that may.',
  404: 'It may have been renamed, or it belongs to somebody else.',
  429: 'Wait a moment, then try again.',
  500: 'Nothing of what you sent was half-stored. Try again; if it persists, tell the operator the id below.',
  503: 'Try again in a few seconds.',
};

/** A problem for somebody with a browser: a page, or for those who have not signed in the way to do so. */
export function problemOnPage(
  problem: ShownProblem,
  asked: { method: string; url: string },
): { html: string } | { seeOther: string } {
  if (problem.status === 401 && (asked.method === 'GET' || asked.method === 'HEAD'))
    return { seeOther: `/sign-in?next=${encodeURIComponent(asked.url)}` };
  const path = asked.url.split('?', 1)[0] ?? '/';
  const frame: Frame = { csrf: '', areas: [], path, now: 0, outside: false, may: () => false };
  return {
    html: document(<ProblemView problem={problem} frame={frame} />, {
      method: asked.method,
      status: problem.status,
    }),
  };
}

function ProblemView({ problem, frame }: { problem: ShownProblem; frame: Frame }) {
  return (
    <Page title={problem.title} frame={frame}>
      <div class="narrow card">
        <p class="ref">{problem.status}</p>
        <h1>{problem.title}</h1>
        <p class="lead">{problem.detail}</p>
        {problem.errors && (
          <ul>
            {problem.errors.map((error) => (
              <li>
                <b>{error.field}</b>: {error.problem}. {error.mend}
              </li>
            ))}
          </ul>
        )}
        {WHAT_NOW[problem.status] && <p>{WHAT_NOW[problem.status]}</p>}
        <p class="actions">
          <a class="button" href="/">
            To the first page
          </a>
        </p>
        <p class="soft small">
          Correlation id <span class="mono">{problem.correlationId}</span>
        </p>
      </div>
    </Page>
  );
}
