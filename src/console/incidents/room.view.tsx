import type { VNode } from 'preact';
import { PostForm } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, Headed, ShareBar, Stat } from '../shared/parts.tsx';
import { Short, tally, Whole } from '../shared/fold.tsx';
import { Chip, StateChip, toneOf, words, type Tone } from '../shared/states.tsx';
import { Downstream } from './downstream.view.tsx';
import { failureClasses, Failures } from './failures.view.tsx';
import { InstantForm } from './instant.view.tsx';
import { Cases, Witnesses } from './room-context.view.tsx';
import { Notices } from './room-notices.view.tsx';
import { Board, ExposedCredentials, standings, StillAlive } from './room-credentials.view.tsx';
import { Runs, Waiting } from './room-work.view.tsx';
import type { Room } from './room.queries.ts';
import { InstantsOf, TimeLineOf } from './timeline.view.tsx';

const OPEN = new Set(['reported', 'triage', 'containing', 'contained', 'recovering']);
const SEVERITY: Readonly<Record<string, Tone>> = {
  critical: 'live',
  high: 'live',
  medium: 'wait',
  low: 'calm',
};

/** A part of the room that is drawn, and moves, by itself. */
interface RoomPart {
  id: string;
  draw: (room: Room, frame: Frame) => VNode | null;
}

/** The room in its order. Each part is sent anew when it has changed, and only then. */
export const ROOM_PARTS: readonly RoomPart[] = [
  { id: 'room-state', draw: (room, frame) => <State room={room} frame={frame} /> },
  { id: 'room-alive', draw: (room) => <AlivePart room={room} /> },
  { id: 'room-counts', draw: (room) => <Counts room={room} /> },
  { id: 'room-waiting', draw: (room, frame) => <WaitingPart room={room} frame={frame} /> },
  {
    id: 'room-credentials',
    draw: (room, frame) => <CredentialsPart room={room} now={minute(frame.now)} />,
  },
  { id: 'room-runs', draw: (room) => <Runs nodes={room.nodes} /> },
  {
    id: 'room-board',
    draw: (room) => <Board credentials={room.credentials} incident={room.head.reference} />,
  },
  {
    id: 'room-reach',
    draw: ({ head, downstream }, frame) => (
      <Downstream {...downstream} now={minute(frame.now)} path={`/downstream?incident=${head.reference}`} />
    ),
  },
  {
    id: 'room-failures',
    draw: ({ failures }) => (
      <Short id="failed" items={failures} first={3} more="Earlier failures" states={failureClasses}>
        {(part) => <Failures failures={part} />}
      </Short>
    ),
  },
  { id: 'room-notices', draw: (room, frame) => <Notices room={room} now={minute(frame.now)} /> },
  {
    id: 'room-cases',
    draw: ({ cases, totals, head }) => (
      <Cases cases={cases} total={totals.cases} path={`/incidents/${head.reference}/cases`} />
    ),
  },
  {
    id: 'room-witnesses',
    draw: ({ witnesses, totals, head }) => (
      <Witnesses
        witnesses={witnesses}
        total={totals.reports}
        path={`/exposures?show=all&incident=${head.reference}`}
      />
    ),
  },
  { id: 'room-timeline', draw: (room, frame) => <TimeLineOf room={room} frame={frame} /> },
  { id: 'room-instants', draw: (room) => <InstantsOf room={room} /> },
];

/** How many steps that wait for somebody stand in sight. */
const ASKED = 3;
/** How many credentials stand with their stoppers above everything else, so that the rest of the room is near. */
const PINNED = 3;
const open = ({ credentials }: Room) => credentials.filter(({ standing }) => standing !== 'dead');

/** What is told in minutes changes once a minute. */
function minute(now: number): number {
  return now - (now % 60_000);
}

function part(id: string, room: Room, frame: Frame) {
  return <div id={id}>{ROOM_PARTS.find((one) => one.id === id)?.draw(room, frame)}</div>;
}

