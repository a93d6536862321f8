import type { BoardLine, BoardStopper } from '../../domain/revocation/stoppers.schema.ts';
import { Fold, tally } from '../shared/fold.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { addressOf, Pager, type Listed } from '../shared/paging.tsx';
import { At, Empty } from '../shared/parts.tsx';
import { SearchField, SearchForm } from '../shared/search-form.tsx';
import { Chip, words, type Tone } from '../shared/states.tsx';
import type { StoppersSearch } from './stoppers.schema.ts';

const STATES: Readonly<Record<BoardLine['state'], { tone: Tone; word: string }>> = {
  nobody: { tone: 'live', word: 'nobody can stop it' },
  unproven: { tone: 'live', word: 'no proven way' },
  proven: { tone: 'dead', word: 'proven' },
  unknown: { tone: 'info', word: 'ways agreed' },
};
const STANDINGS: Readonly<Record<NonNullable<BoardStopper['standing']>, { tone: Tone; word: string }>> = {
  proven: { tone: 'dead', word: 'proven' },
  untried: { tone: 'wait', word: 'never tried' },
  drill_too_old: { tone: 'wait', word: 'drill too old' },
  drill_failed: { tone: 'live', word: 'drill failed' },
};
const REACHES: Readonly<Record<NonNullable<BoardStopper['reach']>['state'], Tone>> = {
  reachable: 'dead',
  unconfirmed: 'wait',
  unreachable: 'live',
};

type Named = { id: string; name: string } | null | undefined;

/** Who can stop what, the riskiest first. Computed as it is read. */
export function StoppersView({
  frame,
  search,
  named,
  page,
}: {
  frame: Frame;
  search: StoppersSearch;
  named: Readonly<Record<'supplier' | 'integration' | 'party', Named>>;
  page: Listed<BoardLine>;
}) {
  const { q, supplier, integration, party, trouble, after } = search;
  const kept = { q, supplier, integration, party, trouble };
  const filters = (['supplier', 'integration', 'party'] as const).filter((key) => search[key] !== undefined);
  const bad = page.rows.filter(({ state }) => state === 'nobody' || state === 'unproven').length;
  return (
    <Page title="Stoppers" frame={frame}>
      <div class="head">
        <div>
          <h1>Who can still stop it</h1>
          <p class="lead">
            Every credential, the riskiest first, and of each page what is exposed now before the rest: whom
            to call, in which order, how long it takes, and whether anybody has tried. Computed as you read
            it.
          </p>
        </div>
        {page.rows.length > 0 && (
          <p class="line">
            {bad > 0 ? (
              <Chip tone="live">{`${bad} of ${page.rows.length} on this page without a proven way`}</Chip>
            ) : (
              <Chip tone="dead">all on this page have a way that works</Chip>
            )}
          </p>
        )}
      </div>
      <SearchForm
        action="/stoppers"
        label="Credentials"
        searched={Boolean(q || trouble || filters.length > 0)}
      >
        <SearchField label="Credential" value={q} placeholder="Name or reference" />
        {filters.map((key) => (
          <input type="hidden" name={key} value={search[key]} />
        ))}
        <label class="check">
          <input type="checkbox" name="trouble" value="1" checked={trouble === '1'} /> without a proven way
          only
        </label>
      </SearchForm>
      {filters.length > 0 && (
        <p class="line">
          {filters.map((key) => (
            <span class="line tight">
              <Chip tone="info">{`${key}: ${named[key]?.name ?? 'unknown'}`}</Chip>
              <a class="small" href={addressOf('/stoppers', { ...kept, [key]: undefined })}>
                any {key}
              </a>
            </span>
          ))}
        </p>
      )}
      {page.rows.length === 0 ? (
        <Empty>
          {q || trouble || filters.length > 0
            ? 'Nothing fits. Show all, or search for less.'
            : 'No credential yet.'}
        </Empty>
      ) : (
        <Board rows={page.rows} />
      )}
      <Pager path="/stoppers" query={kept} next={page.next} first={after === undefined} />
    </Page>
  );
}

const IN_SIGHT = 6;

