import { ruleTitle } from '../../domain/policy/rules/registry.ts';
import type { ExceptionView, DecisionView, FindingView } from '../../domain/policy/gate.schema.ts';
import { SEVERITIES } from '../../domain/policy/policy.schema.ts';
import { MAY_GO_LIVE } from '../../domain/policy/pass.rules.ts';
import { PostForm } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { addressOf } from '../shared/paging.tsx';
import { At, Empty, Facts } from '../shared/parts.tsx';
import { Chip, StateChip, words, type Tone } from '../shared/states.tsx';
import { Exceptions } from './exceptions.view.tsx';
import type { GateStandingLine } from './gate.queries.ts';
import type { IntegrationHead } from './integration.queries.ts';
import { mendOf, type MendPlaces } from './mend.ts';
import { Pass } from './pass.tsx';

const SEVERITY_WORDS = {
  critical: 'Nobody answers, or nobody can stop it',
  high: 'Keeps it out of production',
  warning: 'To be known',
} as const;
const TONES: Readonly<Record<string, Tone>> = { critical: 'live', high: 'live', warning: 'wait' };

/** The gate in few words, for the page of the integration. */
export function GatePanel({
  head,
  standing,
}: {
  head: IntegrationHead;
  standing: GateStandingLine | undefined;
}) {
  if (!standing)
    return (
      <>
        <Empty>The gate has not looked at this integration yet.</Empty>
        <p>
          <a class="button plain small" href={`/integrations/${head.reference}/gate`}>
            Open the gate
          </a>
        </p>
      </>
    );
  return (
    <>
      <p class="line">
        <Chip tone={standing.verdict === 'pass' ? 'dead' : 'live'}>
          {standing.verdict === 'pass'
            ? 'the gate lets it pass'
            : `${standing.blocking} ${standing.blocking === 1 ? 'keeps' : 'keep'} it out`}
        </Chip>
        {standing.warnings > 0 && <Chip tone="wait">{`${standing.warnings} to be known`}</Chip>}
        {standing.excepted > 0 && <Chip tone="doubt">{`${standing.excepted} excepted`}</Chip>}
        <span class="soft small">
          policy {standing.policy} version {standing.policyVersion}, looked at{' '}
          <At at={standing.evaluatedAt} />
        </span>
      </p>
      <p>
        <a class="button plain small" href={`/integrations/${head.reference}/gate`}>
          {standing.verdict === 'pass' ? 'Open the gate' : 'What keeps it out'}
        </a>
      </p>
    </>
  );
}

export interface GateModel {
  head: IntegrationHead;
  /** What makes up for what its fast path left out. */
  control: { control: string; until: number } | null;
  verdict: 'pass' | 'refused';
  findings: readonly FindingView[];
  policy: { name: string; title: string; version: number; hash: string };
  matrix: { number: number; hash: string } | null;
  exceptions: readonly ExceptionView[];
  decisions: readonly DecisionView[];
  actors: ReadonlyMap<string, string>;
  places: MendPlaces;
  /** Rules of which the policy lets no exception be made. */
  never: readonly string[];
  /** Whose hand the reader's is, as it stands beside what somebody asked for. */
  hand: string;
}

const findingsWords = (count: number) => (count === 1 ? '1 finding' : `${count} findings`);
const blocks = (one: FindingView) => one.severity !== 'warning' && one.exception === null;

