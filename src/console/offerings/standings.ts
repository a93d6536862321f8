import type { Standing } from '../../domain/responsibility/offering.schema.ts';
import type { Tone } from '../shared/states.tsx';

/** Where a customer stands, as people read it. The order is that of the bar. */
export const STANDING: Readonly<Record<Standing, { tone: Tone; word: string; mend: string }>> = {
  signed: { tone: 'dead', word: 'signed', mend: 'Nothing to do.' },
  waiting: { tone: 'wait', word: 'waits for signatures', mend: 'Remind those who have not signed.' },
  queued: { tone: 'info', word: 'on its way', mend: 'It is being proposed.' },
  behind: { tone: 'doubt', word: 'signed an older version', mend: 'Propose the newest version.' },
  sent_back: { tone: 'wait', word: 'sent back', mend: 'Read the comments, then propose again.' },
  departed: {
    tone: 'doubt',
    word: 'has a matrix of its own',
    mend: 'Compare: it was changed after this was proposed.',
  },
  lapsed: { tone: 'live', word: 'signatures lapsed', mend: 'Propose again, or have it signed anew.' },
  withdrawn: { tone: 'live', word: 'withdrawn', mend: 'Talk to them, then propose again.' },
  failed: { tone: 'live', word: 'could not be proposed', mend: 'Mend what is named, then propose again.' },
};
