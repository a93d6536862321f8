import type { MassRevocationView } from '../../domain/incidents/mass-revocation.schema.ts';
import { Field, FormError, PostForm, SelectField, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { Pager, type Listed } from '../shared/paging.tsx';
import { At, DataTable, Empty } from '../shared/parts.tsx';
import { Chip } from '../shared/states.tsx';
import type { NamedThing } from './mass.queries.ts';
import { MassState, Progress } from './progress.tsx';

export function MassListView({
  frame,
  page,
  first,
}: {
  frame: Frame;
  page: Listed<MassRevocationView>;
  first: boolean;
}) {
  return (
    <Page title="Mass revocation" frame={frame}>
      <div class="head">
        <div>
          <h1>Mass revocation</h1>
          <p class="lead">
            Everything of a supplier, an integration or a group, revoked together: one person asks and sees
            who breaks, a second one approves exactly that.
          </p>
        </div>
        {frame.may('revocations:ask') && (
          <a class="button" href="/mass-revocations/new">
            Select credentials
          </a>
        )}
      </div>
      {page.rows.length === 0 ? (
        <Empty>Nobody has asked for one.</Empty>
      ) : (
        <DataTable
          caption="Mass revocations"
          columns={[
            { title: 'What' },
            { title: 'State' },
            { title: 'Versions', numeric: true },
            { title: 'How far' },
          ]}
          rows={page.rows.map((mass) => [
            <div>
              <a href={`/mass-revocations/${mass.reference}`}>
                <b>{mass.reference}</b>
              </a>
              <div class="small">{mass.reason.slice(0, 140)}</div>
              <div class="soft small">
                asked <At at={Date.parse(mass.askedAt)} />
              </div>
            </div>,
            <span class="line tight">
              <MassState state={mass.state} />
              {mass.force && <Chip tone="live">forced</Chip>}
            </span>,
            mass.state === 'draft' && mass.left < mass.versions
              ? `${mass.left} left of ${mass.versions}`
              : mass.versions,
            <div class="bar-cell">
              <Progress mass={mass} />
            </div>,
          ])}
        />
      )}
      <Pager path="/mass-revocations" query={{}} next={page.next} first={first} />
    </Page>
  );
}

export function NewMassView({
  frame,
  suppliers,
  typed,
  problems,
}: {
  frame: Frame;
  suppliers: readonly NamedThing[];
  typed: Readonly<Record<string, string>>;
  problems: FormProblems | undefined;
}) {
  const field = (name: string) => ({ name, value: typed[name] ?? '', problem: problems?.[name] });
  return (
    <Page
      title="Select credentials"
      frame={frame}
      crumbs={[{ title: 'Mass revocation', path: '/mass-revocations' }]}
    >
      <h1>Select what is revoked together</h1>
      <p class="lead">
        Conditions narrow each other. What fits now is frozen and shown with everybody who would break.
        Nothing is revoked before a second person approves it.
      </p>
      <section class="card">
        <FormError problems={problems} />
        <PostForm frame={frame} action="/mass-revocations/new" label="Selection">
          <div class="pair">
            <SelectField
              {...field('supplier')}
              label="Supplier"
              none="any"
              hint="Issued or verified by it"
              options={suppliers.map(({ id, name }) => ({ value: id, word: name }))}
            />
            <Field
              {...field('integration')}
              label="Integration"
              hint="Its reference; shared credentials count, too"
            />
          </div>
          <fieldset>
            <legend>Group: what they share on record</legend>
            <div class="pair">
              <Field {...field('environment')} label="Environment" maxLength={60} />
              <Field {...field('type')} label="Type" hint="Such as api_key" maxLength={120} />
              <Field {...field('prefix')} label="Name or external key begins with" maxLength={200} />
              <Field {...field('riskAtLeast')} label="Risk at least" hint="0 to 1000" type="number" />
            </div>
          </fieldset>
          <Field
            {...field('reason')}
            label="Why"
            hint="It goes on record."
            type="area"
            required
            maxLength={2000}
          />
          {frame.may('revocations:force') && (
            <label class="check">
              <input type="checkbox" name="force" value="1" checked={typed['force'] === '1'} /> Force: go on
              where a replacement or an approval would be waited for. It proves nothing.
            </label>
          )}
          <p class="actions">
            <button type="submit">Freeze and show who breaks</button>
          </p>
        </PostForm>
      </section>
    </Page>
  );
}
