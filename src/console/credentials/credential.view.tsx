import type { Convergence } from '../../domain/credentials/convergence.rules.ts';
import type { Holding } from '../../domain/credentials/holdings.queries.ts';
import type { CredentialUsage } from '../../domain/usage/usage.schema.ts';
import type { WordedPermission } from '../../domain/credentials/permission-words.ts';
import type { LocationLine } from '../integrations/integration.queries.ts';
import { endOfVersion, standingOfVersion } from '../../domain/credentials/version-standing.rules.ts';
import { TimeStrips } from '../shared/charts.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, Countdown, DataTable, Empty, Facts } from '../shared/parts.tsx';
import { Chip, words, type Tone } from '../shared/states.tsx';
import type { CredentialHead, EvidenceLine, Reach, VersionLine } from './credential.queries.ts';
import { ConvergencePanel } from './convergence.tsx';
import { FacetChip } from './facets.tsx';
import { Holdings, Locations } from './locations.view.tsx';
import { Usage } from './usage.view.tsx';
import { Stoppers } from './stoppers.view.tsx';
import type { ShownStopper } from './stoppers.queries.ts';

const PHASES: Readonly<Record<string, Tone>> = {
  pending: 'info',
  active: 'dead',
  overlap: 'wait',
  retired: 'calm',
};

