import type { Assigned } from '../../domain/responsibility/matrix-bulk.schema.ts';
import { CONTACT_ROLES } from '../../domain/parties/party.schema.ts';
import { DUTIES, type Duty } from '../../domain/responsibility/matrix.rules.ts';
import { PostForm, SelectField } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { DataTable } from '../shared/parts.tsx';
import { Chip, words } from '../shared/states.tsx';
import type { ChosenIntegration } from './choices.queries.ts';

const CRUMBS = [{ title: 'Matrices', path: '/matrices' }];

export function NothingChosenView({ frame, problem }: { frame: Frame; problem: string }) {
  return (
    <Page title="Gaps" frame={frame} crumbs={CRUMBS}>
      <h1>Nothing to do</h1>
      <p class="notice wait" role="alert">
        {problem}
      </p>
      <p>
        <a href="/matrices?gap=1">To the gaps</a>
      </p>
    </Page>
  );
}

const dutiesText = (duties: readonly Duty[]) =>
  duties.length === DUTIES.length ? 'every duty' : duties.map(words).join(', ');

/** What was chosen, before anything is changed: whom it shall be. */
export function AssignView({
  frame,
  lines,
  problems,
}: {
  frame: Frame;
  lines: readonly (ChosenIntegration & { duties: readonly Duty[] })[];
  problems: readonly string[];
}) {
  const parties = new Map(lines.flatMap((line) => line.parties.map(({ id, name }) => [id, name] as const)));
  const signed = lines.filter(({ countersigned }) => countersigned).length;
  return (
    <Page title="Who answers for the gaps" frame={frame} crumbs={CRUMBS}>
      <h1>Who answers for the gaps</h1>
      <p class="lead">
        Each integration gets its own draft. Nothing is agreed before it is proposed there and signed.
      </p>
      {signed > 0 && (
        <p class="notice wait">
          {signed === 1 ? 'One of them is' : `${signed} of them are`} countersigned: their signatures fall,
          and both sides are told.
        </p>
      )}
      {problems.length > 0 && (
        <div class="notice live" role="alert">
          {problems.map((problem) => (
            <div>{problem}</div>
          ))}
        </div>
      )}
      <PostForm frame={frame} action="/matrices/assign" label="Who answers">
        <div class="grid">
          <section class="card w7">
            <h2>
              Chosen <span class="aside">{lines.length}</span>
            </h2>
            <ul class="plain">
              {lines.map((line) => (
                <li>
                  <input type="hidden" name="version" value={`${line.id}:${line.rowVersion}`} />
                  {line.duties.map((duty) => (
                    <input type="hidden" name="cell" value={`${line.id}:${duty}`} />
                  ))}
                  <a href={`/integrations/${line.reference}/matrix`}>{line.name}</a>{' '}
                  <span class="ref">{line.reference}</span>
                  <div class="soft small">{dutiesText(line.duties)}</div>
                </li>
              ))}
            </ul>
          </section>
          <section class="card w5">
            <h2>Who</h2>
            <SelectField
              name="accountable"
              label="Accountable, and performing"
              options={[
                { value: 'role:supplier', word: 'the supplier of each', group: 'By role' },
                { value: 'role:customer', word: 'the customer of each', group: 'By role' },
                ...[...parties].map(([value, word]) => ({ value, word, group: 'One party' })),
              ]}
            />
            <SelectField
              name="contact"
              label="Contact"
              hint="Of that party; where it has none in the role, its first that can be reached"
              none="nobody yet"
              value="security"
              options={CONTACT_ROLES.map((value) => ({ value, word: words(value) }))}
            />
            <p class="actions">
              <button type="submit">Name them in the drafts</button>
              <a class="button plain" href="/matrices?gap=1">
                Cancel
              </a>
            </p>
          </section>
        </div>
      </PostForm>
    </Page>
  );
}

/** What became of each integration. */
export function AssignedView({ frame, outcomes }: { frame: Frame; outcomes: Assigned['outcomes'] }) {
  const done = outcomes.filter(({ named }) => named.length > 0).length;
  const refused = outcomes.filter((one) => one.refused).length;
  return (
    <Page title="What became of the gaps" frame={frame} crumbs={CRUMBS}>
      <h1>What became of the gaps</h1>
      <p class={`notice ${done === outcomes.length ? 'dead' : 'wait'}`} role="status">
        {done} of {outcomes.length} integrations have a drafted row more
        {refused > 0 && `; ${refused} ${refused === 1 ? 'was' : 'were'} refused and not changed`}.
      </p>
      <section class="card">
        <DataTable
          caption="What became of each integration"
          columns={[{ title: 'Integration' }, { title: 'Drafted' }, { title: 'Left for you' }]}
          rows={outcomes.map((one) => [
            one.reference === null ? (
              'one that is not there, or not yours to see'
            ) : (
              <div>
                <a href={`/integrations/${one.reference}/matrix`}>{one.name}</a>
                <div class="ref">{one.reference}</div>
              </div>
            ),
            <div>
              {one.named.length > 0 ? dutiesText(one.named) : <span class="soft">nothing</span>}
              {one.fell && (
                <div>
                  <Chip tone="live">signatures fell</Chip>
                </div>
              )}
            </div>,
            <div>
              {one.refused && (
                <>
                  <Chip tone="live">refused</Chip> {one.refused.message}
                  {one.refused.fields.map(({ problem }) => (
                    <div class="small">{problem}</div>
                  ))}
                </>
              )}
              {reasons(one.leftOut).map(([why, duties]) => (
                <div>
                  {dutiesText(duties)}: {why}
                </div>
              ))}
              {!one.refused && one.leftOut.length === 0 && <span class="soft">nothing</span>}
            </div>,
          ])}
        />
        <p class="actions">
          <a class="button" href="/matrices?gap=1">
            To the gaps that are left
          </a>
        </p>
      </section>
    </Page>
  );
}

function reasons(leftOut: Assigned['outcomes'][number]['leftOut']): [string, Duty[]][] {
  const found = new Map<string, Duty[]>();
  for (const { duty, why } of leftOut) found.set(why, [...(found.get(why) ?? []), duty]);
  return [...found];
}
