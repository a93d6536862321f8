import type { DeliveryView } from '../../domain/exposures/delivery-log.service.ts';
import { Field, FormError, PostForm, SelectField, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, DataTable, Empty, Facts } from '../shared/parts.tsx';
import { Chip } from '../shared/states.tsx';
import type { SourceFacts } from './settings.queries.ts';
import { TRUST } from './settings.view.tsx';

const VIA: Readonly<Record<DeliveryView['via'], string>> = {
  push: 'delivered',
  poll: 'fetched',
  file: 'handed in as a file',
};

interface Model {
  frame: Frame;
  source: SourceFacts;
  /** Of its kind. */
  title: string;
  /** Whether its deliveries are signed. */
  signs: boolean;
  deliveries: readonly DeliveryView[];
  next: string | undefined;
  first: boolean;
  problems: FormProblems | undefined;
}

export function SourceView({ frame, source, title, signs, deliveries, next, first, problems }: Model) {
  const path = `/settings/sources/${source.key}`;
  const writes = frame.may('sources:write');
  const settings = Object.entries(source.settings).map(
    ([name, value]) => [SETTING[name] ?? name, <span class="mono">{String(value)}</span>] as const,
  );
  return (
    <Page title={source.name} frame={frame} crumbs={[{ title: 'Sources', path: '/settings/sources' }]}>
      <p class="ref">{source.key}</p>
      <h1>
        {source.name} {!source.active && <Chip tone="calm">switched off</Chip>}
      </h1>
      <p class="lead">{title}</p>
      <div class="grid">
        <section class="card w7">
          <h2>What it is</h2>
          <Facts
            facts={[
              ['Address', signs ? <span class="mono">{`/api/v1/intake/${source.key}`}</span> : 'files only'],
              ['Environment', source.environment],
              ['Trust', TRUST[source.trust] ?? source.trust],
              ['Owner', source.ownerName ?? '–'],
              ['Party', source.partyName ?? 'the operator'],
              ['Last heard of', <At at={source.lastSeenAt} empty="never" />],
              ['At most', `${source.quotaPerHour} an hour`],
              ...(source.bodyLimit === null ? [] : [['Largest', `${source.bodyLimit} bytes`] as const]),
              ...settings,
              ...(source.publishedAt === null
                ? []
                : [['Published keys confirmed', <At at={source.publishedAt} />] as const]),
            ]}
          />
          {writes && (
            <PostForm frame={frame} action={`${path}/switch`} inline label="Switch">
              <button type="submit" class="plain">
                {source.active ? 'Switch it off' : 'Switch it on'}
              </button>
            </PostForm>
          )}
        </section>
        {signs && (
          <section class="card w5" id="keys">
            <h2>Keys</h2>
            <p class="soft small">Each of them is good. Without one every delivery is refused.</p>
            {source.keys.length === 0 ? (
              <Empty>{source.publishedAt === null ? 'No key.' : 'As its sender publishes them.'}</Empty>
            ) : (
              <ul class="plain">
                {source.keys.map((one, at) => (
                  <li class="rows tight">
                    <p class="line tight">
                      {`Key ${at + 1}, since `}
                      <At at={Date.parse(one.addedAt)} day />
                    </p>
                    {writes && (
                      <PostForm
                        frame={frame}
                        action={`${path}/keys/${one.id}/retire`}
                        inline
                        label={`Retire key ${at + 1}`}
                      >
                        <button type="submit" class="plain small">
                          Retire it
                        </button>
                      </PostForm>
                    )}
                  </li>
                ))}
              </ul>
            )}
            {writes && (
              <PostForm frame={frame} action={`${path}/keys`} label="Add a key">
                <Field
                  name="secret"
                  label="A further key"
                  hint="The secret as the source gives it, or its key list. It is never shown again."
                  type="area"
                  rows={2}
                  required
                  autocomplete="off"
                  problem={problems?.['secret']}
                />
                <p class="actions">
                  <button type="submit">Add it</button>
                </p>
              </PostForm>
            )}
          </section>
        )}
        <section class="card w12" id="deliveries">
          <h2>Deliveries</h2>
          {deliveries.length === 0 ? (
            <Empty>Nothing came yet.</Empty>
          ) : (
            <DataTable
              caption="Deliveries"
              columns={[
                { title: 'Came' },
                { title: 'Event' },
                { title: 'What became of it' },
                { title: 'Reports', numeric: true },
                { title: 'In triage', numeric: true },
                { title: 'Came again', numeric: true },
                { title: '' },
              ]}
              rows={deliveries.map((one) => [
                <div>
                  <At at={Date.parse(one.receivedAt)} />
                  <div class="soft small">{VIA[one.via]}</div>
                </div>,
                <div>
                  {one.event}
                  <div class="mono soft small">{short(one.deliveryId)}</div>
                </div>,
                <div>
                  <Chip tone={one.outcome === 'accepted' ? 'info' : 'calm'}>{one.outcome}</Chip>
                  {one.reason && <div class="soft small">{one.reason}</div>}
                  {one.replayedAt !== null && (
                    <div class="soft small">
                      {'gone through again '}
                      <At at={Date.parse(one.replayedAt)} />
                    </div>
                  )}
                </div>,
                one.reports,
                one.inTriage > 0 ? <Chip tone="wait">{String(one.inTriage)}</Chip> : 0,
                one.redeliveries,
                writes && one.outcome === 'accepted' ? (
                  <PostForm
                    frame={frame}
                    action={`${path}/deliveries/${one.id}/replay`}
                    inline
                    label={`Replay ${short(one.deliveryId)}`}
                  >
                    <button type="submit" class="plain small">
                      Replay
                    </button>
                  </PostForm>
                ) : (
                  ''
                ),
              ])}
            />
          )}
          <nav class="pager" aria-label="Pages of the list">
            {!first && (
              <a class="button plain small" href={path}>
                To the beginning
              </a>
            )}
            {next !== undefined && (
              <a class="button plain small" rel="next" href={`${path}?before=${next}`}>
                Further
              </a>
            )}
          </nav>
        </section>
      </div>
    </Page>
  );
}

const SETTING: Readonly<Record<string, string>> = {
  issuer: 'Issuer',
  audience: 'Audience',
  jwksUri: 'Publishes its keys at',
  pollUrl: 'Is asked at',
  inventoryIsComplete: 'Every token that we issue is in the inventory',
};

function short(id: string): string {
  return id.length > 24 ? `${id.slice(0, 21)}…` : id;
}

export function NewSourceView({
  frame,
  kinds,
  owners,
  typed,
  problems,
}: {
  frame: Frame;
  kinds: readonly { key: string; title: string }[];
  owners: readonly { value: string; word: string }[];
  typed: Readonly<Record<string, string>>;
  problems?: FormProblems | undefined;
}) {
  const field = (name: string) => ({ name, value: typed[name], problem: problems?.[name] });
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
