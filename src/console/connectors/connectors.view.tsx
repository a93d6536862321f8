import type { Meaning, PresetDetail, PresetLine } from '../../domain/revocation/preset-view.schema.ts';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { DataTable } from '../shared/parts.tsx';
import { Chip, words, type Tone } from '../shared/states.tsx';

const CAPABILITIES: Readonly<Record<PresetLine['capabilities'][number], string>> = {
  issue: 'issue',
  revoke: 'revoke',
  probe: 'probe',
  endSessions: 'sessions',
  listUsage: 'last use',
  introspect: 'introspect',
};
const PARTS: Readonly<Record<string, string>> = {
  revoke: 'When it is told to revoke',
  probe: 'When it is asked whether the credential lives',
  ownAuthentication: 'When our own authentication is tried',
  endSessions: 'When it is told to end sessions',
  issue: 'When it is asked for a new version',
  listIssued: 'When it is asked which versions there are',
  listUsage: 'When it is asked for the last use',
};
const MEANS: Readonly<Record<string, Tone>> = {
  dead: 'dead',
  live: 'live',
  indeterminate: 'doubt',
  accepted: 'wait',
  rejected: 'live',
  unknown: 'doubt',
  retry: 'wait',
};

export function ConnectorsView({ frame, presets }: { frame: Frame; presets: readonly PresetLine[] }) {
  return (
    <Page title="Connectors" frame={frame}>
      <div class="head">
        <div>
          <h1>Connectors</h1>
          <p class="lead">
            What is known of each kind of supplier. An answer that no preset lists proves nothing, and no
            death counts without a control that lives.
          </p>
        </div>
      </div>
      <section class="card">
        <DataTable
          caption="Connectors"
          columns={[
            { title: 'Credential' },
            { title: 'By machine' },
            { title: 'Revocability' },
            { title: 'What proves its death' },
            { title: 'Run against it' },
          ]}
          rows={presets.map((one) => [
            <div>
              <a href={`/connectors/${one.key}`}>{one.title}</a>
              <div class="mono soft small">
                {one.supplier === null ? one.key : `${one.supplier} ${one.variant ?? ''}`}
              </div>
            </div>,
            one.capabilities.length === 0 ? (
              <span class="soft">nothing</span>
            ) : (
              <span>{one.capabilities.map((can) => CAPABILITIES[can]).join(', ')}</span>
            ),
            words(one.revocability),
            <Proof preset={one} />,
            one.ranAgainst === null ? <span class="soft">no</span> : <Chip tone="dead">yes</Chip>,
          ])}
        />
      </section>
    </Page>
  );
}

function Proof({ preset }: { preset: PresetLine }) {
  if (!preset.capabilities.includes('probe')) return <span class="soft">nothing by machine</span>;
  return (
    <Chip tone={preset.verified ? 'dead' : 'doubt'}>
      {preset.verified ? 'source verified' : 'source unverified'}
    </Chip>
  );
}

export function PresetView({ frame, preset }: { frame: Frame; preset: PresetDetail }) {
  return (
    <Page title={preset.title} frame={frame} crumbs={[{ title: 'Connectors', path: '/connectors' }]}>
      <div class="head">
        <div>
          <p class="ref">{preset.key}</p>
          <h1>{preset.title}</h1>
          <p class="lead">
            {preset.ranAgainst === null
              ? 'Written from documentation, not run against the product.'
              : `Run against ${preset.ranAgainst}.`}
          </p>
        </div>
      </div>
      <div class="grid">
        <div class="w8 rows">
          {preset.answers.map(({ part, asks, rows }) => (
            <section class="card">
              <h2>{PARTS[part] ?? words(part)}</h2>
              <p class="mono soft small">{asks}</p>
              <Answers caption={PARTS[part] ?? part} rows={rows} />
              {part === 'probe' && (
                <p class="soft small">
                  Whatever is not listed, 429, every 5xx, every redirect and every page for people:
                  indeterminate.
                </p>
              )}
            </section>
          ))}
          {preset.answers.length === 0 && (
            <section class="card">
              <h2>Answers</h2>
              <p class="empty">No machine is asked: a person does it and signs for it.</p>
            </section>
          )}
        </div>
        <div class="w4 rows">
          <About preset={preset} />
          <section class="card">
            <h2>What it rests on</h2>
            <ul class="plain">
              {preset.facts.map(({ fact, source, verified }) => (
                <li>
                  <div>{fact}</div>
                  <div class="line tight">
                    <Chip tone={verified ? 'dead' : 'doubt'}>{verified ? 'verified' : 'unverified'}</Chip>
                    <span class="soft small">{source}</span>
                  </div>
                </li>
              ))}
            </ul>
          </section>
        </div>
      </div>
    </Page>
  );
}

function Answers({ caption, rows }: { caption: string; rows: readonly Meaning[] }) {
  return (
    <DataTable
      caption={caption}
      columns={[{ title: 'Answer' }, { title: 'Means' }, { title: 'Why' }, { title: 'Source' }]}
      rows={rows.map((row) => [
        <div>
          <b>{row.statuses.join(', ')}</b>
          {row.when.map((condition) => (
            <div class="mono soft small">{condition}</div>
          ))}
        </div>,
        <Chip tone={MEANS[row.means] ?? 'calm'}>{row.means}</Chip>,
        row.why ?? '',
        row.source === null ? (
          <span class="soft">none named</span>
        ) : (
          <div>
            <Chip tone={row.verified ? 'dead' : 'doubt'}>{row.verified ? 'verified' : 'unverified'}</Chip>
            <div class="soft small">{row.source}</div>
          </div>
        ),
      ])}
    />
  );
}

function About({ preset }: { preset: PresetDetail }) {
  const { control, secrets } = preset;
  return (
    <section class="card">
      <h2>To use it</h2>
      <p>
        <b>Revocability</b>: {words(preset.revocability)}
      </p>
      <p>
        <b>By machine</b>: {preset.capabilities.map((can) => CAPABILITIES[can]).join(', ') || 'nothing'}
        {preset.issue === 'adds' && '; a new version works beside the old one'}
        {preset.issue === 'replaces' && '; a new version ends the old one at once'}
      </p>
      <p>
        <b>{control.possible ? 'Control' : 'No control'}</b>: {control.text}
      </p>
      {Object.keys(secrets).length > 0 && (
        <>
          <p>
            <b>A connection holds</b>
          </p>
          <ul class="plain">
            {Object.entries(secrets).map(([name, what]) => (
              <li>
                <span class="mono">{name}</span> <span class="soft small">{what}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
