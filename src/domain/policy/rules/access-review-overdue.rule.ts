import { controls } from '../frameworks.rules.ts';
import { day, subjectOf, type Rule, type RuleFinding } from './finding.rules.ts';

/** Who may view, rotate and revoke was looked at in time, and whoever was to lose an access has lost it. */
export const accessReviewOverdue: Rule = {
  name: 'access-review-overdue',
  title: 'Access is reviewed in time, and removals are carried out',
  severity: 'high',
  frameworks: controls('NHI1:2025', 'NHI5:2025', 'PR.AA-05', '5.18', 'CC6.2', 'CC6.3'),
  find(facts, _limits, now) {
    return facts.accessReviews.flatMap((review): RuleFinding[] => {
      const subject = subjectOf('access_review', { id: review.id, name: review.reference });
      const what = review.accounts ? 'accounts and tokens' : `accesses to ${facts.integration.name}`;
      const late: RuleFinding[] =
        review.undecided > 0 && review.dueAt < now
          ? [
              {
                subject,
                message: `${review.undecided} ${what} were to be reviewed by ${day(review.dueAt)} and were not.`,
                mend: `Decide what is open in ${review.reference}: keep or remove, each with its reason.`,
              },
            ]
          : [];
      const kept: RuleFinding[] =
        review.removalsFailed > 0
          ? [
              {
                subject: { ...subject, id: `${review.id}/removals` },
                message: `${review.removalsFailed} accesses that ${review.reference} removed are still there.`,
                mend: `Carry the removals of ${review.reference} out, or ask for them once more there.`,
              },
            ]
          : [];
      return [...late, ...kept];
    });
  },
};
