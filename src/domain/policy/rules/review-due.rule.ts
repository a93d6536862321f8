import { controls } from '../frameworks.rules.ts';
import { ELAPSED_DAY } from '../../../kernel/time.ts';
import { day, lengthWords, type Rule } from './finding.rules.ts';

/** The agreement is looked at again in time: its review is set, not past, and not beyond the policy's cadence. */
export const reviewDue: Rule = {
  name: 'review-due',
  title: 'The agreement is reviewed in time',
  severity: 'warning',
  frameworks: controls('GV.SC-07', '5.22', 'CC9.2', '28(3)'),
  find(facts, { reviewEvery }, now) {
    const { agreement } = facts;
    if (!agreement) return [];
    const subject = { kind: 'agreement' as const, id: agreement.id, name: agreement.title };
    if (agreement.reviewOn === null)
      return [
        { subject, message: `${agreement.title} has no date of review.`, mend: 'Set a date of review.' },
      ];
    // Until the end of that day, in whatever zone.
    const reviewAt = Date.parse(`${agreement.reviewOn}T00:00:00Z`) + 2 * ELAPSED_DAY;
    if (reviewAt <= now)
      return [
        {
          subject,
          message: `The review of ${agreement.title} was due on ${agreement.reviewOn}.`,
          mend: 'Review it with the other side, and set the next date.',
        },
      ];
    if (reviewAt - 2 * ELAPSED_DAY - now <= reviewEvery) return [];
    return [
      {
        subject,
        message: `${agreement.title} is to be reviewed only on ${agreement.reviewOn}; the policy asks for every ${lengthWords(reviewEvery)}.`,
        mend: `Bring the review forward to ${day(now + reviewEvery)} or earlier.`,
      },
    ];
  },
};
