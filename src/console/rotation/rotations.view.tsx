import type { DueCredential } from '../../domain/rotation/due.queries.ts';
import type { RotationLine } from '../../domain/rotation/rotation.schema.ts';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, Countdown, DataTable, Empty } from '../shared/parts.tsx';
import { Chip } from '../shared/states.tsx';
import { OLD, STATES } from './words.ts';

export function RotationsView({
  frame,
  open,
  ended,
  due,
}: {
  frame: Frame;
  open: readonly RotationLine[];
  ended: readonly RotationLine[];
  due: readonly DueCredential[];
}) {
  return (
    <Page title="Rotations" frame={frame}>
      <div class="head">
        <div>
          <h1>Rotations</h1>
          <p class="lead">
            A new version is made, put in place and seen to work; only then the old one ends, and is shown
            dead.
          </p>
        </div>
      </div>
      <section class="card">
        <h2>
          Under way <span class="aside">{open.length}</span>
        </h2>
        {open.length === 0 ? <Empty>Nothing is being rotated.</Empty> : <Lines rotations={open} />}
      </section>
      <section class="card">
        <h2>
          Due within 30 days <span class="aside">{due.length}</span>
        </h2>
        {due.length === 0 ? (
          <Empty>Nothing has to be rotated within 30 days.</Empty>
        ) : (
          <DataTable
            caption="What has to be rotated"
            columns={[{ title: 'Credential' }, { title: 'By' }, { title: 'Why' }, { title: 'Begins' }]}
            rows={due.map((one) => [
              <div>
                <a href={`/credentials/${one.reference}/rotation`}>{one.name}</a>
                <div class="soft small">{one.integrationName}</div>
              </div>,
              <div>
                <Countdown dueAt={one.at} warnAt={one.from} now={frame.now} />
                <div class="soft small">
                  <At at={one.at} day />
                </div>
              </div>,
              one.why,
              <Chip tone={one.automatic ? 'info' : 'wait'}>
                {one.automatic ? 'by itself' : 'when somebody starts it'}
              </Chip>,
            ])}
          />
        )}
      </section>
      <section class="card">
        <h2>Ended</h2>
        {ended.length === 0 ? <Empty>No rotation has ended yet.</Empty> : <Lines rotations={ended} />}
      </section>
    </Page>
  );
}

function Lines({ rotations }: { rotations: readonly RotationLine[] }) {
  return (
    <DataTable
      caption="Rotations"
      columns={[
        { title: 'Rotation' },
        { title: 'Credential' },
        { title: 'State' },
        { title: 'Old version' },
        { title: 'Since' },
      ]}
      rows={rotations.map((one) => [
        <div>
          <a href={`/rotations/${one.reference}`}>{one.reference}</a>
          {one.emergency && (
            <div>
              {' '}
              <Chip tone="live">emergency</Chip>
            </div>
          )}
        </div>,
        <div>
          {one.credential.name}
          <div class="soft small">{one.integration.name}</div>
        </div>,
        <Chip tone={STATES[one.state].tone}>{STATES[one.state].word}</Chip>,
        <div>
          <Chip tone={OLD[one.oldStanding] ?? 'calm'}>{one.oldStanding}</Chip>
          {one.overlapUntil && one.oldStanding === 'overlap' && (
            <div class="soft small">
              until <At at={Date.parse(one.overlapUntil)} />
            </div>
          )}
          {one.behind > 0 && (
            <div class="soft small">{`in ${one.behind} ${one.behind === 1 ? 'place' : 'places'}`}</div>
          )}
        </div>,
        <At at={Date.parse(one.openedAt)} day />,
      ])}
    />
  );
}
