import type { ExceptionView, DecisionView, FindingView } from '../../domain/policy/gate.schema.ts';
import { SEVERITIES } from '../../domain/policy/policy.schema.ts';
import { MAY_GO_LIVE } from '../../domain/policy/pass.rules.ts';
import { Choice, Field, FormError, PostForm, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { addressOf, Pager, type Listed } from '../shared/paging.tsx';
import { At, DataTable, Empty, Facts, Stat } from '../shared/parts.tsx';
import { Chip, StateChip, words, type Tone } from '../shared/states.tsx';
import type { BlockedLine, GateStandingLine, GateTotals } from './gate.queries.ts';
import type { IntegrationHead } from './integration.queries.ts';
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
  if (!standing) return <Empty>The gate has not looked at this integration yet.</Empty>;
  return (
    <>
      <p class="line">
        <Chip tone={standing.verdict === 'pass' ? 'dead' : 'live'}>
          {standing.verdict === 'pass' ? 'the gate lets it pass' : `${standing.blocking} keep it out`}
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
}

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
                    <Finding frame={frame} base={base} finding={one} />
                  ))}
                </div>
              </section>
            );
          })}
          <section class="card" id="exceptions">
            <h2>
              Exceptions <span class="aside">{model.exceptions.length}</span>
            </h2>
            <Exceptions frame={frame} base={base} model={model} />
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
                    {model.actors.get(one.decidedBy) ?? one.decidedBy}
                    {one.verdict === 'refused' && `: ${one.findings.filter(blocks).length} findings`}
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

function Finding({ frame, base, finding }: { frame: Frame; base: string; finding: FindingView }) {
  const { rule, severity, subject, message, mend, frameworks, places, exception } = finding;
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
        {words(subject.kind)} {subject.name} · {rule} ·{' '}
        {frameworks.map((one) => `${one.framework} ${one.id}`).join(', ')}
      </p>
      {!exception && frame.may('policy:write') && (
        <p>
          <a
            class="button plain small"
            href={addressOf(`${base}/exception`, { rule, kind: subject.kind, subject: subject.id })}
          >
            Ask for an exception
          </a>
        </p>
      )}
    </article>
  );
}

function Exceptions({ frame, base, model }: { frame: Frame; base: string; model: GateModel }) {
  const { exceptions, actors } = model;
  if (exceptions.length === 0) return <Empty>None was ever asked for.</Empty>;
  const tones: Readonly<Record<string, Tone>> = { requested: 'wait', approved: 'doubt', refused: 'live' };
  return (
    <DataTable
      caption="Exceptions"
      columns={[
        { title: 'What' },
        { title: 'Why, and what instead' },
        { title: 'Who' },
        { title: 'Until' },
        { title: 'State' },
      ]}
      rows={exceptions.map((one) => [
        <div>
          {one.rule}
          <div class="soft small">{one.subject.name}</div>
        </div>,
        <div>
          {one.reason}
          <div class="soft small">{one.compensatingControl}</div>
        </div>,
        <span class="small">
          {actors.get(one.requestedBy) ?? one.requestedBy}
          {one.decidedBy &&
            `; ${one.state === 'refused' ? 'refused' : 'approved'} by ${actors.get(one.decidedBy) ?? one.decidedBy}`}
        </span>,
        <At at={Date.parse(one.expiresAt)} day />,
        <div class="rows tight">
          <Chip tone={tones[one.state] ?? 'calm'}>{one.state}</Chip>
          {one.state === 'requested' && frame.may('approvals:decide') && (
            <>
              <PostForm
                frame={frame}
                inline
                action={`${base}/exceptions/${one.id}/approved`}
                label={`Approve ${one.rule}`}
              >
                <button type="submit" class="small">
                  Approve
                </button>
              </PostForm>
              <PostForm
                frame={frame}
                inline
                action={`${base}/exceptions/${one.id}/refused`}
                label={`Refuse ${one.rule}`}
              >
                <button type="submit" class="plain small">
                  Refuse
                </button>
              </PostForm>
            </>
          )}
          {(one.state === 'requested' || one.state === 'approved') && frame.may('policy:write') && (
            <PostForm
              frame={frame}
              inline
              action={`${base}/exceptions/${one.id}/withdrawn`}
              label={`Withdraw ${one.rule}`}
            >
              <button type="submit" class="plain small">
                Withdraw
              </button>
            </PostForm>
          )}
        </div>,
      ])}
    />
  );
}

export interface AskedException {
  rule: string;
  kind: string;
  subject: string;
  reason?: string | undefined;
  compensatingControl?: string | undefined;
  until?: string | undefined;
}