export function RoomView({ room, frame }: { room: Room; frame: Frame }) {
  const { head } = room;
  const path = `/incidents/${head.reference}`;
  const show = (id: string) => part(id, room, frame);
  return (
    <Page
      title={`${head.reference} ${head.title}`}
      frame={frame}
      moves
      crumbs={[{ title: 'Incidents', path: '/incidents' }]}
    >
      <div hx-sse:connect={`/incidents/${head.reference}/moves`} hx-swap="none" />
      {show('room-state')}
      {show('room-alive')}
      {show('room-counts')}
      <div class="grid">
        <section class="card w12">
          <h2>Needs somebody now</h2>
          {show('room-waiting')}
        </section>
        <section class="card w12">
          <h2>
            Exposed credentials{' '}
            {frame.may('usage:read') && (
              <a class="aside" href={`/incidents/${head.reference}/exposure-window`}>
                who used them, from when to when
              </a>
            )}
          </h2>
          {show('room-credentials')}
        </section>
        <section class="card w6">
          <h2>Steps</h2>
          {show('room-runs')}
        </section>
        <section class="card w6">
          <Headed title="Notices and their clocks" path={`${path}/obligations`} word="all duties to tell" />
          {show('room-notices')}
        </section>
        <section class="card w12">
          <h2>Copies</h2>
          {show('room-board')}
        </section>
        <section class="card w12">
          <h2>What the exposed credentials reached</h2>
          {show('room-reach')}
        </section>
        <section class="card w12">
          <Headed
            title="What failed since"
            path={`${path}/failures`}
            word={frame.may('incidents:act') ? 'all, and report one' : 'all'}
          />
          {show('room-failures')}
        </section>
        <div class="w5 rows">
          <section class="card">
            <h2>Cases</h2>
            {show('room-cases')}
          </section>
          <section class="card">
            <h2>Witnesses</h2>
            {show('room-witnesses')}
          </section>
        </div>
        <div class="w7 rows">
          <section class="card">
            <h2>
              Time line <span class="aside">newest first, from the ledger</span>
            </h2>
            {show('room-timeline')}
          </section>
          <section class="card">
            <h2>Instants</h2>
            {show('room-instants')}
            {frame.may('incidents:act') && head.state !== 'dismissed' && (
              <details>
                <summary>Record an instant</summary>
                <InstantForm frame={frame} reference={head.reference} />
              </details>
            )}
          </section>
        </div>
      </div>
      <noscript>
        <p class="soft">
          This page moves by itself where scripts are on.{' '}
          <a href={`/incidents/${head.reference}`}>Load it again</a> for what is newest.
        </p>
      </noscript>
    </Page>
  );
}

