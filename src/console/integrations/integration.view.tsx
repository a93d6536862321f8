import type { Id } from '../../kernel/ids.ts';
import { standingOfVersion } from '../../domain/credentials/version-standing.rules.ts';
import { CopiesChip, FacetChip } from '../credentials/facets.tsx';
import { Locations } from '../credentials/locations.view.tsx';
import { Stoppers } from '../credentials/stoppers.view.tsx';
import type { ShownStopper } from '../credentials/stoppers.queries.ts';
import { DependencyGraph, type GraphNode } from '../shared/charts.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, DataTable, Empty, Facts } from '../shared/parts.tsx';
import { Chip, StateChip, words } from '../shared/states.tsx';
import type {
  CaseLine,
  Dependency,
  IntegrationCredential,
  IntegrationHead,
  IntegrationParty,
  LocationLine,
  ShownAgreement,
  ShownMatrix,
  ShownTerm,
} from './integration.queries.ts';
import type { GateStandingLine } from './gate.queries.ts';
import { GatePanel } from './gate.view.tsx';
import { Matrix } from './matrix.view.tsx';
import { Pass } from './pass.tsx';

export function IntegrationView({
  frame,
  head,
  parties,
  matrix,
  credentials,
  stoppers,
  locations,
  dependencies,
  agreement,
  cases,
  gate,
  reviews,
  control,
}: {
  frame: Frame;
  head: IntegrationHead;
  parties: readonly IntegrationParty[];
  matrix: ShownMatrix | undefined;
  credentials: readonly IntegrationCredential[];
  stoppers: ReadonlyMap<Id, readonly ShownStopper[]>;
  locations: readonly LocationLine[];
  dependencies: readonly Dependency[];
  agreement: ShownAgreement | undefined;
  cases: readonly CaseLine[];
  gate: GateStandingLine | undefined;
  reviews: readonly OpenReview[];
  /** What makes up for what its fast path left out. */
  control: { control: string; until: number } | null;
}) {
  const unstoppable = credentials.filter(({ id }) => stoppers.get(id)?.length === 0);
  return (
    <Page title={head.name} frame={frame} crumbs={[{ title: 'Portfolio', path: '/portfolio' }]}>
      <div class="head">
        <div>
          <p class="ref">{head.reference}</p>
          <h1>{head.name}</h1>
          {head.purpose && <p class="lead">{head.purpose}</p>}
        </div>
        <p class="line">
          <StateChip state={head.state} of="integration" />
          <Pass head={head} now={frame.now} />
          <Chip tone="calm">{`tier ${head.riskTier}`}</Chip>
          {head.shadow && <Chip tone="live">found, not declared</Chip>}
          {frame.may('portfolio:write') && (
            <a class="button plain small" href={`/integrations/${head.reference}/edit`}>
              Edit
            </a>
          )}
        </p>
      </div>
      {head.state === 'quarantined' && (
        <p class="notice live">
          It is <b>quarantined</b>: nobody has owned it for a day. Name an owner, and it comes back.
        </p>
      )}
      {cases.some((one) => one.state === 'open') && <OpenCases cases={cases} />}
      {unstoppable.length > 0 && (
        <p class="notice live">
          <b>Nobody can stop</b> {unstoppable.map(({ label }) => label).join(', ')}. Agree on a path, and try
          it in a drill.
        </p>
      )}
      {reviews.length > 0 && <OpenReviews reviews={reviews} now={frame.now} />}
      <div class="grid">
        {frame.may('policy:read') && (
          <section class="card w12" id="gate">
            <h2>The gate</h2>
            <GatePanel head={head} standing={gate} />
            {control && (
              <p class="small">
                It came by the fast path. Instead: {control.control} Until <At at={control.until} day />.
              </p>
            )}
            <p class="line">
              <a class="button plain small" href={`/integrations/${head.reference}/onboarding`}>
                Onboarding
              </a>
              {frame.may('rotations:read') && (
                <a class="button plain small" href={`/integrations/${head.reference}/rotation`}>
                  Rotation
                </a>
              )}
              <a class="button plain small" href={`/integrations/${head.reference}/machines`}>
                Machines
              </a>
              <a class="button plain small" href={`/integrations/${head.reference}/offboarding`}>
                Offboarding
              </a>
            </p>
          </section>
        )}
        <section class="card w8">
          <h2>
            Who answers for what
            <a class="aside" href={`/integrations/${head.reference}/matrix`}>
              edit, propose, sign
            </a>
          </h2>
          <Matrix matrix={matrix} parties={parties} />
        </section>
        <div class="w4 rows">
          <section class="card">
            <h2>Parties</h2>
            <Facts
              facts={[
                ...parties.map((party) => [party.roles.map(words).join(', '), party.name] as const),
                ['owner', head.ownerName ?? <Chip tone="live">nobody</Chip>] as const,
              ]}
            />
            <h3>Where and what</h3>
            <Facts
              facts={[
                ['data', words(head.dataClass)],
                ['environments', head.environments.join(', ') || '–'],
                ['regions', head.regions.join(', ') || '–'],
                ['changed', <At at={head.updatedAt} day />],
              ]}
            />
          </section>
          <section class="card">
            <h2>
              Who can still stop what{' '}
              <a class="aside" href={`/stoppers?integration=${head.reference}`}>
                on the board
              </a>
            </h2>
            {credentials.length === 0 && <Empty>No credential yet.</Empty>}
            {credentials.map((credential) => (
              <>
                <h3>{credential.label}</h3>
                <Stoppers stoppers={stoppers.get(credential.id) ?? []} />
              </>
            ))}
          </section>
        </div>
        <section class="card w12" id="credentials">
          <h2>
            Credentials{' '}
            {frame.may('portfolio:write') && head.state !== 'retired' && (
              <a class="aside" href={`/integrations/${head.reference}/credentials/new`}>
                add a credential
              </a>
            )}
          </h2>
          <Credentials credentials={credentials} now={frame.now} />
        </section>
        <section class="card w12" id="locations">
          <h2>
            Copies <span class="aside">{locations.length}</span>
          </h2>
          <Locations locations={locations} />
        </section>
        <section class="card w12">
          <h2>What it stands on</h2>
          <Dependencies head={head} dependencies={dependencies} />
        </section>
        <section class="card w12">
          <h2>What was agreed</h2>
          <Agreement agreement={agreement} />
        </section>
      </div>
    </Page>
  );
}

