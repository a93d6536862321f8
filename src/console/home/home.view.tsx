import type { Id } from '../../kernel/ids.ts';
import type { NoticeView } from '../../domain/notices/notices.queries.ts';
import type { StepView } from '../../domain/runbooks/run.schema.ts';
import { IncidentTable } from '../incidents/incidents.view.tsx';
import type { IncidentLine } from '../incidents/incidents.queries.ts';
import type { Asked } from '../runbooks/work.queries.ts';
import { Waiting } from '../incidents/room-work.view.tsx';
import type { AlertLine } from '../notices/alerts.queries.ts';
import { AlertList } from '../notices/alerts.view.tsx';
import { NoticeClock, NoticeLanes } from '../notices/notice-parts.tsx';
import type { WorkCounts } from '../runbooks/work.queries.ts';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, Countdown, ShareBar, Stat } from '../shared/parts.tsx';
import { Chip, words, type Tone } from '../shared/states.tsx';
import type { NextDuty, Now, PortfolioTrouble, RunningImport } from './home.queries.ts';

export function HomeView({
  frame,
  current,
  incidents,
  steps,
  asked,
  references,
  work,
  notices,
  duties,
  alerts,
  imports,
  trouble,
}: {
  frame: Frame;
  current: Now;
  incidents: readonly IncidentLine[];
  steps: readonly StepView[];
  asked: Asked;
  references: ReadonlyMap<Id, string>;
  work: WorkCounts;
  notices: readonly NoticeView[];
  duties: readonly NextDuty[];
  alerts: readonly AlertLine[];
  imports: readonly RunningImport[];
  trouble: PortfolioTrouble;
}) {
  return (
    <Page title="Now" frame={frame}>
      <div class="head">
        <div>
          <h1>Now</h1>
          <p class="lead">
            {current.openIncidents === 0
              ? 'No incident is open.'
              : `${current.openIncidents === 1 ? 'One incident is' : `${current.openIncidents} incidents are`} open.`}
          </p>
        </div>
      </div>
      {trouble.empty && frame.may('portfolio:write') && (
        <p class="notice wait">
          Nothing is on record yet. Begin with{' '}
          <a href="/portfolio/suppliers/new">who runs this installation</a>, then its suppliers, then{' '}
          <a href="/portfolio/new">the first integration</a>.
        </p>
      )}
      <section class="card slim counts" aria-label="What is still alive">
        <Stat value={current.alive} word="still alive" tone={current.alive > 0 ? 'live' : undefined} />
        <Stat value={current.unproven} word="unproven" tone={current.unproven > 0 ? 'doubt' : undefined} />
        <Stat value={current.dead} word="proven dead" tone="dead" />
        <Stat value={work.parked} word="wait for somebody" tone={work.parked > 0 ? 'wait' : undefined} />
        <Stat value={work.stuck} word="failed or stalled" tone={work.stuck > 0 ? 'live' : undefined} />
        <div class="grow">
          <ShareBar
            label="Exposed credentials of open incidents"
            parts={[
              { tone: 'dead', count: current.dead, word: 'proven dead' },
              { tone: 'doubt', count: current.unproven, word: 'unproven' },
              { tone: 'live', count: current.alive, word: 'alive' },
            ]}
          />
        </div>
      </section>
      <div class="grid">
        <section class="card w12">
          <h2>
            Open incidents
            <a class="aside" href="/incidents">
              all incidents
            </a>
          </h2>
          {incidents.length === 0 ? (
            <p class="empty">Nothing leaks, as far as anybody has told us.</p>
          ) : (
            <IncidentTable rows={incidents} now={frame.now} />
          )}
          {current.triage > 0 && (
            <p class="notice wait">
              <a href="/exposures">
                {current.triage === 1 ? 'One report waits' : `${current.triage} reports wait`} in triage
              </a>
              : a person has to say what it is about.
            </p>
          )}
        </section>
        <section class="card w7">
          <h2>
            Waits for you
            <a class="aside" href="/work">
              all work
            </a>
          </h2>
          <Waiting steps={steps} asked={asked} frame={frame} back="/" incidents={references} />
        </section>
        <section class="card w5">
          <h2>
            Which clock runs out next
            <a class="aside" href="/notices?show=open">
              all clocks
            </a>
          </h2>
          {notices.length === 0 && duties.length === 0 && <p class="empty">No clock runs.</p>}
          {notices.length > 0 && (
            <>
              <NoticeLanes notices={notices} now={frame.now} />
              <ul class="plain">
                {notices.map((notice) => (
                  <li class="line spread">
                    <a href={`/notices/${notice.reference}`}>
                      {notice.partyName}{' '}
                      <span class="soft small">
                        {words(notice.trigger)}, {notice.reference}, {notice.integrationName}
                      </span>
                    </a>
                    <NoticeClock notice={notice} now={frame.now} />
                  </li>
                ))}
              </ul>
            </>
          )}
          {duties.length > 0 && <Duties duties={duties} now={frame.now} />}
        </section>
        <section class="card w7">
          <h2>
            Alerts
            <a class="aside" href="/alerts">
              all alerts
            </a>
          </h2>
          <AlertList alerts={alerts} frame={frame} />
        </section>
        <div class="w5 rows">
          <section class="card">
            <h2>In the portfolio</h2>
            <ul class="plain">
              <Trouble
                count={trouble.unstoppable}
                tone="live"
                one="credential that nobody can stop"
                many="credentials that nobody can stop"
              />
              <Trouble
                count={trouble.ownerless}
                tone="wait"
                one="integration that nobody owns"
                many="integrations that nobody owns"
              />
              <Trouble
                count={trouble.expiring}
                tone="info"
                one="credential expires within 14 days"
                many="credentials expire within 14 days"
              />
            </ul>
          </section>
          {imports.length > 0 && (
            <section class="card">
              <h2>Imports</h2>
              {imports.map((one) => (
                <ImportLine job={one} />
              ))}
            </section>
          )}
        </div>
      </div>
    </Page>
  );
}

