import { ARRIVALS, LOCATION_KINDS, PROVABLE } from '../../domain/credentials/credential.schema.ts';
import { Field, SelectField } from '../shared/forms.tsx';
import type { CopyToMove, CredentialToFill, CredentialWays } from './new.queries.ts';
import { AddPage, fieldsOf, optionsOf, type Adding } from './new.view.tsx';

export function NewVersionView(adding: Adding & { credential: CredentialToFill }) {
  const field = fieldsOf(adding);
  const path = `/credentials/${adding.credential.reference}`;
  return (
    <AddPage
      adding={adding}
      title="Record a version"
      lead={`A value that was issued for ${adding.credential.name}. What is typed as its value is fingerprinted, so that a leak of it is recognised, and dropped.`}
      crumbs={[{ title: adding.credential.name, path }]}
      action={`${path}/versions/new`}
      leave={path}
    >
      <div class="pair">
        <Field
          {...field('supplierId')}
          label="The supplier's id"
          hint="As its own console or log names it; not the value"
          maxLength={500}
        />
        <SelectField
          {...field('before')}
          label="The version before it"
          options={[
            { value: 'overlap', word: 'stays alive for now' },
            { value: 'retired', word: 'is retired' },
          ]}
        />
        <Field {...field('issuedAt')} label="Issued" hint="2026-11-22T08:00:00Z" />
        <Field {...field('expiresAt')} label="Ends" hint="2026-12-22T08:00:00Z. Empty: it does not expire" />
      </div>
      <Field
        {...field('value')}
        value=""
        label="Value, or its SHA-256"
        hint="It is not kept and not shown again"
        type="password"
        autocomplete="off"
      />
    </AddPage>
  );
}

export function NewLocationView(adding: Adding & { credential: CredentialToFill }) {
  const field = fieldsOf(adding);
  const { credential } = adding;
  const path = `/credentials/${credential.reference}`;
  return (
    <AddPage
      adding={adding}
      title="Add a copy"
      lead={`Where a copy of ${credential.name} lies, whose place that is, and how it can be shown to be gone.`}
      crumbs={[{ title: credential.name, path }]}
      action={`${path}/locations/new`}
      leave={path}
    >
      <div class="pair">
        <Field {...field('name')} label="Name" hint="Payments vault" required maxLength={300} />
        <SelectField {...field('type')} label="Kind" options={optionsOf(LOCATION_KINDS)} />
        <Field {...field('path')} label="Path" hint="kv/payments/checkout" maxLength={1000} />
        <SelectField {...field('partyId')} label="Whose place it is" options={credential.parties} />
        <SelectField
          {...field('ownerContactId')}
          label="Owner"
          options={credential.owners}
          none="nobody yet"
        />
        <SelectField {...field('provable')} label="Shown to be gone by" options={optionsOf(PROVABLE)} />
        <PutThere field={field} />
      </div>
    </AddPage>
  );
}

/** How the value got to a place: the same whether the place is new or takes another version. */
function PutThere({ field }: { field: ReturnType<typeof fieldsOf> }) {
  return (
    <>
      <SelectField {...field('arrivedBy')} label="How it got there" options={optionsOf(ARRIVALS)} />
      <Field {...field('putBy')} label="Put there by" hint="A person, a team or a pipeline" maxLength={200} />
      <Field {...field('putAt')} label="When" hint="2026-11-22T08:00:00Z. Empty: not known" />
    </>
  );
}

export function MoveCopyView(adding: Adding & { copy: CopyToMove }) {
  const field = fieldsOf(adding);
  const { copy } = adding;
  const path = `/credentials/${copy.reference}`;
  return (
    <AddPage
      adding={adding}
      title="Another version is there"
      lead={`${copy.name} holds another version of ${copy.credential} from now on. What it held stays on record, and counts as there until somebody shows that it is gone.`}
      crumbs={[{ title: copy.credential, path }]}
      action={`${path}/locations/${copy.id}/version`}
      leave={path}
    >
      <div class="pair">
        <SelectField {...field('versionId')} label="Version" options={copy.versions} />
        <PutThere field={field} />
      </div>
    </AddPage>
  );
}

export function PathsView(adding: Adding & { credential: CredentialWays }) {
  const { credential, form, problems } = adding;
  const path = `/credentials/${credential.reference}`;
  const ways = [form['way'] ?? []].flat();
  const minutes = [form['minutes'] ?? []].flat();
  return (
    <AddPage
      adding={adding}
      title="Ways to revoke it"
      lead={`Who or what can stop ${credential.name}, in the order to try them. An empty line leaves one out.`}
      crumbs={[{ title: credential.name, path }]}
      action={`${path}/paths`}
      leave={path}
    >
      {Array.from({ length: Math.max(ways.length, credential.paths.length) + 2 }, (_, at) => (
        <div class="pair">
          <SelectField
            name="way"
            idPrefix={`${at}-`}
            label={`Way ${at + 1}`}
            options={credential.options}
            none="none"
            value={ways[at] ?? ''}
            problem={problems[`way ${at}`]}
          />
          <Field
            name="minutes"
            idPrefix={`${at}-`}
            label={`Minutes that way ${at + 1} takes`}
            value={minutes[at] ?? ''}
            problem={problems[`minutes ${at}`]}
          />
        </div>
      ))}
    </AddPage>
  );
}
