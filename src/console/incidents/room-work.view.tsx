import type { Id } from '../../kernel/ids.ts';
import type { StepView } from '../../domain/runbooks/run.schema.ts';
import { PostForm } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { At, Countdown, Empty, ShareBar, span } from '../shared/parts.tsx';
import { Chip, StateChip, words } from '../shared/states.tsx';
import type { RunNode } from './room.queries.ts';

/** What does not go on without a person: what, why, who, until when, and the way to do it. */
export function Waiting({
  steps,
  contacts,
  frame,
  back,
  more = false,
  incidents,
}: {
  steps: readonly StepView[];
  contacts: ReadonlyMap<Id, string>;
  frame: Frame;
  /** Where to come back to after an act. */
  back: string;
  more?: boolean;
  /** References of incidents by subject, on lists of several. */
  incidents?: ReadonlyMap<Id, string>;
}) {
  if (steps.length === 0) return <Empty>Nothing waits for anybody.</Empty>;
  return (
    <>
      <ul class="asks">
        {steps.map((step) => (
          <li id={`ask-${step.id}`}>
            <div class="what">
              <div class="line tight">
                <StateChip state={step.state} />
                <b>{step.title}</b>
                {step.item && <span>· {step.item.label}</span>}
                {step.stalledAt && <Chip tone="live">stalled</Chip>}
              </div>
              <div class="small">{step.forWhat ?? step.reason}</div>
              <div class="soft small line">
                <span>{whoActs(step, contacts)}</span>
                {step.approval && step.approval.quorum > 1 && (
                  <span>{`${step.approval.given} of ${step.approval.quorum} approvals`}</span>
                )}
                {step.dueAt && <Countdown dueAt={Date.parse(step.dueAt)} now={frame.now} />}
                {incidents?.get(step.subject.id) && (
                  <a href={`/incidents/${incidents.get(step.subject.id)}`}>
                    {incidents.get(step.subject.id)}
                  </a>
                )}
              </div>
            </div>
            <div class="line acts">
              {step.approval && frame.may('approvals:decide') && (
                <PostForm
                  frame={frame}
                  action={`/steps/${step.id}/approve`}
                  inline
                  label={`Approve ${step.item?.label ?? step.title}`}
                >
                  <input type="hidden" name="back" value={back} />
                  <button class="small" type="submit" name="decision" value="approve">
                    Approve
                  </button>
                </PostForm>
              )}
              <a class="button plain small" href={`/steps/${step.id}?back=${encodeURIComponent(back)}`}>
                {wayOf(step)}
                <span class="skip"> {step.item?.label ?? step.title}</span>
              </a>
            </div>
          </li>
        ))}
      </ul>
      {more && <p class="soft small">Only the oldest are shown; the others follow as these are done.</p>}
    </>
  );
}

function wayOf(step: StepView): string {
  if (step.approval) return 'Look closer';
  if (step.state === 'failed' || step.reason) return 'Retry or skip…';
  if (step.uses === 'manual-task') return 'Complete…';
  return step.state === 'parked' ? 'Answer…' : 'Look closer';
}

export function whoActs(step: StepView, contacts: ReadonlyMap<Id, string>): string {
  const name = step.owner.contactId ? contacts.get(step.owner.contactId) : undefined;
  if (step.approval) return `for ${step.approval.roles.map(words).join(' or ')} to decide`;
  const role = step.owner.role ? words(step.owner.role) : undefined;
  return `for ${[name, role].filter(Boolean).join(' · ') || 'any responder'}`;
}

/** Runs with their steps: how many items of each are where. */
export function Runs({ nodes, now }: { nodes: readonly RunNode[]; now: number }) {
  if (nodes.length === 0) return <Empty>No runbook has been started for this.</Empty>;
  const runs = new Map<Id, RunNode[]>();
  for (const node of nodes) runs.set(node.runId, [...(runs.get(node.runId) ?? []), node]);
  return (
    <>
      {[...runs.values()].map((steps) => {
        const run = steps[0]!;
        return (
          <section class="run" id={`run-${run.runId}`}>
            <h3 class="line spread">
              <span class="line tight">
                {run.runTitle} <StateChip state={run.runState} />
              </span>
              <span class="soft small">
                <At at={run.startedAt} />
                {run.finishedAt !== null && `, took ${span(run.finishedAt - run.startedAt)}`}
                {run.finishedAt === null && `, for ${span(now - run.startedAt)}`}
              </span>
            </h3>
            {steps.map((node) => (
              <div class="node-line" id={`node-${run.runId}-${node.node}`}>
                <span>{node.title}</span>
                <ShareBar
                  label={node.title}
                  parts={[
                    { tone: 'dead', count: node.done, word: 'done' },
                    { tone: 'live', count: node.failed, word: 'failed' },
                    { tone: 'doubt', count: node.parked, word: 'waiting for somebody' },
                    { tone: 'info', count: node.moving, word: 'under way' },
                    { tone: 'calm', count: node.skipped, word: 'not needed' },
                    { tone: 'calm', count: node.cancelled, word: 'cancelled' },
                    {
                      tone: 'calm',
                      count: Math.max(
                        0,
                        node.total -
                          node.parked -
                          node.moving -
                          node.done -
                          node.failed -
                          node.skipped -
                          node.cancelled,
                      ),
                      word: 'to come',
                    },
                  ]}
                />
              </div>
            ))}
          </section>
        );
      })}
    </>
  );
}
