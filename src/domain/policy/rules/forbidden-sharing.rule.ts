import { controls } from '../frameworks.rules.ts';
import { subjectOf, type Rule } from './finding.rules.ts';

/** One identity for each connection: a credential serves no more integrations than the policy allows. */
export const forbiddenSharing: Rule = {
  name: 'forbidden-sharing',
  title: 'Credentials are not shared beyond what is allowed',
  severity: 'high',
  frameworks: controls('NHI9:2025', 'PR.AA-05', '5.16', 'CC6.3'),
  find(facts, limits) {
    return facts.credentials
      .filter(({ sharedWith }) => sharedWith.length + 1 > limits.integrationsPerCredential)
      .map((credential) => ({
        subject: subjectOf('credential', credential),
        message: `${credential.name} serves ${credential.sharedWith.length + 1} integrations; the policy allows ${limits.integrationsPerCredential}.`,
        mend: `Have an own credential issued for ${facts.integration.name}.`,
      }));
  },
};
