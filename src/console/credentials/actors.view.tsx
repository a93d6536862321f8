import { Field, PostForm, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import type { CredentialHead } from './credential.queries.ts';

export interface RefusedActors {
  typed?: string;
  problems: FormProblems;
}

export function ActorsView({
  frame,
  head,
  actors,
  refused,
}: {
  frame: Frame;
  head: CredentialHead;
  actors: readonly string[];
  refused?: RefusedActors;
}) {
  const path = `/credentials/${head.reference}`;
  return (
    <Page title="Known actors" frame={frame} crumbs={[{ title: head.name, path }]}>
      <div class="head">
        <div>
          <h1>Known actors</h1>
          <p class="lead">
            {`Who uses ${head.name} as they should. A use by anybody else, from no known copy, counts as one by an unknown actor.`}
          </p>
        </div>
      </div>
      <div class="grid">
        <section class="card w7">
          <PostForm frame={frame} action={`${path}/actors`} label="Known actors">
            <Field
              name="actors"
              label="Actors, as the feeds name them"
              hint="One on each line. The list replaces the one before."
              type="area"
              rows={10}
              value={refused?.typed ?? actors.join('\n')}
              problem={refused?.problems['actors']}
            />
            <p class="actions">
              <button type="submit">Save</button>
              <a class="button plain" href={path}>
                Leave it
              </a>
            </p>
          </PostForm>
        </section>
      </div>
    </Page>
  );
}