export function CredentialView({
  frame,
  head,
  versions,
  stoppers,
  locations,
  convergence,
  holdings,
  evidence,
  reach,
  usage,
  permissions,
}: {
  frame: Frame;
  head: CredentialHead;
  versions: readonly VersionLine[];
  stoppers: readonly ShownStopper[];
  locations: readonly LocationLine[];
  /** Towards the version that its copies are to hold. */
  convergence: Convergence;
  holdings: readonly Holding[];
  evidence: readonly EvidenceLine[];
  reach: readonly Reach[];
  /** Null: not for this reader. */
  usage: CredentialUsage | null;
  /** Of its scopes, in their order. */
  permissions: readonly WordedPermission[];
}) {
  return (
    <Page
      title={head.name}
      frame={frame}
      crumbs={[
        { title: 'Portfolio', path: '/portfolio' },
        { title: head.integrationName, path: `/integrations/${head.integrationReference}` },
      ]}
    >
      <div class="head">
        <div>
          <p class="ref">{head.reference}</p>
          <h1>{head.name}</h1>
          {head.purpose && <p class="lead">{head.purpose}</p>}
        </div>
        <p class="line">
          <Chip tone="calm">{words(head.kind)}</Chip>
          <Chip tone="calm">{head.environment}</Chip>
          <Chip
            tone={
              head.revocability === 'instant' ? 'dead' : head.revocability === 'impossible' ? 'live' : 'wait'
            }
          >
            {`revocable: ${words(head.revocability)}`}
          </Chip>
          {head.uses.length > 1 && <Chip tone="wait">{`shared by ${head.uses.length} integrations`}</Chip>}
          {versions.some((version) => version.exposed) && <Chip tone="live">was exposed</Chip>}
          {head.glassBroken && <Chip tone="live">the glass was broken</Chip>}
          {frame.may('machines:read') && (
            <a class="button plain small" href={`/credentials/${head.reference}/value`}>
              Value
            </a>
          )}
          {frame.may('portfolio:write') && head.retiredAt === null && (
            <a class="button plain small" href={`/credentials/${head.reference}/edit`}>
              Edit
            </a>
          )}
          {frame.may('rotations:read') && head.retiredAt === null && (
            <a class="button plain small" href={`/credentials/${head.reference}/rotation`}>
              Rotation
            </a>
          )}
        </p>
      </div>
      <div class="grid">
        <section class="card w8">
          <h2>
            Versions{' '}
            {frame.may('portfolio:write') && head.retiredAt === null && (
              <a class="aside" href={`/credentials/${head.reference}/versions/new`}>
                record a version
              </a>
            )}
          </h2>
          {versions.length === 0 ? (
            <Empty>No version yet.</Empty>
          ) : (
            <TimeStrips
              label="Versions over time"
              now={frame.now}
              strips={versions.slice(0, 8).map((version) => ({
                name: `version ${version.number}`,
                word: standingOfVersion(version),
                tone: PHASES[standingOfVersion(version)] ?? 'calm',
                from: version.activatedAt ?? version.issuedAt,
                until: endOfVersion(version),
              }))}
            />
          )}
          <Versions versions={versions} now={frame.now} />
        </section>
        <div class="w4 rows">
          <section class="card">
            <h2>
              Who can still stop it{' '}
              {frame.may('portfolio:write') && head.retiredAt === null && (
                <a class="aside" href={`/credentials/${head.reference}/paths`}>
                  ways to revoke it
                </a>
              )}
            </h2>
            <Stoppers stoppers={stoppers} />
            {frame.may('runs:read') && stoppers.length > 0 && (
              <p>
                <a class="button plain small" href={`/credentials/${head.reference}/drills`}>
                  Drills
                </a>
              </p>
            )}
          </section>
          <section class="card">
            <h2>Whose it is</h2>
            <Facts
              facts={[
                ['issued by', head.issuer],
                ['verified by', head.verifier],
                ['held by', head.holders.join(', ') || '–'],
                ['for', head.beneficiary ?? '–'],
                ['owner', head.ownerName ?? <Chip tone="live">nobody</Chip>],
                ['kept in', head.store || <Chip tone="wait">nowhere known</Chip>],
                ['rotation', head.rotateEveryDays ? `every ${head.rotateEveryDays} days` : '–'],
                ['last use', <At at={head.lastUsedAt} day empty="never seen" />],
                ['authority', head.authority ? words(head.authority) : 'as agreed'],
                [
                  'used by',
                  <>
                    {head.uses.map((use) => (
                      <div>
                        <a href={`/integrations/${use.reference}`}>{use.name}</a>
                      </div>
                    ))}
                  </>,
                ],
              ]}
            />
          </section>
        </div>
        <section class="card w7">
          <h2>
            Copies{' '}
            {frame.may('portfolio:write') && head.retiredAt === null && (
              <a class="aside" href={`/credentials/${head.reference}/locations/new`}>
                add a copy
              </a>
            )}
          </h2>
          <Locations
            locations={locations}
            ofOne
            {...(frame.may('portfolio:write') && head.retiredAt === null
              ? { moves: `/credentials/${head.reference}/locations` }
              : {})}
            {...(frame.may('connections:read') ? { stores: `/credentials/${head.reference}/locations` } : {})}
            {...(frame.may('copies:report') ? { scans: `/credentials/${head.reference}/locations` } : {})}
          />
          <Holdings holdings={holdings} />
        </section>
        <section class="card w5">
          <h2>
            What it may do{' '}
            {frame.may('policy:read') && (
              <a class="aside" href={`/credentials/${head.reference}/scopes`}>
                scopes and consent
              </a>
            )}
          </h2>
          {head.scopes.length === 0 ? (
            <Empty>No scope is written down.</Empty>
          ) : (
            <ul class="plain">
              {head.scopes.map((scope, at) => (
                <li>
                  {permissions[at]?.words && <div>{permissions[at].words}</div>}
                  <span class="mono">{scope.name}</span> {scope.description}
                  <div class="small">
                    {scope.justification ? (
                      <span class="soft">because {scope.justification}</span>
                    ) : (
                      <Chip tone="wait">nobody has justified it</Chip>
                    )}
                  </div>
                </li>
              ))}
            </ul>
          )}
          <h2>Blast radius</h2>
          {reach.length === 0 ? (
            <Empty>No system is known that it reaches. That is no proof that there is none.</Empty>
          ) : (
            <ul class="plain">
              {reach.map((one) => (
                <li>
                  <b>{one.name}</b> <span class="soft">{`${one.partyName}, ${one.environment}`}</span>
                  <div class="small line tight">
                    <Chip tone={one.basis === 'observed' ? 'live' : 'wait'}>{one.basis}</Chip>
                    <span class="soft">
                      {one.scope}
                      {one.lastSeenAt !== null && (
                        <>
                          {' last seen '}
                          <At at={one.lastSeenAt} day />
                        </>
                      )}
                    </span>
                  </div>
                </li>
              ))}
            </ul>
          )}
        </section>
        {locations.length > 0 && (
          <section class="card w12" id="convergence">
            <h2>Which version its copies hold</h2>
            <ConvergencePanel convergence={convergence} />
          </section>
        )}
        {usage && (
          <section class="card w12">
            <h2>
              Last use{' '}
              {frame.may('portfolio:write') && (
                <a class="aside" href={`/credentials/${head.reference}/actors`}>
                  known actors
                </a>
              )}
            </h2>
            <Usage usage={usage} />
          </section>
        )}
        <section class="card w12">
          <h2>Evidence</h2>
          <Evidence evidence={evidence} />
        </section>
      </div>
    </Page>
  );
}

