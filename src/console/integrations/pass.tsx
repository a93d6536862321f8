import { span } from '../shared/parts.tsx';
import { Chip } from '../shared/states.tsx';

/** Whether an integration may be in production, and for how long still. */
export function Pass({
  head,
  now,
}: {
  head: { state: string; pass: string; passGraceUntil: number | null };
  now: number;
}) {
  if (head.pass === 'lost' && head.passGraceUntil !== null) {
    const left = head.passGraceUntil - now;
    return (
      <Chip tone="live">{left > 0 ? `pass lost, ${span(left)} of grace` : 'pass lost, grace over'}</Chip>
    );
  }
  const none = head.pass === 'refused' && head.state !== 'live';
  return (
    <Chip tone={head.pass === 'held' ? 'dead' : none ? 'calm' : 'live'}>
      {none ? 'no pass yet' : `pass ${head.pass}`}
    </Chip>
  );
}
