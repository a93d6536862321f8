import type { Recipe } from '../../domain/rotation/recipes.ts';
import type { RotationLine } from '../../domain/rotation/rotation.schema.ts';
import { PLACE_FATES } from '../../domain/rotation/simulation.rules.ts';
import type { SimulationView as Simulated } from '../../domain/rotation/simulation.schema.ts';
import type { CredentialHead } from '../credentials/credential.queries.ts';
import { Field, FormError, PostForm, SelectField, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, DataTable, Empty, ShareBar } from '../shared/parts.tsx';
import { Chip, words } from '../shared/states.tsx';
import { FATES, STATES } from './words.ts';

export function SimulationView({
  frame,
  head,
  simulation,
  rotations,
  recipes,
  refused,
}: {
  frame: Frame;
  head: CredentialHead;
  simulation: Simulated;
  rotations: readonly RotationLine[];
  recipes: readonly Recipe[];
  refused?: { problems: FormProblems; typed: Readonly<Record<string, string>> };
}) {
  const { places, counts, elsewhere, obstacles, recipe, users, systems } = simulation;
  const open = rotations.find((one) => one.closedAt === null);
  return (
    <Page
      title={`Rotation of ${head.name}`}
      frame={frame}
      crumbs={[
        { title: 'Rotations', path: '/rotations' },
        { title: head.name, path: `/credentials/${head.reference}` },
      ]}
    >
      <div class="head">
        <div>
          <p class="ref">{head.reference}</p>
          <h1>{`What rotating ${head.name} would do`}</h1>
          <p class="lead">Looked at now, from what is recorded. Nothing is changed by looking.</p>
        </div>
        {simulation.due && (
          <p class="line">
            <Chip
              tone={Date.parse(simulation.due.at) < frame.now ? 'live' : 'info'}
            >{`due ${simulation.due.at.slice(0, 10)}`}</Chip>
            <span class="soft small">{simulation.due.why}</span>
          </p>
        )}
      </div>
      {recipe && <p class={`notice ${recipe.oldFate === 'dies' ? 'live' : 'wait'}`}>{recipe.says}</p>}
      {elsewhere && <p class="notice doubt">{elsewhere.why}</p>}
      {obstacles.length > 0 && (
        <ul>
          {obstacles.map((one) => (
            <li>{one}</li>
          ))}
        </ul>
      )}
      <div class="grid">
        <div class="w8 rows">
          <section class="card">
            <h2>
              Places <span class="aside">{places.length}</span>
            </h2>
            {places.length === 0 ? (
              <Empty>No copy of it is recorded. What would break is not known.</Empty>
            ) : (
              <>
                <ShareBar
                  label="Places"
                  parts={PLACE_FATES.map((fate) => ({
                    tone: FATES[fate].tone,
                    word: FATES[fate].word,
                    count: counts[fate],
                  }))}
                />
                <DataTable
                  caption="What would become of each place"
                  columns={[{ title: 'Place' }, { title: 'What becomes of it' }, { title: 'Owner' }]}
                  rows={places.map((place) => [
                    <div>
                      <b>{place.name}</b>
                      <div class="soft small">
                        {[words(place.kind), place.path, place.integration].filter(Boolean).join(' · ')}
                      </div>
                      {place.systems.length > 0 && (
                        <div class="soft small">{`runs there: ${place.systems.join(', ')}`}</div>
                      )}
                    </div>,
                    <div>
                      <Chip tone={FATES[place.fate].tone}>{FATES[place.fate].word}</Chip>
                      <div class="soft small">{place.why}</div>
                    </div>,
                    place.owner ?? <Chip tone="live">nobody</Chip>,
                  ])}
                />
              </>
            )}
          </section>
          <section class="card">
            <h2>Who depends on it</h2>
            <ul class="plain">
              {users.map((user) => (
                <li class="line tight">
                  <b>{user.integration ?? 'another integration'}</b>
                  {user.places === 0 ? (
                    <Chip tone="doubt">where it keeps it is not known</Chip>
                  ) : (
                    <span class="soft small">{`${user.places} ${user.places === 1 ? 'place' : 'places'}`}</span>
                  )}
                </li>
              ))}
            </ul>
            {systems.length > 0 && (
              <p class="soft small">{`It opens: ${systems.map((one) => `${one.name} (${one.basis})`).join(', ')}.`}</p>
            )}
          </section>
        </div>
        <div class="w4 rows">
          <section class="card">
            <h2>Start it</h2>
            {open ? (
              <p>
                <a href={`/rotations/${open.reference}`}>{open.reference}</a> is under way.
              </p>
            ) : (
              frame.may('rotations:operate') && (
                <Start
                  frame={frame}
                  head={head}
                  simulation={simulation}
                  recipes={recipes}
                  refused={refused}
                />
              )
            )}
          </section>
          <section class="card">
            <h2>Before</h2>
            {rotations.length === 0 && <Empty>It was never rotated here.</Empty>}
            <ul class="plain">
              {rotations.map((one) => (
                <li class="line tight">
                  <a href={`/rotations/${one.reference}`}>{one.reference}</a>
                  <Chip tone={STATES[one.state].tone}>{STATES[one.state].word}</Chip>
                  <span class="soft small">
                    <At at={Date.parse(one.openedAt)} day />
                  </span>
                </li>
              ))}
            </ul>
          </section>
        </div>
      </div>
    </Page>
  );
}

function Start({
  frame,
  head,
  simulation,
  recipes,
  refused,
}: {
  frame: Frame;
  head: CredentialHead;
  simulation: Simulated;
  recipes: readonly Recipe[];
  refused: { problems: FormProblems; typed: Readonly<Record<string, string>> } | undefined;
}) {
  const shared = (name: string) => ({ name, value: refused?.typed[name], problem: refused?.problems[name] });
  return (
    <PostForm frame={frame} action={`/credentials/${head.reference}/rotation`} label="Start the rotation">
      <FormError problems={refused?.problems} />
      <SelectField
        {...shared('recipe')}
        label="Recipe"
        none={simulation.recipe ? `${simulation.recipe.title}, which fits` : 'None fits'}
        options={recipes.map(({ key, title }) => ({ value: key, word: title }))}
      />
      <Field
        {...shared('overlap')}
        label="Hours in which both work"
        hint={
          simulation.recipe
            ? `Left empty: ${Math.round(simulation.recipe.overlap.length / 3_600_000)}; at most ${Math.round(simulation.recipe.overlap.most / 3_600_000)}.`
            : 'Long enough for queues, retries and deployments.'
        }
        type="number"
      />
      <Field {...shared('reason')} label="Why" required maxLength={1000} />
      <p>
        <label>
          <input
            type="checkbox"
            name="emergency"
            value="yes"
            checked={refused?.typed['emergency'] === 'yes'}
          />{' '}
          Emergency: no overlap, the old version ends as soon as the new one works
        </label>
      </p>
      <button type="submit">Rotate it</button>
    </PostForm>
  );
}
