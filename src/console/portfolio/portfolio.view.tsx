import { Choice } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { Pager, type Listed } from '../shared/paging.tsx';
import { DataTable, Empty, ShareBar, Tabs } from '../shared/parts.tsx';
import { SearchField, SearchForm } from '../shared/search-form.tsx';
import { Chip, StateChip, type Tone } from '../shared/states.tsx';
import type { IntegrationLine, PortfolioTotals, StandingCounts, SupplierLine } from './portfolio.queries.ts';
import type { PortfolioSearch } from './portfolio.schema.ts';

const STATES = ['draft', 'in_review', 'approved', 'live', 'suspended', 'retired', 'quarantined'] as const;
const PASSES = ['held', 'lost', 'refused'] as const;

const TABS = [
  { title: 'Integrations', path: '/portfolio' },
  { title: 'Suppliers', path: '/portfolio/suppliers' },
];

export function PortfolioView({
  frame,
  asked,
  page,
  totals,
}: {
  frame: Frame;
  asked: PortfolioSearch;
  page: Listed<IntegrationLine>;
  totals: PortfolioTotals;
}) {
  const searched = Boolean(
    asked.q || asked.state || asked.pass || asked.tier || asked.supplier || asked.trouble,
  );
  return (
    <Page title="Portfolio" frame={frame}>
      <div class="head">
        <div>
          <h1>Portfolio</h1>
          <p class="lead">
            Every connection to a supplier: what state it is in, and what is worst about its credentials.
          </p>
        </div>
        {frame.may('portfolio:write') && (
          <a class="button" href="/portfolio/new">
            Add an integration
          </a>
        )}
      </div>
      {!frame.outside && <Tabs label="Portfolio" here="/portfolio" tabs={TABS} />}
      <div class="grid">
        <section class="card w12 slim">
          <ShareBar
            label="Integrations by state"
            parts={STATES.map((state) => ({
              tone: STATE_TONES[state] ?? 'calm',
              count: totals.states[state] ?? 0,
              word: state.replace('_', ' '),
            }))}
          />
        </section>
        <section class="card w12">
          <SearchForm action="/portfolio" label="Integrations" searched={searched}>
            <SearchField value={asked.q} placeholder="Name, reference, purpose or party" />
            <Choice
              name="state"
              label="State"
              all="any"
              value={asked.state}
              options={STATES.map((state) => ({ value: state, word: state.replace('_', ' ') }))}
            />
            <Choice
              name="pass"
              label="Pass"
              all="any"
              value={asked.pass}
              options={PASSES.map((pass) => ({ value: pass, word: pass }))}
            />
            <Choice
              name="tier"
              label="Risk tier"
              all="any"
              value={asked.tier === undefined ? undefined : String(asked.tier)}
              options={['1', '2', '3', '4'].map((tier) => ({ value: tier, word: tier }))}
            />
            {asked.supplier && <input type="hidden" name="supplier" value={asked.supplier} />}
            <label class="check">
              <input type="checkbox" name="trouble" value="1" checked={asked.trouble === '1'} /> open cases
              only
            </label>
          </SearchForm>
          {page.rows.length === 0 ? (
            <Empty>
              {searched
                ? 'Nothing fits. Show all, or search for less.'
                : 'No integration yet. Add the parties under Suppliers, then an integration; or import a whole portfolio.'}
            </Empty>
          ) : (
            <DataTable
              caption="Integrations"
              columns={[
                { title: 'Integration' },
                { title: 'Supplier' },
                { title: 'State' },
                { title: 'Pass' },
                { title: 'Tier', numeric: true },
                { title: 'Credentials' },
                { title: 'Owner' },
              ]}
              rows={page.rows.map((row) => [
                <div>
                  <a href={`/integrations/${row.reference}`}>
                    <b>{row.name}</b>
                  </a>
                  <div class="ref">
                    {row.reference}
                    {row.shadow && ' · found, not declared'}
                  </div>
                </div>,
                row.suppliers.join(', ') || <span class="soft">–</span>,
                <span class="line">
                  <StateChip state={row.state} of="integration" />
                  {row.openCases > 0 && (
                    <Chip tone="live">
                      {row.openCases === 1 ? '1 open case' : `${row.openCases} open cases`}
                    </Chip>
                  )}
                </span>,
                <PassChip row={row} />,
                row.riskTier,
                <Standings counts={row.credentials} />,
                row.ownerName ?? <Chip tone="live">nobody</Chip>,
              ])}
            />
          )}
          <Pager
            path="/portfolio"
            query={{
              q: asked.q,
              state: asked.state,
              pass: asked.pass,
              tier: asked.tier === undefined ? undefined : String(asked.tier),
              supplier: asked.supplier,
              trouble: asked.trouble,
            }}
            next={page.next}
            first={!asked.after}
          />
        </section>
      </div>
    </Page>
  );
}

