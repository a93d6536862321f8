import type { ComponentChildren } from 'preact';
import type { Permission } from '../../domain/access/permissions.ts';
import type { TokenView, UserView } from '../../domain/access/access.queries.ts';
import { PostForm } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, DataTable, Tabs } from '../shared/parts.tsx';
import { Chip, words } from '../shared/states.tsx';
import type { OwnWay } from '../../domain/exposures/reported-by.queries.ts';
import type { LogPart } from '../../domain/exposures/delivery-log.service.ts';
import { RefusedChip, RefusedCounts, RefusedFacts } from './refused.tsx';
import type { ConnectionLine, SourceLine } from './settings.queries.ts';

const TABS: readonly { title: string; path: string; permission: Permission }[] = [
  { title: 'Sources', path: '/settings/sources', permission: 'sources:read' },
  { title: 'Connections', path: '/settings/connections', permission: 'connections:read' },
  { title: 'Stores', path: '/settings/stores', permission: 'connections:read' },
  { title: 'Accounts', path: '/settings/users', permission: 'users:read' },
  { title: 'API tokens', path: '/settings/tokens', permission: 'tokens:read' },
];

export function Setting({
  frame,
  title,
  lead,
  children,
  after = [],
}: {
  frame: Frame;
  title: string;
  lead: string;
  children: ComponentChildren;
  /** Each in a place of its own below. */
  after?: readonly ComponentChildren[];
}) {
  return (
    <Page title={title} frame={frame}>
      <div class="head">
        <div>
          <h1>{title}</h1>
          <p class="lead">{lead}</p>
        </div>
      </div>
      <Tabs
        label="Settings"
        here={frame.path}
        tabs={TABS.filter(({ permission }) => frame.may(permission))}
      />
      <div class="grid">
        {[children, ...after].map((one) => (
          <section class="card w12">{one}</section>
        ))}
      </div>
    </Page>
  );
}

export const TRUST: Readonly<Record<string, string>> = {
  act: 'acts on its word',
  approve: 'asks first',
  inform: 'only informs',
};

export function SourcesView({
  frame,
  sources,
  ways,
  elsewhere,
}: {
  frame: Frame;
  sources: readonly SourceLine[];
  /** By which exposures came without one of them. */
  ways: readonly OwnWay[];
  /** What knocked where there is no source. */
  elsewhere: LogPart;
}) {
  return (
    <Setting
      frame={frame}
      title="Sources"
      lead="Where reports of leaks come from, and how far each may go unattended."
      after={[
        ...(ways.length > 0 ? [<Ways ways={ways} />] : []),
        ...(elsewhere.refused.length > 0 ? [<Elsewhere {...elsewhere} />] : []),
      ]}
    >
      {sources.length === 0 ? (
        <p class="empty">No source yet.</p>
      ) : (
        <DataTable
          caption="Sources"
          columns={[
            { title: 'Source' },
            { title: 'Trust' },
            { title: 'Owner' },
            { title: 'Deliveries', numeric: true },
            { title: 'This week', numeric: true },
            { title: 'Exposures', numeric: true },
            { title: 'In triage', numeric: true },
            { title: 'Last heard of' },
          ]}
          rows={sources.map((source) => [
            <div>
              <a href={`/settings/sources/${source.key}`}>
                <b>{source.name}</b>
              </a>{' '}
              {!source.active && <Chip tone="calm">switched off</Chip>}
              {source.pollProblem !== null && <Chip tone="live">could not be asked</Chip>}
              <div class="soft small">{`${words(source.kind)} · ${source.environment}${source.partyName ? ` · ${source.partyName}` : ''}`}</div>
            </div>,
            <Chip tone={source.trust === 'act' ? 'info' : 'calm'}>
              {TRUST[source.trust] ?? source.trust}
            </Chip>,
            source.ownerName ?? <span class="soft">–</span>,
            source.deliveries,
            source.refused > 0 ? (
              <a href={`/settings/sources/${source.key}?only=refused`}>
                <Chip tone="live">{`${source.refused} refused`}</Chip>
              </a>
            ) : (
              0
            ),
            source.exposures,
            source.inTriage > 0 ? <Chip tone="wait">{String(source.inTriage)}</Chip> : 0,
            <At at={source.lastSeenAt} empty="never" />,
          ])}
        />
      )}
      {frame.may('sources:write') && (
        <p class="actions">
          <a class="button" href="/settings/sources/new">
            Add a source
          </a>
        </p>
      )}
    </Setting>
  );
}

function Ways({ ways }: { ways: readonly OwnWay[] }) {
  return (
    <>
      <h2>Without being set up</h2>
      <p class="soft">What people, suppliers, programs and our own records of use report.</p>
      <DataTable
        caption="Without being set up"
        columns={[
          { title: 'Way' },
          { title: 'Exposures', numeric: true },
          { title: 'In triage', numeric: true },
          { title: 'Last heard of' },
        ]}
        rows={ways.map((one) => [
          <b>{one.name}</b>,
          one.exposures,
          one.inTriage > 0 ? <Chip tone="wait">{String(one.inTriage)}</Chip> : 0,
          <At at={one.lastAt} />,
        ])}
      />
    </>
  );
}

