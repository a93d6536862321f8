import type { ReusedValue, SharedCredential } from '../../domain/credentials/reuse.queries.ts';
import type { ShadowGroup } from '../../domain/exposures/shadows.queries.ts';
import type { OddUse } from '../../domain/usage/odd-uses.queries.ts';
import { PostForm } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, DataTable, Empty } from '../shared/parts.tsx';
import { Chip, StateChip, words } from '../shared/states.tsx';
import { InventoryTabs } from './inventory.view.tsx';

const KINDS = {
  across_environments: 'across environments',
  across_integrations: 'across integrations',
  within_integration: 'within one integration',
} as const;

export function ReuseView({
  frame,
  reused,
  shared,
}: {
  frame: Frame;
  reused: readonly ReusedValue[];
  shared: readonly SharedCredential[];
}) {
  const sorted = [...reused].sort((a, b) => Number(b.blocking) - Number(a.blocking));
  return (
    <Page title="Shared and reused" frame={frame}>
      <h1>Shared and reused</h1>
      <p class="lead">
        One value in several credentials is found by equal fingerprints. Across environments it blocks:
        whoever reads the test store holds production.
      </p>
      <InventoryTabs frame={frame} here="/inventory/reuse" />
      <div class="grid">
        <section class="card w12">
          <h2>
            One value, several credentials <span class="aside">{reused.length}</span>
          </h2>
          {sorted.length === 0 ? (
            <Empty>No value stands in two credentials.</Empty>
          ) : (
            <DataTable
              caption="Values that stand in several credentials"
              columns={[{ title: 'Finding' }, { title: 'Credentials' }, { title: 'How to mend it' }]}
              rows={sorted.map((value) => [
                <Chip tone={value.blocking ? 'live' : 'wait'}>
                  {`${value.blocking ? 'blocks: ' : ''}${KINDS[value.kind]}`}
                </Chip>,
                <ul class="plain">
                  {value.members.map((member) => (
                    <li>
                      <a href={`/credentials/${member.reference}`}>{member.name}</a>{' '}
                      <Chip tone="calm">{member.environment}</Chip>
                      <div class="small soft">
                        {member.integrationName} · version{' '}
                        {member.versions.map(({ number, phase }) => `${number} ${phase}`).join(', ')}
                      </div>
                    </li>
                  ))}
                </ul>,
                value.blocking
                  ? 'Issue one of its own for each environment, and revoke the shared value.'
                  : 'Issue one for each connection, or declare one credential that both use.',
              ])}
            />
          )}
        </section>
        <section class="card w12">
          <h2>
            Shared credentials <span class="aside">{shared.length}</span>
          </h2>
          {shared.length === 0 ? (
            <Empty>Every credential serves one integration.</Empty>
          ) : (
            <DataTable
              caption="Credentials that several integrations use"
              columns={[
                { title: 'Credential' },
                { title: 'Used by' },
                { title: 'Integrations', numeric: true },
                { title: 'Reaches systems', numeric: true },
              ]}
              rows={shared.map((one) => [
                <div>
                  <a href={`/credentials/${one.reference}`}>
                    <b>{one.name}</b>
                  </a>
                  <div class="ref">{`${one.reference} · ${one.environment} · risk ${one.risk}`}</div>
                </div>,
                <div class="small">
                  {one.uses.slice(0, 6).map((use, at) => (
                    <>
                      {at > 0 && ', '}
                      <a href={`/integrations/${use.reference}`}>{use.name}</a>
                    </>
                  ))}
                  {one.uses.length > 6 && ` and ${one.uses.length - 6} more`}
                </div>,
                one.uses.length,
                one.systems,
              ])}
            />
          )}
        </section>
      </div>
    </Page>
  );
}

/** Reports without a source are called by the kind of whoever sent them. */
const TOLD_BY: Readonly<Record<string, string>> = {
  token: 'an API token',
  user: 'a person',
  link: 'a link',
  system: 'the system',
};

const WHY = {
  environment: 'used from another environment',
  retired: 'used after its retirement',
  not_live: 'used by what is not in production',
} as const;

