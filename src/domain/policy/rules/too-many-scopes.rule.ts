import { controls } from '../frameworks.rules.ts';
import { subjectOf, type Rule } from './finding.rules.ts';

/** One credential may not do everything: it has no more scopes than the policy allows. */
export const tooManyScopes: Rule = {
  name: 'too-many-scopes',
  title: 'No credential has more scopes than is allowed',
  severity: 'high',
  frameworks: controls('NHI5:2025', 'PR.AA-05', '5.18', 'CC6.3'),
  find(facts, limits) {
    return facts.credentials
      .filter(({ scopes }) => scopes.length > limits.scopesPerCredential)
      .map((credential) => ({
        subject: subjectOf('credential', credential),
        message: `${credential.name} has ${credential.scopes.length} scopes; the policy allows ${limits.scopesPerCredential}.`,
        mend: `Have the scopes of ${credential.name} reduced, or split it into credentials that each do one thing.`,
      }));
  },
};
