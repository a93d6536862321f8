import type { ComponentChildren } from 'preact';
import type { Refusal } from '../../kernel/errors.ts';
import type { StepView } from '../../domain/runbooks/run.schema.ts';
import { barred, whoActs } from '../incidents/room-work.view.tsx';
import { Choice, Field, FormError, PostForm, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, Countdown, DataTable, Empty, Facts } from '../shared/parts.tsx';
import { Chip, StateChip, words } from '../shared/states.tsx';
import { STATEMENTS } from './step.schema.ts';
import type { Asked, StepEvidence, StepHappening } from './work.queries.ts';

export type StepForm = 'decide' | 'complete' | 'replace' | 'sign' | 'retry' | 'skip';

interface RefusedForm {
  form: StepForm;
  problems: FormProblems;
  typed: Readonly<Record<string, unknown>>;
}

export function StepPageView({
  frame,
  step,
  asked,
  incident,
  happenings,
  evidence,
  whyNotSign,
  back,
  refused,
}: {
  frame: Frame;
  step: StepView;
  asked: Asked;
  incident: string | undefined;
  happenings: readonly StepHappening[];
  evidence: readonly StepEvidence[];
  /** Why the reader may not sign about its item; null: they may. */
  whyNotSign: Refusal | null;
  back?: string;
  refused?: RefusedForm;
}) {
  return (
    <Page
      title={step.title}
      frame={frame}
      crumbs={[
        { title: 'Work', path: '/work' },
        ...(incident && frame.may('incidents:read')
          ? [{ title: incident, path: `/incidents/${incident}` }]
          : []),
      ]}
    >
      <div class="head">
        <div>
          <p class="ref">{words(step.uses)}</p>
          <h1>{step.title}</h1>
          {step.item && <p class="lead">{step.item.label}</p>}
        </div>
        <p class="line">
          <StateChip state={step.state} />
          {step.stalledAt && <Chip tone="live">stalled</Chip>}
          {step.dueAt && <Countdown dueAt={Date.parse(step.dueAt)} now={frame.now} />}
        </p>
      </div>
      <div class="grid">
        <div class="w7 rows">
          {(step.forWhat ?? step.reason) && (
            <p class={`notice ${step.reason ? 'live' : 'wait'}`}>
              {step.forWhat ?? step.reason} <span class="soft">({whoActs(step, asked.contacts)})</span>
            </p>
          )}
          <Acts
            frame={frame}
            step={step}
            barred={barred(step, asked, frame)}
            whyNotSign={whyNotSign}
            back={back}
            refused={refused}
          />
          <section class="card">
            <h2>What has happened</h2>
            <Happenings happenings={happenings} />
          </section>
        </div>
        <div class="w5 rows">
          <section class="card">
            <h2>The step</h2>
            <Facts
              facts={[
                ['run', words(step.runbook)],
                ['attempt', step.attempt],
                ['ready', <At at={at(step.readyAt)} />],
                ['started', <At at={at(step.startedAt)} />],
                ['looks again', <At at={at(step.wakeAt)} />],
                ['ended', <At at={at(step.finishedAt)} />],
                ...(step.approval
                  ? [['approvals', `${step.approval.given} of ${step.approval.quorum}`] as const]
                  : []),
                ...Object.entries(step.item?.facts ?? {})
                  .filter(([name, value]) => !name.endsWith('Id') && value !== null && value !== '')
                  .map(([name, value]) => [words(kebab(name)), words(String(value))] as const),
              ]}
            />
          </section>
          {evidence.length > 0 && (
            <section class="card">
              <h2>Evidence</h2>
              <StepEvidenceList evidence={evidence} />
            </section>
          )}
        </div>
      </div>
    </Page>
  );
}