export function ShadowsView({
  frame,
  groups,
  uses,
}: {
  frame: Frame;
  groups: readonly ShadowGroup[];
  uses: readonly OddUse[];
}) {
  return (
    <Page title="Shadow integrations" frame={frame}>
      <h1>Shadow integrations</h1>
      <p class="lead">
        Signs of connections that nobody declared: reports that matched nothing, and uses that nothing
        explains. What to look at first stands first.
      </p>
      <InventoryTabs frame={frame} here="/inventory/shadows" />
      <div class="grid">
        <section class="card w12">
          <h2>
            Reports that matched nothing <span class="aside">{groups.length}</span>
          </h2>
          {groups.length === 0 ? (
            <Empty>Every report matched a credential, or was dismissed.</Empty>
          ) : (
            <DataTable
              caption="Reports that matched nothing"
              columns={[
                { title: 'Where' },
                { title: 'Told by' },
                { title: 'Reports', numeric: true },
                { title: 'Why look' },
                { title: 'Last' },
                { title: 'In the inventory' },
              ]}
              rows={groups.map((group) => [
                <div>
                  <b class="wrap">{group.place ?? 'no place given'}</b>
                  <div class="small soft">
                    {group.kind ? words(group.kind) : 'kind unknown'}
                    {group.supplierIds.length > 0 && ` · ${group.supplierIds.join(', ')}`}
                  </div>
                </div>,
                <div>
                  {TOLD_BY[group.source] ?? group.source}
                  <div class="small">
                    <a href={`/exposures/${group.example.reference}`}>{group.example.reference}</a>
                  </div>
                </div>,
                group.reports,
                <div class="rows tight">
                  {group.saidLive && <Chip tone="live">said to work still</Chip>}
                  {group.publiclyLeaked && <Chip tone="live">public</Chip>}
                  <span class="small soft">{`score ${group.score}`}</span>
                </div>,
                <At at={Date.parse(group.lastAt)} day />,
                group.integration ? (
                  <div>
                    <a href={`/integrations/${group.integration.reference}`}>{group.integration.name}</a>{' '}
                    <StateChip state={group.integration.state} of="integration" />
                  </div>
                ) : frame.may('portfolio:write') ? (
                  <PostForm
                    frame={frame}
                    action="/inventory/shadows"
                    label={`Declare ${group.place ?? 'it'}`}
                  >
                    <input type="hidden" name="finding" value={group.finding} />
                    <span class="line tight">
                      <input
                        type="text"
                        name="name"
                        required
                        maxLength={200}
                        aria-label={`Name of the integration at ${group.place ?? 'an unknown place'}`}
                        placeholder="Name of the integration"
                      />
                      <button class="small" type="submit">
                        Declare
                      </button>
                    </span>
                  </PostForm>
                ) : (
                  <span class="soft">not yet</span>
                ),
              ])}
            />
          )}
        </section>
        <section class="card w12">
          <h2>
            Uses that nothing explains <span class="aside">{uses.length}</span>
          </h2>
          {uses.length === 0 ? (
            <Empty>In the last thirty days every use came from where it was declared.</Empty>
          ) : (
            <DataTable
              caption="Uses that nothing explains"
              columns={[
                { title: 'Credential' },
                { title: 'What' },
                { title: 'From' },
                { title: 'Uses', numeric: true },
                { title: 'Last' },
              ]}
              rows={uses.map((use) => [
                <div>
                  <a href={`/credentials/${use.reference}`}>
                    <b>{use.name}</b>
                  </a>
                  <div class="small">
                    <a href={`/integrations/${use.integrationReference}`}>{use.integrationName}</a>
                  </div>
                </div>,
                <Chip tone={use.why === 'not_live' ? 'wait' : 'live'}>{WHY[use.why]}</Chip>,
                use.environment ?? <span class="soft">–</span>,
                use.uses,
                <At at={Date.parse(use.lastAt)} />,
              ])}
            />
          )}
        </section>
      </div>
    </Page>
  );
}