/** What leaked and has no proven way to be stopped comes first and in sight; a long rest is folded by integration. */
function Board({ rows }: { rows: readonly BoardLine[] }) {
  if (rows.length <= IN_SIGHT) return <Rows rows={rows} />;
  const near = new Set(rows.toSorted((a, b) => urgency(b) - urgency(a)).slice(0, IN_SIGHT));
  const rest = new Map<string, BoardLine[]>();
  for (const row of rows) {
    if (near.has(row)) continue;
    const { reference } = row.integration;
    rest.set(reference, [...(rest.get(reference) ?? []), row]);
  }
  return (
    <>
      <Rows rows={[...near]} />
      <section class="card after">
        <h2>
          The others of this page <span class="aside">by integration</span>
        </h2>
        {[...rest].map(([reference, of]) => (
          <Fold id={`of-${reference}`} word={of[0]!.integration.name} states={standings(of)}>
            <Rows rows={of} />
          </Fold>
        ))}
      </section>
    </>
  );
}

/** Nobody at all before no proven way, and what is exposed now before what is not. */
function urgency({ state, exposed }: BoardLine): number {
  const bad = state === 'nobody' ? 2 : state === 'unproven' ? 1 : 0;
  return (exposed && bad > 0 ? 4 : 0) + bad;
}

function standings(rows: readonly BoardLine[]) {
  const exposed = rows.filter((row) => row.exposed).length;
  return [
    ...(exposed > 0 ? [{ tone: 'live' as const, word: 'exposed now', count: exposed }] : []),
    ...tally(rows, ({ state }) => STATES[state]),
  ];
}

function Rows({ rows }: { rows: readonly BoardLine[] }) {
  return (
    <ul class="stop-board">
      {rows.map((row) => (
        <Row row={row} />
      ))}
    </ul>
  );
}

function Row({ row }: { row: BoardLine }) {
  const state = STATES[row.state];
  return (
    <li class={`card slim ${state.tone === 'live' ? 'red' : ''}`}>
      <div class="whose">
        <a href={`/credentials/${row.reference}`}>
          <b>{row.name}</b>
        </a>
        <div class="ref">{`${row.reference} · ${row.environment} · risk ${row.risk}`}</div>
        <div class="small">
          <a href={`/integrations/${row.integration.reference}`}>{row.integration.name}</a>
          <span class="soft">{row.verifier ? ` · verified by ${row.verifier}` : ''}</span>
        </div>
        <div class="line tight">
          <Chip tone={state.tone}>{state.word}</Chip>
          {row.exposed && <Chip tone="live">exposed now</Chip>}
        </div>
      </div>
      {row.stoppers.length === 0 ? (
        <p class="soft">
          {row.revocability === 'impossible'
            ? 'It cannot be revoked. Replace it by one that can.'
            : row.revocability === 'expiry_only'
              ? 'It dies only when it expires. Shorten its life.'
              : 'No way to revoke it is agreed. Agree on a path, and try it in a drill.'}
        </p>
      ) : (
        <ol class="stoppers">
          {row.stoppers.map((stopper) => (
            <Stopper stopper={stopper} />
          ))}
        </ol>
      )}
    </li>
  );
}

function Stopper({ stopper }: { stopper: BoardStopper }) {
  const standing = stopper.standing && STANDINGS[stopper.standing];
  return (
    <li>
      <span class="line tight">
        <b>{stopper.label}</b>
        {stopper.partyName && <span class="soft">{stopper.partyName}</span>}
        {standing && <Chip tone={standing.tone}>{standing.word}</Chip>}
        {stopper.reach && stopper.reach.state !== 'reachable' && (
          <Chip
            tone={REACHES[stopper.reach.state]}
          >{`${words(stopper.reach.state)}: ${stopper.reach.why}`}</Chip>
        )}
      </span>
      <div class="soft small">
        {stopper.byMachine
          ? 'by machine'
          : stopper.kind === 'connector'
            ? 'through a connection, by a person'
            : 'by a person'}
        {stopper.call && ` · ${stopper.call}`}
        {` · ${stopper.measured ? '' : 'about '}${stopper.expectedMinutes} min`}
        {stopper.measured && ' in the last drill'}
        {stopper.lastDrill ? (
          <>
            {` · drill ${stopper.lastDrill.outcome} `}
            <At at={Date.parse(stopper.lastDrill.at)} day />
          </>
        ) : (
          stopper.standing !== null && ' · no drill yet'
        )}
      </div>
    </li>
  );
}
