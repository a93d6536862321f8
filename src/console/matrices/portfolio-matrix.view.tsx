import type { Id } from '../../kernel/ids.ts';
import type { PortfolioMatrixLine } from '../../domain/responsibility/portfolio-matrix.queries.ts';
import { DUTIES, type Duty } from '../../domain/responsibility/matrix.rules.ts';
import { Choice, PostForm } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { addressOf, Pager, type Listed } from '../shared/paging.tsx';
import { Empty } from '../shared/parts.tsx';
import { Chip, StateChip, words } from '../shared/states.tsx';
import type { PortfolioAsked } from './matrix.schema.ts';

export function PortfolioMatrixView({
  frame,
  asked,
  page,
  parties,
}: {
  frame: Frame;
  asked: PortfolioAsked;
  page: Listed<PortfolioMatrixLine>;
  parties: readonly { id: Id; name: string }[];
}) {
  const { after: _, ...query } = asked;
  const duties = asked.duty === undefined ? DUTIES : [asked.duty];
  const writes = frame.may('matrices:write');
  return (
    <Page title="Matrices" frame={frame}>
      <div class="head">
        <div>
          <h1>Who answers for what</h1>
          <p class="lead">
            Every integration against every duty: the accountable party, or that there is none.
          </p>
        </div>
        <p class="line">
          <a class="button plain small" href={addressOf('/matrices.xlsx', query)}>
            As a spreadsheet
          </a>
          <a class="button plain small" href={addressOf('/matrices.csv', query)}>
            As CSV
          </a>
        </p>
      </div>
      <form class="search" method="get" action="/matrices" role="search">
        <label class="choice grow">
          <span>Integration</span>
          <input type="search" name="q" value={asked.q ?? ''} placeholder="name or reference" />
        </label>
        <Choice
          name="party"
          label="Accountable"
          all="any party"
          value={asked.party}
          options={parties.map(({ id, name }) => ({ value: id, word: name }))}
        />
        <Choice
          name="duty"
          label="Duty"
          all="every duty"
          value={asked.duty}
          options={DUTIES.map((duty) => ({ value: duty, word: words(duty) }))}
        />
        <label class="check">
          <input type="checkbox" name="gap" value="1" checked={asked.gap === '1'} />
          only gaps
        </label>
        <button type="submit">Show</button>
      </form>
      {page.rows.length === 0 ? (
        <Empty>No integration is like that.</Empty>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label="Integrations against duties">
          <table class="board duty-board">
            <caption class="skip">Integrations against duties</caption>
            <thead>
              <tr>
                <th scope="col">Integration</th>
                <th scope="col">Matrix</th>
                {duties.map((duty) => (
                  <th scope="col" class="rot">
                    {words(duty)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {page.rows.map((line) => (
                <tr>
                  <th scope="row">
                    <a href={`/integrations/${line.reference}/matrix`}>{line.name}</a>
                    <div class="ref">{line.reference}</div>
                  </th>
                  <td>
                    {line.matrixState === null ? (
                      <Chip tone="live">none</Chip>
                    ) : (
                      <StateChip state={line.matrixState} />
                    )}
                  </td>
                  {line.matrixState === null && (
                    <td class="none" colSpan={duties.length}>
                      <GapMark line={line} what={asked.duty ?? '*'} writes={writes} /> in every duty: nothing
                      is agreed
                      {line.drafted.length > 0 && (
                        <>
                          , {line.drafted.length} of {DUTIES.length} are drafted
                        </>
                      )}
                    </td>
                  )}
                  {(line.matrixState === null ? [] : duties).map((duty) => {
                    const who = line.accountable[duty];
                    return who ? (
                      <td class="small">{who.join(' / ')}</td>
                    ) : (
                      <td class="none">
                        {line.drafted.includes(duty) ? (
                          <>
                            <b>gap</b> <Chip tone="wait">drafted</Chip>
                          </>
                        ) : (
                          <GapMark line={line} what={duty} writes={writes} />
                        )}
                      </td>
                    );
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {writes && page.rows.length > 0 && (
        <PostForm frame={frame} action="/matrices/chosen" id="gaps" label="The chosen gaps">
          <p class="actions">
            <button type="submit">Name who answers for the chosen gaps</button>
          </p>
        </PostForm>
      )}
      <Pager path="/matrices" query={query} next={page.next} first={asked.after === undefined} />
    </Page>
  );
}

/** A gap, which somebody who may edit can choose; what is chosen goes with the form below the table. */
function GapMark({ line, what, writes }: { line: PortfolioMatrixLine; what: Duty | '*'; writes: boolean }) {
  if (!writes) return <b>gap</b>;
  const name = `${what === '*' ? 'every gap' : `gap in ${words(what)}`} of ${line.name}`;
  return (
    <label class="check pick">
      <input type="checkbox" form="gaps" name="cell" value={`${line.id}:${what}`} aria-label={name} />
      <b>gap</b>
    </label>
  );
}
