import { INCIDENT_STATES } from '../../domain/incidents/incident.rules.ts';
import { Choice } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { Pager, type Listed } from '../shared/paging.tsx';
import { At, Countdown, DataTable, Empty, ShareBar, span } from '../shared/parts.tsx';
import { SearchField, SearchForm } from '../shared/search-form.tsx';
import { Chip, StateChip, words, type Tone } from '../shared/states.tsx';
import type { IncidentLine } from './incidents.queries.ts';
import type { IncidentSearch } from './incidents.schema.ts';
import { ExposedCredentials } from './room-credentials.view.tsx';
import { CaseList } from './room-context.view.tsx';
import type { RoomCase } from './room-context.queries.ts';
import type { ExposedCredential, RoomHead } from './room.queries.ts';

const SEVERITY: Readonly<Record<string, Tone>> = {
  critical: 'live',
  high: 'live',
  medium: 'wait',
  low: 'calm',
};

export function IncidentsView({
  frame,
  asked,
  page,
}: {
  frame: Frame;
  asked: IncidentSearch;
  page: Listed<IncidentLine>;
}) {
  const searched = Boolean(asked.q || asked.state || asked.open);
  return (
    <Page title="Incidents" frame={frame}>
      <div class="head">
        <div>
          <h1>Incidents</h1>
          <p class="lead">What leaked, how far it is from being dead, and which clock runs out next.</p>
        </div>
        {frame.may('exposures:read') && (
          <a class="button plain" href="/exposures">
            Reports and triage
          </a>
        )}
      </div>
      <section class="card">
        <SearchForm action="/incidents" label="Incidents" searched={searched}>
          <SearchField value={asked.q} placeholder="Title or reference" />
          <Choice
            name="state"
            label="State"
            all="any"
            value={asked.state}
            options={INCIDENT_STATES.map((state) => ({ value: state, word: state }))}
          />
          <label class="check">
            <input type="checkbox" name="open" value="1" checked={asked.open === '1'} /> open only
          </label>
        </SearchForm>
        {page.rows.length === 0 ? (
          <Empty>{searched ? 'No incident fits.' : 'No incident. Reports of leaks open them.'}</Empty>
        ) : (
          <IncidentTable rows={page.rows} now={frame.now} />
        )}
        <Pager
          path="/incidents"
          query={{ q: asked.q, state: asked.state, open: asked.open }}
          next={page.next}
          first={!asked.after}
        />
      </section>
    </Page>
  );
}

export function IncidentTable({ rows, now }: { rows: readonly IncidentLine[]; now: number }) {
  return (
    <DataTable
      caption="Incidents"
      columns={[
        { title: 'Incident' },
        { title: 'State' },
        { title: 'Severity' },
        { title: 'Exposed credentials' },
        { title: 'Next clock' },
        { title: 'Waiting', numeric: true },
        { title: 'Opened' },
      ]}
      rows={rows.map((row) => [
        <div>
          <a href={`/incidents/${row.reference}`}>
            <b>{row.title}</b>
          </a>
          <div class="ref">
            {row.reference} · {row.cases === 1 ? '1 case' : `${row.cases} cases`}
          </div>
        </div>,
        <StateChip state={row.state} />,
        <Chip tone={SEVERITY[row.severity] ?? 'calm'}>{words(row.severity)}</Chip>,
        <div class="bar-cell">
          <ShareBar
            label={`Exposed credentials of ${row.reference}`}
            parts={[
              { tone: 'dead', count: row.dead, word: 'proven dead' },
              { tone: 'doubt', count: row.unproven, word: 'unproven' },
              { tone: 'live', count: row.alive, word: 'alive' },
            ]}
          />
        </div>,
        <div class="rows tight">
          {row.nextDueAt !== null && <Countdown dueAt={row.nextDueAt} now={now} />}
          {row.missed > 0 && <Chip tone="live">{`${row.missed} told late`}</Chip>}
          {row.nextDueAt === null && row.missed === 0 && <span class="soft">none runs</span>}
        </div>,
        row.parked > 0 ? <b>{row.parked}</b> : <span class="soft">–</span>,
        <div>
          <At at={row.openedAt} />
          {row.containedAt !== null && (
            <div class="soft small">contained after {span(row.containedAt - row.awarenessAt)}</div>
          )}
        </div>,
      ])}
    />
  );
}

/** Every exposed credential of an incident, a page at a time. */
export function AllCredentialsView({
  frame,
  head,
  page,
  first,
}: {
  frame: Frame;
  head: RoomHead;
  page: Listed<ExposedCredential>;
  first: boolean;
}) {
  return (
    <Page
      title={`Exposed credentials of ${head.reference}`}
      frame={frame}
      crumbs={[
        { title: 'Incidents', path: '/incidents' },
        { title: head.reference, path: `/incidents/${head.reference}` },
      ]}
    >
      <h1>Exposed credentials</h1>
      <p class="lead">{head.title}</p>
      <section class="card">
        <ExposedCredentials credentials={page.rows} now={frame.now} />
        <Pager path={`/incidents/${head.reference}/credentials`} query={{}} next={page.next} first={first} />
      </section>
    </Page>
  );
}

/** Every case of an incident, a page at a time. */
export function AllCasesView({
  frame,
  head,
  page,
  first,
}: {
  frame: Frame;
  head: RoomHead;
  page: Listed<RoomCase>;
  first: boolean;
}) {
  return (
    <Page
      title={`Cases of ${head.reference}`}
      frame={frame}
      crumbs={[
        { title: 'Incidents', path: '/incidents' },
        { title: head.reference, path: `/incidents/${head.reference}` },
      ]}
    >
      <h1>Cases</h1>
      <p class="lead">{head.title}</p>
      <section class="card">
        <CaseList cases={page.rows} />
        <Pager path={`/incidents/${head.reference}/cases`} query={{}} next={page.next} first={first} />
      </section>
    </Page>
  );
}
