import { controls } from '../frameworks.rules.ts';
import { integrationOf, type Rule } from './finding.rules.ts';

/** An integration without a declared credential hides one: there is nothing that the other rules could look at. */
export const noCredential: Rule = {
  name: 'no-credential',
  title: 'The credentials of the integration are declared',
  severity: 'high',
  frameworks: controls('ID.AM-04', 'PR.AA-01', '5.16', 'CC6.1', '28(3)'),
  find(facts) {
    if (facts.credentials.length > 0) return [];
    return [
      {
        subject: integrationOf(facts),
        message: 'No credential of this integration is declared.',
        mend: 'Declare each credential that it will use in production.',
      },
    ];
  },
};
