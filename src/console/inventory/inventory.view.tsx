import type { InventoryLine, UnownedIntegration } from '../../domain/portfolio/inventory.queries.ts';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { Pager, type Listed } from '../shared/paging.tsx';
import { At, DataTable, Empty, Tabs } from '../shared/parts.tsx';
import { SearchField, SearchForm } from '../shared/search-form.tsx';
import { Chip, StateChip, words, type Tone } from '../shared/states.tsx';

const GAPS: Readonly<Record<InventoryLine['gaps'][number], { tone: Tone; word: string }>> = {
  no_owner: { tone: 'live', word: 'nobody owns it' },
  rotation_overdue: { tone: 'live', word: 'rotation overdue' },
  no_store: { tone: 'wait', word: 'kept nowhere known' },
  no_rotation: { tone: 'wait', word: 'no rotation, no expiry' },
  no_purpose: { tone: 'wait', word: 'no purpose' },
  unused: { tone: 'doubt', word: 'unused for 90 days' },
  never_seen_used: { tone: 'doubt', word: 'never seen in use' },
};

export function InventoryTabs({ frame, here }: { frame: Frame; here: string }) {
  const tabs = [
    { title: 'Credentials', path: '/inventory' },
    { title: 'Without an owner', path: '/inventory/unowned' },
    ...(frame.may('exposures:read') && !frame.outside
      ? [
          { title: 'Shared and reused', path: '/inventory/reuse' },
          { title: 'Shadow integrations', path: '/inventory/shadows' },
        ]
      : []),
  ];
  return <Tabs label="Inventory" here={here} tabs={tabs} />;
}

export function InventoryView({
  frame,
  page,
  q,
  first,
}: {
  frame: Frame;
  page: Listed<InventoryLine>;
  q: string | undefined;
  first: boolean;
}) {
  return (
    <Page title="Inventory" frame={frame}>
      <h1>Inventory</h1>
      <p class="lead">
        Every credential, the riskiest first: whose it is, where it is kept, when it is due, and what is
        missing.
      </p>
      <InventoryTabs frame={frame} here="/inventory" />
      <SearchForm action="/inventory" label="Credentials">
        <SearchField label="Credential" value={q} placeholder="Name, reference or purpose" />
      </SearchForm>
      {page.rows.length === 0 ? (
        <Empty>{q ? 'Nothing fits.' : 'No credential yet.'}</Empty>
      ) : (
        <section class="card">
          <DataTable
            caption="Credentials"
            columns={[
              { title: 'Credential' },
              { title: 'For' },
              { title: 'Owner' },
              { title: 'Kept in' },
              { title: 'Rotation' },
              { title: 'Last use' },
              { title: 'Missing' },
              ...(frame.may('portfolio:write') ? [{ title: '' }] : []),
            ]}
            rows={page.rows.map((row) => cells(row, frame))}
          />
        </section>
      )}
      <Pager path="/inventory" query={{ q }} next={page.next} first={first} />
    </Page>
  );
}

function cells(row: InventoryLine, frame: Frame) {
  return [
    <div>
      <a href={`/credentials/${row.reference}`}>
        <b>{row.name}</b>
      </a>
      <div class="ref">{`${row.reference} · ${row.environment}`}</div>
      <div class="small soft">{words(row.kind)}</div>
    </div>,
    <div class="small">
      <a href={`/integrations/${row.integration.reference}`}>{row.integration.name}</a>
      {row.purpose && <div class="soft">{row.purpose.slice(0, 90)}</div>}
    </div>,
    row.owner === null ? (
      <Chip tone="live">nobody</Chip>
    ) : (
      <span>
        {row.owner.name ?? 'somebody of another party'}
        {!row.owner.active && <Chip tone="live">has left</Chip>}
      </span>
    ),
    row.store ? <span class="small mono">{row.store}</span> : <span class="soft">–</span>,
    <Rotation row={row} />,
    <At at={row.lastUsedAt === null ? null : Date.parse(row.lastUsedAt)} day />,
    row.gaps.length === 0 ? (
      <Chip tone="dead">nothing</Chip>
    ) : (
      <div class="rows tight">
        {row.gaps.map((gap) => (
          <Chip tone={GAPS[gap].tone}>{GAPS[gap].word}</Chip>
        ))}
      </div>
    ),
    ...(frame.may('portfolio:write')
      ? [
          <a
            class="button plain small"
            href={`/credentials/${row.reference}/edit`}
            aria-label={`Edit ${row.name}`}
          >
            Edit
          </a>,
        ]
      : []),
  ];
}

function Rotation({ row }: { row: InventoryLine }) {
  if (row.rotateEveryDays === null)
    return row.expiresAt === null ? (
      <span class="soft">–</span>
    ) : (
      <span class="small">
        expires <At at={Date.parse(row.expiresAt)} day />
      </span>
    );
  return (
    <div class="small">
      every {row.rotateEveryDays} days
      {row.rotationDueAt !== null && (
        <div>
          {row.rotation === 'overdue' ? (
            <Chip tone="live">{`due ${row.rotationDueAt.slice(0, 10)}`}</Chip>
          ) : row.rotation === 'soon' ? (
            <Chip tone="wait">{`due ${row.rotationDueAt.slice(0, 10)}`}</Chip>
          ) : (
            <span class="soft">due {row.rotationDueAt.slice(0, 10)}</span>
          )}
        </div>
      )}
    </div>
  );
}

export function UnownedView({ frame, rows }: { frame: Frame; rows: readonly UnownedIntegration[] }) {
  return (
    <Page title="Without an owner" frame={frame}>
      <h1>Without an owner</h1>
      <p class="lead">
        What nobody owns for a day is quarantined, and comes back with an owner; what was live passes the gate
        once more.
      </p>
      <InventoryTabs frame={frame} here="/inventory/unowned" />
      {rows.length === 0 ? (
        <Empty>Every integration has an owner who is still there.</Empty>
      ) : (
        <section class="card">
          <DataTable
            caption="Integrations without an owner"
            columns={[
              { title: 'Integration' },
              { title: 'State' },
              { title: 'Owner' },
              { title: 'Unowned since' },
              { title: 'Credentials', numeric: true },
              { title: 'Last use' },
              { title: '' },
            ]}
            rows={rows.map((row) => [
              <div>
                <a href={`/integrations/${row.reference}`}>
                  <b>{row.name}</b>
                </a>
                <div class="ref">{`${row.reference} · tier ${row.riskTier}`}</div>
              </div>,
              <span class="line tight">
                <StateChip state={row.state} of="integration" />
                {row.shadow && <Chip tone="live">found, not declared</Chip>}
              </span>,
              row.formerOwner === null ? (
                <Chip tone="live">nobody</Chip>
              ) : (
                <Chip tone="live">{`${row.formerOwner} has left`}</Chip>
              ),
              <At at={row.unownedSince === null ? null : Date.parse(row.unownedSince)} empty="just now" />,
              row.credentials,
              <At at={row.lastUsedAt === null ? null : Date.parse(row.lastUsedAt)} day />,
              frame.may('portfolio:write') ? (
                <a
                  class="button small"
                  href={`/integrations/${row.reference}/edit`}
                  aria-label={`Name an owner of ${row.name}`}
                >
                  Name an owner
                </a>
              ) : null,
            ])}
          />
        </section>
      )}
    </Page>
  );
}
