import { At, Empty, span } from '../shared/parts.tsx';
import { Chip, StateChip } from '../shared/states.tsx';
import type { Room } from './room.queries.ts';

export function Cases({ cases }: { cases: Room['cases'] }) {
  if (cases.length === 0) return <Empty>No integration is affected, as far as is known.</Empty>;
  return (
    <ul class="plain">
      {cases.map((one) => (
        <li id={`case-${one.id}`}>
          <div class="line spread">
            <a href={`/integrations/${one.integrationReference}`}>
              <b>{one.integrationName}</b>
            </a>
            <StateChip state={one.state} />
          </div>
          <div class="soft small">
            {one.reference} · {one.credentials === 1 ? '1 credential' : `${one.credentials} credentials`} ·{' '}
            {one.parties.join(', ')}
          </div>
          <div class="small">
            {one.accountable ? (
              <>accountable for containment: {one.accountable}</>
            ) : (
              <Chip tone="live">nobody is accountable for containment</Chip>
            )}
          </div>
        </li>
      ))}
    </ul>
  );
}

export function Witnesses({ witnesses }: { witnesses: Room['witnesses'] }) {
  if (witnesses.length === 0) return <Empty>No report names this.</Empty>;
  return (
    <ul class="plain">
      {witnesses.map((one) => (
        <li id={`w-${one.reference}`}>
          <div class="line spread">
            <b>{one.sourceName}</b>
            <span class="line tight">
              {one.publiclyLeaked && <Chip tone="live">public</Chip>}
              {one.match && (
                <Chip tone={one.match === 'value' ? 'live' : 'wait'}>
                  {one.match === 'value'
                    ? 'by value'
                    : one.match === 'metadata'
                      ? 'by description'
                      : 'no match'}
                </Chip>
              )}
            </span>
          </div>
          <div class="soft small">
            {one.reference} · <At at={one.receivedAt} />
            {one.credentialName && ` · ${one.credentialName}`}
            {one.detectedAt !== null &&
              one.receivedAt > one.detectedAt &&
              ` · told us ${span(one.receivedAt - one.detectedAt)} after it knew`}
          </div>
          {one.place && <div class="mono soft">{one.place.slice(0, 160)}</div>}
        </li>
      ))}
    </ul>
  );
}
