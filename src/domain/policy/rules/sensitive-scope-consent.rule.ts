import { controls } from '../frameworks.rules.ts';
import { isSensitive } from '../sensitive.rules.ts';
import { subjectOf, type Rule } from './finding.rules.ts';

/** A scope that the policy calls sensitive is used by the explicit consent of a person, on record with their name. */
export const sensitiveScopeConsent: Rule = {
  name: 'sensitive-scope-consent',
  title: 'Each sensitive scope has the consent of a person',
  severity: 'high',
  frameworks: controls('NHI5:2025', 'PR.AA-05', '5.18', 'CC6.3'),
  find(facts, { sensitiveScopes }) {
    return facts.credentials.flatMap((credential) =>
      credential.scopes
        .filter(({ name, consent }) => isSensitive(name, sensitiveScopes) && !consent)
        .map(({ name }) => ({
          subject: {
            ...subjectOf('credential', credential),
            id: `${credential.id}/${name}`,
            name: `${credential.name}: ${name}`,
          },
          message: `${credential.name} may use the sensitive scope ${name}, and nobody has consented to it.`,
          mend: `Have a person who answers for it consent to ${name} of ${credential.name}, or have the scope taken away.`,
        })),
    );
  },
  idle: ({ sensitiveScopes }) => (sensitiveScopes.length === 0 ? 'no scope is called sensitive' : undefined),
};