/** An integration that is not in production has no use for a pass yet: that it holds none alarms nobody. */
function PassChip({ row }: { row: IntegrationLine }) {
  return row.pass === 'refused' && row.state !== 'live' ? (
    <Chip tone="calm">none yet</Chip>
  ) : (
    <StateChip state={row.pass} />
  );
}

const STATE_TONES: Readonly<Record<string, Tone>> = {
  draft: 'calm',
  in_review: 'wait',
  approved: 'info',
  live: 'dead',
  suspended: 'wait',
  retired: 'calm',
  quarantined: 'live',
};

const STANDING_WORDS: readonly { standing: keyof StandingCounts; tone: Tone; word: string }[] = [
  { standing: 'alive', tone: 'live', word: 'exposed and alive' },
  { standing: 'unproven', tone: 'doubt', word: 'exposed, unproven' },
  { standing: 'nobody_can_stop', tone: 'live', word: 'nobody can stop' },
  { standing: 'expired', tone: 'wait', word: 'expired' },
  { standing: 'sound', tone: 'calm', word: 'sound' },
];

/** Counts of credentials by what is worst about them, the worst first. */
export function Standings({ counts }: { counts: StandingCounts }) {
  const shown = STANDING_WORDS.filter(({ standing }) => counts[standing] > 0);
  if (shown.length === 0) return <span class="soft">none</span>;
  return (
    <span class="line tight">
      {shown.map(({ standing, tone, word }) => (
        <Chip tone={tone}>{`${counts[standing]} ${word}`}</Chip>
      ))}
    </span>
  );
}

export function SuppliersView({
  frame,
  asked,
  page,
}: {
  frame: Frame;
  asked: PortfolioSearch;
  page: Listed<SupplierLine>;
}) {
  return (
    <Page title="Suppliers" frame={frame}>
      <div class="head">
        <div>
          <h1>Suppliers</h1>
          <p class="lead">
            Whose systems accept our credentials, and how they can be reached when one leaks.
          </p>
        </div>
        {frame.may('portfolio:write') && (
          <a class="button" href="/portfolio/suppliers/new">
            Add a party
          </a>
        )}
      </div>
      <Tabs label="Portfolio" here="/portfolio/suppliers" tabs={TABS} />
      <section class="card">
        <SearchForm action="/portfolio/suppliers" label="Suppliers">
          <SearchField value={asked.q} placeholder="Name or reference" />
        </SearchForm>
        {page.rows.length === 0 ? (
          <Empty>{asked.q ? 'No supplier fits.' : 'No supplier yet.'}</Empty>
        ) : (
          <DataTable
            caption="Suppliers"
            columns={[
              { title: 'Supplier' },
              { title: 'Integrations', numeric: true },
              { title: 'Credentials that it verifies' },
              { title: 'Contacts' },
              { title: 'Connections to it', numeric: true },
              { title: 'Next review' },
            ]}
            rows={page.rows.map((row) => [
              <div>
                <a href={`/portfolio?supplier=${row.reference}`}>
                  <b>{row.name}</b>
                </a>
                <div class="ref">{[row.reference, row.region, row.sector].filter(Boolean).join(' · ')}</div>
              </div>,
              <>
                {row.integrations} <span class="soft small">({row.live} live)</span>
              </>,
              <Standings counts={row.credentials} />,
              <span class="line tight">
                {['security', 'contract', 'on_call'].map((role) => (
                  <Chip tone={row.contacts.includes(role) ? 'dead' : 'wait'}>
                    {row.contacts.includes(role) ? role.replace('_', ' ') : `no ${role.replace('_', ' ')}`}
                  </Chip>
                ))}
              </span>,
              row.connections === 0 ? <Chip tone="doubt">no connection</Chip> : row.connections,
              row.reviewOn ?? <span class="soft">–</span>,
            ])}
          />
        )}
        <Pager path="/portfolio/suppliers" query={{ q: asked.q }} next={page.next} first={!asked.after} />
      </section>
    </Page>
  );
}