function Trouble({ count, tone, one, many }: { count: number; tone: Tone; one: string; many: string }) {
  return (
    <li class="line">
      <Chip tone={count > 0 ? tone : 'dead'}>{String(count)}</Chip> {count === 1 ? one : many}
    </li>
  );
}

const IMPORT_TONES: Readonly<Record<string, Tone>> = { done: 'dead', failed: 'live', refused: 'live' };

function ImportLine({ job }: { job: RunningImport }) {
  const read = job.bytesTotal > 0 ? Math.min(100, Math.round((job.bytesRead / job.bytesTotal) * 100)) : 100;
  return (
    <div class="import">
      <div class="line spread">
        <span>
          <b>{job.reference}</b> <span class="soft">{job.fileName}</span>
        </span>
        <Chip tone={IMPORT_TONES[job.state] ?? 'info'}>{words(job.state)}</Chip>
      </div>
      {job.endedAt === null && (
        <ShareBar
          label={`Import ${job.reference}`}
          parts={[
            { tone: 'info', count: read, word: '% read' },
            { tone: 'calm', count: 100 - read, word: '% to come' },
          ]}
        />
      )}
      <div class="soft small">
        <At at={job.createdAt} />, {job.rowsRead} rows
        {job.problems > 0 && `, ${job.problems} with problems`}
      </div>
    </div>
  );
}

/** What laws and industry rules ask of us, and no notice tells yet. */
function Duties({ duties, now }: { duties: readonly NextDuty[]; now: number }) {
  return (
    <>
      <h3>Duties of laws</h3>
      <ul class="plain">
        {duties.map((duty) => (
          <li class="line spread">
            <a href={`/incidents/${duty.incident}/obligations`}>
              {duty.title} <span class="soft small">{duty.caseReference}</span>
            </a>
            <Countdown dueAt={duty.dueAt} warnAt={duty.warnAt} now={now} />
          </li>
        ))}
      </ul>
    </>
  );
}
