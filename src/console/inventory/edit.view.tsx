import type { ComponentChildren } from 'preact';
import { Field, FormError, PostForm, SelectField, type FormProblems, type Option } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import type { EditableCredential, EditableIntegration } from './edits.queries.ts';

interface Editing<T> {
  frame: Frame;
  stored: T;
  owners: readonly Option[];
  form: Form;
  problems: FormProblems;
}

type Form = Readonly<Record<string, string>>;

const fieldsOf = (form: Form, problems: FormProblems) => (name: string) => ({
  name,
  value: form[name] ?? '',
  problem: problems[name],
});

export function EditCredentialView({ frame, stored, owners, form, problems }: Editing<EditableCredential>) {
  const field = fieldsOf(form, problems);
  return (
    <EditPage
      {...{ frame, stored, form, problems }}
      kind="Credential"
      area={{ title: 'Inventory', path: '/inventory' }}
      path={`/credentials/${stored.reference}`}
      lead={
        <p class="lead">
          Who owns it, what for, where it is kept, how often it is rotated. Never the value itself.
        </p>
      }
    >
      <div class="pair">
        <Field {...field('name')} label="Name" required maxLength={200} />
        <SelectField {...field('ownerContactId')} label="Owner" options={owners} none="nobody" />
      </div>
      <Field {...field('purpose')} label="Purpose" type="area" maxLength={4000} />
      <div class="pair">
        <Field {...field('store')} label="Kept in" hint="vault: payments/checkout" maxLength={300} />
        <Field {...field('rotateEveryDays')} label="Rotate every so many days" hint="Empty: no schedule" />
        <Field
          {...field('lastUsedAt')}
          label="Last used, as far as you know"
          hint="2026-11-22T08:00:00Z; uses that were seen count by themselves"
        />
        <Field {...field('risk')} label="Risk" hint="0 to 1000; the riskiest is revoked first" required />
      </div>
    </EditPage>
  );
}

export function EditIntegrationView({
  frame,
  stored,
  owners,
  agreements,
  form,
  problems,
}: Editing<EditableIntegration> & { agreements: readonly Option[] }) {
  const field = fieldsOf(form, problems);
  return (
    <EditPage
      {...{ frame, stored, form, problems }}
      kind="Integration"
      area={{ title: 'Portfolio', path: '/portfolio' }}
      path={`/integrations/${stored.reference}`}
      lead={
        stored.state === 'quarantined' && (
          <p class="notice live">It is quarantined, as nobody owns it. Name an owner, and it comes back.</p>
        )
      }
    >
      <div class="pair">
        <Field {...field('name')} label="Name" required maxLength={200} />
        <SelectField
          {...field('ownerContactId')}
          label="Owner"
          options={owners}
          none="nobody: it is quarantined after a day"
        />
      </div>
      <Field {...field('purpose')} label="Purpose" type="area" maxLength={4000} />
      <div class="pair">
        <SelectField {...field('agreementId')} label="Agreement" options={agreements} none="none" />
        <Field {...field('dataClass')} label="Data class" required maxLength={60} />
        <Field
          {...field('maxConnections')}
          label="Connections open at once, at most"
          hint="Empty: not said"
        />
        <SelectField
          {...field('riskTier')}
          label="Risk tier"
          options={['1', '2', '3', '4'].map((tier) => ({
            value: tier,
            word: tier === '1' ? '1, the riskiest' : tier,
          }))}
        />
      </div>
      {frame.may('agreements:write') && (
        <p class="soft small">
          Is the agreement missing? <a href="/agreements/new">Write it first.</a> It is offered here once it
          is begun with a party of this integration.
        </p>
      )}
    </EditPage>
  );
}

/** What both have around their fields: which version is edited, what is wrong, and the way back. */
function EditPage({
  frame,
  stored,
  form,
  problems,
  kind,
  area,
  path,
  lead,
  children,
}: Omit<Editing<{ name: string; reference: string }>, 'owners'> & {
  kind: string;
  area: { title: string; path: string };
  path: string;
  lead: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <Page title={`Edit ${stored.name}`} frame={frame} crumbs={[area, { title: stored.name, path }]}>
      <p class="ref">{stored.reference}</p>
      <h1>Keep it current</h1>
      {lead}
      <section class="card">
        <PostForm frame={frame} action={`${path}/edit`} label={kind}>
          <input type="hidden" name="rowVersion" value={form['rowVersion']} />
          <FormError problems={problems} />
          {children}
          <p class="actions">
            <button type="submit">Save</button>
            <a class="button plain" href={path}>
              Leave it
            </a>
          </p>
        </PostForm>
      </section>
    </Page>
  );
}
