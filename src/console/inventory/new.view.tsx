import type { ComponentChildren } from 'preact';
import { REVOCABILITY } from '../../domain/credentials/credential.schema.ts';
import { CONTACT_ROLES } from '../../domain/parties/party.schema.ts';
import { Field, FormError, PostForm, SelectField, type FormProblems, type Option } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { words } from '../shared/states.tsx';
import type { CredentialHome } from './new.queries.ts';

export interface Adding {
  frame: Frame;
  /** What was typed, by field; of a field that stands several times, what stood in each. */
  form: Readonly<Record<string, string | readonly string[]>>;
  problems: FormProblems;
}

const text = (value: string | readonly string[] | undefined) => (typeof value === 'string' ? value : '');
export const optionsOf = (all: readonly string[]): Option[] =>
  all.map((value) => ({ value, word: words(value) }));
const TIERS: readonly Option[] = ['1', '2', '3', '4'].map((tier) => ({
  value: tier,
  word: tier === '1' ? '1, the riskiest' : tier,
}));

export function fieldsOf({ form, problems }: Adding) {
  return (name: string) => ({ name, value: text(form[name]), problem: problems[name] });
}

export function AddPage({
  adding,
  title,
  lead,
  crumbs,
  action,
  leave,
  children,
}: {
  adding: Adding;
  title: string;
  lead: string;
  crumbs: readonly { title: string; path: string }[];
  action: string;
  leave: string;
  children: ComponentChildren;
}) {
  return (
    <Page title={title} frame={adding.frame} crumbs={crumbs}>
      <h1>{title}</h1>
      <p class="lead">{lead}</p>
      <section class="card">
        <PostForm frame={adding.frame} action={action} label={title}>
          <FormError problems={adding.problems} />
          {children}
          <p class="actions">
            <button type="submit">Save</button>
            <a class="button plain" href={leave}>
              Leave it
            </a>
          </p>
        </PostForm>
      </section>
    </Page>
  );
}

export function NewPartyView(
  adding: Adding & {
    /** Nobody has said yet who runs this installation. */
    first: boolean;
  },
) {
  const field = fieldsOf(adding);
  return (
    <AddPage
      adding={adding}
      title="Add a party"
      lead="An organisation that makes, accepts or holds credentials, and who of it is told first."
      crumbs={[{ title: 'Suppliers', path: '/portfolio/suppliers' }]}
      action="/portfolio/suppliers/new"
      leave="/portfolio/suppliers"
    >
      <Field {...field('name')} label="Name" required maxLength={200} />
      {adding.first && (
        <label class="check">
          <input type="checkbox" name="operator" value="yes" checked={adding.form['operator'] === 'yes'} /> It
          is us: who runs this installation
        </label>
      )}
      <div class="pair">
        <Field {...field('region')} label="Region" maxLength={120} />
        <Field {...field('sector')} label="Sector" maxLength={120} />
        <Field {...field('zone')} label="Time zone" hint="Europe/Berlin, UTC" required maxLength={64} />
      </div>
      <fieldset>
        <legend>First contact</legend>
        <div class="pair">
          <Field {...field('contactName')} label="Name of the contact" required maxLength={200} />
          <SelectField {...field('contactRole')} label="Called for" options={optionsOf(CONTACT_ROLES)} />
          <Field {...field('contactEmail')} label="Mail address" type="email" maxLength={254} />
          <Field {...field('contactPhone')} label="Phone" maxLength={60} />
        </div>
      </fieldset>
    </AddPage>
  );
}

