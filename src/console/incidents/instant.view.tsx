import { INSTANT_KINDS } from '../../domain/incidents/instants.ts';
import { Choice, Field, FormError, PostForm, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { words } from '../shared/states.tsx';
import type { RoomHead } from './room.queries.ts';

export interface RefusedInstant {
  problems: FormProblems;
  typed: Readonly<Record<string, string>>;
}

/** A person says when something happened. It stands beside what is there; nothing is edited. */
export function InstantForm({
  frame,
  reference,
  refused,
}: {
  frame: Frame;
  reference: string;
  refused?: RefusedInstant;
}) {
  const { problems, typed = {} } = refused ?? {};
  return (
    <PostForm frame={frame} action={`/incidents/${reference}/instants`} label="Record an instant">
      <FormError problems={problems} />
      <Choice
        name="kind"
        label="What happened"
        value={typed['kind'] ?? 'confirmed'}
        options={INSTANT_KINDS.map((kind) => ({ value: kind, word: words(kind) }))}
      />
      <Field
        name="at"
        idPrefix="instant-"
        label="When"
        type="datetime-local"
        value={typed['at'] ?? ''}
        required
        problem={problems?.['at']}
      />
      <Field
        name="zone"
        idPrefix="instant-"
        label="Time zone"
        hint="Of that time, like Europe/Berlin or UTC."
        value={typed['zone'] ?? 'UTC'}
        required
        problem={problems?.['zone']}
      />
      <Field
        name="basis"
        idPrefix="instant-"
        label="What this rests on"
        value={typed['basis'] ?? ''}
        required
        problem={problems?.['basis']}
      />
      <p class="actions">
        <button type="submit">Record it</button>
      </p>
    </PostForm>
  );
}

export function InstantPageView({
  frame,
  head,
  refused,
}: {
  frame: Frame;
  head: RoomHead;
  refused?: RefusedInstant;
}) {
  return (
    <Page
      title={`Record an instant of ${head.reference}`}
      frame={frame}
      crumbs={[
        { title: 'Incidents', path: '/incidents' },
        { title: head.reference, path: `/incidents/${head.reference}` },
      ]}
    >
      <div class="head">
        <div>
          <p class="ref">{head.reference}</p>
          <h1>Record an instant</h1>
          <p class="lead">
            When something happened, for the incident and each of its cases. Clocks start from it; whoever was
            promised to hear of it is told.
          </p>
        </div>
      </div>
      <section class="card">
        <InstantForm frame={frame} reference={head.reference} {...(refused ? { refused } : {})} />
      </section>
    </Page>
  );
}
