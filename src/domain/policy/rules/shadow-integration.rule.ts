import { controls } from '../frameworks.rules.ts';
import { integrationOf, type Rule } from './finding.rules.ts';

/** What was found and never declared was never agreed either. */
export const shadowIntegration: Rule = {
  name: 'shadow-integration',
  title: 'The integration was declared, not only discovered',
  severity: 'high',
  frameworks: controls('ID.AM-04', 'GV.SC-04', '5.23', 'CC9.2', '28(3)'),
  find(facts) {
    if (!facts.integration.shadow) return [];
    return [
      {
        subject: integrationOf(facts),
        message: 'This integration was discovered, and nobody has declared it.',
        mend: 'Declare it with its purpose, parties and credentials, or retire it.',
      },
    ];
  },
};
