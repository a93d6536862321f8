import type { KnownKind } from '../../domain/exposures/sources.service.ts';
import { Field, FormError, PostForm, SelectField, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { TRUST } from './settings.view.tsx';
import type { SourceFacts } from './source.queries.ts';
import { SETTING } from './source.view.tsx';

interface Model {
  frame: Frame;
  source: SourceFacts;
  /** Undefined: its kind is switched off. */
  kind: KnownKind | undefined;
  owners: readonly { value: string; word: string }[];
  typed: Readonly<Record<string, string>>;
  problems: FormProblems | undefined;
}

/** What is set up for a source, all of it at once; its keys have a place of their own. */
export function SourceSettingsView({ frame, source, kind, owners, typed, problems }: Model) {
  const path = `/settings/sources/${source.key}`;
  const field = (name: string) => ({ name, value: typed[name] ?? '', problem: problems?.[name] });
  const asks = kind?.asksItsApi === true || kind?.polls === true;
  return (
    <Page
      title={`Change ${source.name}`}
      frame={frame}
      crumbs={[
        { title: 'Sources', path: '/settings/sources' },
        { title: source.name, path },
      ]}
    >
      <p class="ref">{source.key}</p>
      <h1>{source.name}</h1>
      <p class="lead">{kind?.title ?? source.kind}</p>
      <PostForm frame={frame} action={`${path}/edit`} label="Settings">
        <input type="hidden" name="version" value={typed['version'] ?? ''} />
        <FormError problems={problems} />
        <div class="grid">
          <section class="card w6">
            <h2>What it is</h2>
            <Field {...field('name')} label="Name" required maxLength={200} />
            <Field {...field('environment')} label="Environment" required maxLength={60} />
            <SelectField
              {...field('trust')}
              label="How far its reports go"
              options={Object.entries(TRUST).map(([value, word]) => ({ value, word }))}
            />
            <SelectField {...field('ownerContactId')} label="Owner" none="nobody yet" options={owners} />
          </section>
          {kind?.filesOnly === false && (
            <section class="card w6">
              <h2>What it may deliver</h2>
              <Field
                {...field('quotaPerHour')}
                label="Deliveries an hour"
                hint="What is beyond is refused, and somebody hears of it."
                required
                maxLength={12}
              />
              <Field
                {...field('bodyLimit')}
                label="Bytes of one delivery"
                hint={`Nothing: ${kind.bodyLimit}, as its kind takes.`}
                maxLength={12}
              />
            </section>
          )}
          {kind && kind.settings.length > 0 && (
            <section class="card w6">
              <h2>Of its kind</h2>
              {kind.settings.map(({ name, type, required, hint }) =>
                type === 'flag' ? (
                  <label class="check">
                    <input
                      type="checkbox"
                      name={`settings.${name}`}
                      value="1"
                      checked={typed[`settings.${name}`] === '1'}
                    />
                    <span>{SETTING[name] ?? name}</span>
                  </label>
                ) : (
                  <Field
                    {...field(`settings.${name}`)}
                    label={SETTING[name] ?? name}
                    hint={hint}
                    required={required}
                    maxLength={2000}
                  />
                ),
              )}
              {kind.polls && (
                <Field
                  {...field('pollEverySeconds')}
                  label="Seconds between two questions"
                  hint="From 20 to 86400. Only where it is asked."
                  maxLength={12}
                />
              )}
            </section>
          )}
          {asks && (
            <section class="card w6">
              <h2>{kind.asksItsApi ? 'Its API' : 'To be asked'}</h2>
              {kind.asksItsApi && (
                <Field
                  {...field('apiBaseUrl')}
                  label="Address of its API"
                  hint="Nothing: its own. Another address drops the token."
                  maxLength={2000}
                />
              )}
              <Field
                name="apiToken"
                problem={problems?.['apiToken']}
                label={source.hasApiToken ? 'Another token' : 'Token'}
                hint={
                  source.hasApiToken
                    ? 'Nothing: the one that is there stays. It is never shown.'
                    : 'Kept sealed and never shown again.'
                }
                type="password"
                autocomplete="off"
              />
              {source.hasApiToken && (
                <label class="check">
                  <input type="checkbox" name="dropToken" value="1" checked={typed['dropToken'] === '1'} />
                  <span>Drop the token that is there</span>
                </label>
              )}
            </section>
          )}
        </div>
        <p class="actions">
          <button type="submit">Save</button>
          <a class="button plain" href={path}>
            Leave it
          </a>
        </p>
      </PostForm>
    </Page>
  );
}
