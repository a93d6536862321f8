import type { DeliveryView } from '../../domain/exposures/delivery-log.service.ts';
import type { RefusedCount } from '../../domain/exposures/refused-deliveries.service.ts';
import type { Why } from '../../domain/exposures/refused-delivery.rules.ts';
import { At } from '../shared/parts.tsx';
import { Chip, type Tone } from '../shared/states.tsx';

/** Each reason with its word, and how bad it is: lost for good, or mended by somebody's doing. */
export const WHY: Readonly<Record<Why, readonly [word: string, tone: Tone]>> = {
  'unknown-source': ['no such source', 'live'],
  'no-key': ['no key here', 'live'],
  'not-signed': ['not proven', 'live'],
  stale: ['stale', 'wait'],
  'switched-off': ['switched off', 'calm'],
  'over-quota': ['over its quota', 'wait'],
  'too-large': ['too large', 'live'],
  unreadable: ['unreadable', 'live'],
  conflicting: ['id taken', 'doubt'],
};

export function RefusedChip({ one }: { one: DeliveryView }) {
  const [word, tone] = WHY[one.why!];
  return <Chip tone={tone}>{`refused: ${word}`}</Chip>;
}

/** How many, by reason: the single ones are not all kept. */
export function RefusedCounts({ counts }: { counts: readonly RefusedCount[] }) {
  return (
    <ul class="plain">
      {counts.map((one) => (
        <li>
          <Chip tone={WHY[one.why][1]}>{`refused: ${WHY[one.why][0]}`}</Chip>
          {` ${one.lastWeek} this week, ${one.total} in all, last `}
          <At at={Date.parse(one.lastAt)} />
        </li>
      ))}
    </ul>
  );
}

/** What is known of a body that nobody kept. */
export function RefusedFacts({ one }: { one: DeliveryView }) {
  const headers = Object.entries(one.headers);
  const size =
    one.size === null ? 'of unknown size' : `${one.size} bytes${one.sha256 === null ? ', not read' : ''}`;
  return (
    <div class="small">
      {size}
      {(one.sha256 !== null || headers.length > 0) && (
        <details>
          <summary>{one.sha256 === null ? 'Its headers' : 'Its hash and headers'}</summary>
          {one.sha256 !== null && <p class="mono">{`sha256 ${one.sha256}`}</p>}
          {headers.map(([name, value]) => (
            <p class="mono">{`${name}: ${value}`}</p>
          ))}
        </details>
      )}
    </div>
  );
}
