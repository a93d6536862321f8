import { ruleTitle } from '../../domain/policy/rules/registry.ts';
import type { ReEvaluation } from '../../domain/policy/re-evaluation.service.ts';
import { Choice, PostForm } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { Pager, type Listed } from '../shared/paging.tsx';
import { DataTable, Empty, Stat } from '../shared/parts.tsx';
import { Chip, StateChip } from '../shared/states.tsx';
import type { BlockedLine, GateTotals } from './gate.queries.ts';
import { Looking } from './looking.tsx';
import { Pass } from './pass.tsx';

/** What keeps integrations out of production, across the portfolio. */
export function BlockedView({
  frame,
  rule,
  first,
  page,
  totals,
  again,
}: {
  frame: Frame;
  again: ReEvaluation;
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
        {frame.may('policy:write') && (
          <PostForm frame={frame} action="/gate/re-evaluation" inline label="Look at all again">
            <button class="plain small" type="submit">
              Look at all again
            </button>
          </PostForm>
        )}
      </div>
      <div class="grid">
        <section class="card w12 slim">
          <div class="counts">
            <Stat value={totals.refused} word="kept out" tone={totals.refused > 0 ? 'wait' : 'calm'} />
            <Stat value={totals.lost} word="live, pass lost" tone={totals.lost > 0 ? 'live' : 'calm'} />
            <Stat
              value={totals.without}
              word="live without a pass"
              tone={totals.without > 0 ? 'live' : 'calm'}
            />
            <Stat value={totals.passing} word="would pass" tone="dead" />
          </div>
          <Looking again={again} />
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
                word: `${ruleTitle(one.rule)} (${one.n})`,
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
