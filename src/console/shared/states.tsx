import type { JSX } from 'preact';

/** What a state means to somebody who only looks: gone, dangerous, on its way, in doubt, or neither. */
export type Tone = 'dead' | 'live' | 'wait' | 'doubt' | 'info' | 'calm';

const MARKS: Record<Tone, JSX.Element> = {
  dead: <path d="M2 6.5 5 9.5 10 3" fill="none" stroke="currentColor" stroke-width="2" />,
  live: <path d="M6 1 11 10H1Z M6 4.5V7 M6 8.3V8.9" fill="none" stroke="currentColor" stroke-width="1.4" />,
  wait: (
    <path
      d="M6 1.5A4.5 4.5 0 1 0 6 10.5 4.5 4.5 0 1 0 6 1.5M6 3.5V6L7.8 7.2"
      fill="none"
      stroke="currentColor"
      stroke-width="1.4"
    />
  ),
  doubt: (
    <path
      d="M4 4.2C4 2 8 2 8 4.3 8 6 6 5.8 6 7.5M6 9.3V10"
      fill="none"
      stroke="currentColor"
      stroke-width="1.6"
    />
  ),
  info: <path d="M6 5V9.5M6 2.5V3.4" fill="none" stroke="currentColor" stroke-width="1.8" />,
  calm: <path d="M2.5 6H9.5" fill="none" stroke="currentColor" stroke-width="1.8" />,
};

/** A state: a colour, a mark and always a word. */
export function Chip({ tone, children, title }: { tone: Tone; children: string; title?: string }) {
  return (
    <span class={`chip ${tone}`} title={title}>
      <svg viewBox="0 0 12 12" aria-hidden="true">
        {MARKS[tone]}
      </svg>
      {children}
    </span>
  );
}

const TONES: Record<string, Tone> = {
  // incident and case
  reported: 'wait',
  triage: 'wait',
  containing: 'live',
  contained: 'dead',
  recovering: 'info',
  closed: 'calm',
  dismissed: 'calm',
  open: 'live',
  // matrix
  countersigned: 'dead',
  proposed: 'wait',
  sent_back: 'wait',
  withdrawn: 'live',
  expired: 'live',
  superseded: 'calm',
  // integration
  draft: 'calm',
  in_review: 'wait',
  approved: 'info',
  suspended: 'wait',
  retired: 'calm',
  quarantined: 'live',
  held: 'dead',
  lost: 'live',
  refused: 'live',
  // death
  dead: 'dead',
  indeterminate: 'doubt',
  unproven: 'doubt',
  accepted: 'info',
  requested: 'wait',
  rejected: 'live',
  ended: 'dead',
  residual: 'wait',
  gone: 'dead',
  cleared: 'dead',
  present: 'live',
  cannot_be_proven: 'doubt',
  // steps
  pending: 'calm',
  ready: 'wait',
  running: 'info',
  waiting: 'wait',
  parked: 'doubt',
  done: 'dead',
  failed: 'live',
  skipped: 'calm',
  cancelled: 'calm',
  // notices
  owed: 'wait',
  attempting: 'info',
  met: 'dead',
  missed: 'live',
  acknowledged: 'dead',
  delivered: 'info',
  bounced: 'live',
};

const WORDS: Record<string, string> = {
  in_review: 'in review',
  sub_processor: 'sub-processor',
  cannot_be_proven: 'cannot be proven',
  none: 'none',
  revoke_now: 'revoke now',
  replace_first: 'replace first',
  approve_within: 'approve first',
};

/** A stored word as people write it. */
export function words(stored: string): string {
  return WORDS[stored] ?? stored.replaceAll('_', ' ').replaceAll('-', ' ');
}

/** What a stored state means; see `StateChip`. */
export function toneOf(state: string): Tone {
  return TONES[state] ?? (state === 'unknown' ? 'doubt' : 'calm');
}

/** The chip of a stored state, in its own words. `live` is dangerous for a credential and good for an integration. */
export function StateChip({
  state,
  of,
  word,
}: {
  state: string;
  of?: 'integration' | 'credential';
  /** In place of its own word. */
  word?: string | undefined;
}) {
  const tone: Tone = state === 'live' ? (of === 'integration' ? 'dead' : 'live') : toneOf(state);
  return <Chip tone={tone}>{word ?? words(state)}</Chip>;
}
