import { controls } from '../frameworks.rules.ts';
import { integrationOf, type Rule } from './finding.rules.ts';

/** An agreement is in force, and it says beforehand what is done to contain an incident. */
export const noAgreement: Rule = {
  name: 'no-agreement',
  title: 'An agreement with containment steps is in force',
  severity: 'high',
  frameworks: controls('GV.SC-05', 'RS.MA-01', '5.20', 'CC9.2', '30(1)'),
  find(facts, _limits, now) {
    const { agreement } = facts;
    if (!agreement || (agreement.validUntil !== null && agreement.validUntil <= now)) {
      return [
        {
          subject: integrationOf(facts),
          message: agreement
            ? `The agreement ${agreement.title} has ended.`
            : 'No agreement is in force for this integration.',
          mend: 'Agree with the other side on windows, containment and authority to act, and name the agreement here.',
        },
      ];
    }
    if (agreement.containmentSteps.length > 0) return [];
    return [
      {
        subject: { kind: 'agreement', id: agreement.id, name: agreement.title },
        message: `${agreement.title} says nothing about how an incident is contained.`,
        mend: 'Agree on the containment steps beforehand, each with its owner.',
      },
    ];
  },
};
