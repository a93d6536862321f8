import type { MassRevocationView, Standing } from '../../domain/incidents/mass-revocation.schema.ts';
import { ShareBar } from '../shared/parts.tsx';
import { Chip, type Tone } from '../shared/states.tsx';

/** Each standing as people read it. Only a proven death is green. */
export const STANDING: Readonly<Record<Standing, { tone: Tone; word: string }>> = {
  proven_dead: { tone: 'dead', word: 'proven dead' },
  seen_live: { tone: 'live', word: 'seen live' },
  revoked_unproven: { tone: 'doubt', word: 'revoked, not proven' },
  revoking: { tone: 'wait', word: 'asked for, not answered' },
  stated: { tone: 'doubt', word: 'stated by a person' },
  risk_accepted: { tone: 'doubt', word: 'risk accepted' },
  retired_unproven: { tone: 'doubt', word: 'retired, never proven dead' },
  expired_unproven: { tone: 'doubt', word: 'expired, never proven dead' },
  untouched: { tone: 'live', word: 'not touched' },
  no_version: { tone: 'calm', word: 'without a version' },
};

const STATES: Readonly<Record<MassRevocationView['state'], { tone: Tone; word: string }>> = {
  draft: { tone: 'wait', word: 'waits for a second person' },
  overtaken: { tone: 'dead', word: 'overtaken: every version is proven dead' },
  approved: { tone: 'info', word: 'approved, starting' },
  started: { tone: 'info', word: 'under way' },
  withdrawn: { tone: 'calm', word: 'withdrawn' },
};

export function MassState({ state }: { state: MassRevocationView['state'] }) {
  return <Chip tone={STATES[state].tone}>{STATES[state].word}</Chip>;
}

export function Standings({
  standings,
  label,
}: {
  standings: Readonly<Record<Standing, number>>;
  label: string;
}) {
  return (
    <ShareBar
      label={label}
      parts={(Object.keys(STANDING) as Standing[]).map((standing) => ({
        ...STANDING[standing],
        count: standings[standing],
      }))}
    />
  );
}

export function Progress({ mass }: { mass: MassRevocationView }) {
  return <Standings standings={mass.standings} label={`How far ${mass.reference} is`} />;
}
