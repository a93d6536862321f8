import type { ExposureWindowView as Window } from '../../domain/incidents/exposure-window.schema.ts';
import { TimeStrips, type Strip } from '../shared/charts.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { Pager } from '../shared/paging.tsx';
import { At, DataTable, Empty, Facts } from '../shared/parts.tsx';
import { Chip } from '../shared/states.tsx';
import { LABELS } from '../credentials/usage.view.tsx';

const ANSWERS: Readonly<
  Record<Window['investigation'], { tone: 'dead' | 'live' | 'wait' | 'doubt'; word: string }>
> = {
  not_seen: { tone: 'doubt', word: 'no use was reported' },
  as_expected: { tone: 'dead', word: 'used as expected' },
  other_environment: { tone: 'wait', word: 'reused from another environment' },
  unknown_actor: { tone: 'live', word: 'used by an unknown actor' },
};

export function ExposureWindowView({
  frame,
  head,
  windows,
  next,
  first,
}: {
  frame: Frame;
  head: { reference: string; title: string };
  windows: readonly Window[];
  next: string | undefined;
  first: boolean;
}) {
  const path = `/incidents/${head.reference}/exposure-window`;
  return (
    <Page
      title={`${head.reference}, exposure window`}
      frame={frame}
      crumbs={[
        { title: 'Incidents', path: '/incidents' },
        { title: head.reference, path: `/incidents/${head.reference}` },
      ]}
    >
      <h1>Exposure window</h1>
      <p class="lead">
        For each exposed credential: from the first possible exposure to the last accepted use that was
        reported, who used it, and what nobody can know.
      </p>
      {windows.length === 0 && <Empty>No credential is exposed in this incident.</Empty>}
      <div class="rows">
        {windows.map((window) => (
          <One window={window} now={frame.now} />
        ))}
      </div>
      <Pager path={path} query={{}} next={next} first={first} />
    </Page>
  );
}

function One({ window, now }: { window: Window; now: number }) {
  const answer = ANSWERS[window.investigation];
  return (
    <section class="card">
      <h2>
        <a
          href={`/credentials/${window.credential.reference}`}
        >{`${window.credential.name}, version ${window.version}`}</a>
        <span class="line tight">
          <Chip tone={window.state === 'closed' ? 'dead' : 'live'}>
            {window.state === 'closed' ? 'window closed' : 'window open'}
          </Chip>
          <Chip tone={answer.tone}>{answer.word}</Chip>
        </span>
      </h2>
      <p>{window.answer}</p>
      <TimeStrips
        label={`Exposure window of ${window.credential.name}`}
        now={now}
        strips={stripsOf(window)}
      />
      <div class="hashes">
        <Facts
          facts={[
            [
              'first possible exposure',
              <>
                <At at={Date.parse(window.from)} /> <span class="soft">{window.basis}</span>
              </>,
            ],
            [
              'last accepted use',
              <At
                at={window.lastAcceptedAt === null ? null : Date.parse(window.lastAcceptedAt)}
                empty="none was reported"
              />,
            ],
            [
              'proven dead',
              <At at={window.deadAt === null ? null : Date.parse(window.deadAt)} empty="it is not" />,
            ],
          ]}
        />
      </div>
      {window.blindSpots.length > 0 && (
        <>
          <h3>What nobody can know</h3>
          <ul class="plain">
            {window.blindSpots.map((spot) => (
              <li>{spot}</li>
            ))}
          </ul>
        </>
      )}
      {window.uses.length > 0 && (
        <DataTable
          caption={`Uses of ${window.credential.name}`}
          columns={[
            { title: 'Who' },
            { title: 'From where' },
            { title: 'Label' },
            { title: 'Answer' },
            { title: 'Uses', numeric: true },
            { title: 'First' },
            { title: 'Last' },
          ]}
          rows={window.uses.slice(0, 50).map((use) => [
            use.actor ?? <span class="soft">not told</span>,
            <>
              {use.place ?? <span class="soft">not told</span>}
              {use.environment !== null && <span class="soft">{`, ${use.environment}`}</span>}
            </>,
            <span class="line tight">
              <Chip tone={LABELS[use.label].tone}>{LABELS[use.label].word}</Chip>
              {!use.within && <span class="soft small">before the window</span>}
            </span>,
            use.outcome,
            use.count,
            <At at={Date.parse(use.firstAt)} />,
            <At at={Date.parse(use.lastAt)} />,
          ])}
        />
      )}
    </section>
  );
}

const DRAWN = 8;

function stripsOf(window: Window): Strip[] {
  return [
    {
      name: 'window',
      word: window.state,
      tone: window.state === 'closed' ? 'calm' : 'live',
      from: Date.parse(window.from),
      until: window.deadAt === null ? null : Date.parse(window.deadAt),
    },
    ...window.uses.slice(0, DRAWN).map((use) => ({
      name: use.outcome === 'refused' ? `${use.actor ?? 'somebody'}, refused` : (use.actor ?? 'somebody'),
      word: LABELS[use.label].word,
      tone: use.outcome === 'refused' ? ('calm' as const) : LABELS[use.label].tone,
      from: Date.parse(use.firstAt),
      until: Date.parse(use.lastAt),
    })),
  ];
}
