import { ruleTitle } from '../../domain/policy/rules/registry.ts';
import type { ExceptionView, FindingView } from '../../domain/policy/gate.schema.ts';
import { Field, FormError, PostForm, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, DataTable, Empty } from '../shared/parts.tsx';
import { Chip, type Tone } from '../shared/states.tsx';
import type { IntegrationHead } from './integration.queries.ts';

/** What was asked for of one integration, and what became of it. */
export function Exceptions({
  frame,
  base,
  exceptions,
  actors,
  hand,
}: {
  frame: Frame;
  base: string;
  exceptions: readonly ExceptionView[];
  actors: ReadonlyMap<string, string>;
  /** Whose hand the reader's is: whoever asked decides nothing. */
  hand: string;
}) {
  if (exceptions.length === 0) return <Empty>None was ever asked for.</Empty>;
  const tones: Readonly<Record<string, Tone>> = { requested: 'wait', approved: 'doubt', refused: 'live' };
  return (
    <DataTable
      caption="Exceptions"
      columns={[
        { title: 'What' },
        { title: 'Why, and what instead' },
        { title: 'Who' },
        { title: 'Until' },
        { title: 'State' },
      ]}
      rows={exceptions.map((one) => [
        <div>
          <span title={one.rule}>{ruleTitle(one.rule)}</span>
          <div class="soft small">{one.subject.name}</div>
        </div>,
        <div>
          {one.reason}
          <div class="soft small">{one.compensatingControl}</div>
        </div>,
        <span class="small">
          {actors.get(one.requestedBy) ?? one.requestedBy}
          {one.decidedBy &&
            `; ${one.state === 'refused' ? 'refused' : 'approved'} by ${actors.get(one.decidedBy) ?? one.decidedBy}`}
        </span>,
        <At at={Date.parse(one.expiresAt)} day />,
        <div class="rows tight">
          <Chip tone={tones[one.state] ?? 'calm'}>{one.state}</Chip>
          {one.state === 'requested' && one.requestedBy === hand && (
            <span class="soft small">somebody else decides it</span>
          )}
          {one.state === 'requested' && one.requestedBy !== hand && frame.may('approvals:decide') && (
            <>
              <PostForm
                frame={frame}
                inline
                action={`${base}/exceptions/${one.id}/approved`}
                label={`Approve the exception: ${ruleTitle(one.rule)}`}
              >
                <button type="submit" class="small">
                  Approve
                </button>
              </PostForm>
              <PostForm
                frame={frame}
                inline
                action={`${base}/exceptions/${one.id}/refused`}
                label={`Refuse the exception: ${ruleTitle(one.rule)}`}
              >
                <button type="submit" class="plain small">
                  Refuse
                </button>
              </PostForm>
            </>
          )}
          {(one.state === 'requested' || one.state === 'approved') && frame.may('policy:write') && (
            <PostForm
              frame={frame}
              inline
              action={`${base}/exceptions/${one.id}/withdrawn`}
              label={`Withdraw the exception: ${ruleTitle(one.rule)}`}
            >
              <button type="submit" class="plain small">
                Withdraw
              </button>
            </PostForm>
          )}
        </div>,
      ])}
    />
  );
}

export interface AskedException {
  rule: string;
  kind: string;
  subject: string;
  reason?: string | undefined;
  compensatingControl?: string | undefined;
  until?: string | undefined;
}

export function ExceptionFormView({
  frame,
  head,
  finding,
  asked,
  longest,
  problems,
}: {
  frame: Frame;
  head: IntegrationHead;
  finding: FindingView;
  asked: AskedException;
  longest: string;
  problems?: FormProblems;
}) {
  const base = `/integrations/${head.reference}/gate`;
  return (
    <Page
      title="Ask for an exception"
      frame={frame}
      crumbs={[
        { title: 'Gate', path: '/gate' },
        { title: head.name, path: base },
      ]}
    >
      <div class="head">
        <div>
          <p class="ref">{head.reference}</p>
          <h1>Ask for an exception</h1>
          <p class="lead">{finding.message}</p>
        </div>
      </div>
      <section class="card">
        <p>
          Better: <b>{finding.mend}</b>
        </p>
        <PostForm frame={frame} action={`${base}/exception`} label="Exception">
          <FormError problems={problems} />
          <input type="hidden" name="rule" value={asked.rule} />
          <input type="hidden" name="kind" value={asked.kind} />
          <input type="hidden" name="subject" value={asked.subject} />
          <Field
            name="reason"
            label="Why it cannot be mended now"
            type="area"
            required
            maxLength={2000}
            value={asked.reason ?? ''}
            problem={problems?.['reason']}
          />
          <Field
            name="compensatingControl"
            label="What is done instead"
            type="area"
            required
            maxLength={2000}
            value={asked.compensatingControl ?? ''}
            problem={problems?.['compensatingControl']}
          />
          <Field
            name="until"
            label="Until"
            hint={`An exception ends: at most ${longest} from now. Somebody else has to approve it.`}
            type="date"
            required
            value={asked.until ?? ''}
            problem={problems?.['until'] ?? problems?.['expiresAt']}
          />
          <button type="submit">Ask</button>
        </PostForm>
      </section>
    </Page>
  );
}