export function ExceptionFormView({
  frame,
  head,
  finding,
  asked,
  longest,
  problems,
}: {
  frame: Frame;
  head: IntegrationHead;
  finding: FindingView;
  asked: AskedException;
  longest: string;
  problems?: FormProblems;
}) {
  const base = `/integrations/${head.reference}/gate`;
  return (
    <Page
      title="Ask for an exception"
      frame={frame}
      crumbs={[
        { title: 'Gate', path: '/gate' },
        { title: head.name, path: base },
      ]}
    >
      <div class="head">
        <div>
          <p class="ref">{head.reference}</p>
          <h1>Ask for an exception</h1>
          <p class="lead">{finding.message}</p>
        </div>
      </div>
      <section class="card">
        <p>
          Better: <b>{finding.mend}</b>
        </p>
        <PostForm frame={frame} action={`${base}/exception`} label="Exception">
          <FormError problems={problems} />
          <input type="hidden" name="rule" value={asked.rule} />
          <input type="hidden" name="kind" value={asked.kind} />
          <input type="hidden" name="subject" value={asked.subject} />
          <Field
            name="reason"
            label="Why it cannot be mended now"
            type="area"
            required
            maxLength={2000}
            value={asked.reason ?? ''}
            problem={problems?.['reason']}
          />
          <Field
            name="compensatingControl"
            label="What is done instead"
            type="area"
            required
            maxLength={2000}
            value={asked.compensatingControl ?? ''}
            problem={problems?.['compensatingControl']}
          />
          <Field
            name="until"
            label="Until"
            hint={`An exception ends: at most ${longest} from now. Somebody else has to approve it.`}
            type="date"
            required
            value={asked.until ?? ''}
            problem={problems?.['until'] ?? problems?.['expiresAt']}
          />
          <button type="submit">Ask</button>
        </PostForm>
      </section>
    </Page>
  );
}

/** What keeps integrations out of production, across the portfolio. */
export function BlockedView({
  frame,
  rule,
  first,
  page,
  totals,
}: {
  frame: Frame;
  rule: string | undefined;
  first: boolean;
  page: Listed<BlockedLine>;
  totals: GateTotals;
}) {
  return (
    <Page title="Gate" frame={frame}>
      <div class="head">
        <div>
          <h1>What blocks production</h1>
          <p class="lead">
            Every integration that the gate refuses now, the worst finding of each, and what to do.
          </p>
        </div>
      </div>
      <div class="grid">
        <section class="card w12 slim">
          <div class="stats">
            <Stat value={totals.refused} word="kept out" tone={totals.refused > 0 ? 'wait' : 'calm'} />
            <Stat value={totals.lost} word="live, pass lost" tone={totals.lost > 0 ? 'live' : 'calm'} />
            <Stat
              value={totals.without}
              word="live without a pass"
              tone={totals.without > 0 ? 'live' : 'calm'}
            />
            <Stat value={totals.passing} word="would pass" tone="dead" />
          </div>
        </section>
        <section class="card w12">
          <form class="search" method="get" action="/gate" role="search" aria-label="Blocked integrations">
            <Choice
              name="rule"
              label="Kept out by"
              value={rule}
              all="any rule"
              options={totals.rules.map((one) => ({
                value: one.rule,
                word: `${one.rule} (${one.n})`,
              }))}
            />
            <button type="submit" class="plain">
              Show
            </button>
          </form>
          {page.rows.length === 0 ? (
            <Empty>Nothing is kept out{rule ? ' by this rule' : ''}.</Empty>
          ) : (
            <DataTable
              caption="Blocked integrations"
              columns={[
                { title: 'Integration' },
                { title: 'State' },
                { title: 'Worst finding, and what to do' },
                { title: 'Findings', numeric: true },
                { title: 'Owner' },
              ]}
              rows={page.rows.map((one) => [
                <div>
                  <a href={`/integrations/${one.reference}/gate`}>
                    <b>{one.name}</b>
                  </a>
                  <div class="ref">
                    {one.reference} · tier {one.riskTier} · {one.policy}
                  </div>
                </div>,
                <div class="rows tight">
                  <StateChip state={one.state} of="integration" />
                  <Pass
                    head={{ state: one.state, pass: one.pass, passGraceUntil: one.graceUntil }}
                    now={frame.now}
                  />
                </div>,
                <div>
                  {one.message}
                  <div class="soft small">{one.mend}</div>
                </div>,
                one.blocking,
                one.ownerName ?? <Chip tone="live">nobody</Chip>,
              ])}
            />
          )}
          <Pager path="/gate" query={{ rule }} next={page.next} first={first} />
        </section>
      </div>
    </Page>
  );
}
