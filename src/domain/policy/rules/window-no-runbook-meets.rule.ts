import { HOUR } from '../../../kernel/time.ts';
import { controls } from '../frameworks.rules.ts';
import { worstHours } from '../runbook-time.rules.ts';
import { shortestHours, windowWords } from '../window.rules.ts';
import { lengthWords, subjectOf, type Rule, type RuleFinding } from './finding.rules.ts';

/** Agreement and runbook say the same: what the runbook's people take before a notice leaves fits into each window that we owe. */
export const windowNoRunbookMeets: Rule = {
  name: 'window-no-runbook-meets',
  title: 'A runbook meets each notification window that we owe',
  severity: 'high',
  frameworks: controls('GV.SC-08', 'RS.MA-01', 'RS.CO-02', '5.26', 'CC7.4', '30(2)(h)'),
  find(facts) {
    const owed = (facts.agreement?.terms ?? []).filter(
      (term) => term.direction === 'to_party' && term.window !== null,
    );
    const senders = facts.runbooks.filter((runbook) => runbook.beforeNotice !== null);
    return owed.flatMap((term): RuleFinding[] => {
      const window = term.window!;
      const where = `${facts.agreement!.title}, term ${term.name}`;
      if (senders.length === 0)
        return [
          {
            subject: subjectOf('term', term),
            message: `${term.name} promises a notice within ${windowWords(window)}, and no runbook sends any.`,
            mend: 'Add a runbook with a step that sends the notices owed.',
            places: [
              { where, says: `a notice within ${windowWords(window)}` },
              { where: 'runbooks', says: 'no step sends a notice' },
            ],
          },
        ];
      const fits = senders.some(({ beforeNotice }) => {
        const { minutes, businessDays } = beforeNotice!;
        if (window.unit === 'business-days' && minutes === 0) return businessDays <= window.count;
        return worstHours(beforeNotice!, term.workingDays) <= shortestHours(window, term.workingDays);
      });
      if (fits) return [];
      const nearest = senders.toSorted(
        (a, b) =>
          worstHours(a.beforeNotice!, term.workingDays) - worstHours(b.beforeNotice!, term.workingDays) ||
          (a.id < b.id ? -1 : 1),
      )[0]!;
      const takes = takesWords(nearest.beforeNotice!);
      return [
        {
          subject: subjectOf('term', term),
          message: `${term.name} promises a notice within ${windowWords(window)}; the runbook ${nearest.title} needs ${takes} before it can leave.`,
          mend: `Shorten the steps of ${nearest.title} before its step ${nearest.beforeNotice!.sender}, or agree on a longer window.`,
          places: [
            { where, says: `a notice within ${windowWords(window)}` },
            {
              where: `runbook ${nearest.id}, steps ${nearest.beforeNotice!.steps.join(' → ')}`,
              says: `${takes} before step ${nearest.beforeNotice!.sender}`,
            },
          ],
        },
      ];
    });
  },
};

function takesWords({ minutes, businessDays }: { minutes: number; businessDays: number }): string {
  const parts = [
    ...(businessDays > 0 ? [windowWords({ count: businessDays, unit: 'business-days' })] : []),
    ...(minutes > 0 ? [lengthWords((minutes / 60) * HOUR)] : []),
  ];
  return parts.join(' and ') || 'no time';
}
