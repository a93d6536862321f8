import type { DeliveryView, LogPart } from '../../domain/exposures/delivery-log.service.ts';
import { MOST_AN_HOUR } from '../../domain/exposures/refused-delivery.rules.ts';
import { PostForm } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { At, DataTable, Empty, Tabs } from '../shared/parts.tsx';
import { Chip } from '../shared/states.tsx';
import { RefusedChip, RefusedCounts, RefusedFacts } from './refused.tsx';

const VIA: Readonly<Record<DeliveryView['via'], string>> = {
  push: 'delivered',
  poll: 'fetched',
  file: 'handed in as a file',
};

export interface LogModel extends LogPart {
  only: 'taken' | 'refused' | undefined;
  next: string | undefined;
  first: boolean;
}

/** What came of a source, what was turned away, and the replay of what was taken. */
export function SourceLog({
  deliveries,
  refused,
  only,
  next,
  first,
  path,
  frame,
}: LogModel & { path: string; frame: Frame }) {
  const at = (query: string) => `${path}${query}`;
  const here = at(only ? `?only=${only}` : '');
  const counts = only === 'taken' ? [] : refused;
  return (
    <section class="card w12" id="deliveries">
      <h2>Deliveries</h2>
      <Tabs
        label="Deliveries"
        here={here}
        tabs={[
          { title: 'All', path },
          { title: 'Taken', path: at('?only=taken') },
          { title: 'Refused', path: at('?only=refused') },
        ]}
      />
      {counts.length > 0 && <RefusedCounts counts={counts} />}
      {only === 'refused' && counts.length > 0 && (
        <p class="soft small">
          {`No body is kept of what was refused. The first ${MOST_AN_HOUR} of an hour and reason are kept one by one, for 30 days; all of them are counted.`}
        </p>
      )}
      {deliveries.length === 0 ? (
        <Empty>{only === 'refused' ? 'Nothing was refused.' : 'Nothing came yet.'}</Empty>
      ) : (
        <DataTable
          caption="Deliveries"
          columns={[
            { title: 'Came' },
            { title: 'Event' },
            { title: 'What became of it' },
            { title: 'Reports', numeric: true },
            { title: 'In triage', numeric: true },
            { title: 'Came again', numeric: true },
            { title: '' },
          ]}
          rows={deliveries.map((one) =>
            one.outcome === 'refused' ? turnedAway(one) : taken(one, path, frame),
          )}
        />
      )}
      <nav class="pager" aria-label="Pages of the list">
        {!first && (
          <a class="button plain small" href={here}>
            To the beginning
          </a>
        )}
        {next !== undefined && (
          <a class="button plain small" rel="next" href={`${here}${only ? '&' : '?'}before=${next}`}>
            Further
          </a>
        )}
      </nav>
    </section>
  );
}

function Came({ one }: { one: DeliveryView }) {
  return (
    <div>
      <At at={Date.parse(one.receivedAt)} />
      <div class="soft small">{VIA[one.via]}</div>
    </div>
  );
}

function turnedAway(one: DeliveryView) {
  return [
    <Came one={one} />,
    <RefusedFacts one={one} />,
    <div>
      <RefusedChip one={one} />
      <div class="soft small">{one.reason}</div>
    </div>,
    '–',
    '–',
    '–',
    '',
  ];
}

function taken(one: DeliveryView, path: string, frame: Frame) {
  const name = short(one.deliveryId ?? '');
  return [
    <Came one={one} />,
    <div>
      {one.event}
      <div class="mono soft small">{name}</div>
    </div>,
    <div>
      <Chip tone={one.outcome === 'accepted' ? 'info' : 'calm'}>{one.outcome}</Chip>
      {one.reason && <div class="soft small">{one.reason}</div>}
      {one.replayedAt !== null && (
        <div class="soft small">
          {'gone through again '}
          <At at={Date.parse(one.replayedAt)} />
        </div>
      )}
    </div>,
    one.reports,
    one.inTriage > 0 ? <Chip tone="wait">{String(one.inTriage)}</Chip> : 0,
    one.redeliveries,
    frame.may('sources:write') && one.outcome === 'accepted' ? (
      <PostForm frame={frame} action={`${path}/deliveries/${one.id}/replay`} inline label={`Replay ${name}`}>
        <button type="submit" class="plain small">
          Replay
        </button>
      </PostForm>
    ) : (
      ''
    ),
  ];
}

function short(id: string): string {
  return id.length > 24 ? `${id.slice(0, 21)}…` : id;
}