interface OpenReview {
  reference: string;
  dueAt: Date;
  items: number;
  decided: number;
}

function OpenReviews({ reviews, now }: { reviews: readonly OpenReview[]; now: number }) {
  const late = reviews.some(({ dueAt }) => dueAt.getTime() < now);
  return (
    <div class={`notice ${late ? 'live' : 'wait'}`}>
      {reviews.map(({ reference, dueAt, items, decided }) => (
        <div>
          Access is being reviewed: <a href={`/access-reviews/${reference}`}>{reference}</a>,{' '}
          {`${items - decided} of ${items} still open, `}
          {dueAt.getTime() < now ? <b>late since </b> : 'due '}
          <At at={dueAt.getTime()} day />
        </div>
      ))}
    </div>
  );
}

function OpenCases({ cases }: { cases: readonly CaseLine[] }) {
  return (
    <div class="notice live">
      {cases
        .filter((one) => one.state === 'open')
        .map((one) => (
          <div>
            <b>Case {one.reference}</b> is open since <At at={one.openedAt} />
            {one.incidentReference && (
              <>
                {': '}
                <a href={`/incidents/${one.incidentReference}`}>
                  {one.incidentReference} {one.incidentTitle}
                </a>
              </>
            )}
          </div>
        ))}
    </div>
  );
}