export function GateView({ frame, model, problem }: { frame: Frame; model: GateModel; problem?: string }) {
  const { head, findings, policy, matrix } = model;
  const base = `/integrations/${head.reference}/gate`;
  const blocking = findings.filter(blocks).length;
  const excepted = findings.filter((one) => one.exception !== null);
  return (
    <Page
      title={`Gate of ${head.name}`}
      frame={frame}
      crumbs={[
        { title: 'Gate', path: '/gate' },
        { title: head.name, path: `/integrations/${head.reference}` },
      ]}
    >
      <div class="head">
        <div>
          <p class="ref">{head.reference}</p>
          <h1>The gate</h1>
          <p class="lead">
            {model.verdict === 'pass'
              ? 'Nothing keeps this integration out of production.'
              : `${blocking} ${blocking === 1 ? 'finding keeps' : 'findings keep'} this integration out of production.`}
          </p>
        </div>
        <p class="line">
          <StateChip state={head.state} of="integration" />
          <Pass head={head} now={frame.now} />
          <Chip tone={model.verdict === 'pass' ? 'dead' : 'live'}>
            {model.verdict === 'pass' ? 'would pass' : 'refused'}
          </Chip>
          {excepted.length > 0 && <Chip tone="doubt">{`${excepted.length} by exception`}</Chip>}
          {model.control && (
            <Chip tone={model.control.until > frame.now ? 'doubt' : 'live'}>
              {model.control.until > frame.now ? 'fast path' : 'fast path, control has run out'}
            </Chip>
          )}
        </p>
      </div>
      {model.control && (
        <p class={`notice ${model.control.until > frame.now ? 'wait' : 'live'}`}>
          It came by the fast path. Instead: {model.control.control} Until <At at={model.control.until} day />
          .
        </p>
      )}
      {problem && (
        <p class="notice live" role="alert">
          {problem}
        </p>
      )}
      <div class="grid">
        <div class="w8 rows">
          {findings.length === 0 && (
            <section class="card">
              <h2>Findings</h2>
              <Empty>None. Everything that the policy asks for is there.</Empty>
            </section>
          )}
          {SEVERITIES.map((severity) => {
            const own = findings.filter((one) => one.severity === severity);
            if (own.length === 0) return null;
            return (
              <section class="card" id={severity}>
                <h2>
                  {SEVERITY_WORDS[severity]} <span class="aside">{own.length}</span>
                </h2>
                <div class="rows">
                  {own.map((one) => (
                    <Finding
                      frame={frame}
                      base={base}
                      finding={one}
                      places={model.places}
                      excepts={!model.never.includes(one.rule)}
                    />
                  ))}
                </div>
              </section>
            );
          })}
          <section class="card" id="exceptions">
            <h2>
              Exceptions <span class="aside">{model.exceptions.length}</span>
            </h2>
            <Exceptions
              frame={frame}
              base={base}
              exceptions={model.exceptions}
              actors={model.actors}
              hand={model.hand}
            />
          </section>
        </div>
        <div class="w4 rows">
          <section class="card">
            <h2>Decide</h2>
            {frame.may('gate:check') && (
              <PostForm frame={frame} action={base} label="Ask the gate">
                <p class="soft small">Asks without opening. The answer is recorded as a dry run.</p>
                <button type="submit" class="plain">
                  Ask the gate
                </button>
              </PostForm>
            )}
            {frame.may('gate:open') && MAY_GO_LIVE.includes(head.state) && (
              <PostForm frame={frame} action={`${base}/go-live`} label="Go live">
                <p class="soft small">
                  Lets its credentials reach production, if nothing keeps it out. A refusal is recorded, too.
                </p>
                <button type="submit">Go live</button>
              </PostForm>
            )}
            {head.state === 'live' && (
              <p class="soft small">It is live. What changes or ages is looked at again by itself.</p>
            )}
          </section>
          <section class="card">
            <h2>What it rests on</h2>
            <Facts
              facts={[
                ['policy', `${policy.title}, version ${policy.version}`],
                ['policy hash', <code class="small">{policy.hash.slice(0, 16)}…</code>],
                ['matrix', matrix ? `version ${matrix.number}` : <Chip tone="live">none</Chip>],
                ...(matrix
                  ? [['matrix hash', <code class="small">{matrix.hash.slice(0, 16)}…</code>] as const]
                  : []),
              ]}
            />
          </section>
          <section class="card">
            <h2>What it said before</h2>
            {model.decisions.length === 0 && <Empty>Nobody has asked yet.</Empty>}
            <ul class="plain">
              {model.decisions.map((one) => (
                <li>
                  <Chip tone={one.verdict === 'pass' ? 'dead' : 'live'}>{one.verdict}</Chip>{' '}
                  <span class="small">
                    {words(one.kind)}, <At at={Date.parse(one.at)} />,{' '}
                    {model.actors.get(one.decidedBy) ??
                      (one.kind === 're_evaluation' ? 'by itself' : one.decidedBy)}
                    {one.verdict === 'refused' && `: ${findingsWords(one.findings.filter(blocks).length)}`}
                  </span>
                </li>
              ))}
            </ul>
          </section>
        </div>
      </div>
    </Page>
  );
}

function Finding({
  frame,
  base,
  finding,
  places: pages,
  excepts,
}: {
  frame: Frame;
  base: string;
  finding: FindingView;
  places: MendPlaces;
  /** Whether the policy lets an exception be made of it. */
  excepts: boolean;
}) {
  const { rule, severity, subject, message, mend, frameworks, places, exception } = finding;
  const there = mendOf(pages, finding);
  return (
    <article class="rows tight">
      <p class="line">
        {exception ? (
          <Chip tone="doubt">{`excepted until ${exception.expiresAt.slice(0, 10)}`}</Chip>
        ) : (
          <Chip tone={TONES[severity] ?? 'calm'}>{severity}</Chip>
        )}
        <b>{message}</b>
      </p>
      {places && (
        <ul class="small">
          {places.map(({ where, says }) => (
            <li>
              <b>{where}</b>: {says}
            </li>
          ))}
        </ul>
      )}
      <p>{mend}</p>
      <p class="soft small">
        {words(subject.kind)} {subject.name} · <span title={rule}>{ruleTitle(rule)}</span> ·{' '}
        {frameworks.map((one) => `${one.framework} ${one.id}`).join(', ')}
      </p>
      <p class="line">
        {there && (
          <a class="button small" href={there.path} aria-label={`${there.word}: ${message}`}>
            {there.word}
          </a>
        )}
        {!exception && excepts && frame.may('policy:write') && (
          <a
            class="button plain small"
            href={addressOf(`${base}/exception`, { rule, kind: subject.kind, subject: subject.id })}
          >
            Ask for an exception
          </a>
        )}
      </p>
    </article>
  );
}
