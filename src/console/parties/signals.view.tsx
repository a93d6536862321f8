import type { Id } from '../../kernel/ids.ts';
import { SIGNAL_NAMES, SIGNAL_TYPES } from '../../domain/signals/signal.rules.ts';
import {
  DELIVERY_STATES,
  type SignalDeliveryView,
  type SubscriptionView,
} from '../../domain/signals/subscription.schema.ts';
import { Choice, Field, FormError, PostForm, SelectField, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { addressOf, type Listed } from '../shared/paging.tsx';
import { At, Empty, Facts } from '../shared/parts.tsx';
import { Chip } from '../shared/states.tsx';
import { Keys, SIGNING } from './signal-keys.view.tsx';
import { Log, WORDS } from './signal-log.view.tsx';

export interface PartyName {
  id: Id;
  reference: string;
  name: string;
}

type Typed = Readonly<Record<string, string>>;

const KINDS: Readonly<Record<SubscriptionView['kind'], string>> = {
  webhook: 'signed webhook',
  'set-push': 'security event tokens, pushed',
  'set-poll': 'security event tokens, polled',
};
const crumbsOf = (party: PartyName) => [
  { title: 'Portfolio', path: '/portfolio' },
  { title: party.name, path: `/parties/${party.reference}` },
];

export function EndpointsView({
  frame,
  party,
  endpoints,
  typed,
  problems,
}: {
  frame: Frame;
  party: PartyName;
  endpoints: readonly SubscriptionView[];
  typed: Typed;
  problems: FormProblems | undefined;
}) {
  const path = `/parties/${party.reference}/signals`;
  return (
    <Page title={`Signals of ${party.name}`} frame={frame} crumbs={crumbsOf(party)}>
      <p class="ref">{party.reference}</p>
      <h1>Signals</h1>
      <p class="lead">
        {`Where ${party.name} is told what happens to its own integrations, so that its systems follow.`}
      </p>
      <div class="grid">
        <section class="card w7">
          <h2>Endpoints</h2>
          {endpoints.length === 0 && <Empty>Nothing is sent anywhere yet.</Empty>}
          <ul class="plain">
            {endpoints.map((one) => (
              <li class="rows tight">
                <p class="line tight">
                  <a href={`${path}/${one.id}`}>{one.name || 'Stream'}</a>
                  <Standing endpoint={one} />
                  {one.waiting > 0 && <Chip tone="wait">{`${one.waiting} wait`}</Chip>}
                </p>
                <p class="small soft">
                  {`${KINDS[one.kind]}${one.url === null ? '' : ` to ${one.url}`}`}
                  {', last taken '}
                  <At at={timeOf(one.deliveredAt)} empty="never" />
                </p>
              </li>
            ))}
          </ul>
        </section>
        <section class="card w5">
          <h2>Add an endpoint</h2>
          {frame.may('signals:write') ? (
            <PostForm frame={frame} action={path} label="Add an endpoint">
              <FormError problems={problems} />
              <Field
                name="name"
                label="Name"
                required
                maxLength={100}
                value={typed['name'] ?? ''}
                problem={problems?.['name']}
              />
              <Field
                name="url"
                label="Address"
                hint="https; it is kept sealed"
                required
                maxLength={2000}
                autocomplete="off"
                value={typed['url'] ?? ''}
                problem={problems?.['url']}
              />
              <Events typed={typed} problem={problems?.['events']} />
              <SelectField
                name="signing"
                label="Signed by"
                options={SIGNING}
                value={typed['signing'] ?? 'v1'}
              />
              <p class="actions">
                <button type="submit">Add it</button>
              </p>
            </PostForm>
          ) : (
            <Empty>Whoever may subscribe to signals adds endpoints.</Empty>
          )}
        </section>
      </div>
    </Page>
  );
}

/** Shown once, as the answer to what made the key; no address leads back here. */
export function KeyOnceView({
  frame,
  party,
  endpoint,
  secret,
  publicKey,
}: {
  frame: Frame;
  party: PartyName;
  endpoint: SubscriptionView;
  secret: string | null;
  publicKey: string | null;
}) {
  return (
    <Page title={`Key of ${endpoint.name}`} frame={frame} crumbs={crumbsOf(party)}>
      <h1>{`The key of ${endpoint.name}`}</h1>
      <p class="lead">
        {secret === null
          ? 'The receiver verifies with this public key. It is no secret.'
          : 'The receiver verifies with this secret. It is shown here this once, and never again.'}
      </p>
      <section class="card">
        <p class="mono">{secret ?? publicKey}</p>
        <p class="actions">
          <a class="button" href={`/parties/${party.reference}/signals/${endpoint.id}`}>
            It is kept
          </a>
        </p>
      </section>
    </Page>
  );
}

export function EndpointView({
  frame,
  party,
  endpoint,
  log,
  state,
  first,
  typed,
  problems,
}: {
  frame: Frame;
  party: PartyName;
  endpoint: SubscriptionView;
  log: Listed<SignalDeliveryView>;
  state: string | undefined;
  first: boolean;
  typed: Typed | undefined;
  problems: FormProblems | undefined;
}) {
  const all = `/parties/${party.reference}/signals`;
  const path = `${all}/${endpoint.id}`;
  const title = endpoint.name || 'Stream';
  const webhook = endpoint.kind === 'webhook';
  const writes = frame.may('signals:write');
  return (
    <Page title={title} frame={frame} crumbs={[...crumbsOf(party), { title: 'Signals', path: all }]}>
      <p class="ref">{party.reference}</p>
      <h1>
        {title} <Standing endpoint={endpoint} />
      </h1>
      {endpoint.state === 'enabled' && endpoint.circuit === 'open' && (
        <p class="lead" id="circuit">
          {'It has not answered as it should since '}
          <At at={timeOf(endpoint.failingSince)} empty="just now" />
          {`: ${endpoint.waiting === 1 ? '1 message waits' : `${endpoint.waiting} messages wait`} together, and one tries the endpoint `}
          {nextTry(endpoint, frame.now) === null ? (
            'within seconds'
          ) : (
            <>
              {'at '}
              <At at={nextTry(endpoint, frame.now)} />
            </>
          )}
          {'. With the first that it takes, the others follow.'}
        </p>
      )}
      {endpoint.stateWhy && <p class="lead">{`Because ${endpoint.stateWhy}.`}</p>}
      <div class="grid">
        <section class="card w7">
          <h2>What it is</h2>
          <Facts
            facts={[
              ['Kind', KINDS[endpoint.kind]],
              [
                'Address',
                endpoint.url === null ? 'its receiver asks' : <span class="mono">{endpoint.url}</span>,
              ],
              ['Events', endpoint.events.join(', ') || 'none'],
              ['Last taken', <At at={timeOf(endpoint.deliveredAt)} empty="never" />],
              ['Waiting', String(endpoint.waiting)],
              ['Failed in a row', String(endpoint.failures)],
              ['Failing since', <At at={timeOf(endpoint.failingSince)} empty="–" />],
            ]}
          />
          {writes && (
            <div class="line">
              {webhook && endpoint.state === 'enabled' && (
                <PostForm frame={frame} action={`${path}/test`} inline label="Send a test">
                  <button type="submit">Send a test</button>
                </PostForm>
              )}
              <PostForm frame={frame} action={`${path}/switch`} inline label="Switch">
                <button type="submit" class="plain">
                  {endpoint.state === 'enabled' ? 'Pause it' : 'Enable it'}
                </button>
              </PostForm>
              <PostForm frame={frame} action={`${path}/remove`} inline label="End it">
                <button type="submit" class="plain">
                  End it
                </button>
              </PostForm>
            </div>
          )}
          {webhook && writes && (
            <details open={problems !== undefined}>
              <summary>Change it</summary>
              <PostForm frame={frame} action={path} label="Change it">
                <input type="hidden" name="rowVersion" value={String(endpoint.rowVersion)} />
                <FormError problems={problems} />
                <Field
                  name="name"
                  label="Name"
                  required
                  maxLength={100}
                  value={typed?.['name'] ?? endpoint.name}
                  problem={problems?.['name']}
                />
                <Field
                  name="url"
                  label="Another address"
                  hint="Left empty, it stays"
                  maxLength={2000}
                  autocomplete="off"
                  value={typed?.['url'] ?? ''}
                  problem={problems?.['url']}
                />
                <Events
                  typed={typed ?? Object.fromEntries(endpoint.events.map((one) => [`event-${one}`, '1']))}
                  problem={problems?.['events']}
                />
                <p class="actions">
                  <button type="submit">Save</button>
                </p>
              </PostForm>
            </details>
          )}
        </section>
        {webhook && <Keys frame={frame} path={path} endpoint={endpoint} />}
        <section class="card w12" id="log">
          <h2>What was sent</h2>
          <form method="get" action={path} class="line" aria-label="Filter">
            <Choice
              name="state"
              label="Show"
              value={state}
              all="everything"
              options={DELIVERY_STATES.map((one) => ({ value: one, word: WORDS[one] }))}
            />
            <button type="submit" class="plain small">
              Show
            </button>
          </form>
          <Log
            frame={frame}
            path={path}
            rows={log.rows}
            held={endpoint.circuit === 'open' ? nextTry(endpoint, frame.now) : null}
            sends={writes && endpoint.state === 'enabled' && endpoint.kind !== 'set-poll'}
          />
          <nav class="pager" aria-label="Pages of the list">
            {!first && (
              <a class="button plain small" href={addressOf(path, { state })}>
                The newest
              </a>
            )}
            {log.next !== undefined && (
              <a class="button plain small" href={addressOf(path, { state, after: log.next })}>
                Older
              </a>
            )}
          </nav>
        </section>
      </div>
    </Page>
  );
}

function Standing({ endpoint }: { endpoint: SubscriptionView }) {
  if (endpoint.state === 'disabled') return <Chip tone="live">disabled</Chip>;
  if (endpoint.state === 'paused') return <Chip tone="calm">paused</Chip>;
  if (endpoint.circuit === 'open') return <Chip tone="live">does not answer, on hold</Chip>;
  if (endpoint.failures > 0) return <Chip tone="wait">failing</Chip>;
  if (endpoint.deliveredAt === null) return <Chip tone="calm">nothing sent yet</Chip>;
  return <Chip tone="dead">answers normally</Chip>;
}

function Events({ typed, problem }: { typed: Typed; problem: string | undefined }) {
  return (
    <fieldset>
      <legend>Events</legend>
      {SIGNAL_NAMES.map((one) => (
        <label class="check">
          <input type="checkbox" name={`event-${one}`} value="1" checked={typed[`event-${one}`] === '1'} />
          <span>
            {one} <span class="soft small">{SIGNAL_TYPES[one]}</span>
          </span>
        </label>
      ))}
      {problem && <p class="error">{problem}</p>}
    </fieldset>
  );
}

/** null: it is due, and whoever looks next tries it. */
function nextTry(endpoint: SubscriptionView, now: number): number | null {
  const at = timeOf(endpoint.heldUntil);
  return at !== null && at > now ? at : null;
}

function timeOf(text: string | null): number | null {
  return text === null ? null : Date.parse(text);
}
