import { controls } from '../frameworks.rules.ts';
import { subjectOf, type Rule } from './finding.rules.ts';

/** Each scope says why it is needed; one that cannot is removed. */
export const scopeJustification: Rule = {
  name: 'scope-justification',
  title: 'Each scope has a justification',
  severity: 'high',
  frameworks: controls('NHI5:2025', 'PR.AA-05', '5.18', 'CC6.3'),
  find(facts, limits) {
    if (!limits.justifyScopes) return [];
    return facts.credentials.flatMap((credential) =>
      credential.scopes
        .filter(({ justification }) => justification.trim() === '')
        .map((scope) => ({
          subject: { ...subjectOf('credential', credential), id: `${credential.id}/${scope.name}` },
          message: `Nobody has said why ${credential.name} needs the scope ${scope.name}.`,
          mend: `Justify the scope ${scope.name} in one sentence, or have it removed.`,
        })),
    );
  },
  idle: (limits) => (limits.justifyScopes ? undefined : 'justifyScopes is false'),
};
