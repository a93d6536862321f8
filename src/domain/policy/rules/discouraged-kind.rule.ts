import { controls } from '../frameworks.rules.ts';
import { subjectOf, words, type Rule } from './finding.rules.ts';

/** Delegated and short-lived access before static keys. */
export const discouragedKind: Rule = {
  name: 'discouraged-kind',
  title: 'Credentials are of a kind that the policy prefers',
  severity: 'warning',
  frameworks: controls('NHI4:2025', 'NHI7:2025', 'PR.AA-03', '5.17', 'CC6.1'),
  find(facts, limits) {
    return facts.credentials
      .filter(({ kind }) => limits.discouragedKinds.includes(kind))
      .map((credential) => ({
        subject: subjectOf('credential', credential),
        message: `${credential.name} is a ${words(credential.kind)}, which the policy discourages.`,
        mend: 'Use delegated access or a workload identity with short-lived tokens, if the supplier offers one.',
      }));
  },
  idle: (limits) => (limits.discouragedKinds.length === 0 ? 'no kind is discouraged' : undefined),
};