function Elsewhere({ deliveries, refused }: LogPart) {
  return (
    <>
      <h2>Where there is no source</h2>
      <p class="soft">
        Deliveries to addresses that name no source of ours. If one should, its sender has the wrong address,
        and its reports are lost.
      </p>
      <RefusedCounts counts={refused} />
      <DataTable
        caption="Where there is no source"
        columns={[
          { title: 'Came' },
          { title: 'What became of it' },
          { title: 'Asked for' },
          { title: 'What it was' },
        ]}
        rows={deliveries.map((one) => [
          <At at={Date.parse(one.receivedAt)} />,
          <RefusedChip one={one} />,
          <span class="mono">{one.askedFor}</span>,
          <RefusedFacts one={one} />,
        ])}
      />
    </>
  );
}

export function ConnectionsView({
  frame,
  connections,
}: {
  frame: Frame;
  connections: readonly ConnectionLine[];
}) {
  return (
    <Setting
      frame={frame}
      title="Connections"
      lead="How suppliers are reached by machine. Without a control, death there cannot be proven."
    >
      {connections.length === 0 ? (
        <p class="empty">No connection yet.</p>
      ) : (
        <DataTable
          caption="Connections"
          columns={[
            { title: 'Connection' },
            { title: 'Supplier' },
            { title: 'How' },
            { title: 'Authentication' },
            { title: 'Control' },
            { title: 'Credentials', numeric: true },
          ]}
          rows={connections.map((one) => [
            <div>
              <b>{one.name}</b> {one.retiredAt !== null && <Chip tone="calm">retired</Chip>}
              <div class="mono soft">{one.baseUrl || 'as its preset says'}</div>
            </div>,
            one.partyName,
            <div>
              {one.title ?? one.presetKey}
              <div class="soft small">{one.connector ? words(one.connector) : 'unknown preset'}</div>
            </div>,
            <div>
              {one.secrets.length > 0 ? one.secrets.map(words).join(', ') : <span class="soft">none</span>}
              <OwnToken endsAt={one.tokenEndsAt} problem={one.tokenProblem} />
            </div>,
            one.hasControl ? <Chip tone="dead">canary</Chip> : <Chip tone="doubt">none</Chip>,
            one.credentials,
          ])}
        />
      )}
    </Setting>
  );
}

/** Where our own authentication ends by itself: until when it is good, or what somebody has to see to. */
function OwnToken({ endsAt, problem }: { endsAt: number | null; problem: string | null }) {
  if (problem !== null)
    return (
      <div class="small">
        <Chip tone="live">ends, or is refused</Chip> {problem}
      </div>
    );
  if (endsAt === null) return null;
  return (
    <div class="soft small">
      good until <At at={endsAt} />, prolonged before
    </div>
  );
}

export function UsersView({ frame, users }: { frame: Frame; users: readonly UserView[] }) {
  const closes = frame.may('users:create');
  return (
    <Setting frame={frame} title="Accounts" lead="Who may sign in, and as what.">
      <DataTable
        caption="Accounts"
        columns={[
          { title: 'Name' },
          { title: 'E-mail' },
          { title: 'Roles' },
          { title: 'State' },
          { title: 'Since' },
          ...(closes ? [{ title: '' }] : []),
        ]}
        rows={users.map((user) => [
          <b>{user.name}</b>,
          user.email,
          user.roles.map(words).join(', ') || <Chip tone="wait">none</Chip>,
          <Chip tone={user.state === 'active' ? 'dead' : 'calm'}>{user.state}</Chip>,
          <At at={Date.parse(user.createdAt)} day />,
          ...(closes
            ? [
                user.state === 'active' && (
                  <PostForm
                    frame={frame}
                    action={`/settings/users/${user.id}/disable`}
                    inline
                    label={`Close the account of ${user.name}`}
                  >
                    <button class="plain small" type="submit">
                      Close
                    </button>
                  </PostForm>
                ),
              ]
            : []),
        ])}
      />
    </Setting>
  );
}

export function TokensView({ frame, tokens }: { frame: Frame; tokens: readonly TokenView[] }) {
  return (
    <Setting
      frame={frame}
      title="API tokens"
      lead="Who comes in over the API. Values are shown once, when they are made, and never here."
    >
      {tokens.length === 0 ? (
        <p class="empty">No token.</p>
      ) : (
        <DataTable
          caption="API tokens"
          columns={[
            { title: 'Name' },
            { title: 'Ends with' },
            { title: 'May' },
            { title: 'State' },
            { title: 'Last used' },
            { title: 'Expires' },
          ]}
          rows={tokens.map((token) => {
            const expired = Date.parse(token.expiresAt) <= frame.now;
            return [
              <b>{token.name}</b>,
              <span class="mono">…{token.hint}</span>,
              token.role ? words(token.role) : (token.permissions ?? []).join(', '),
              token.revokedAt ? (
                <Chip tone="calm">revoked</Chip>
              ) : (
                <Chip tone={expired ? 'calm' : 'dead'}>{expired ? 'expired' : 'good'}</Chip>
              ),
              <At at={token.lastUsedAt === null ? null : Date.parse(token.lastUsedAt)} empty="never" />,
              <At at={Date.parse(token.expiresAt)} day />,
            ];
          })}
        />
      )}
    </Setting>
  );
}