/** Hours, minutes and seconds since somebody knew; it stops when everything is contained. */
export function elapsed(from: number, until: number): string {
  const seconds = Math.max(0, Math.floor((until - from) / 1000));
  const two = (value: number) => String(value).padStart(2, '0');
  const days = Math.floor(seconds / 86_400);
  return `${days > 0 ? `${days} d ` : ''}${two(Math.floor(seconds / 3600) % 24)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

function State({ room: { head, notices, waitingCount }, frame }: { room: Room; frame: Frame }) {
  // Of what was none nobody has to be told any more.
  const open = notices.filter(
    (one) =>
      head.state !== 'dismissed' &&
      one.timeliness === 'open' &&
      one.obligation === 'required' &&
      one.dueAt !== null,
  );
  const next = open.toSorted((a, b) => a.dueAt! - b.dueAt!)[0];
  const end = head.containedAt ?? head.closedAt ?? frame.now;
  return (
    <div class="head">
      <div>
        <p class="ref">
          {head.reference}
          {head.previousReference && (
            <>
              {' after '}
              <a href={`/incidents/${head.previousReference}`}>{head.previousReference}</a>
            </>
          )}
        </p>
        <h1>{head.title}</h1>
        <p class="line">
          <StateChip state={head.state} />
          <Chip tone={SEVERITY[head.severity] ?? 'calm'}>{`severity ${head.severity}`}</Chip>
          <span class="soft small">
            known since <At at={head.awarenessAt} />
          </span>
          {head.dismissalAsked && head.state !== 'dismissed' && <Chip tone="wait">dismissal asked for</Chip>}
        </p>
        <p class="line">
          {head.acknowledgedBy ? (
            <span class="soft small">taken on by {head.acknowledgedBy}</span>
          ) : (
            frame.may('incidents:act') &&
            OPEN.has(head.state) && (
              <PostForm
                frame={frame}
                action={`/incidents/${head.reference}/acknowledge`}
                inline
                label="Take it on"
              >
                <button class="small" type="submit">
                  Take it on
                </button>
              </PostForm>
            )
          )}
          {frame.may('incidents:act') && !['closed', 'dismissed'].includes(head.state) && (
            <a class="button plain small" href={`/incidents/${head.reference}/decide`}>
              Close or dismiss…
            </a>
          )}
        </p>
      </div>
      <div class="clocks">
        <div class="stat">
          <b class="mono-clock">{elapsed(head.awarenessAt, end)}</b>
          <span>
            {OPEN.has(head.state) && head.containedAt === null
              ? 'since we know'
              : head.state === 'dismissed'
                ? 'from knowing to dismissed'
                : head.containedAt === null
                  ? 'from knowing to closed'
                  : 'from knowing to contained'}
          </span>
        </div>
        {next && (
          <div
            class={`stat ${frame.now > next.dueAt! ? 'live' : next.warnAt !== null && frame.now >= next.warnAt ? 'wait' : ''}`}
          >
            <b class="mono-clock">
              {frame.now > next.dueAt!
                ? `−${elapsed(next.dueAt!, frame.now)}`
                : elapsed(frame.now, next.dueAt!)}
            </b>
            <span>until {next.partyName} must be told</span>
          </div>
        )}
        {waitingCount > 0 && (
          <div class="stat doubt">
            <b>{waitingCount}</b>
            <span>{waitingCount === 1 ? 'step waits for somebody' : 'steps wait for somebody'}</span>
          </div>
        )}
      </div>
    </div>
  );
}

function Counts({ room: { head } }: { room: Room }) {
  return (
    <section class="card slim counts" aria-label="How far this is contained">
      <Stat value={head.exposed} word="exposed" />
      <Stat value={head.dead} word="proven dead" tone="dead" />
      <Stat value={head.alive} word="still alive" tone={head.alive > 0 ? 'live' : undefined} />
      <Stat value={head.unproven} word="unproven" tone={head.unproven > 0 ? 'doubt' : undefined} />
      <Stat value={`${head.copiesGone}/${head.copies}`} word="copies gone" />
      <div class="grow">
        <ShareBar
          label="Exposed credentials"
          parts={[
            { tone: 'dead', count: head.dead, word: 'proven dead' },
            { tone: 'doubt', count: head.unproven, word: 'unproven' },
            { tone: 'live', count: head.alive, word: 'alive' },
          ]}
        />
      </div>
    </section>
  );
}

function WaitingPart({ room, frame }: { room: Room; frame: Frame }) {
  const { head, waiting, waitingCount } = room;
  return (
    <>
      <Short
        id="asks"
        items={waiting}
        first={ASKED}
        more="More that wait for somebody"
        states={(part) => tally(part, ({ state }) => ({ tone: toneOf(state), word: words(state) }))}
      >
        {(part) => (
          <Waiting
            steps={part}
            asked={room.asked}
            frame={{ ...frame, now: minute(frame.now) }}
            back={`/incidents/${head.reference}`}
          />
        )}
      </Short>
      {waitingCount > waiting.length && (
        <p class="pager">
          <a class="button plain small" href={`/work?show=parked&incident=${head.reference}`}>
            All that wait for somebody here
          </a>
        </p>
      )}
    </>
  );
}

/** The one question of a running incident, before anything that is only told. */
function AlivePart({ room }: { room: Room }) {
  if (open(room).length === 0) return null;
  return (
    <section class="card slim pinned">
      <h2>Who can still stop it</h2>
      <Short
        id="alive"
        items={open(room)}
        first={PINNED}
        more="The others that are not proven dead"
        states={standings}
      >
        {(part) => <StillAlive credentials={part} />}
      </Short>
    </section>
  );
}

function CredentialsPart({ room: { head, credentials }, now }: { room: Room; now: number }) {
  return (
    <>
      <Short
        id="exposed"
        items={credentials}
        first={3}
        needs={({ standing }) => standing !== 'dead'}
        more="More that are not proven dead"
        settled="Proven dead"
        states={standings}
      >
        {(part) => <ExposedCredentials credentials={part} now={now} />}
      </Short>
      <Whole shown={credentials.length} of={head.exposed} path={`/incidents/${head.reference}/credentials`} />
    </>
  );
}
