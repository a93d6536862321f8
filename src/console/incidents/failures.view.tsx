import type { FailureClass } from '../../domain/incidents/failure.rules.ts';
import type { FailureView } from '../../domain/incidents/failure.schema.ts';
import { Choice, Field, FormError, PostForm, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, DataTable, Empty } from '../shared/parts.tsx';
import { tally, type Tally } from '../shared/fold.tsx';
import { Chip, type Tone } from '../shared/states.tsx';
import type { RoomHead } from './room.queries.ts';

const CLASSES: Readonly<Record<FailureClass, { tone: Tone; word: string }>> = {
  authentication: { tone: 'live', word: 'authentication' },
  outage: { tone: 'wait', word: 'our outage' },
  supplier: { tone: 'info', word: 'the supplier' },
  user: { tone: 'calm', word: 'a user' },
  unclear: { tone: 'doubt', word: 'unclear' },
};
const FALLBACKS: Readonly<Record<FailureView['fallback'], { tone: Tone; word: string }>> = {
  triggered: { tone: 'dead', word: 'started' },
  not_triggered: { tone: 'live', word: 'did not start' },
  none: { tone: 'wait', word: 'has none' },
  unknown: { tone: 'doubt', word: 'not known' },
};

/** How many are of which kind. */
export function failureClasses(failures: readonly FailureView[]): Tally[] {
  return tally(failures, (one) => CLASSES[one.class]);
}

/** What failed since the incident is known, what kind of failure each is, and whether its fallback started. */
export function Failures({ failures }: { failures: readonly FailureView[] }) {
  if (failures.length === 0) return <Empty>Nobody has reported that anything fails.</Empty>;
  return (
    <DataTable
      caption="What failed"
      close
      columns={[
        { title: 'What failed' },
        { title: 'When' },
        { title: 'Answer' },
        { title: 'What it is' },
        { title: 'Fallback' },
      ]}
      rows={failures.map((one) => [
        <div>
          <b>{one.consumer}</b>
          <div class="soft small">
            {one.integration.name}
            {one.credential?.name && ` · ${one.credential.name}`}
          </div>
        </div>,
        <At at={Date.parse(one.at)} />,
        <div>
          {one.status ?? (one.failure ? `none (${one.failure})` : 'not said')}
          {one.actors !== null && (
            <div class="soft small">{`${one.actorsFailing} of ${one.actors} failed`}</div>
          )}
        </div>,
        <div>
          <Chip tone={CLASSES[one.class].tone}>{CLASSES[one.class].word}</Chip>
          <div class="soft small">{one.why}</div>
        </div>,
        <div>
          <Chip tone={FALLBACKS[one.fallback].tone}>{FALLBACKS[one.fallback].word}</Chip>
          {one.fallbackNote && <div class="soft small">{one.fallbackNote}</div>}
        </div>,
      ])}
    />
  );
}

export interface Reportable {
  id: string;
  label: string;
}

export interface RefusedFailure {
  problems: FormProblems;
  typed: Readonly<Record<string, string>>;
}

export function FailuresPageView({
  frame,
  head,
  failures,
  credentials,
  refused,
}: {
  frame: Frame;
  head: RoomHead;
  failures: readonly FailureView[];
  /** What may have failed: `integration:credential:version` and its name. */
  credentials: readonly Reportable[];
  refused?: RefusedFailure;
}) {
  const { problems, typed = {} } = refused ?? {};
  return (
    <Page
      title={`What failed in ${head.reference}`}
      frame={frame}
      crumbs={[
        { title: 'Incidents', path: '/incidents' },
        { title: head.reference, path: `/incidents/${head.reference}` },
      ]}
    >
      <div class="head">
        <div>
          <p class="ref">{head.reference}</p>
          <h1>What failed</h1>
          <p class="lead">
            Since the incident is known: by monitoring and by people. What each failure is follows from what
            is known now, and says so where it does not tell.
          </p>
        </div>
      </div>
      <div class="grid">
        <section class="card w12">
          <h2>Failures</h2>
          <Failures failures={failures} />
        </section>
        {frame.may('incidents:act') && credentials.length > 0 && (
          <section class="card w12" id="report">
            <h2>Report a failure</h2>
            <PostForm frame={frame} action={`/incidents/${head.reference}/failures`} label="Report a failure">
              <FormError problems={problems} />
              <div class="pair">
                <Choice
                  name="what"
                  label="What uses"
                  value={typed['what']}
                  options={credentials.map(({ id, label }) => ({ value: id, word: label }))}
                />
                <Choice
                  name="fallback"
                  label="Its fallback"
                  value={typed['fallback'] ?? 'unknown'}
                  options={(Object.keys(FALLBACKS) as FailureView['fallback'][]).map((value) => ({
                    value,
                    word: FALLBACKS[value].word,
                  }))}
                />
              </div>
              <Field
                name="consumer"
                label="Which service, job or page fails"
                required
                maxLength={200}
                value={typed['consumer'] ?? ''}
                problem={problems?.['consumer']}
              />
              <div class="pair">
                <Field
                  name="at"
                  label="When, in UTC"
                  type="datetime-local"
                  required
                  value={typed['at'] ?? new Date(frame.now).toISOString().slice(0, 16)}
                  problem={problems?.['at']}
                />
                <Field
                  name="status"
                  label="HTTP status that it got"
                  hint="Left out: no answer came."
                  type="number"
                  value={typed['status'] ?? ''}
                  problem={problems?.['status']}
                />
              </div>
              <div class="pair">
                <Field
                  name="actors"
                  label="How many users or jobs use it"
                  type="number"
                  value={typed['actors'] ?? ''}
                  problem={problems?.['actors']}
                />
                <Field
                  name="actorsFailing"
                  label="How many of them fail"
                  type="number"
                  value={typed['actorsFailing'] ?? ''}
                  problem={problems?.['actorsFailing']}
                />
              </div>
              <Field
                name="note"
                label="What else is known"
                type="area"
                maxLength={2000}
                value={typed['note'] ?? ''}
                problem={problems?.['note']}
              />
              <p class="actions">
                <button type="submit">Report it</button>
              </p>
            </PostForm>
          </section>
        )}
      </div>
    </Page>
  );
}
