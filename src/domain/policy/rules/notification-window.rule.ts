import { HOUR } from '../../../kernel/time.ts';
import { controls } from '../frameworks.rules.ts';
import { longestHours, windowWords } from '../window.rules.ts';
import { lengthWords, subjectOf, type Rule } from './finding.rules.ts';

/** No notification window is longer than the policy allows, at its worst; and each has a number. */
export const notificationWindow: Rule = {
  name: 'notification-window',
  title: 'Notification windows are short enough',
  severity: 'high',
  frameworks: controls('GV.SC-05', 'RS.CO-02', '5.20', 'CC2.3', '30(2)(h)', '30(3)(b)'),
  find(facts, { longestNotificationWindow: longest }) {
    return (facts.agreement?.terms ?? []).flatMap((term) => {
      const subject = subjectOf('term', term);
      const mend = `Agree on a window of at most ${lengthWords(longest)} for ${term.name}.`;
      if (term.window === null)
        return [{ subject, message: `${term.name} says "without undue delay" and no number.`, mend }];
      const hours = longestHours(term.window, term.workingDays);
      if (hours * HOUR <= longest) return [];
      return [
        {
          subject,
          message: `${term.name} allows ${windowWords(term.window)}, which can be ${lengthWords(hours * HOUR)}; the policy allows ${lengthWords(longest)}.`,
          mend,
        },
      ];
    });
  },
};