function Versions({ versions, now }: { versions: readonly VersionLine[]; now: number }) {
  if (versions.length === 0) return null;
  return (
    <DataTable
      caption="Versions"
      columns={[
        { title: 'Version' },
        { title: 'At the supplier' },
        { title: 'Expires' },
        { title: 'Revocation' },
        { title: 'Verifier says' },
        { title: 'Sessions' },
        { title: 'Known by' },
      ]}
      rows={versions.map((version) => [
        <span class="line tight">
          <b>{version.number}</b>
          {/* That it is dead is said once, by its verifier. */}
          {standingOfVersion(version) !== 'dead' && (
            <Chip tone={PHASES[version.phase] ?? 'calm'}>{version.phase}</Chip>
          )}
        </span>,
        <div>
          <span class="mono">{version.supplierId ?? '–'}</span>
          <div class="soft small">
            issued <At at={version.issuedAt} day empty="at an unknown time" />
          </div>
        </div>,
        version.expiresAt === null ? (
          <span class="soft">never</span>
        ) : (
          <span class="line tight">
            <At at={version.expiresAt} day />
            {version.expiresAt <= now && version.phase !== 'retired' && <Chip tone="wait">expired</Chip>}
          </span>
        ),
        <FacetChip facet="revocation" value={version.revocation} exposed={version.exposed} />,
        <FacetChip facet="liveness" value={version.liveness} exposed={version.exposed} />,
        <div>
          <FacetChip facet="sessions" value={version.sessions} exposed={version.exposed} />
          {version.sessions === 'residual' && version.sessionsUntil !== null && (
            <div class="small">
              {version.sessionsUntil > now && <Countdown dueAt={version.sessionsUntil} now={now} />}
              <span class="soft">
                {' '}
                until <At at={version.sessionsUntil} />
              </span>
            </div>
          )}
        </div>,
        <span class="soft small">
          {version.fingerprints === 0
            ? 'no fingerprint'
            : version.fingerprints === 1
              ? '1 fingerprint'
              : `${version.fingerprints} fingerprints`}
          {version.kept && ', value sealed'}
        </span>,
      ])}
    />
  );
}

const OUTCOMES: Readonly<Record<string, Tone>> = {
  dead: 'dead',
  revoked: 'dead',
  accepted: 'dead',
  gone: 'dead',
  ended: 'dead',
  live: 'live',
  refused: 'live',
  rejected: 'live',
};

/** What was asked and what came back, redacted, newest first. */
export function Evidence({ evidence }: { evidence: readonly EvidenceLine[] }) {
  if (evidence.length === 0) return <Empty>Nobody has asked its verifier anything yet.</Empty>;
  return (
    <DataTable
      caption="Evidence"
      columns={[
        { title: 'When' },
        { title: 'What' },
        { title: 'Asked' },
        { title: 'Answer' },
        { title: 'Outcome' },
        { title: 'Why' },
      ]}
      rows={evidence.map((one) => [
        <At at={one.endedAt} />,
        `${words(one.kind)}, version ${one.versionNumber}`,
        <span class="mono">{one.asked}</span>,
        <div>
          {one.status ?? <span class="soft">none</span>}
          {one.extract && <div class="mono soft">{one.extract.slice(0, 160)}</div>}
        </div>,
        <Chip tone={OUTCOMES[one.outcome] ?? 'doubt'}>{words(one.outcome)}</Chip>,
        one.why || <span class="soft">–</span>,
      ])}
    />
  );
}