function Credentials({ credentials, now }: { credentials: readonly IntegrationCredential[]; now: number }) {
  if (credentials.length === 0) return <Empty>No credential yet.</Empty>;
  return (
    <DataTable
      caption="Credentials"
      columns={[
        { title: 'Credential' },
        { title: 'Versions' },
        { title: 'Revocation' },
        { title: 'Verifier says' },
        { title: 'Sessions' },
        { title: 'Copies' },
        { title: 'Authority to act' },
        { title: 'Owner' },
      ]}
      rows={credentials.map((one) => [
        <div>
          {one.reference ? (
            <a href={`/credentials/${one.reference}`}>
              <b>{one.label}</b>
            </a>
          ) : (
            <b>{one.label}</b>
          )}{' '}
          {one.exposed && <Chip tone="live">exposed</Chip>}
          <div class="ref">
            {[
              one.reference,
              one.kind && words(one.kind),
              one.environment,
              one.direction === 'inbound' && 'inbound',
            ]
              .filter(Boolean)
              .join(' · ')}
          </div>
          {one.sharedWith.length > 0 && (
            <div class="small">
              shared with{' '}
              {one.sharedWith.map((other, at) => (
                <>
                  {at > 0 && ', '}
                  <a href={`/integrations/${other.reference}`}>{other.name}</a>
                </>
              ))}
            </div>
          )}
        </div>,
        <div class="rows tight">
          {one.versions.map((version) => (
            <span class="line tight">
              <Chip
                tone={PHASE_TONES[standingOfVersion(version)] ?? 'calm'}
              >{`${version.number} ${standingOfVersion(version)}`}</Chip>
              {version.expiresAt !== null && (
                <span class="soft small">
                  {version.expiresAt <= now ? 'expired ' : 'until '}
                  <At at={version.expiresAt} day />
                </span>
              )}
            </span>
          ))}
        </div>,
        <FacetChip facet="revocation" value={one.revocation} />,
        <FacetChip facet="liveness" value={one.liveness} />,
        <FacetChip facet="sessions" value={one.sessions} />,
        <CopiesChip copies={one.copies} gone={one.gone} unprovable={one.unprovable} exposed={one.exposed} />,
        one.authority ? words(one.authority) : <span class="soft">as agreed</span>,
        one.ownerName ?? <Chip tone="wait">nobody</Chip>,
      ])}
    />
  );
}

export const PHASE_TONES = { pending: 'info', active: 'dead', overlap: 'wait', retired: 'calm' } as Readonly<
  Record<string, 'info' | 'dead' | 'wait' | 'calm'>
>;

function Dependencies({
  head,
  dependencies,
}: {
  head: IntegrationHead;
  dependencies: readonly Dependency[];
}) {
  if (dependencies.length === 0) return <Empty>Nothing is declared that it depends on.</Empty>;
  const nodes: GraphNode[] = [
    { id: head.id, title: head.name, note: 'this integration', depth: 0, tone: 'info' },
    ...dependencies.map((one) => ({
      id: one.id,
      title: one.partyName,
      note: one.via || (one.depth === 1 ? 'supplier' : `supplier of a supplier`),
      depth: one.depth,
      path: one.reference ? `/integrations/${one.reference}` : undefined,
    })),
  ];
  return <DependencyGraph nodes={nodes} label="Dependencies" />;
}

function Agreement({ agreement }: { agreement: ShownAgreement | undefined }) {
  if (!agreement) return <Empty>No agreement is in force for this integration.</Empty>;
  const authority =
    agreement.authority === 'approve_within'
      ? `approve within ${agreement.approveWithinMinutes} minutes, then ${agreement.approveOtherwise}`
      : words(agreement.authority);
  return (
    <>
      <p class="line">
        <a href={`/agreements/${agreement.reference}`}>
          <b>{agreement.title}</b>
        </a>
        <span class="soft small">
          {agreement.reference}, version {agreement.number}, with {agreement.partyName}, since{' '}
          <At at={agreement.validFrom} day />
          {agreement.reviewOn && `, review on ${agreement.reviewOn}`}
        </span>
        <Chip tone="info">{`authority: ${authority}`}</Chip>
      </p>
      {agreement.terms.length === 0 ? (
        <Empty>It promises no notice to anybody.</Empty>
      ) : (
        <DataTable
          caption="Terms: who must be told by when"
          columns={[
            { title: 'Who tells whom' },
            { title: 'When' },
            { title: 'Window' },
            { title: 'Warns / escalates' },
            { title: 'Kept when' },
            { title: 'To' },
          ]}
          rows={agreement.terms.map((term) => [
            term.direction === 'to_party'
              ? `we tell ${agreement.partyName}`
              : `${agreement.partyName} tells us`,
            `${words(term.trigger)}, counted from ${words(term.startEvent)}`,
            <b>{windowOf(term)}</b>,
            `${term.warnPercent} % / ${term.escalatePercent} %`,
            words(term.fulfilledBy),
            term.recipients.join(', ') || <span class="soft">the security contact</span>,
          ])}
        />
      )}
    </>
  );
}

function windowOf({ windowCount, windowUnit, zone }: ShownTerm): string {
  if (windowCount === null || windowUnit === null) return 'without undue delay';
  const unit = windowUnit === 'elapsed-hours' ? 'hours' : windowUnit.replace('-', ' ');
  return windowUnit === 'elapsed-hours' ? `${windowCount} ${unit}` : `${windowCount} ${unit} (${zone})`;
}
