import { Field, PostForm, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, Empty, Facts, span } from '../shared/parts.tsx';
import { Chip } from '../shared/states.tsx';
import { TRUST } from './settings.view.tsx';
import { SourceLog, type LogModel } from './source-log.view.tsx';
import type { SourceFacts } from './source.queries.ts';

interface Model {
  frame: Frame;
  source: SourceFacts;
  /** Of its kind. */
  title: string;
  /** Whether its deliveries are signed. */
  signs: boolean;
  /** Bytes that its kind takes in one delivery. */
  takes: number | null;
  log: LogModel;
  problems: FormProblems | undefined;
}

export function SourceView({ frame, source, title, signs, takes, log, problems }: Model) {
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
              ...(signs
                ? [
                    ['At most', `${source.quotaPerHour} an hour`] as const,
                    ['Largest', `${source.bodyLimit ?? takes} bytes`] as const,
                  ]
                : []),
              ...(source.apiBaseUrl === null
                ? []
                : [['Its API', <span class="mono">{source.apiBaseUrl}</span>] as const]),
              ...(source.hasApiToken ? [['Token', 'there is one'] as const] : []),
              ...settings,
              ...(source.publishedAt === null
                ? []
                : [['Published keys confirmed', <At at={source.publishedAt} />] as const]),
            ]}
          />
          {writes && (
            <div class="actions">
              <a class="button" href={`${path}/edit`}>
                Change it
              </a>
              <PostForm frame={frame} action={`${path}/switch`} inline label="Switch">
                <button type="submit" class="plain">
                  {source.active ? 'Switch it off' : 'Switch it on'}
                </button>
              </PostForm>
            </div>
          )}
        </section>
        {signs && (
          <section class="card w5" id="keys">
            <h2>Keys</h2>
            <p class="soft small">Each of them is good. Without one every delivery is refused.</p>
            {source.keys.length === 0 && source.publishedAt === null && (
              <p>
                <Chip tone="wait">may not deliver until a key is set</Chip>
              </p>
            )}
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
        {source.settings['pollUrl'] !== undefined && (
          <Polling source={source} path={path} frame={frame} writes={writes} />
        )}
        <SourceLog {...log} path={path} frame={frame} />
      </div>
    </Page>
  );
}

/** How the last question went, and the next one. */
function Polling({
  source,
  path,
  frame,
  writes,
}: {
  source: SourceFacts;
  path: string;
  frame: Frame;
  writes: boolean;
}) {
  const { polled, pollSeconds } = source;
  return (
    <section class="card w12" id="polling">
      <h2>
        {'Asked for its deliveries '}
        {polled === null ? (
          <Chip tone="calm">not yet asked</Chip>
        ) : polled.problem === null ? (
          <Chip tone="dead">answers</Chip>
        ) : (
          <Chip tone="live">could not be asked</Chip>
        )}
      </h2>
      <Facts
        facts={[
          [
            'How often',
            `every ${span(pollSeconds * 1000)}${source.active ? '' : ', while it is switched on'}`,
          ],
          ['Last asked', <At at={polled?.at ?? null} empty="never" />],
          ...(polled === null
            ? []
            : [['What came', `${polled.taken} stored and acknowledged, ${polled.refused} refused`] as const]),
          ...(polled?.problem ? [['What went wrong', polled.problem] as const] : []),
        ]}
      />
      {writes && source.active && (
        <PostForm frame={frame} action={`${path}/poll`} inline label="Ask it now">
          <button type="submit" class="plain">
            Ask it now
          </button>
        </PostForm>
      )}
    </section>
  );
}

export const SETTING: Readonly<Record<string, string>> = {
  issuer: 'Issuer',
  audience: 'Audience',
  jwksUri: 'Publishes its keys at',
  pollUrl: 'Is asked at',
  inventoryIsComplete: 'Every token that we issue is in the inventory',
};