function at(text: string | null): number | null {
  return text === null ? null : Date.parse(text);
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

const ENDED = new Set(['done', 'skipped', 'cancelled']);

function Acts({
  frame,
  step,
  barred: why,
  whyNotSign,
  back,
  refused,
}: {
  frame: Frame;
  step: StepView;
  /** Why the reader may not decide on it; undefined: they may. */
  barred: string | undefined;
  whyNotSign: Refusal | null;
  back: string | undefined;
  refused: RefusedForm | undefined;
}) {
  if (ENDED.has(step.state)) return null;
  const form = (
    name: StepForm,
    path: string,
    title: string,
    lead: string,
    children: (r: RefusedForm | undefined) => ComponentChildren,
  ) => {
    const own = refused?.form === name ? refused : undefined;
    return (
      <section class="card" key={name}>
        <h2>{title}</h2>
        <p class="soft small">{lead}</p>
        <PostForm frame={frame} action={`/steps/${step.id}/${path}`} label={title}>
          <FormError problems={own?.problems} />
          {back !== undefined && <input type="hidden" name="back" value={back} />}
          {children(own)}
        </PostForm>
      </section>
    );
  };
  const settles = frame.may('steps:settle');
  const waits = step.state === 'parked' || step.state === 'waiting';
  const kind = step.item?.subject.kind;
  const isReplacement = step.uses === 'manual-task' && step.item?.facts['mayAct'] === 'replace_first';
  return (
    <>
      {step.approval && frame.may('approvals:decide') && why !== undefined && (
        <p class="notice wait">{why}</p>
      )}
      {step.approval &&
        frame.may('approvals:decide') &&
        why === undefined &&
        form('decide', 'approve', 'Decide', step.forWhat ?? '', (own) => (
          <>
            <Text own={own} name="note" label="Why" hint="May stay empty when you approve." area />
            <p class="actions">
              <button type="submit" name="decision" value="approve">
                Approve
              </button>
              <button class="danger" type="submit" name="decision" value="reject">
                Reject
              </button>
            </p>
          </>
        ))}
      {settles &&
        waits &&
        isReplacement &&
        form(
          'replace',
          'replace',
          'Record the replacement',
          'The revocation waits for it. Never type the value itself.',
          (own) => (
            <>
              <Text own={own} name="supplierId" label="Its id at the supplier" required />
              <Text
                own={own}
                name="place"
                label="Where it is stored"
                hint="A path in your vault, for example."
              />
              <Text
                own={own}
                name="sha256"
                label="SHA-256 of its value"
                hint="64 hexadecimal digits, so that a leak of it is recognised. May stay empty."
              />
              <Text own={own} name="expiresAt" label="Expires on" type="date" />
              <Text own={own} name="note" label="Note" area />
              <p class="actions">
                <button type="submit">Record and go on</button>
              </p>
            </>
          ),
        )}
      {settles &&
        waits &&
        step.uses === 'manual-task' &&
        !isReplacement &&
        form('complete', 'settle', 'Say that it is done', step.forWhat ?? '', (own) => (
          <>
            <Text own={own} name="note" label="What was done" area />
            <p class="actions">
              <button type="submit">It is done</button>
            </p>
          </>
        ))}
      {waits &&
        !step.approval &&
        frame.may('steps:settle') &&
        (kind === 'location' || kind === 'credential_version') &&
        step.uses !== 'manual-task' &&
        (whyNotSign ? (
          <section class="card">
            <h2>Sign a statement</h2>
            <p>{whyNotSign.message}</p>
            {whyNotSign.fields?.map(({ mend }) => (
              <p class="soft small">{mend}</p>
            ))}
          </section>
        ) : (
          form(
            'sign',
            'sign',
            'Sign a statement',
            'Your name stands for it. It is kept word for word, with its hash in the ledger; it never counts as proof by machine.',
            (own) => (
              <>
                {kind === 'location' ? (
                  <input type="hidden" name="kind" value="copy_gone" />
                ) : (
                  <Choice
                    name="kind"
                    label="You state that"
                    value={
                      typed(own, 'kind') || (step.uses === 'end-sessions' ? 'sessions_ended' : 'revoked')
                    }
                    options={(['revoked', 'replaced', 'sessions_ended', 'not_affected'] as const).map(
                      (one) => ({
                        value: one,
                        word: STATEMENTS[one],
                      }),
                    )}
                  />
                )}
                <Text
                  own={own}
                  name="signsFor"
                  label="Your name and position"
                  value={frame.userName}
                  required
                />
                <Text
                  own={own}
                  name="text"
                  label={
                    kind === 'location'
                      ? 'How the copy was removed, by whom and when'
                      : 'What was done, by whom and when'
                  }
                  area
                  required
                />
                <p class="actions">
                  <button type="submit">Sign</button>
                </p>
              </>
            ),
          )
        ))}
      {settles &&
        ['parked', 'waiting', 'unknown', 'failed'].includes(step.state) &&
        form(
          'retry',
          'retry',
          'Try again',
          'Under a new idempotency key. What was already done at the supplier is looked at first.',
          (own) => (
            <>
              <Text own={own} name="reason" label="Why" id="retry-reason" required />
              <p class="actions">
                <button class="plain" type="submit">
                  Try again
                </button>
              </p>
            </>
          ),
        )}
      {settles &&
        step.state !== 'failed' &&
        form(
          'skip',
          'skip',
          'Skip',
          'The run goes on without it; nothing becomes proven by skipping.',
          (own) => (
            <>
              <Text own={own} name="reason" label="Why" id="skip-reason" required />
              <p class="actions">
                <button class="plain" type="submit">
                  Skip with this reason
                </button>
              </p>
            </>
          ),
        )}
    </>
  );
}

function typed(own: RefusedForm | undefined, name: string): string {
  const value = own?.typed[name];
  return typeof value === 'string' ? value : '';
}

/** A field that keeps what was typed when the form comes back. */
function Text({
  own,
  name,
  id,
  area,
  value,
  ...rest
}: {
  own: RefusedForm | undefined;
  name: string;
  id?: string;
  label: string;
  hint?: string;
  area?: boolean;
  type?: 'date';
  required?: boolean;
  value?: string | undefined;
}) {
  return (
    <Field
      {...rest}
      name={name}
      idPrefix={id ? `${id}-` : (own?.form ?? '')}
      type={area ? 'area' : (rest.type ?? 'text')}
      value={typed(own, name) || (value ?? '')}
      problem={own?.problems[name]}
    />
  );
}

function Happenings({ happenings }: { happenings: readonly StepHappening[] }) {
  if (happenings.length === 0) return <Empty>Nothing yet.</Empty>;
  return (
    <ol class="timeline">
      {happenings.map((one) => (
        <li
          class={
            one.state === 'done'
              ? 'dead'
              : one.state === 'failed'
                ? 'live'
                : one.state === 'parked'
                  ? 'doubt'
                  : ''
          }
        >
          <At at={one.at} />
          <b>{words(one.kind)}</b>
          {one.state && one.state !== one.kind && <> · {words(one.state)}</>}
          {one.by && <span class="soft"> · by {one.by}</span>}
          {one.reason && <div class="small">{one.reason}</div>}
        </li>
      ))}
    </ol>
  );
}

function StepEvidenceList({ evidence }: { evidence: readonly StepEvidence[] }) {
  return (
    <DataTable
      caption="Evidence of this step"
      columns={[{ title: 'When' }, { title: 'What' }, { title: 'Outcome' }]}
      rows={evidence.map((one) => [
        <At at={one.endedAt} time />,
        <div>
          {words(one.kind)}
          <div class="mono soft">{one.asked}</div>
          {one.extract && <div class="mono soft">{one.extract.slice(0, 120)}</div>}
        </div>,
        <div>
          {one.status !== null && <span class="soft">{one.status} </span>}
          {words(one.outcome)}
          {one.why && <div class="soft small">{one.why}</div>}
        </div>,
      ])}
    />
  );
}
