import { controls } from '../frameworks.rules.ts';
import { lengthWords, subjectOf, words, type Rule, type RuleFinding } from './finding.rules.ts';

/** A long-lived static secret where access could be delegated, or proven by the workload itself for a short time. */
export const staticCredential: Rule = {
  name: 'static-credential',
  title: 'Delegated, short-lived access stands in place of long-lived static secrets',
  severity: 'warning',
  frameworks: controls('NHI4:2025', 'NHI7:2025', 'PR.AA-03', '5.17', 'CC6.1'),
  find(facts, limits) {
    return facts.credentials.flatMap((credential): RuleFinding[] => {
      const { kind, name, version } = credential;
      const instead = limits.delegatedAlternatives[kind];
      // A kind that is discouraged as such is a finding already.
      if (instead === undefined || version === null || limits.discouragedKinds.includes(kind)) return [];
      const from = version.issuedAt ?? version.activatedAt;
      const lives = version.expiresAt === null || from === null ? null : version.expiresAt - from;
      if (lives !== null && lives <= limits.staticAfter) return [];
      return [
        {
          subject: subjectOf('credential', credential),
          message: `${name} is a static ${words(kind)} that lives ${lives === null ? 'for ever' : `for ${lengthWords(lives)}`}.`,
          mend: `Use ${instead} in place of it, if the supplier offers that; else let it live for at most ${lengthWords(limits.staticAfter)}.`,
        },
      ];
    });
  },
  idle: (limits) =>
    Object.keys(limits.delegatedAlternatives).every((kind) => limits.discouragedKinds.includes(kind))
      ? 'no kind has a delegated alternative that is not discouraged as such'
      : undefined,
};
