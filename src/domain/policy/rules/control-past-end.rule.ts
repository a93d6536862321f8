import { controls } from '../frameworks.rules.ts';
import { day, integrationOf, type Rule } from './finding.rules.ts';

/**
 * What stands in for something that is missing does so until a date. After it the control is gone, and what it made up for
 * is missing once more: said by name, so that whoever relied on it sees which control it was.
 */
export const controlPastEnd: Rule = {
  name: 'control-past-end',
  title: 'No compensating control is past its end',
  severity: 'high',
  frameworks: controls('GV.SC-07', '5.22', 'CC9.2'),
  find(facts, _limits, now) {
    return (facts.controls ?? [])
      .filter(({ until }) => until <= now)
      .map(({ what, control, until, finding }) =>
        what === 'exception' && finding
          ? {
              subject: finding.subject,
              message: `The exception for ${finding.subject.name} from ${finding.rule} ended on ${day(until)}, and with it its compensating control: ${control}`,
              mend: 'Mend what was excepted, or ask for another exception with a control that holds and a new end.',
            }
          : {
              subject: integrationOf(facts),
              message: `${facts.integration.name} went the fast path under a compensating control that ended on ${day(until)}: ${control}`,
              mend: `Open an access review of ${facts.integration.name} and finish it, or ask for an exception with a control that holds and a new end.`,
            },
      );
  },
};
