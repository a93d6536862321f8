import type { KnownKind } from '../../domain/exposures/sources.service.ts';
import { Field, FormError, PostForm, SelectField, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { SETTING } from './source.view.tsx';
import { TRUST } from './settings.view.tsx';

export function NewSourceView({
  frame,
  kinds,
  owners,
  typed,
  problems,
}: {
  frame: Frame;
  kinds: readonly KnownKind[];
  owners: readonly { value: string; word: string }[];
  typed: Readonly<Record<string, string>>;
  problems?: FormProblems | undefined;
}) {
  const field = (name: string) => ({ name, value: typed[name], problem: problems?.[name] });
  const flagged = kinds
    .map((kind) => ({ ...kind, flags: kind.settings.filter(({ type }) => type === 'flag') }))
    .filter(({ flags }) => flags.length > 0);
  return (
    <Page title="A source" frame={frame} crumbs={[{ title: 'Sources', path: '/settings/sources' }]}>
      <h1>A source of reports</h1>
      <p class="lead">Without a key its deliveries are refused. Files need none.</p>
      <PostForm frame={frame} action="/settings/sources" label="A source">
        <FormError problems={problems} />
        <div class="grid">
          <section class="card w6">
            <h2>What it is</h2>
            <SelectField
              {...field('kind')}
              label="Kind"
              options={kinds.map(({ key, title }) => ({ value: key, word: title }))}
            />
            <Field {...field('name')} label="Name" required maxLength={200} />
            <Field
              {...field('key')}
              label="Key"
              hint="Stands in the address that it delivers to: lower-case words joined by hyphens."
              required
              maxLength={60}
            />
            <Field
              {...field('environment')}
              label="Environment"
              hint="production, if left out"
              maxLength={60}
            />
            <SelectField
              {...field('trust')}
              value={typed['trust'] ?? 'approve'}
              label="How far its reports go"
              options={Object.entries(TRUST).map(([value, word]) => ({ value, word }))}
            />
            <SelectField {...field('ownerContactId')} label="Owner" none="nobody yet" options={owners} />
            <Field
              name="secret"
              problem={problems?.['secret']}
              label="Its key"
              hint="The signing secret, or the key list or key set of its sender. It is never shown again."
              type="area"
              rows={2}
              autocomplete="off"
            />
          </section>
          <section class="card w6">
            <h2>Where it is asked</h2>
            <Field
              {...field('apiBaseUrl')}
              label="Address of its API"
              hint="For what its deliveries leave out. GitHub’s own, if left out."
              maxLength={2000}
            />
            <Field
              name="apiToken"
              problem={problems?.['apiToken']}
              label="Token for it"
              type="password"
              autocomplete="off"
            />
          </section>
          {flagged.map(({ key, title, flags }) => (
            <section class="card w12">
              <h2>Of {title}</h2>
              {flags.map(({ name, hint }) => (
                <label class="check">
                  <input
                    type="checkbox"
                    name={`${key}.${name}`}
                    value="1"
                    checked={typed[`${key}.${name}`] === '1'}
                  />
                  <span>
                    {SETTING[name] ?? name}
                    <span class="soft small"> {hint}</span>
                  </span>
                </label>
              ))}
            </section>
          ))}
          <section class="card w12">
            <h2>Of security event tokens</h2>
            <Field {...field('issuer')} label="Issuer" maxLength={1000} />
            <Field {...field('audience')} label="Audience" maxLength={1000} />
            <Field {...field('jwksUri')} label="Where it publishes its keys" maxLength={2000} />
            <Field
              {...field('pollUrl')}
              label="Where it is asked"
              hint="Nothing: it delivers."
              maxLength={2000}
            />
            <Field
              {...field('pollEverySeconds')}
              label="Seconds between two questions"
              hint="From 20 to 86400. Only where it is asked; left out, as it is usual."
              maxLength={12}
            />
          </section>
        </div>
        <p class="actions">
          <button type="submit">Add it</button>
          <a class="button plain" href="/settings/sources">
            Leave it
          </a>
        </p>
      </PostForm>
    </Page>
  );
}
