import type { Id } from '../../kernel/ids.ts';
import type { StepView } from '../../domain/runbooks/run.schema.ts';
import { whyNotDecide } from '../../domain/runbooks/approval-terms.rules.ts';
import type { Asked } from '../runbooks/work.queries.ts';
import { PostForm } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Short, tally, type Tally } from '../shared/fold.tsx';
import { At, Countdown, Empty, ShareBar, span } from '../shared/parts.tsx';
import { Chip, StateChip, words, type Tone } from '../shared/states.tsx';
import type { RunNode } from './room.queries.ts';

/** What does not go on without a person: what, why, who, until when, and the way to do it. */
export function Waiting({
  steps,
  asked,
  frame,
  back,
  incidents,
  about,
}: {
  steps: readonly StepView[];
  asked: Asked;
  frame: Frame;
  /** Where to come back to after an act. */
  back: string;
  /** References of incidents by subject, on lists of several. */
  incidents?: ReadonlyMap<Id, string>;
  /** What a step is about that is about no incident, by step, on lists of several. */
  about?: ReadonlyMap<Id, { name: string; path: string }>;
}) {
  if (steps.length === 0) return <Empty>Nothing waits for anybody.</Empty>;
  return (
    <>
      <ul class="asks">
        {steps
          .map((step) => ({ step, why: barred(step, asked, frame) }))
          .map(({ step, why }) => (
            <li id={`ask-${step.id}`}>
              <div class="what">
                <div class="line tight">
                  <StateChip state={step.state} />
                  <b>{step.title}</b>
                  {step.item && <span>{step.item.label}</span>}
                  {step.stalledAt && <Chip tone="live">stalled</Chip>}
                </div>
                <div class="small">{step.forWhat ?? step.reason}</div>
                <div class="soft small line">
                  <span>{whoActs(step, asked.contacts)}</span>
                  {step.approval && step.approval.quorum > 1 && (
                    <span>{`${step.approval.given} of ${step.approval.quorum} approvals`}</span>
                  )}
                  {step.dueAt && <Countdown dueAt={Date.parse(step.dueAt)} now={frame.now} />}
                  <IncidentOf reference={incidents?.get(step.subject.id)} frame={frame} />
                  {about?.get(step.id) && <a href={about.get(step.id)!.path}>{about.get(step.id)!.name}</a>}
                </div>
              </div>
              <div class="line acts">
                {step.approval && frame.may('approvals:decide') && why !== undefined && (
                  <span class="soft small">{why}</span>
                )}
                {step.approval && frame.may('approvals:decide') && why === undefined && (
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
    </>
  );
}

/** Named to everybody who sees the step, a link for those who may open it. */
function IncidentOf({ reference, frame }: { reference: string | undefined; frame: Frame }) {
  if (reference === undefined) return null;
  return frame.may('incidents:read') ? (
    <a href={`/incidents/${reference}`}>{reference}</a>
  ) : (
    <span>{reference}</span>
  );
}

/** Why the reader may not decide on a step that waits for approval; undefined: they may. */
export function barred(step: StepView, { terms }: Asked, { by }: Frame): string | undefined {
  const known = terms.get(step.id);
  return known && by && whyNotDecide(known, by)?.message;
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

/** Runbooks with their steps: how many items of each are where. */
export function Runs({ nodes }: { nodes: readonly RunNode[] }) {
  if (nodes.length === 0) return <Empty>No runbook has been started for this.</Empty>;
  const books = new Map<string, RunNode[]>();
  for (const node of nodes) books.set(node.runbook, [...(books.get(node.runbook) ?? []), node]);
  const over = ([book]: readonly RunNode[]) => book?.running === 0;
  return (
    <Short
      id="runs"
      items={[...books.values()]}
      first={1}
      needs={(steps) => !over(steps)}
      more="More runbooks under way"
      settled="Runbooks that are over"
      states={(part) => tally(part, (steps) => (over(steps) ? OVER : UNDER_WAY))}
    >
      {(part) => <Books books={part} />}
    </Short>
  );
}

const OVER = { tone: 'dead', word: 'done' } as const;
const UNDER_WAY = { tone: 'info', word: 'under way' } as const;

function Books({ books }: { books: readonly (readonly RunNode[])[] }) {
  return (
    <>
      {books.map((steps) => {
        const [book] = steps;
        return (
          book && (
            <section class="run" id={`run-${book.runbook}`}>
              <h3 class="line spread">
                <span class="line tight">
                  {book.runTitle} <StateChip state={book.running > 0 ? 'running' : 'done'} />
                </span>
                <span class="soft small">
                  {book.runs > 1 && `${book.runs} runs, `}
                  since <At at={book.startedAt} time />
                  {book.finishedAt !== null && `, took ${span(book.finishedAt - book.startedAt)}`}
                </span>
              </h3>
              <Short
                id={`steps-${book.runbook}`}
                items={steps}
                first={3}
                needs={({ parked, failed, moving }) => parked + failed + moving > 0}
                more="More steps under way"
                settled="The other steps"
                states={totals}
              >
                {(part) => <Nodes nodes={part} />}
              </Short>
            </section>
          )
        );
      })}
    </>
  );
}

function Nodes({ nodes }: { nodes: readonly RunNode[] }) {
  return (
    <>
      {nodes.map((node) => (
        <div class="node-line" id={`node-${node.runbook}-${node.step}`}>
          <span>{node.title}</span>
          <ShareBar label={node.title} parts={partsOf(node)} />
        </div>
      ))}
    </>
  );
}

/** Over all items of several steps. */
function totals(nodes: readonly RunNode[]): Tally[] {
  const sums = new Map<string, Tally>();
  for (const part of nodes.flatMap(partsOf))
    if (part.count > 0)
      sums.set(part.word, { ...part, count: part.count + (sums.get(part.word)?.count ?? 0) });
  return [...sums.values()];
}

function partsOf(node: RunNode): { tone: Tone; count: number; word: string }[] {
  const { total, parked, moving, done, failed, skipped, cancelled } = node;
  return [
    { tone: 'dead', count: done, word: 'done' },
    { tone: 'live', count: failed, word: 'failed' },
    { tone: 'doubt', count: parked, word: parked === 1 ? 'waits for somebody' : 'wait for somebody' },
    { tone: 'info', count: moving, word: 'under way' },
    { tone: 'calm', count: skipped, word: 'not needed' },
    { tone: 'calm', count: cancelled, word: 'cancelled' },
    {
      tone: 'calm',
      count: Math.max(0, total - parked - moving - done - failed - skipped - cancelled),
      word: 'to come',
    },
  ];
}