export function NewIntegrationView(
  adding: Adding & {
    parties: readonly Option[];
    contacts: readonly Option[];
    agreements: readonly Option[];
  },
) {
  const field = fieldsOf(adding);
  return (
    <AddPage
      adding={adding}
      title="Add an integration"
      lead="It begins as a draft. Production stays shut until its matrix is countersigned and the gate passes it."
      crumbs={[{ title: 'Portfolio', path: '/portfolio' }]}
      action="/portfolio/new"
      leave="/portfolio"
    >
      <Field {...field('name')} label="Name" required maxLength={200} />
      <Field
        {...field('purpose')}
        label="Purpose"
        hint="What it is for, in a sentence"
        type="area"
        maxLength={4000}
      />
      <div class="pair">
        <SelectField {...field('supplier')} label="Supplier" options={adding.parties} none="choose one" />
        <SelectField {...field('customer')} label="Customer" options={adding.parties} none="choose one" />
        <SelectField {...field('ownerContactId')} label="Owner" options={adding.contacts} none="nobody yet" />
        <SelectField
          {...field('agreementId')}
          label="Agreement"
          options={adding.agreements}
          none="none yet"
        />
        <SelectField {...field('riskTier')} label="Risk tier" options={TIERS} />
        <Field
          {...field('dataClass')}
          label="Data class"
          hint="public, internal, personal…"
          required
          maxLength={60}
        />
        <Field
          {...field('environments')}
          label="Environments"
          hint="production, staging"
          required
          maxLength={300}
        />
      </div>
      <p class="soft small">
        Is the party missing? <a href="/portfolio/suppliers/new">Add it first.</a>
      </p>
    </AddPage>
  );
}

export function NewCredentialView(adding: Adding & { home: CredentialHome }) {
  const field = fieldsOf(adding);
  const { home, form, problems } = adding;
  const held = [form['holders'] ?? []].flat();
  const path = `/integrations/${home.reference}`;
  return (
    <AddPage
      adding={adding}
      title="Add a credential"
      lead={`What it is and who makes, accepts and holds it, for ${home.name}. Never the value itself.`}
      crumbs={[
        { title: 'Portfolio', path: '/portfolio' },
        { title: home.name, path },
      ]}
      action={`${path}/credentials/new`}
      leave={path}
    >
      <div class="pair">
        <Field {...field('name')} label="Name" required maxLength={200} />
        <Field
          {...field('type')}
          label="Kind"
          hint="api_key, oauth_access_token, client_secret, webhook_secret…"
          required
          maxLength={120}
        />
      </div>
      <Field {...field('purpose')} label="Purpose" type="area" maxLength={4000} />
      <div class="pair">
        <SelectField
          {...field('environment')}
          label="Environment"
          options={home.environments.map((one) => ({ value: one, word: one }))}
        />
        <SelectField
          {...field('direction')}
          label="Direction"
          options={[
            { value: 'outbound', word: 'we use it at the supplier' },
            { value: 'inbound', word: 'the supplier uses it at us' },
          ]}
        />
        <SelectField {...field('issuerPartyId')} label="Made by" options={home.parties} />
        <SelectField
          {...field('verifierPartyId')}
          label="Accepted by the systems of"
          options={home.parties}
        />
      </div>
      <fieldset aria-describedby={problems['holders'] ? 'holders-error' : undefined}>
        <legend>Held by</legend>
        {home.parties.map((party) => (
          <label class="check">
            <input type="checkbox" name="holders" value={party.value} checked={held.includes(party.value)} />{' '}
            {party.word}
          </label>
        ))}
        {problems['holders'] && (
          <p class="error" id="holders-error">
            {problems['holders']}
          </p>
        )}
      </fieldset>
      <div class="pair">
        <SelectField {...field('revocability')} label="Can be revoked" options={optionsOf(REVOCABILITY)} />
        <Field {...field('store')} label="Kept in" hint="vault: payments/checkout" maxLength={300} />
        <Field {...field('rotateEveryDays')} label="Rotate every so many days" hint="Empty: no schedule" />
        <Field {...field('risk')} label="Risk" hint="0 to 1000; the riskiest is revoked first" required />
      </div>
      <Field
        {...field('scopes')}
        label="What it may do"
        hint="A scope a line, and why it is needed: payments.write: the shop takes payments"
        type="area"
        rows={4}
        maxLength={20_000}
      />
    </AddPage>
  );
}
